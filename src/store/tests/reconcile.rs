//! What clients say when they are asked again, as it is recorded.

use super::super::*;
use super::{claimed, empty, feed, now, show_in_pass};
use crate::model::{EnclosureId, InfoHashes, Memory, PlacementReport, PlacementState, Problem, Stage};
use jiff::Timestamp;

/// So many enclosures that seed at one client since `now`.
async fn seeding(store: &Store, count: usize) -> Vec<EnclosureId> {
    let urls: Vec<String> = (0..count).map(|index| format!("https://h/{index}.mp3")).collect();
    let lists: Vec<[&str; 1]> = urls.iter().map(|url| [url.as_str()]).collect();
    let items: Vec<_> = urls.iter().zip(&lists).map(|(url, list)| (Some(url.as_str()), &list[..])).collect();
    show_in_pass(store, &feed(&items)).await;
    let mut ids = Vec::new();
    for index in 0..count {
        let job = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();
        let hash = InfoHashes::V1(format!("{index:040}").parse().unwrap());
        store.record_torrent(job.id, &hash, "magnet:", &["nas".to_owned()]).await.unwrap();
        let placement = claimed(store, 1, None, "nas").await.unwrap();
        store.record_placement(&placement, &report(PlacementState::Seeding, None), now()).await.unwrap();
        ids.push(job.id);
    }
    ids
}

fn report(state: PlacementState, problem: Option<&str>) -> PlacementReport {
    let problem = problem.map(|message| Problem {
        message: message.to_owned(),
        next_attempt: None,
        asked_to_wait: false,
    });
    PlacementReport { state, memory: Memory::default(), uploaded_bytes: None, problem }
}

fn judged<'a>(before: &'a Settled, state: PlacementState, problem: Option<&str>) -> Judged<'a> {
    Judged { before, report: report(state, problem), story: "told".to_owned() }
}

fn day(days: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + days * 86_400).unwrap()
}

async fn stages(store: &Store) -> Vec<Stage> {
    let episodes = store.status(None).await.unwrap().remove(0).episodes;
    episodes.iter().flat_map(|episode| &episode.enclosures).map(|enclosure| enclosure.stage).collect()
}

async fn due(store: &Store) -> i64 {
    sqlx::query_scalar("SELECT publish_due FROM shows").fetch_one(&store.pool).await.unwrap()
}

#[tokio::test]
async fn a_confirmation_is_told_by_the_site_once_a_day() {
    let (_dir, store) = empty().await;
    seeding(&store, 1).await;
    let ids: Vec<_> = store.settled("nas").await.unwrap().iter().map(|settled| settled.id).collect();
    let before = due(&store).await;
    store.record_round(&ids, &[], now()).await.unwrap();
    assert_eq!(due(&store).await, before);
    for _ in 0..2 {
        store.record_round(&ids, &[], day(1)).await.unwrap();
        assert_eq!(due(&store).await, before + 1);
    }
    let settled = &store.settled("nas").await.unwrap()[0];
    assert_eq!((settled.since, settled.confirmed), (Some(now()), Some(day(1))));
}

#[tokio::test]
async fn what_was_lost_is_pending_and_what_was_removed_waits_for_the_user() {
    let (_dir, store) = empty().await;
    seeding(&store, 2).await;
    let settled = store.settled("nas").await.unwrap();
    let round = [
        judged(&settled[0], PlacementState::Pending, None),
        judged(&settled[1], PlacementState::Missing, Some("removed")),
    ];
    store.record_round(&[], &round, day(1)).await.unwrap();
    assert_eq!(stages(&store).await, [Stage::TorrentReady, Stage::Failed]);
    // Only the lost one is handed over again, and as if it were new.
    let job = claimed(&store, 1, None, "nas").await.unwrap();
    assert_eq!((job.id, job.memory), (settled[0].id, Memory::default()));
    assert!(claimed(&store, 1, None, "nas").await.is_none());
    let found = store.episodes_of_show("s").await.unwrap();
    store.retry(&found, day(1)).await.unwrap();
    let job = claimed(&store, 1, Some(day(1)), "nas").await.unwrap();
    assert_eq!((job.id, job.memory), (settled[1].id, Memory::default()));
}

#[tokio::test]
async fn what_has_changed_meanwhile_is_not_overwritten() {
    let (_dir, store) = empty().await;
    seeding(&store, 1).await;
    let settled = store.settled("nas").await.unwrap();
    let found = store.episodes_of_show("s").await.unwrap();
    store.retry(&found, now()).await.unwrap();
    let round = [judged(&settled[0], PlacementState::Missing, Some("removed"))];
    store.record_round(&[settled[0].id], &round, day(1)).await.unwrap();
    let after = store.settled("nas").await.unwrap();
    assert_eq!((after[0].state, after[0].confirmed), (PlacementState::Waiting, Some(now())));
}

