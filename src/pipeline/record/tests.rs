//! Many answers, some of which do not fit.

use std::path::Path;

use super::*;
use crate::config::{FeedSource, Show};
use crate::pipeline::{Begin, Environment, PassOptions};

/// Transactions that have written something, as far as they are in SQLite's log: the last frame of each says how many
/// pages the database has then (<https://sqlite.org/fileformat2.html#walformat>).
fn transactions(state: &Path) -> usize {
    let log = std::fs::read(state.with_extension("db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap()) as usize;
    let frame = 24 + number(8);
    (32..log.len()).step_by(frame).filter(|at| number(at + 4) != 0).count()
}

fn target(number: usize) -> Arc<Target> {
    Arc::new(named(number))
}

fn named(number: usize) -> Target {
    Target {
        slug: Some(format!("show-{number}")),
        feed: FeedSource::parse(&format!("https://feeds.invalid/{number}")),
        selection: Selection::default(),
        clients: Vec::new(),
        auth: None,
        permission: None,
        configured: true,
        publishable: false,
    }
}

fn unchanged(at: Timestamp) -> Option<News> {
    let outcome = Outcome::Unchanged { moved_to: None, poll_after: None };
    Some(News { outcome, traffic: Traffic { requests: 1, bytes: 0 }, at })
}

#[tokio::test]
async fn what_many_polls_bring_takes_a_few_transactions_and_a_look_at_what_is_known_takes_none() {
    const SHOWS: usize = 4 * TOGETHER;
    let folder = tempfile::tempdir().unwrap();
    let config = Arc::new(Config::ad_hoc(folder.path().join("data")));
    let pipeline = Pipeline::open(config, Environment::new(Arc::new(()))).await.unwrap();
    let state = folder.path().join("data/state.db");
    let targets: Vec<_> = (0..SHOWS).map(target).collect();
    pipeline.look_up(targets.clone()).await.unwrap();
    let made = transactions(&state);
    let known = pipeline.look_up(targets).await.unwrap();
    assert_eq!(transactions(&state), made, "all of them were there");

    let options = PassOptions { wait: Duration::ZERO, patient: false, begin: Begin::Feeds, whole: true };
    let pass = Pass::new(1, options, &pipeline);
    let now = pipeline.clock.now();
    let (recorder, answers) = Recorder::new();
    let polls = async move {
        for (target, show) in known {
            recorder.take(Polled { target, show: show.unwrap(), news: unchanged(now) }).await.unwrap();
        }
    };
    let (recorded, ()) = tokio::join!(pipeline.record_all(answers, &pass), polls);
    recorded.unwrap();
    // One for what they have brought and one for the pass, for each group.
    let groups = SHOWS / TOGETHER + 1;
    assert!(transactions(&state) - made <= 2 * groups, "{}", transactions(&state) - made);
    let polled = pipeline.store.status(None).await.unwrap();
    assert_eq!(polled.iter().filter(|show| show.last_poll.is_some()).count(), SHOWS);
}

fn fetched(items: &str) -> FetchedFeed {
    let text = format!("<rss><channel>{items}</channel></rss>");
    FetchedFeed {
        feed: crate::feed::read(text.as_bytes(), None, None).unwrap(),
        document: Vec::new(),
        content_type: None,
        url: "https://feeds.invalid/".parse().unwrap(),
        validators: Validators::default(),
        moved_to: None,
        poll_after: None,
        complete: true,
        page_failed: false,
    }
}

#[tokio::test]
async fn what_was_asked_for_under_former_rules_is_judged_by_those_in_force_and_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::ad_hoc(folder.path().join("data"));
    let pipeline = Pipeline::open(Arc::new(config.clone()), Environment::new(Arc::new(()))).await.unwrap();
    let target = Target { selection: Selection { latest: Some(0), ..Selection::default() }, ..named(0) };
    let slug = target.slug.clone().unwrap();
    let (target, show) = pipeline.look_up(vec![Arc::new(target)]).await.unwrap().remove(0);
    let options = PassOptions { wait: Duration::ZERO, patient: false, begin: Begin::Feeds, whole: true };
    let pass = Pass::new(1, options, &pipeline);
    let show_now = Show {
        slug: slug.clone(),
        feed: target.feed.clone(),
        selection: Selection { latest: Some(1), ..Selection::default() },
        clients: Vec::new(),
        auth: None,
        permission: None,
        source: std::path::PathBuf::new(),
        keep: None,
    };
    *pass.in_force.lock().await = Arc::new(Config { shows: vec![show_now], ..config });

    let now = pipeline.clock.now();
    let item = |guid: &str| {
        let enclosure = format!("<enclosure url='https://feeds.invalid/{guid}.mp3' type='audio/mpeg'/>");
        format!("<item><guid>{guid}</guid>{enclosure}</item>")
    };
    let outcome = Outcome::feed(fetched(&(item("new") + &item("old"))), None);
    let news = Some(News { outcome, ..unchanged(now).unwrap() });
    let answer = Polled { target, show: show.unwrap(), news };
    pipeline.record_group(vec![answer], &pass).await.unwrap();

    let status = pipeline.store.status(Some(&slug)).await.unwrap().remove(0);
    assert!(status.next_poll.unwrap() <= now, "older pages may hold more that is wanted now");
    let known = pipeline.store.ensure_show(&slug, "https://feeds.invalid/0").await.unwrap();
    assert_eq!(known.selection, "", "so that the next reading takes nothing as known");
    let wanted = pipeline.store.claim_download(1, now, true, &[], false).await.unwrap().unwrap();
    assert_eq!(wanted.enclosure.url, "https://feeds.invalid/new.mp3");
    assert!(pipeline.store.claim_download(1, now, true, &[], false).await.unwrap().is_none());
}

#[test]
fn large_feeds_are_not_recorded_together() {
    let answer = |items: usize| {
        let fetched = fetched(&"<item><title>x</title></item>".repeat(items));
        let news =
            News { outcome: Outcome::feed(fetched, None), ..unchanged(Timestamp::UNIX_EPOCH).unwrap() };
        Polled { target: target(0), show: ShowRecord::default(), news: Some(news) }
    };
    let (large, small) = (|| answer(MANY_ITEMS), || answer(1));
    assert_eq!(group(&[large(), small()]), 1);
    assert_eq!(group(&[small(), large(), small()]), 2);
    assert_eq!(group(&[small(), small()]), 2);
}
