//! What becomes of files that change: renamed, replaced, touched, deleted, unfinished, or away with their disk.

use std::io::Write as _;

use super::{Inbox, put};
use crate::support::mp3;

#[tokio::test]
async fn a_renamed_file_is_the_same_episode_with_a_torrent_under_its_new_name() {
    let inbox = Inbox::new("permission: own work", "").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.run(0);
    let before = inbox.episode("a.mp3");
    std::fs::rename(inbox.path("a.mp3"), inbox.path("b.mp3")).unwrap();
    let run = inbox.run(0);
    assert_eq!((run["new_episodes"].as_u64(), run["torrents_made"].as_u64()), (Some(0), Some(1)), "{run}");
    let after = inbox.episode("b.mp3");
    assert_eq!((&after["guid"], &after["date"]), (&before["guid"], &before["date"]));
    assert_eq!(inbox.shared(), ["b.mp3"]);
    assert_eq!(inbox.check_torrents(), 1);
    // And back: the name of the former version is free again.
    std::fs::rename(inbox.path("b.mp3"), inbox.path("a.mp3")).unwrap();
    inbox.run(0);
    assert_eq!(inbox.shared(), ["a.mp3"]);
    assert_eq!(inbox.check_torrents(), 1);
}

#[tokio::test]
async fn a_copy_that_takes_the_place_of_a_deleted_file_is_known_by_its_bytes() {
    let inbox = Inbox::new("permission: own work", "").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.run(0);
    let guid = inbox.episode("a.mp3")["guid"].clone();
    // As on file systems that number their files anew: another file with another date.
    inbox.put("b.mp3", &mp3(5000, 1));
    std::fs::remove_file(inbox.path("a.mp3")).unwrap();
    let run = inbox.run(0);
    assert_eq!(run["new_episodes"], 0, "{run}");
    assert_eq!(inbox.episode("b.mp3")["guid"], guid);
}

#[tokio::test]
async fn files_that_change_places_keep_their_episodes() {
    let inbox = Inbox::new("permission: own work", "").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.put("b.mp3", &mp3(5000, 2));
    inbox.run(0);
    let (a, b) = (inbox.episode("a.mp3")["guid"].clone(), inbox.episode("b.mp3")["guid"].clone());
    std::fs::rename(inbox.path("a.mp3"), inbox.path("c")).unwrap();
    std::fs::rename(inbox.path("b.mp3"), inbox.path("a.mp3")).unwrap();
    std::fs::rename(inbox.path("c"), inbox.path("b.mp3")).unwrap();
    inbox.run(0);
    assert_eq!((&inbox.episode("a.mp3")["guid"], &inbox.episode("b.mp3")["guid"]), (&b, &a));
    assert_eq!(inbox.check_torrents(), 2);
}

#[tokio::test]
async fn a_replaced_file_is_a_new_version_of_its_episode_and_a_touched_one_is_nothing() {
    let inbox = Inbox::new("permission: own work", "").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.run(0);
    let before = inbox.episode("a.mp3");
    let hash = inbox.info_hash("a.mp3");

    let file = std::fs::File::options().write(true).open(inbox.path("a.mp3")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000))
        .unwrap();
    drop(file);
    let run = inbox.run(0);
    assert_eq!(run["torrents_made"], 0, "{run}");
    assert_eq!(inbox.info_hash("a.mp3"), hash);

    // Of the same length, and of another.
    for (length, seed) in [(5000, 2), (7000, 3)] {
        inbox.put("a.mp3", &mp3(length, seed));
        let run = inbox.run(0);
        assert_eq!(
            (run["new_episodes"].as_u64(), run["torrents_made"].as_u64()),
            (Some(0), Some(1)),
            "{run}"
        );
        let after = inbox.episode("a.mp3");
        assert_eq!(after["guid"], before["guid"]);
        assert_eq!(inbox.shared(), ["a.mp3"]);
        assert_eq!(inbox.check_torrents(), 1);
    }
    assert_ne!(inbox.info_hash("a.mp3"), hash);
}

#[tokio::test]
async fn a_deleted_file_is_withdrawn_and_returns_as_the_same_episode() {
    let inbox = Inbox::new("permission: own work", "").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.put("b.mp3", &mp3(5000, 2));
    inbox.run(0);
    let page = || std::fs::read_to_string(inbox.world.path("data/site/own/index.html")).unwrap();
    assert!(page().contains("a.mp3"));
    let guid = inbox.episode("a.mp3")["guid"].clone();
    let kept = inbox.world.path("kept.mp3");
    std::fs::rename(inbox.path("a.mp3"), &kept).unwrap();
    inbox.run(0);
    assert_eq!(inbox.shared(), ["b.mp3"]);
    assert!(!page().contains("a.mp3"), "the page still offers what is gone");
    std::fs::rename(&kept, inbox.path("a.mp3")).unwrap();
    inbox.run(0);
    assert_eq!(inbox.shared(), ["a.mp3", "b.mp3"]);
    assert_eq!(inbox.episode("a.mp3")["guid"], guid);
    assert!(page().contains("a.mp3"));
}