#[tokio::test]
async fn without_its_data_nothing_seeds_whatever_clients_say() {
    let (_dir, store) = empty().await;
    let ids = seeding(&store, 1).await;
    store.record_data(&[(ids[0], Some("gone".to_owned()))], now()).await.unwrap();
    let settled = store.settled("nas").await.unwrap();
    store
        .record_round(&[], &[judged(&settled[0], PlacementState::Failed, Some("gone"))], now())
        .await
        .unwrap();
    assert_eq!(stages(&store).await, [Stage::Failed]);
    assert!(claimed(&store, 2, None, "nas").await.is_none());
    store.record_data(&[(ids[0], None)], now()).await.unwrap();
    let settled = store.settled("nas").await.unwrap();
    store.record_round(&[], &[judged(&settled[0], PlacementState::Seeding, None)], now()).await.unwrap();
    assert_eq!(stages(&store).await, [Stage::Seeding]);
    store.fetch_again(&ids, now()).await.unwrap();
    assert_eq!(
        store.claim_download(2, now(), true, &[], false).await.unwrap().map(|job| job.id),
        None,
        "not in pass 2"
    );
    assert_eq!(
        store.claim_download(1, now(), true, &[], false).await.unwrap().map(|job| job.id),
        Some(ids[0])
    );
}

#[tokio::test]
async fn what_is_stopped_by_somebody_is_claimed_by_nobody_and_a_refused_login_is_tried_again() {
    let (_dir, store) = empty().await;
    seeding(&store, 1).await;
    let settled = store.settled("nas").await.unwrap();
    store
        .record_round(&[], &[judged(&settled[0], PlacementState::Stopped, Some("stopped"))], now())
        .await
        .unwrap();
    assert!(claimed(&store, 2, None, "nas").await.is_none());
    let settled = store.settled("nas").await.unwrap();
    let mut refused = judged(&settled[0], PlacementState::Failed, Some("refused"));
    refused.report.problem.as_mut().unwrap().next_attempt = Some(day(1));
    store.record_round(&[], &[refused], now()).await.unwrap();
    sqlx::query("UPDATE shows SET pass = 2").execute(&store.pool).await.unwrap();
    assert!(claimed(&store, 2, Some(now()), "nas").await.is_none());
    assert!(claimed(&store, 2, Some(day(1)), "nas").await.is_some());
    // Sooner, where the client answers before.
    sqlx::query("UPDATE shows SET pass = 3").execute(&store.pool).await.unwrap();
    assert!(claimed(&store, 3, Some(now()), "nas").await.is_none());
    store.client_is_back("nas").await.unwrap();
    assert!(claimed(&store, 3, Some(now()), "nas").await.is_some());
}

#[tokio::test]
async fn proofs_are_given_out_when_they_are_due_and_counted_by_client() {
    let (_dir, store) = empty().await;
    seeding(&store, 3).await;
    let jobs = store.due_proofs("nas", 2, now()).await.unwrap();
    assert_eq!(jobs.len(), 2);
    store.record_proof(jobs[0].id, Ok(65_536), day(7), now()).await.unwrap();
    store.record_proof(jobs[1].id, Err("no"), day(1), now()).await.unwrap();
    assert_eq!(store.due_proofs("nas", 9, now()).await.unwrap().len(), 1);
    let again = store.due_proofs("nas", 9, day(1)).await.unwrap();
    assert_eq!(again.iter().map(|job| job.failures).collect::<Vec<_>>(), [0, 1], "the untried first");
    let proofs = store.proofs().await.unwrap().remove(0);
    assert_eq!((proofs.proven, proofs.failed, proofs.untried), (1, 1, 1));
    let given: Vec<_> = store.settled("nas").await.unwrap().iter().map(|it| it.proof_bytes).collect();
    assert_eq!(given, [65_536, 0, 0]);
    assert_eq!((proofs.oldest, proofs.error.as_deref()), (Some(now()), Some("no")));
}

/// An enclosure that is to be handed to one client, claimed and so reported.
async fn reported(store: &Store, state: PlacementState, problem: Option<&str>) -> crate::model::PlacementJob {
    seeding(store, 1).await;
    let anew = "UPDATE placements SET state = 'pending', since = NULL, pass = 0";
    sqlx::query(anew).execute(&store.pool).await.unwrap();
    let job = claimed(store, 1, Some(now()), "nas").await.unwrap();
    store.record_placement(&job, &report(state, problem), now()).await.unwrap();
    job
}

#[tokio::test]
async fn what_needs_the_user_is_left_to_him_and_what_is_on_its_way_is_looked_at_again() {
    use PlacementState::{Checking, Delivered, Failed, Missing, Pending, Seeding, Stopped, Waiting};
    let later = |seconds: i64| Timestamp::from_second(now().as_second() + seconds).unwrap();
    let cases = [
        (Pending, None, true),
        (Waiting, None, true),
        (Checking, None, true),
        (Failed, Some("what only the user can mend"), false),
        (Stopped, Some("stopped by the user"), false),
        (Missing, Some("removed by the user"), false),
        (Seeding, None, false),
        (Delivered, None, false),
    ];
    for (state, problem, again) in cases {
        let (_dir, store) = empty().await;
        let job = reported(&store, state, problem).await;
        store.release_placement(job.id, 1, later(60)).await.unwrap();
        assert!(claimed(&store, 1, Some(later(59)), "nas").await.is_none(), "{state}");
        let claimed = claimed(&store, 1, Some(later(60)), "nas").await;
        assert_eq!(claimed.map(|job| job.state), again.then_some(state), "{state}");
    }
}

#[tokio::test]
async fn what_failed_for_want_of_its_file_goes_on_when_the_file_is_back() {
    let (_dir, store) = empty().await;
    let job = reported(&store, PlacementState::Failed, Some("its data cannot be read")).await;
    for (error, claimable) in [(Some("gone".to_owned()), false), (None, true)] {
        store.record_data(&[(job.enclosure, error)], now()).await.unwrap();
        assert_eq!(claimed(&store, 1, Some(now()), "nas").await.is_some(), claimable);
    }
}
