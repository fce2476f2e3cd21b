//! What was taken down, beside a pass that is at work.

use super::*;

const HASH: &str = "0123456789012345678901234567890123456789";

fn show() -> Takedown {
    Takedown { shows: vec!["s".to_owned()], episodes: Vec::new() }
}

async fn episode(store: &Store, title: &str) -> Takedown {
    Takedown { shows: Vec::new(), episodes: store.find_episodes(title).await.unwrap() }
}

async fn stages(store: &Store) -> Vec<Stage> {
    let shows = store.status(Some("s")).await.unwrap();
    let enclosures = shows[0].episodes.iter().flat_map(|episode| &episode.enclosures);
    enclosures.map(|enclosure| enclosure.stage).collect()
}

#[tokio::test]
async fn what_is_taken_down_while_its_torrent_is_made_is_not_handed_over() {
    let (_dir, store) = empty().await;
    show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    let job = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();
    assert_eq!(store.withdraw(&show(), false, now()).await.unwrap(), 1);
    let hash = InfoHashes::V1(HASH.parse().unwrap());
    store.record_downloaded(job.id).await.unwrap();
    store.record_torrent(job.id, &hash, "magnet:", &["nas".to_owned()]).await.unwrap();
    assert_eq!(stages(&store).await, [Stage::Withdrawn]);
    assert!(claimed(&store, 1, None, "nas").await.is_none());
    // It was never there, so there is nothing to remove: this pass and the next go on.
    assert_eq!(store.claim_removal(1, now(), false, "nas").await.unwrap(), None);
}

#[tokio::test]
async fn a_show_that_comes_back_leaves_what_was_taken_down_by_itself() {
    let (_dir, store) = empty().await;
    show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"]), (Some("b"), &["http://h/2.mp3"])])).await;
    let one = episode(&store, "a").await;
    assert_eq!(store.withdraw(&one, false, now()).await.unwrap(), 1);
    assert_eq!(store.withdraw(&show(), false, now()).await.unwrap(), 1, "the other one");
    assert_eq!(stages(&store).await, [Stage::Withdrawn, Stage::Withdrawn]);
    assert_eq!(store.readmit(&show(), now()).await.unwrap(), 1);
    assert_eq!(stages(&store).await, [Stage::Withdrawn, Stage::Discovered]);
    assert_eq!(store.readmit(&one, now()).await.unwrap(), 1);
    assert_eq!(stages(&store).await, [Stage::Discovered, Stage::Discovered]);
}

#[tokio::test]
async fn a_takedown_twice_is_one_and_the_second_may_still_ask_for_the_data() {
    let (_dir, store) = empty().await;
    show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    for (delete_data, done) in [(false, 1), (false, 0), (true, 1), (true, 0), (false, 0)] {
        assert_eq!(store.withdraw(&show(), delete_data, now()).await.unwrap(), done, "{delete_data}");
    }
}

#[tokio::test]
async fn a_retry_does_not_bring_back_what_was_taken_down() {
    let (_dir, store) = empty().await;
    show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    let job = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();
    let hash = InfoHashes::V1(HASH.parse().unwrap());
    store.record_torrent(job.id, &hash, "magnet:", &["nas".to_owned()]).await.unwrap();
    store.withdraw(&show(), false, now()).await.unwrap();
    let found = store.episodes_of_show("s").await.unwrap();
    assert_eq!(store.retry(&found, now()).await.unwrap(), 0);
    assert!(
        store.claim_removal(1, now(), false, "nas").await.unwrap().is_some(),
        "it is taken out all the same"
    );
    assert_eq!(stages(&store).await, [Stage::Withdrawn]);
}

#[tokio::test]
async fn what_takes_the_place_of_something_taken_down_is_taken_down_too() {
    let (_dir, store) = empty().await;
    show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    let job = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();
    let hash = InfoHashes::V1(HASH.parse().unwrap());
    store.record_torrent(job.id, &hash, "magnet:", &[]).await.unwrap();
    store.withdraw(&show(), false, now()).await.unwrap();
    // A look that was under way meanwhile has found another file, or the publisher's torrent.
    let new = store.revise(job.id, now()).await.unwrap();
    assert!(store.claim_download(2, now(), false, &[], false).await.unwrap().is_none());
    let clients = ["nas".to_owned()];
    let official =
        OfficialTorrent { file: "his.mp3", info_hash: &hash, magnet: "magnet:", clients: &clients };
    store.record_official(new, &official, now()).await.unwrap().unwrap();
    assert!(claimed(&store, 1, None, "nas").await.is_none());
    assert!(stages(&store).await.iter().all(|stage| *stage == Stage::Withdrawn));
}