#[tokio::test]
async fn a_disk_that_is_not_mounted_changes_nothing_and_is_said() {
    let inbox = Inbox::new("permission: own work", "").await;
    for number in 0..6 {
        inbox.put(&format!("{number}.mp3"), &mp3(4000, number));
    }
    inbox.run(0);
    let away = inbox.world.path("away");
    for is_there in [false, true] {
        std::fs::rename(inbox.path(""), &away).unwrap();
        if is_there {
            std::fs::create_dir(inbox.path("")).unwrap();
        }
        let run = inbox.run(3);
        assert_eq!(inbox.shared().len(), 6, "{run}");
        let error = inbox.world.status()["shows"][0]["error"].as_str().unwrap().to_owned();
        assert!(error.contains("nothing of it") || error.contains("not mounted"), "{error}");
        if is_there {
            std::fs::remove_dir(inbox.path("")).unwrap();
        }
        std::fs::rename(&away, inbox.path("")).unwrap();
    }
    let run = inbox.run(0);
    assert_eq!((run["torrents_made"].as_u64(), inbox.shared().len()), (Some(0), 6), "{run}");
    assert_eq!(inbox.world.status()["shows"][0]["error"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_file_that_somebody_still_writes_is_left_alone_until_it_is_complete() {
    let inbox = Inbox::new("permission: own work", "").await;
    let whole = mp3(50_000, 1);
    let mut writer = std::fs::File::create(inbox.path("slow.mp3")).unwrap();
    writer.write_all(&whole[..20_000]).unwrap();
    inbox.put("other.mp3", &mp3(5000, 2));
    inbox.put("named.mp3.part", &whole);
    inbox.run(0);
    assert_eq!(inbox.shared(), ["other.mp3"]);
    writer.write_all(&whole[20_000..]).unwrap();
    drop(writer);
    std::fs::rename(inbox.path("named.mp3.part"), inbox.path("named.mp3")).unwrap();
    inbox.run(0);
    assert_eq!(inbox.shared(), ["named.mp3", "other.mp3", "slow.mp3"]);
    assert_eq!(inbox.check_torrents(), 3);
}

#[tokio::test]
async fn a_version_that_is_still_being_written_withdraws_the_old_one_at_once() {
    let inbox = Inbox::new("permission: own work", "").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.put("b.mp3", &mp3(5000, 2));
    inbox.run(0);
    let whole = mp3(60_000, 3);
    let mut writer = std::fs::File::create(inbox.path("a.mp3")).unwrap();
    writer.write_all(&whole[..30_000]).unwrap();
    put(&inbox.path("b.mp3"), &mp3(6000, 4));
    inbox.run(0);
    assert_eq!(inbox.shared(), ["b.mp3"]);
    writer.write_all(&whole[30_000..]).unwrap();
    drop(writer);
    inbox.run(0);
    assert_eq!(inbox.shared(), ["a.mp3", "b.mp3"]);
    assert_eq!(inbox.check_torrents(), 2);
}

#[tokio::test]
async fn killed_anywhere_the_next_run_ends_where_an_undisturbed_one_does() {
    let inbox = Inbox::new("permission: own work", "").await;
    for number in 0..40 {
        inbox.put(&format!("{number:02}.mp3"), &mp3(400_000, number));
    }
    let before = inbox.untouched();
    for lines in [1, 5, 20, 60] {
        let (mut child, mut said) = inbox.world.start();
        let _ = said.by_ref().take(lines).count();
        child.kill().unwrap();
        child.wait().unwrap();
    }
    std::fs::rename(inbox.path("03.mp3"), inbox.path("three.mp3")).unwrap();
    inbox.put("04.mp3", &mp3(300_000, 99));
    let (mut child, mut said) = inbox.world.start();
    let _ = said.next();
    child.kill().unwrap();
    child.wait().unwrap();
    inbox.run(0);
    assert_eq!((inbox.check_torrents(), inbox.shared().len()), (40, 40));
    let after = inbox.untouched();
    let same = before.iter().filter(|(path, file)| after.get(*path) == Some(*file)).count();
    assert_eq!(same, 38, "only the two that the user has changed himself are others");
}
