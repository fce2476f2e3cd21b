//! The store by itself: identity over polls, claims, what a crash leaves behind.

mod absences;
mod budget;
mod figures;
mod metrics;
mod open;
mod reconcile;
mod scans;
mod takedown;

use std::collections::HashSet;

use super::open::migrator;
use super::*;
use crate::model::{
    Enclosure, EnclosureId, Feed, FeedKind, InfoHashes, Item, MediaFile, PlacementId, PlacementJob,
    PlacementReport, PlacementState, Problem, Role, Stage,
};
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteSynchronous;

/// The first placement that may be taken, in its turn.
async fn claimed(store: &Store, pass: i64, until: Option<Timestamp>, client: &str) -> Option<PlacementJob> {
    store.claim_placement(pass, until, client, Queued::FIRST).await.unwrap().map(|(_, job)| job)
}

async fn empty() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.db")).await.unwrap();
    (dir, store)
}

pub(super) fn feed(items: &[(Option<&str>, &[&str])]) -> Feed {
    let enclosure = |url: &&str| Enclosure {
        url: (*url).to_owned(),
        media_type: None,
        length: None,
        role: Role::Enclosure,
    };
    let items = items.iter().map(|(guid, urls)| Item {
        guid: guid.map(str::to_owned),
        title: guid.unwrap_or_default().to_owned(),
        date: None,
        link: None,
        live: false,
        enclosures: urls.iter().map(enclosure).collect(),
        licence: None,
    });
    Feed {
        title: "Show".to_owned(),
        kind: FeedKind::Rss,
        link: None,
        language: None,
        description: None,
        author: None,
        image: None,
        items: items.collect(),
        warnings: Vec::new(),
        truncated: false,
        next_page: None,
        new_feed_url: None,
        licence: None,
        locked: false,
        blocked: false,
        poll_interval: None,
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Each a transaction by itself.
impl Store {
    async fn record_items(
        &self,
        show: ShowId,
        feed: &Feed,
        complete: bool,
        now: Timestamp,
    ) -> Result<Recorded> {
        let mut recording = self.recording().await?;
        let recorded = recording.record_items(show, feed, complete, now).await?;
        recording.commit().await.map(|()| recorded)
    }

    async fn items(&self, show: ShowId) -> Result<Vec<KnownItem>> {
        self.recording().await?.items(show).await
    }

    async fn record_verdicts(
        &self,
        show: ShowId,
        rules: &str,
        verdicts: &[Verdict],
        repeated: &HashSet<EnclosureId>,
    ) -> Result<u64> {
        let mut recording = self.recording().await?;
        let newly_wanted = recording.record_verdicts(show, rules, verdicts, repeated).await?;
        recording.commit().await.map(|()| newly_wanted)
    }
}

async fn want_all(store: &Store, show: ShowId) -> u64 {
    let verdicts: Vec<_> = store
        .items(show)
        .await
        .unwrap()
        .into_iter()
        .map(|known| Verdict { episode: known.episode, reason: String::new(), wanted: known.enclosures })
        .collect();
    store.record_verdicts(show, "all", &verdicts, &Default::default()).await.unwrap()
}

/// A show with everything in this feed wanted, in pass 1.
async fn show_in_pass(store: &Store, feed: &Feed) -> ShowId {
    let show = store.ensure_show("s", "https://f/").await.unwrap().id;
    store.record_items(show, feed, true, now()).await.unwrap();
    want_all(store, show).await;
    store.join_pass(show, 1).await.unwrap();
    show
}

#[tokio::test]
async fn one_url_in_two_items_is_one_enclosure() {
    let (_dir, store) = empty().await;
    let show = store.ensure_show("s", "https://f/").await.unwrap().id;
    let doc = feed(&[(Some("a"), &["https://h/1.mp3"]), (Some("b"), &["https://h/1.mp3"])]);
    assert_eq!(store.record_items(show, &doc, true, now()).await.unwrap().new_episodes, 2);
    assert_eq!(want_all(&store, show).await, 1);
    store.join_pass(show, 1).await.unwrap();
    assert!(store.claim_download(1, now(), true, &[], false).await.unwrap().is_some());
    assert!(store.claim_download(1, now(), true, &[], false).await.unwrap().is_none());
}

#[tokio::test]
async fn an_episode_that_takes_the_place_of_an_older_one_counts_as_newly_wanted() {
    let (_dir, store) = empty().await;
    let show = store.ensure_show("s", "https://f/").await.unwrap().id;
    let doc = feed(&[(Some("b"), &["https://h/2.mp3"]), (Some("a"), &["https://h/1.mp3"])]);
    store.record_items(show, &doc, true, now()).await.unwrap();
    let items = store.items(show).await.unwrap();
    for latest in [1, 0] {
        let verdict = |(index, known): (usize, &KnownItem)| Verdict {
            episode: known.episode,
            reason: String::new(),
            wanted: if index == latest { known.enclosures.clone() } else { Vec::new() },
        };
        let verdicts: Vec<_> = items.iter().enumerate().map(verdict).collect();
        assert_eq!(store.record_verdicts(show, "", &verdicts, &Default::default()).await.unwrap(), 1);
        assert_eq!(store.record_verdicts(show, "", &verdicts, &Default::default()).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_moved_host_adds_nothing() {
    let (_dir, store) = empty().await;
    let show = store.ensure_show("s", "https://f/").await.unwrap().id;
    store.record_items(show, &feed(&[(Some("a"), &["http://h/1.mp3"])]), true, now()).await.unwrap();
    want_all(&store, show).await;
    let moved = feed(&[(Some("a"), &["https://cdn/x/9.mp3?u=1"])]);
    for expected in [1, 0] {
        let recorded = store.record_items(show, &moved, true, now()).await.unwrap();
        assert_eq!((recorded.new_episodes, recorded.moved), (0, expected));
    }
    assert_eq!(want_all(&store, show).await, 0);
    store.join_pass(show, 1).await.unwrap();
    let job = store.claim_download(1, now(), true, &[], false).await.unwrap().unwrap();
    assert_eq!(job.enclosure.url, "https://cdn/x/9.mp3?u=1");
}

#[tokio::test]
async fn a_claim_that_died_is_claimed_again_by_the_next_pass_and_a_wait_is_kept() {
    let (_dir, store) = empty().await;
    let show = show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    assert!(store.claim_download(1, now(), false, &["h".to_owned()], false).await.unwrap().is_none());
    assert!(store.claim_download(1, now(), false, &[], false).await.unwrap().is_some());
    store.join_pass(show, 2).await.unwrap();
    let job = store.claim_download(2, now(), false, &[], false).await.unwrap().unwrap();
    let later = Timestamp::from_second(1_800_000_100).unwrap();
    let problem = Problem { message: "503".to_owned(), next_attempt: Some(later), asked_to_wait: true };
    let stage = store.record_failure(job.id, &problem).await.unwrap();
    assert_eq!(stage, Stage::Discovered);
    store.join_pass(show, 3).await.unwrap();
    assert!(store.claim_download(3, now(), false, &[], false).await.unwrap().is_none());
    assert!(store.claim_download(3, later, true, &[], false).await.unwrap().is_some());
}

#[tokio::test]
async fn a_retry_does_not_give_out_twice_what_a_pass_has_in_its_hands() {
    let (_dir, store) = empty().await;
    show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"]), (Some("b"), &["http://h/2.mp3"])])).await;
    let clients = ["nas".to_owned()];
    let first = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();
    let hash = InfoHashes::V1("0123456789012345678901234567890123456789".parse().unwrap());
    store.record_torrent(first.id, &hash, "magnet:", &clients).await.unwrap();
    let placement = claimed(&store, 1, None, "nas").await.unwrap();
    let second = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();

    let found = store.episodes_of_show("s").await.unwrap();
    assert_eq!(store.retry(&found, now()).await.unwrap(), 2);
    assert!(store.claim_download(1, now(), false, &[], false).await.unwrap().is_none());
    assert!(claimed(&store, 1, None, "nas").await.is_none());

    let problem = Problem { message: "no".to_owned(), next_attempt: None, asked_to_wait: false };
    store.record_failure(second.id, &problem).await.unwrap();
    let (state, memory) = (PlacementState::Failed, Default::default());
    let report = PlacementReport { state, memory, uploaded_bytes: None, problem: Some(problem) };
    store.record_placement(&placement, &report, now()).await.unwrap();
    store.retry(&found, now()).await.unwrap();
    assert!(store.claim_download(1, now(), false, &[], false).await.unwrap().is_some());
    assert!(claimed(&store, 1, None, "nas").await.is_some());
}

#[tokio::test]
async fn what_failed_at_a_client_that_has_left_the_configuration_is_no_failure_any_more() {
    let (_dir, store) = empty().await;
    let show =
        show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"]), (Some("b"), &["http://h/2.mp3"])]))
            .await;
    let hash = InfoHashes::V1("0123456789012345678901234567890123456789".parse().unwrap());
    for state in [PlacementState::Failed, PlacementState::Seeding] {
        let job = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();
        store.record_torrent(job.id, &hash, "magnet:", &["old".to_owned()]).await.unwrap();
        let placement = claimed(&store, 1, None, "old").await.unwrap();
        let report =
            PlacementReport { state, memory: Default::default(), uploaded_bytes: None, problem: None };
        store.record_placement(&placement, &report, now()).await.unwrap();
    }
    let totals = async || store.totals(1).await.unwrap().into_iter().collect::<Vec<_>>();
    store.ensure_placements(&[show], &["old".to_owned()]).await.unwrap();
    assert_eq!(totals().await, [(Stage::Seeding, 1), (Stage::Failed, 1)]);
    store.ensure_placements(&[show], &["new".to_owned()]).await.unwrap();
    assert_eq!(totals().await, [(Stage::TorrentReady, 1), (Stage::Seeding, 1)]);
    assert!(claimed(&store, 1, Some(now()), "new").await.is_some());
    store.ensure_placements(&[show], &[]).await.unwrap();
    assert_eq!(totals().await, [(Stage::TorrentReady, 1), (Stage::Seeding, 1)]);
}

#[tokio::test]
async fn what_an_episode_does_not_announce_any_more_is_not_fetched() {
    let (_dir, store) = empty().await;
    let show = store.ensure_show("s", "https://f/").await.unwrap().id;
    let both: &[&str] = &["http://h/1.mp3", "http://h/1.ogg"];
    for (urls, wanted) in [(both, 2), (&both[..1], 1), (both, 2), (&both[..1], 1), (&["http://h/2.mp3"], 1)] {
        store.record_items(show, &feed(&[(Some("a"), urls)]), true, now()).await.unwrap();
        want_all(&store, show).await;
        let managed = store.status(Some("s")).await.unwrap();
        assert_eq!(managed[0].episodes[0].enclosures.len(), wanted, "{urls:?}");
    }
    let urls: Vec<_> = store.known_urls(show).await.unwrap().into_iter().collect();
    assert!(!urls.contains(&"http://h/1.mp3".to_owned()), "it has moved: {urls:?}");
    // A vanished item is not a withdrawal.
    store.record_items(show, &feed(&[]), true, now()).await.unwrap();
    want_all(&store, show).await;
    assert_eq!(store.status(Some("s")).await.unwrap()[0].episodes[0].enclosures.len(), 1);
}

#[tokio::test]
async fn names_are_unique_in_a_show_whatever_their_case() {
    let (_dir, store) = empty().await;
    show_in_pass(&store, &feed(&[(Some("a"), &["http://h/A.mp3"]), (Some("b"), &["http://h/a.mp3"])])).await;
    let mut ids = Vec::new();
    while let Some(job) = store.claim_download(1, now(), true, &[], false).await.unwrap() {
        ids.push(job.id);
    }
    let fetched = |name: &str| MediaFile {
        name: name.to_owned(),
        length: 1,
        media_type: "audio/mpeg".to_owned(),
        etag: None,
        last_modified: None,
        sha256: None,
    };
    assert_eq!(store.record_fetched(ids[0], &fetched("A.mp3")).await.unwrap(), Ok(()));
    assert_eq!(
        store.record_fetched(ids[1], &fetched("a.mp3")).await.unwrap(),
        Err(NameTaken("a.mp3".to_owned()))
    );
    assert_eq!(store.record_fetched(ids[0], &fetched("A.mp3")).await.unwrap(), Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_take_turns() {
    let (_dir, store) = empty().await;
    let show = store.ensure_show("s", "https://f/").await.unwrap().id;
    store.record_items(show, &feed(&[(Some("a"), &["http://h/1.mp3"])]), true, now()).await.unwrap();
    let writers = (0..8).map(|pass| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                want_all(&store, show).await;
                store.join_pass(show, pass).await.unwrap();
                store.claim_download(pass, now(), true, &[], false).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn what_the_site_tells_makes_a_show_due_and_a_feed_that_says_the_same_does_not() {
    let (_dir, store) = empty().await;
    let items: [(Option<&str>, &[&str]); 2] = [(Some("b"), &["http://h/2.mp3"]), (Some("a"), &[])];
    let show = show_in_pass(&store, &feed(&items)).await;
    let job = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();
    let hash = InfoHashes::V1("0123456789012345678901234567890123456789".parse().unwrap());
    store.record_torrent(job.id, &hash, "magnet:", &[]).await.unwrap();
    let published = async || {
        let due = store.shows_to_publish().await.unwrap();
        for show in &due {
            let (files, podcast_feed) = (&[][..], false);
            let published = Published { show, files, episodes: 1, bytes: 1, newest: None, podcast_feed };
            store.record_published(&[published]).await.unwrap();
        }
        due.len()
    };
    assert_eq!(published().await, 1);
    let polled = async |items| {
        store.record_items(show, &feed(items), true, now()).await.unwrap();
        want_all(&store, show).await;
        published().await
    };
    assert_eq!(polled(&items).await, 0);
    // The older episode has the file now, too, and first.
    let both: [(Option<&str>, &[&str]); 2] = [items[0], (Some("a"), &["http://h/2.mp3"])];
    assert_eq!(polled(&both).await, 1);
    assert_eq!(polled(&both).await, 0);
}

#[tokio::test]
async fn who_looks_for_work_does_not_read_what_is_done() {
    let (_dir, store) = empty().await;
    let fetch = downloads::claim(1, now(), true, &["h".to_owned()], false);
    let place = placements::claim(1, Some(now()), "nas", Queued::FIRST);
    for (statement, index) in [
        (fetch.into_string(), "enclosures_to_fetch"),
        (place.into_string(), "placements_to_do"),
        (lasting::CLAIM_POLLS.to_owned(), "shows_to_poll"),
        (compare::CLAIM.to_owned(), "enclosures_to_compare"),
        (offers::CLAIM.to_owned(), "enclosures_offered"),
        (withdraw::claim(1, now(), false, "nas").into_string(), "placements_leaving"),
        (withdraw::to_delete(["nas".to_owned()].iter()).into_string(), "enclosures_to_delete"),
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                .fetch_all(&store.pool)
                .await
                .unwrap();
        let steps: Vec<_> = plan.into_iter().map(|(.., step)| step).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("ORDER BY")), "sorts: {steps:?}");
    }
}

#[tokio::test]
async fn a_revision_is_made_once_and_every_former_version_points_to_what_is_in_force() {
    let (_dir, store) = empty().await;
    let show = show_in_pass(&store, &feed(&[(Some("a"), &["https://h/1.mp3"])])).await;
    let first = store.claim_download(1, now(), true, &[], false).await.unwrap().unwrap().id;
    let second = store.revise(first, now()).await.unwrap();
    assert_eq!(store.revise(first, now()).await.unwrap(), second);
    let third = store.revise(second, now()).await.unwrap();
    let by: Vec<Option<i64>> = sqlx::query_scalar("SELECT replaced_by FROM enclosures ORDER BY id")
        .fetch_all(&store.pool)
        .await
        .unwrap();
    assert_eq!(by, [Some(third.0), Some(third.0), None]);
    // The next reading finds the one that is in force at the address, and makes no other.
    store.record_items(show, &feed(&[(Some("a"), &["https://h/1.mp3"])]), true, now()).await.unwrap();
    let known = store.items(show).await.unwrap();
    assert_eq!(known.iter().map(|known| known.enclosures.clone()).collect::<Vec<_>>(), [vec![third]]);
    let job = store.claim_download(1, now(), true, &[], false).await.unwrap().unwrap();
    assert_eq!((job.id, job.replaced), (third, false));
    assert!(
        store.claim_download(1, now(), true, &[], false).await.unwrap().is_none(),
        "former versions are not fetched"
    );
}

#[tokio::test]
async fn a_newer_state_is_refused_and_a_missing_one_is_named() {
    let (dir, store) = empty().await;
    let path = dir.path().join("state.db");
    sqlx::query("UPDATE _sqlx_migrations SET version = 99 WHERE version = 1")
        .execute(&store.pool)
        .await
        .unwrap();
    assert!(matches!(Store::open(&path).await, Err(Error::Newer { found: 99, .. })));
    assert!(matches!(Store::open_existing(&path).await, Err(Error::Newer { .. })));
    let missing = dir.path().join("none.db");
    assert!(matches!(Store::open_existing(&missing).await, Err(Error::Missing { .. })));
    assert!(!missing.exists());
}
