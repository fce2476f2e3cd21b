//! `podseed torrent` as its user sees it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::Parser;
use podseed::cli::torrent::{Error, Outcome, TorrentCommand, run};
use podseed::torrent::parse;
use serde_json::{Value, json};

use super::{sample, write};

#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: TorrentCommand,
}

fn try_torrent(arguments: &[&str], json: bool) -> (Result<Outcome, Error>, String) {
    let program = Program::try_parse_from(["torrent"].iter().chain(arguments)).unwrap();
    let mut out = Vec::new();
    let outcome = run(&program.command, json, &mut out);
    (outcome, String::from_utf8(out).unwrap())
}

fn torrent(arguments: &[&str]) -> String {
    let (outcome, out) = try_torrent(arguments, false);
    assert!(matches!(outcome.unwrap(), Outcome::Done), "{out}");
    out
}

fn torrent_json(arguments: &[&str]) -> Value {
    let (outcome, out) = try_torrent(arguments, true);
    assert!(matches!(outcome.unwrap(), Outcome::Done), "{out}");
    serde_json::from_str(&out).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn create_show_and_verify_agree() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("a b.mp3"), root.path().join("a.torrent"));
    write(&data, &sample(100_000, 0));
    let created = torrent_json(&[
        "create",
        text(&data),
        "--output",
        text(&file),
        "--version",
        "hybrid",
        "--piece-length",
        "32 KiB",
        "--tracker",
        "udp://a.invalid:1,http://b.invalid/x",
        "--tracker",
        "https://c.invalid/announce",
        "--web-seed",
        "https://example.invalid/a%20b.mp3",
        "--private",
        "--source",
        "S",
        "--comment",
        "C",
        "--creation-date",
        "2026-11-22",
    ]);
    let shown = torrent_json(&["show", text(&file)]);
    let expected = json!({
        "name": "a b.mp3", "length": 100_000,
        "files": [{ "path": "a b.mp3", "length": 100_000 }],
        "piece_length": 32_768, "pieces": 4, "version": "hybrid",
        "info_hash": created["info_hash"],
        "private": true,
        "announce": [["udp://a.invalid:1", "http://b.invalid/x"], ["https://c.invalid/announce"]],
        "web_seeds": ["https://example.invalid/a%20b.mp3"],
        "comment": "C", "created_by": "podseed", "creation_date": "2026-11-22T00:00:00Z",
        "magnet": created["magnet"],
    });
    assert_eq!(shown, expected);
    assert_eq!(created["torrent"], text(&file));
    let out = torrent(&["show", text(&file)]);
    for part in [
        "a b.mp3",
        "97.7 KiB (100000 bytes)",
        "4 of 32 KiB",
        "udp://a.invalid:1, http://b.invalid/x (tier 1)",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let good = format!("{} is good: 1 file, 4 pieces, 97.7 KiB\n", data.display());
    assert_eq!(torrent(&["verify", text(&file), text(&data)]), good);
    assert_eq!(torrent(&["verify", text(&file), text(root.path())]), good);
}

#[test]
fn the_same_command_makes_the_same_file_again() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("show");
    write(&data.join("b"), &sample(70_000, 0));
    write(&data.join("a/c"), &sample(10, 1));
    let [one, two] = ["1.torrent", "2.torrent"].map(|name| root.path().join(name));
    torrent(&["create", text(&data), "-o", text(&one)]);
    torrent(&["create", text(&data), "-o", text(&two)]);
    torrent(&["create", text(&data), "-o", text(&two)]);
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    assert_eq!(torrent_json(&["show", text(&one)])["creation_date"], Value::Null);
}

#[test]
fn another_torrent_is_never_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("a.mp3"), root.path().join("a.mp3.torrent"));
    write(&data, b"one");
    torrent(&["create", text(&data), "-o", text(root.path())]);
    let first = std::fs::read(&file).unwrap();
    write(&data, b"two");
    let (outcome, out) = try_torrent(&["create", text(&data), "-o", text(root.path())], false);
    assert!(matches!(&outcome, Err(Error::Exists(path)) if *path == file), "{outcome:?}");
    assert_eq!((std::fs::read(&file).unwrap(), out.as_str()), (first, ""));
}

