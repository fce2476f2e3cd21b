//! The starters themselves: every program starts, answers, and comes back.

use podseed_adapters::testing::{QBittorrent, RTorrent, Tracker, Transmission};
use podseed_adapters::{InfoHashV1, InfoHashes};

#[test]
fn transmission_starts_and_comes_back() {
    let mut transmission = Transmission::start().unwrap();
    transmission.stop();
    transmission.start_again().unwrap();
}

#[test]
fn qbittorrent_starts_and_comes_back() {
    let mut qbittorrent = QBittorrent::start().unwrap();
    qbittorrent.stop();
    qbittorrent.start_again().unwrap();
}

#[test]
fn rtorrent_starts_comes_back_and_answers_questions() {
    let mut rtorrent = RTorrent::start().unwrap();
    rtorrent.stop();
    rtorrent.start_again().unwrap();
    let unknown = InfoHashes::V1(InfoHashV1([7; 20]));
    assert_eq!(rtorrent.ask("d.name", &unknown).unwrap(), None);
    assert!(!rtorrent.is_seeding(&unknown).unwrap());
}

#[test]
fn the_tracker_starts() {
    let tracker = Tracker::start(&[InfoHashes::V1(InfoHashV1([7; 20]))]).unwrap();
    assert!(tracker.announce_url().starts_with("http://127.0.0.1:"));
}
