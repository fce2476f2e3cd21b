//! Tests of [`super`].
#![expect(clippy::disallowed_methods, reason = "tests lay out files for the module under test")]

use std::os::unix::fs::symlink;

use tempfile::tempdir;

use super::*;
use std::os::unix::fs::PermissionsExt as _;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_atomic_write_replaces_and_leaves_nothing_beside_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("page.html");
    write_atomic(&path, b"old").unwrap();
    write_atomic(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["page.html"]);
}

#[test]
fn a_written_file_can_be_read_by_a_web_server() {
    let folder = tempdir().unwrap();
    let (written, ordinary) = (folder.path().join("written"), folder.path().join("ordinary"));
    write_atomic(&written, b"").unwrap();
    fs::write(&ordinary, b"").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&written), mode(&ordinary));
}

#[test]
fn what_a_crash_has_left_is_written_over() {
    let folder = tempdir().unwrap();
    for name in ["a.torrent".to_owned(), "ü".repeat(127)] {
        let path = folder.path().join(name);
        fs::write(temporary_name(&path), b"half of an older one").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn a_link_in_the_way_is_not_followed() {
    let folder = tempdir().unwrap();
    let (path, target) = (folder.path().join("a"), folder.path().join("target"));
    fs::write(&target, b"the user's").unwrap();
    std::os::unix::fs::symlink(&target, temporary_name(&path)).unwrap();
    assert!(write_atomic(&path, b"new").is_err());
    assert_eq!(fs::read(&target).unwrap(), b"the user's");
}

#[test]
fn a_final_name_is_never_taken_from_another_file() {
    let folder = tempdir().unwrap();
    let (partial, taken, free) =
        (folder.path().join("partial"), folder.path().join("taken"), folder.path().join("free"));
    fs::write(&partial, b"mine").unwrap();
    fs::write(&taken, b"theirs").unwrap();
    assert!(matches!(publish_no_replace(&partial, &taken), Err(Error::Exists { .. })));
    assert_eq!(fs::read(&taken).unwrap(), b"theirs");
    publish_no_replace(&partial, &free).unwrap();
    assert_eq!(names(folder.path()), ["free", "taken"]);
}

#[test]
fn a_crash_between_link_and_unlink_is_finished_later() {
    let folder = tempdir().unwrap();
    let (partial, final_name) = (folder.path().join("partial"), folder.path().join("final"));
    fs::write(&partial, b"mine").unwrap();
    fs::hard_link(&partial, &final_name).unwrap();
    publish_no_replace(&partial, &final_name).unwrap();
    assert_eq!(names(folder.path()), ["final"]);
}

#[test]
fn without_rename_flags_a_link_does_the_same() {
    let folder = tempdir().unwrap();
    let (partial, taken) = (folder.path().join("partial"), folder.path().join("taken"));
    fs::write(&partial, b"mine").unwrap();
    fs::write(&taken, b"theirs").unwrap();
    assert_eq!(link_and_unlink(&partial, &taken).unwrap_err().kind(), ErrorKind::AlreadyExists);
    fs::remove_file(&taken).unwrap();
    link_and_unlink(&partial, &taken).unwrap();
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    assert_eq!(names(folder.path()), ["taken"]);
}

#[test]
fn joined_paths_stay_below_their_root() {
    let root = Path::new("/data/media");
    assert_eq!(join_below(root, Path::new("show/a.mp3")).unwrap(), Path::new("/data/media/show/a.mp3"));
    for path in ["", "..", "../x", "show/../../x", "/etc/passwd", ".", "./x", "a/../b"] {
        assert!(matches!(join_below(root, Path::new(path)), Err(Error::Outside { .. })), "{path:?}");
    }
}

#[test]
fn links_and_pipes_do_not_lead_a_reader_astray() {
    let (folder, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
    let below = |name: &str| folder.path().join(name);
    fs::write(below("real.mp3"), b"x").unwrap();
    fs::write(elsewhere.path().join("secret"), b"x").unwrap();
    symlink(below("real.mp3"), below("inside.mp3")).unwrap();
    symlink(elsewhere.path().join("secret"), below("outside.mp3")).unwrap();
    symlink(elsewhere.path(), below("folder")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(below("pipe.mp3")).status().unwrap();
    assert!(made.success());

    assert!(open_below(folder.path(), &below("real.mp3")).is_ok());
    assert!(open_below(folder.path(), &below("inside.mp3")).is_ok());
    for path in ["outside.mp3", "folder/secret", "../x/../.."] {
        let error = open_below(folder.path(), &below(path)).unwrap_err();
        assert!(matches!(error, Error::Outside { .. } | Error::Io { .. }), "{path}: {error}");
    }
    assert!(matches!(open_below(folder.path(), &below("pipe.mp3")), Err(Error::NoFile { .. })));
    assert!(matches!(open_below(folder.path(), folder.path()), Err(Error::NoFile { .. })));
}

#[test]
fn a_partial_file_keeps_what_it_has_and_follows_no_link() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.part");
    open_partial(&path).unwrap().write_all(b"half").unwrap();
    assert_eq!(open_partial(&path).unwrap().metadata().unwrap().len(), 4);
    symlink(&path, folder.path().join("link")).unwrap();
    assert!(open_partial(&folder.path().join("link")).is_err());
}

#[test]
fn a_second_name_is_the_same_file_and_overwrites_nothing() {
    let folder = tempdir().unwrap();
    let [one, two, other] = ["one", "two", "other"].map(|name| folder.path().join(name));
    fs::write(&one, b"data").unwrap();
    fs::write(&other, b"data").unwrap();
    link_no_replace(&one, &two).unwrap();
    link_no_replace(&one, &two).unwrap();
    assert!(same_file(&one, &two));
    assert!(matches!(link_no_replace(&one, &other), Err(Error::Exists { .. })));
    assert!(!same_file(&one, &other));
    assert!(matches!(
        link_no_replace(&folder.path().join("none"), &folder.path().join("new")),
        Err(Error::Io { .. })
    ));
}

#[test]
fn a_data_folder_has_one_worker_and_names_it() {
    let folder = tempdir().unwrap();
    let lock = DataLock::take(folder.path()).unwrap();
    let error = DataLock::take(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Locked { holder: Some(pid), .. } if pid == std::process::id()), "{error}");
    drop(lock);
    assert!(DataLock::take(folder.path()).is_ok());
}

#[test]
fn free_space_is_asked_of_the_file_system() {
    let folder = tempdir().unwrap();
    assert!(free_space(folder.path()).unwrap() > 0);
    assert!(matches!(free_space(&folder.path().join("none")), Err(Error::Io { .. })));
}

#[test]
fn what_is_opened_beneath_a_folder_is_in_it_whatever_links_say() {
    let folder = tempdir().unwrap();
    let (inside, outside) = (folder.path().join("inside"), folder.path().join("outside"));
    std::fs::create_dir_all(inside.join("deep")).unwrap();
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(inside.join("deep/file"), "in").unwrap();
    std::fs::write(outside.join("file"), "out").unwrap();
    symlink(&outside, inside.join("folder-link")).unwrap();
    symlink(outside.join("file"), inside.join("file-link")).unwrap();
    let open = |path: &str| open_beneath(&inside, Path::new(path)).unwrap();
    assert!(open("deep/file").unwrap().metadata().unwrap().is_file());
    assert!(open("deep").unwrap().metadata().unwrap().is_dir());
    assert!(open("").unwrap().metadata().unwrap().is_dir());
    let long = "a".repeat(300);
    for path in [
        "folder-link/file",
        "file-link",
        "../outside/file",
        "/etc/passwd",
        "deep/file/x",
        "nothing",
        long.as_str(),
    ] {
        assert!(open(path).is_none(), "{path}");
    }
    // The folder itself may be named by a link; what it was a moment ago does not matter.
    symlink(&inside, folder.path().join("site")).unwrap();
    assert!(open_beneath(&folder.path().join("site"), Path::new("deep/file")).unwrap().is_some());
    assert!(open_beneath(&folder.path().join("gone"), Path::new("file")).unwrap().is_none());
}