#[test]
fn each_goes_on_past_what_is_no_file() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("episodes");
    write(&data.join("1.mp3"), b"one");
    std::os::unix::fs::symlink(root.path(), data.join("0-folder")).unwrap();
    std::os::unix::fs::symlink("nowhere", data.join("2-nowhere")).unwrap();
    write(&data.join(OsStr::from_bytes(b"3\xff.mp3")), b"three");
    let (outcome, out) = try_torrent(&["create", "--each", text(&data), "-o", text(root.path())], true);
    let Ok(Outcome::SomeFailed(failed)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failed.len(), 3, "{failed:?}");
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["torrents"][0]["torrent"], text(&root.path().join("1.mp3.torrent")));
}

#[test]
fn each_makes_one_torrent_per_file_and_leaves_its_own_output_alone() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("episodes");
    for (path, bytes) in
        [("1.mp3", "one"), ("old/2.mp3", "two"), (".hidden/x", "x"), ("old/.y", "y"), ("0.mp3", "")]
    {
        write(&data.join(path), bytes.as_bytes());
    }
    for _ in 0..2 {
        let arguments =
            ["create", "--each", text(&data), "-o", text(&data), "--web-seed", "http://h.invalid/"];
        let (outcome, out) = try_torrent(&arguments, true);
        let Ok(Outcome::SomeFailed(failed)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(failed.len(), 1);
        let out: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out["torrents"][0]["torrent"], text(&data.join("1.mp3.torrent")));
        assert_eq!(out["torrents"][1]["torrent"], text(&data.join("old/2.mp3.torrent")));
        assert_eq!(out["torrents"].as_array().unwrap().len(), 2);
        let empty = format!("{} is empty: a torrent needs at least one byte", data.join("0.mp3").display());
        assert_eq!(out["failed"], json!([empty]));
    }
    let made = parse(&std::fs::read(data.join("old/2.mp3.torrent")).unwrap()).unwrap();
    assert_eq!((made.name.as_str(), made.web_seeds), ("2.mp3", vec!["http://h.invalid/".to_owned()]));
}

#[test]
fn verify_names_files_and_pieces_and_ends_badly() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("show"), root.path().join("show.torrent"));
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        write(&data.join(name), &sample(200_000, seed));
    }
    torrent(&["create", text(&data), "-o", text(&file), "--version", "v2", "--piece-length", "16KiB"]);
    let mut bad = sample(200_000, 1);
    for position in [0, 20_000, 40_000, 199_999] {
        bad[position] ^= 1;
    }
    write(&data.join("a"), &bad);
    std::fs::remove_file(data.join("b")).unwrap();
    let (outcome, out) = try_torrent(&["verify", text(&file), text(&data)], false);
    assert!(matches!(outcome, Ok(Outcome::Bad)), "{outcome:?}");
    let expected = format!(
        "{} is bad in 17 of 39 pieces:\n  a: pieces 0-2, 12\n  b: missing, pieces 13-25\n",
        data.display()
    );
    assert_eq!(out, expected);
    let (_, out) = try_torrent(&["verify", text(&file), text(&data)], true);
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&out["good"], &out["pieces"]), (&json!(false), &json!(39)));
    assert_eq!(
        out["files"][0],
        json!({ "path": "a", "length": 200_000, "state": "bad", "bad_pieces": [0, 1, 2, 12] })
    );
    assert_eq!((&out["files"][1]["state"], &out["files"][2]["state"]), (&json!("missing"), &json!("good")));
}

#[test]
fn a_bad_v1_piece_over_several_files_is_explained() {
    let root = tempfile::tempdir().unwrap();
    let (data, file) = (root.path().join("show"), root.path().join("show.torrent"));
    write(&data.join("a"), b"aaa");
    write(&data.join("b"), b"bbb");
    torrent(&["create", text(&data), "-o", text(&file)]);
    write(&data.join("b"), b"bxb");
    let (_, out) = try_torrent(&["verify", text(&file), text(&data)], false);
    let expected = format!(
        "{} is bad in 1 of 1 piece:\n  a: piece 0\n  b: piece 0\n  \
         (a v1 piece may hold bytes of several files: not all of those named need be bad)\n",
        data.display()
    );
    assert_eq!(out, expected);
}

