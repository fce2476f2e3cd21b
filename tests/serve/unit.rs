//! `examples/seedbox/podseed.service`: systemd takes it, it shuts podseed in, and podseed can work inside.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::mp3;
use crate::support::world::World;

use super::house::ONE;

/// What `systemd-analyze security` gives at most; below 2 it says OK.
const MOST_EXPOSED: f64 = 1.5;

/// The system's resolver asks for the machine's addresses by this, to put the answers in order, and does without where it
/// may not.
const NEIGHBOURS: &str = "AF_NETLINK";

/// The unit with the program that is tested, in a folder of its own.
fn unit() -> (tempfile::TempDir, PathBuf, String) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/seedbox/podseed.service");
    let text = std::fs::read_to_string(example).unwrap();
    assert!(text.contains("ExecStart=/usr/local/bin/podseed "));
    let text = text.replace("/usr/local/bin/podseed", env!("CARGO_BIN_EXE_podseed"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("podseed.service");
    std::fs::write(&path, &text).unwrap();
    (folder, path, text)
}

/// What it prints; it must end well.
fn systemd_analyze(arguments: &[&str], unit: Option<&Path>) -> String {
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .args(unit)
        .env("NO_COLOR", "1")
        .env("SYSTEMD_PAGER", "")
        .output()
        .expect("this test needs systemd-analyze (Debian: systemd)");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout) + &text(&output.stderr)
}

/// The values of a key, in order.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit_and_little_that_it_leaves_open() {
    let (_folder, path, _) = unit();
    assert_eq!(systemd_analyze(&["verify", "--man=no"], Some(&path)), "");
    let report = systemd_analyze(&["security", "--offline=true", "--no-pager"], Some(&path));
    let overall = report.lines().find(|line| line.contains("Overall exposure level")).unwrap();
    let exposure: f64 = overall.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(exposure <= MOST_EXPOSED, "{report}");
}

#[test]
fn the_unit_starts_the_daemon_with_the_configuration_beside_it() {
    let (_folder, _, text) = unit();
    let program = format!("{} --config /etc/podseed/podseed.yaml daemon", env!("CARGO_BIN_EXE_podseed"));
    assert_eq!(values(&text, "ExecStart"), [program]);
    let state = format!("/var/lib/{}", values(&text, "StateDirectory")[0]);
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/seedbox/podseed.yaml");
    let config = std::fs::read_to_string(config).unwrap();
    assert!(config.contains(&format!("data_dir: {state} ")), "the service may write to {state} only");
    assert!(config.contains("/etc/podseed/podseed.yaml"));
}

/// The system calls in these groups and names, as systemd itself resolves them.
fn resolved(names: &str) -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for name in names.split_whitespace() {
        if !name.starts_with('@') {
            calls.insert(name.to_owned());
            continue;
        }
        let listed = systemd_analyze(&["syscall-filter", "--no-pager", name], None);
        let names =
            listed.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        calls.extend(resolved(&names.collect::<Vec<_>>().join(" ")));
    }
    calls
}

/// What the unit's filter lets through: each line adds, or with `~` takes away.
fn allowed(unit: &str) -> BTreeSet<String> {
    let mut allowed = resolved("@default");
    for line in values(unit, "SystemCallFilter") {
        match line.strip_prefix('~') {
            Some(names) => {
                let denied = resolved(names);
                allowed.retain(|call| !denied.contains(call));
            }
            None => allowed.extend(resolved(line)),
        }
    }
    allowed
}

/// A call as strace writes it: its name and the rest of the line.
fn call(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let (name, rest) = line.split_once('(')?;
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some((name, rest))
}

#[tokio::test]
async fn podseed_does_nothing_that_the_unit_forbids() {
    let world = World::new(
        "publish: {base_url: \"https://torrents.example.org/\", web_seed: true}\nlimits: {allow_private_addresses: true}\n",
    )
    .await;
    world.publish_with("<podcast:license>cc-by-4.0</podcast:license>", &[ONE]);
    world.origin.file("/one.mp3", mp3(300_000, 1));
    // By name, so that the resolver is part of it.
    let feed = world.origin.url_by_name("/feed.xml");
    let text = std::fs::read_to_string(world.path("podseed.yaml")).unwrap();
    let text = text.replace(world.origin.url("/feed.xml").as_str(), feed.as_str());
    std::fs::write(world.path("podseed.yaml"), text).unwrap();
    let trace = world.path("trace");
    let podseed = world.command(&["run", "--json"]);
    let status = Command::new("strace")
        .args(["--follow-forks", "--quiet=all", "--output"])
        .arg(&trace)
        .arg(podseed.get_program())
        .args(podseed.get_args())
        .current_dir(podseed.get_current_dir().unwrap())
        .env("HOME", world.path(""))
        .stdout(std::process::Stdio::null())
        .status()
        .expect("this test needs strace (Debian: strace)");
    assert!(status.success());
    let (_folder, _, unit) = unit();
    let allowed = allowed(&unit);
    let families = values(&unit, "RestrictAddressFamilies")[0];
    let trace = String::from_utf8_lossy(&std::fs::read(trace).unwrap()).into_owned();
    let data = world.path("data").display().to_string();
    let mut wrong = BTreeSet::new();
    for (name, rest) in trace.lines().filter_map(call) {
        let refused = !allowed.contains(name);
        let family = rest.split(',').next().unwrap_or_default();
        let foreign =
            name == "socket" && !families.split(' ').any(|allowed| allowed == family) && family != NEIGHBOURS;
        let executable = matches!(name, "mmap" | "mprotect") && rest.contains("PROT_WRITE|PROT_EXEC");
        let elsewhere = name == "openat"
            && ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|mode| rest.contains(mode))
            && rest.split('"').nth(1).is_some_and(|path| {
                path.starts_with('/')
                    && !path.starts_with(&data)
                    && !path.starts_with("/tmp/.")
                    && path != "/dev/null"
            });
        if refused || foreign || executable || elsewhere {
            wrong.insert(format!("{name}({rest}"));
        }
    }
    assert!(trace.lines().count() > 1000 && trace.contains("renameat2("), "the trace is of podseed's work");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
