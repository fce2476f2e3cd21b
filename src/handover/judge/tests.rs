use podseed_adapters::{Activity, TorrentStatus};

use super::*;
use crate::model::{InfoHashV1, InfoHashV2};

const NOW: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).unwrap()
}

fn v1(id: u8) -> InfoHashes {
    InfoHashes::V1(InfoHashV1([id; 20]))
}

/// One that the client has confirmed, the later the higher its number.
fn held(id: u8) -> Held {
    Held {
        info_hash: v1(id),
        name: format!("{id}.mp3"),
        state: PlacementState::Seeding,
        memory: Memory { added: true, verified: false, seeded: true },
        since: Some(at(-1_000_000 + i64::from(id) * 10_000)),
        confirmed: Some(at(-900)),
        lost: None,
    }
}

fn listed(id: u8, activity: Activity, complete: bool) -> Listed {
    let status = TorrentStatus {
        activity,
        complete,
        missing_bytes: if complete { 0 } else { 7 },
        save_path: None,
        uploaded_bytes: 5,
        error: None,
    };
    Listed { info_hash: v1(id), status, added: Some(NOW - 1_000_000) }
}

fn seeding(id: u8) -> Listed {
    listed(id, Activity::Seeding, true)
}

fn states(held: &[Held], listed: &[Listed]) -> Vec<Option<PlacementState>> {
    judge("nas", held, listed, at(0)).into_iter().map(|look| look.map(|look| look.state)).collect()
}

use PlacementState::{Checking, Failed, Missing, Pending, Seeding, Stopped, Waiting};

#[test]
fn what_is_listed_is_what_the_client_says() {
    let mut broken = listed(1, Activity::Stopped, false);
    broken.status.error = Some("no data found".to_owned());
    for (listed, expected) in [
        (seeding(1), Seeding),
        (listed(1, Activity::Checking(0.5), true), Checking),
        (listed(1, Activity::Stopped, true), Stopped),
        (listed(1, Activity::Stopped, false), Failed),
        (listed(1, Activity::Downloading, false), Waiting),
        (broken.clone(), Failed),
    ] {
        assert_eq!(states(&[held(1)], std::slice::from_ref(&listed)), [Some(expected)], "{listed:?}");
    }
    let look = judge("nas", &[held(1)], &[broken], at(0)).remove(0).unwrap();
    assert!(look.problem.unwrap().message.contains("no data found"));
}

#[test]
fn what_was_never_confirmed_is_left_to_the_hand_over_until_it_seeds() {
    let mut new = held(1);
    new.memory.seeded = false;
    new.state = Waiting;
    let stopped = listed(1, Activity::Stopped, true);
    assert_eq!(states(std::slice::from_ref(&new), &[stopped]), [None]);
    assert_eq!(states(std::slice::from_ref(&new), &[]), [None]);
    assert_eq!(states(&[new], &[seeding(1)]), [Some(Seeding)]);
}

#[test]
fn a_client_that_was_wiped_gets_everything_back_but_what_was_removed_before() {
    let mut removed = held(2);
    removed.state = Missing;
    assert_eq!(states(&[held(1), removed, held(3)], &[]), [Some(Pending), None, Some(Pending)]);
    let look = judge("nas", &[held(1)], &[], at(0)).remove(0).unwrap();
    assert_eq!((look.memory, look.problem), (Memory::default(), None));
}

#[test]
fn what_was_removed_stays_so_until_somebody_puts_it_back() {
    let ours = [held(1), held(2), held(3)];
    let looks = judge("nas", &ours, &[seeding(1), seeding(3)], at(0));
    let look = looks[1].clone().unwrap();
    let message = look.problem.unwrap().message;
    assert_eq!(look.state, Missing);
    assert!(message.contains("podseed forget") && message.contains("podseed retry"), "{message}");
    let mut removed = held(2);
    removed.state = Missing;
    assert_eq!(states(&[held(1), removed.clone()], &[seeding(1)]), [Some(Seeding), None]);
    assert_eq!(states(&[removed], &[seeding(2)]), [Some(Seeding)]);
}

#[test]
fn a_client_restored_from_an_older_backup_gets_the_newest_back() {
    let ours = [held(1), held(2), held(3)];
    assert_eq!(states(&ours, &[seeding(1), seeding(2)]), [Some(Seeding), Some(Seeding), Some(Pending)]);
}

#[test]
fn a_hybrid_is_found_by_the_half_that_the_client_knows() {
    let mut hybrid = held(1);
    hybrid.info_hash = InfoHashes::Hybrid(InfoHashV1([1; 20]), InfoHashV2([9; 32]));
    assert_eq!(states(&[hybrid], &[seeding(1)]), [Some(Seeding)]);
}

#[test]
fn a_torrent_of_two_shows_is_one_torrent_and_counts_once() {
    // Two of three torrents are there, however many shows the third one belongs to.
    let ours = [held(1), held(1), held(1), held(2), held(3)];
    let expected = [Some(Missing), Some(Missing), Some(Missing), Some(Seeding), Some(Seeding)];
    assert_eq!(states(&ours, &[seeding(2), seeding(3)]), expected);
}

#[test]
fn torrents_of_others_tell_only_whether_the_client_was_wiped() {
    // Another podseed on the same client: what ours had is gone, and given back once.
    let others = [seeding(7), seeding(8), seeding(9)];
    assert_eq!(states(&[held(1)], &others), [Some(Pending)]);
    let mut again = held(1);
    again.lost = Some(at(-3600));
    assert_eq!(states(std::slice::from_ref(&again), &others), [Some(Missing)]);
    let added_since = Listed { added: Some(NOW - 10), ..seeding(7) };
    assert_eq!(states(&[again], &[added_since]), [Some(Pending)]);
}