#[test]
fn what_could_move_the_cursor_is_not_printed() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("evil.torrent");
    let name = "\x1b[2Ja\u{202e}3pm.exe";
    let info = format!(
        "d6:lengthi1e4:name{}:{name}12:piece lengthi65536e6:pieces20:aaaaaaaaaaaaaaaaaaaae",
        name.len()
    );
    write(&file, format!("d7:comment4:\x1b]0;4:info{info}e").as_bytes());
    let out = torrent(&["show", text(&file)]);
    assert!(!out.contains(['\x1b', '\u{202e}']), "{out:?}");
    assert!(out.contains("\u{fffd}[2Ja\u{fffd}3pm.exe"), "{out:?}");
}

#[test]
fn paths_that_are_no_text_are_no_obstacle() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(OsStr::from_bytes(b"\xff\xfe"));
    write(&folder.join("a.mp3"), &sample(10, 0));
    let (data, file) = (folder.join("a.mp3"), folder.join("a.torrent"));
    let run_json = |arguments: [&OsStr; 4]| {
        let program = Program::try_parse_from([OsStr::new("torrent")].iter().chain(&arguments)).unwrap();
        let mut out = Vec::new();
        assert!(matches!(run(&program.command, true, &mut out), Ok(Outcome::Done)));
        serde_json::from_slice::<Value>(&out).unwrap()
    };
    let output = [OsStr::new("-o"), file.as_os_str()];
    run_json([OsStr::new("create"), data.as_os_str(), output[0], output[1]]);
    let verified = run_json([OsStr::new("verify"), OsStr::new("--"), file.as_os_str(), data.as_os_str()]);
    assert_eq!(verified["good"], true);
    let error = try_torrent(&["create", text(root.path())], false).0.unwrap_err().to_string();
    assert!(error.ends_with("is not UTF-8; rename it first"), "{error}");
}

#[test]
fn arguments_that_cannot_be_meant_are_refused() {
    for arguments in [
        ["create", "a", "--piece-length", "48 KiB"],
        ["create", "a", "--piece-length", "32 MiB"],
        ["create", "a", "--piece-length", "65536"],
        ["create", "a", "--tracker", "tracker.example.org"],
        ["create", "a", "--tracker", "udp://a.invalid:1,"],
        ["create", "a", "--web-seed", "file:///etc/passwd"],
        ["create", "a", "--version", "3"],
        ["create", "a", "--creation-date", "yesterday"],
    ] {
        assert!(Program::try_parse_from(["torrent"].iter().chain(&arguments)).is_err(), "{arguments:?}");
    }
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("show/a"), b"a");
    let show = root.path().join("show");
    let elsewhere = root.path().join("x.torrent");
    let usage = |arguments: &[&str]| {
        let (outcome, _) = try_torrent(&[&["create"], arguments].concat(), false);
        assert!(matches!(outcome, Err(Error::Usage(_))), "{arguments:?}: {outcome:?}");
    };
    usage(&[text(&show), "-o", text(&elsewhere), "--web-seed", "http://a.invalid/show"]);
    usage(&[text(&show), "-o", text(&show.join("show.torrent"))]);
    usage(&["--each", text(&show), "-o", text(root.path()), "--web-seed", "http://a.invalid/a"]);
    usage(&["--each", text(&show.join("a")), "-o", text(root.path())]);
}

#[test]
fn what_cannot_be_a_torrent_is_said_with_its_name() {
    let root = tempfile::tempdir().unwrap();
    let (empty, missing) = (root.path().join("empty"), root.path().join("missing"));
    write(&empty, b"");
    std::fs::create_dir(root.path().join("folder")).unwrap();
    std::os::unix::fs::symlink("..", root.path().join("folder/loop")).unwrap();
    for (path, message) in [
        (empty.clone(), "is empty: a torrent needs at least one byte"),
        (missing.clone(), "cannot read"),
        (root.path().join("folder"), "folder/loop is neither a file nor a folder"),
    ] {
        let error = try_torrent(&["create", text(&path)], false).0.unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(text(&path)), "{error}");
    }
    for (path, message) in [(empty, "cannot be used as a torrent"), (missing, "cannot read")] {
        let error = try_torrent(&["show", text(&path)], false).0.unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(text(&path)), "{error}");
    }
}
