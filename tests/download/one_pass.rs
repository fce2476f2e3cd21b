//! What a fetched file costs the disk, as the system sees it: every byte is written once, and none is read again.

use std::process::Command;

use crate::support::world::{Item, World};
use crate::support::{Fault, mp3};

/// What is written at a time.
const WRITE: usize = 256 << 10;

/// Calls that read and write, of the whole process.
const CALLS: &str = "trace=read,readv,pread64,preadv,preadv2,mmap,sendfile,splice,copy_file_range,\
                     write,writev,pwrite64,pwritev,pwritev2";

/// Runs the program, and gives its calls on files of media.
fn calls(world: &World) -> Vec<String> {
    let trace = world.path("trace");
    let podseed = world.command(&["run", "--all"]);
    let ran = Command::new("strace")
        .args(["--follow-forks", "--quiet=all", "--decode-fds=path", "-e", CALLS, "--output"])
        .arg(&trace)
        .arg(podseed.get_program())
        .args(podseed.get_args())
        .current_dir(world.path(""))
        .env("HOME", world.path(""))
        .output()
        .expect("this test needs strace (Debian: strace)");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let trace = String::from_utf8_lossy(&std::fs::read(trace).unwrap()).into_owned();
    let of_media = |line: &&str| line.contains("/data/media/") && !line.contains(".json");
    trace.lines().filter(of_media).map(str::to_owned).collect()
}

#[tokio::test]
async fn each_quarter_of_a_megabyte_is_written_once_and_nothing_is_read_again() {
    for (version, fault) in [("v1", None), ("hybrid", None), ("v1", Some(Fault::Chunked))] {
        let world = World::new(&format!("torrent: {{version: {version}, web_seeds: never}}\n")).await;
        let length = 20 * WRITE + 1;
        world.origin.file("/one.mp3", mp3(length, 1));
        world.publish(&[Item { guid: "g1", title: "One", enclosure: "/one.mp3" }]);
        if let Some(fault) = fault {
            world.origin.fault("/one.mp3", fault);
        }
        let calls = calls(&world);
        let (writes, others): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.contains("write"));
        assert_eq!(writes.len(), length.div_ceil(WRITE), "{version}: {writes:#?}");
        assert_eq!(others, Vec::<&String>::new(), "{version}: read again");
        assert_eq!(world.origin.requests_for("/one.mp3").len(), 1, "{version}");
    }
}
