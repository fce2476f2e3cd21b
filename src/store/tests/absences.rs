//! Clients that are away, and what waits for them.

use super::*;

/// In pass 1, so many torrents that are to be handed over to one client.
pub(super) async fn waiting(store: &Store, count: usize) {
    let urls: Vec<String> = (0..count).map(|index| format!("https://h/{index}.mp3")).collect();
    let lists: Vec<[&str; 1]> = urls.iter().map(|url| [url.as_str()]).collect();
    let items: Vec<_> = urls.iter().zip(&lists).map(|(url, list)| (Some(url.as_str()), &list[..])).collect();
    show_in_pass(store, &feed(&items)).await;
    let hash = InfoHashes::V1("0123456789012345678901234567890123456789".parse().unwrap());
    while let Some(job) = store.claim_download(1, now(), false, &[], false).await.unwrap() {
        store.record_torrent(job.id, &hash, "magnet:", &["nas".to_owned()]).await.unwrap();
    }
}

fn absence(failures: u64) -> Absence {
    let error = "nas: nobody answers".to_owned();
    Absence { error, needs_the_user: false, failures, next_attempt: later(60) }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).unwrap()
}

async fn errors(store: &Store) -> Vec<Option<String>> {
    let status = store.status(Some("s")).await.unwrap();
    let enclosures = status.iter().flat_map(|show| &show.episodes).flat_map(|episode| &episode.enclosures);
    enclosures.flat_map(|enclosure| &enclosure.placements).map(|placement| placement.error.clone()).collect()
}

#[tokio::test]
async fn of_what_waits_for_a_client_that_is_away_the_status_says_so_without_a_word_on_record_for_each() {
    let (_dir, store) = empty().await;
    waiting(&store, 3).await;
    assert_eq!(errors(&store).await, [None, None, None]);
    for failures in [1, 2] {
        store.record_absence("nas", &absence(failures)).await.unwrap();
        assert_eq!(store.absence("nas").await.unwrap(), Some(absence(failures)));
    }
    assert_eq!(store.absence("other").await.unwrap(), None);
    let away = Some("nas: nobody answers".to_owned());
    assert_eq!(errors(&store).await, [away.clone(), away.clone(), away.clone()]);
    let on_record: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM placements WHERE error IS NOT NULL")
        .fetch_one(&store.pool)
        .await
        .unwrap();
    assert_eq!(on_record, 0);
    // What seeds does not wait for anything.
    let job = claimed(&store, 1, None, "nas").await.unwrap();
    let report = PlacementReport {
        state: PlacementState::Seeding,
        memory: Default::default(),
        uploaded_bytes: None,
        problem: None,
    };
    store.record_placement(&job, &report, now()).await.unwrap();
    assert_eq!(errors(&store).await.iter().flatten().count(), 2);
    store.client_is_back("nas").await.unwrap();
    assert_eq!(errors(&store).await, [None, None, None]);
    assert_eq!(store.absence("nas").await.unwrap(), None);
}

#[tokio::test]
async fn what_waits_for_a_client_that_needs_the_user_has_failed_once_and_goes_on_when_it_is_back() {
    let (_dir, store) = empty().await;
    waiting(&store, 3).await;
    let next_attempt = Some(later(86_400));
    let problem = Problem { message: "nas: a wrong password".to_owned(), next_attempt, asked_to_wait: false };
    let events = async || -> i64 {
        let told = "SELECT COUNT(*) FROM events WHERE text = 'nas: a wrong password'";
        sqlx::query_scalar(told).fetch_one(&store.pool).await.unwrap()
    };
    for _ in 0..2 {
        store.fail_waiting(1, "nas", &problem, now()).await.unwrap();
        assert_eq!(events().await, 3);
    }
    assert_eq!(store.totals(1).await.unwrap().get(&Stage::Failed), Some(&3));
    assert_eq!(errors(&store).await.iter().flatten().count(), 3);
    assert!(claimed(&store, 1, Some(now()), "nas").await.is_none());
    store.client_is_back("nas").await.unwrap();
    assert!(claimed(&store, 1, Some(now()), "nas").await.is_some());
}
