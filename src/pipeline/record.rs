//! What polls have brought is remembered: by one recorder, which takes all answers that have come while it was busy and
//! gives them to the state together. So a sync of the disk is not paid for each show, and nobody waits longer than for
//! one.
//!
//! What an answer is about becomes part of the pass once it is on record. A process that dies before that asks the feed
//! again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use url::Url;

use super::monitor::Event;
use super::poll::Failure;
use super::wanted::rules;
use super::{Error, Pass, Pipeline, Target, schedule};
use crate::error;
use crate::feed::{FetchedFeed, Validators};
use crate::http::Advice;
use crate::model::Traffic;
use crate::store::{Document, FailedPoll, FeedRecord, Recording, ShowRecord};

/// Feeds that are in memory at a time, from their first byte until they are on record: each may be large.
const ROOMS: usize = 8;
/// Answers that are recorded together.
const TOGETHER: usize = 64;
/// No more are added to a group with so many items: the state's other writers wait for it.
const MANY_ITEMS: usize = 4096;

/// Where polls bring what came of them.
#[derive(Clone)]
pub(super) struct Recorder {
    answers: mpsc::Sender<Answer>,
    rooms: Arc<Semaphore>,
}

/// A place in memory for one feed.
pub(super) type Room = Option<OwnedSemaphorePermit>;

/// What came of a poll.
pub(super) struct Answer {
    /// Whose feed it is.
    pub(super) target: Arc<Target>,
    /// As it was on record.
    pub(super) show: ShowRecord,
    /// `None` where it was not asked: then it only becomes part of the pass.
    pub(super) news: Option<News>,
}

/// What is to be recorded.
pub(super) struct News {
    pub(super) outcome: Outcome,
    /// What it cost the publisher's server.
    pub(super) traffic: Traffic,
    pub(super) at: Timestamp,
}

/// How a poll ended.
pub(super) enum Outcome {
    /// The feed is as it was.
    Unchanged {
        /// Where it has moved for good.
        moved_to: Option<Url>,
        /// How long the server asks not to be asked again.
        poll_after: Option<Duration>,
    },
    /// There is a feed.
    Feed(Box<ReadFeed>),
    /// There is none.
    Failed(Failure),
}

/// A feed that was read.
pub(super) struct ReadFeed {
    pub(super) fetched: FetchedFeed,
    /// Our copy of it, where that is another one now.
    pub(super) document: Option<Document>,
    _room: Room,
}

impl Outcome {
    pub(super) fn feed(fetched: FetchedFeed, room: Room) -> Self {
        Self::Feed(Box::new(ReadFeed { fetched, document: None, _room: room }))
    }
}

impl Answer {
    fn items(&self) -> usize {
        match &self.news {
            Some(News { outcome: Outcome::Feed(read), .. }) => read.fetched.feed.items.len(),
            _ => 0,
        }
    }
}

impl Recorder {
    /// One end for the polls, the other for [`Pipeline::record_all`].
    pub(super) fn new() -> (Self, mpsc::Receiver<Answer>) {
        let (answers, receiver) = mpsc::channel(TOGETHER);
        (Self { answers, rooms: Arc::new(Semaphore::new(ROOMS)) }, receiver)
    }

    /// Waits until there is room for one more feed.
    pub(super) async fn room(&self) -> Room {
        Arc::clone(&self.rooms).acquire_owned().await.ok()
    }

    /// Takes an answer; it is recorded soon.
    pub(super) async fn take(&self, answer: Answer) -> Result<(), Error> {
        let gone = || Error::Worker { reason: "nobody records what polls bring".to_owned() };
        self.answers.send(answer).await.map_err(|_| gone())
    }
}

impl Pipeline {
    /// Records answers until no more can come.
    pub(super) async fn record_all(
        &self,
        mut answers: mpsc::Receiver<Answer>,
        pass: &Pass,
    ) -> Result<(), Error> {
        let mut waiting = Vec::with_capacity(TOGETHER);
        while answers.recv_many(&mut waiting, TOGETHER).await > 0 {
            while !waiting.is_empty() {
                let group = waiting.drain(..group(&waiting)).collect();
                self.record_group(group, pass).await?;
            }
        }
        Ok(())
    }

    /// Records answers in one transaction. What there is to tell of them is told once they are on record.
    async fn record_group(&self, group: Vec<Answer>, pass: &Pass) -> Result<(), Error> {
        let mut events = Vec::new();
        if group.iter().any(|answer| answer.news.is_some()) {
            let mut recording = self.store.recording().await?;
            for answer in &group {
                if let Some(news) = &answer.news {
                    self.record_news(&mut recording, answer, news, &mut events).await?;
                }
            }
            recording.commit().await?;
        }
        for answer in &group {
            if let Some(News { outcome: Outcome::Failed(failure), .. }) = &answer.news {
                self.tell_of_failure(answer.show.slug.clone(), failure);
            }
        }
        events.iter().for_each(|event| self.monitor.event(event));
        let shows: Vec<_> = group.iter().map(|answer| (answer.show.id, answer.target.as_ref())).collect();
        self.admit_all(&shows, pass).await
    }

    async fn record_news(
        &self,
        recording: &mut Recording,
        answer: &Answer,
        news: &News,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        let show = &answer.show;
        match &news.outcome {
            Outcome::Failed(failure) => {
                recording.record_failed_poll(show.id, &failed_poll(show, failure, news)).await?;
            }
            Outcome::Unchanged { moved_to, poll_after } => {
                let validators =
                    Validators { etag: show.etag.clone(), last_modified: show.last_modified.clone() };
                let asked = show.poll_wish.max(*poll_after);
                let record = FeedRecord {
                    next_poll: Some(self.next_poll(recording, show, asked, news.at).await?),
                    ..feed_record(validators, moved_to.as_ref(), news.traffic)
                };
                recording.record_poll(show.id, None, &record, news.at).await?;
                events.push(Event::Unchanged { show: show.slug.clone() });
            }
            Outcome::Feed(read) => {
                self.record_feed(recording, answer, read, news, events).await?;
            }
        }
        Ok(())
    }

    /// Records the items of a feed and which of them are wanted, then that it was read: from the validators follows that
    /// there is nothing to repeat.
    async fn record_feed(
        &self,
        recording: &mut Recording,
        answer: &Answer,
        read: &ReadFeed,
        news: &News,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        let (show, fetched, selection) = (&answer.show, &read.fetched, &answer.target.selection);
        let feed = &fetched.feed;
        let is_whole = fetched.complete && !feed.truncated;
        let recorded = recording.record_items(show.id, feed, is_whole, news.at).await?;
        // Without its rules on record a show is read anew, all pages of it.
        let on_record = if fetched.page_failed { String::new() } else { rules(selection) };
        let newly_wanted = self.judge(recording, show.id, selection, &on_record).await?;
        if let Some(document) = &read.document {
            recording.record_document(show.id, document).await?;
        }
        let next_poll = self.next_poll(recording, show, fetched.poll_after, news.at).await?;
        let record = FeedRecord {
            next_poll: Some(next_poll),
            ..feed_record(fetched.validators.clone(), fetched.moved_to.as_ref(), news.traffic)
        };
        recording.record_poll(show.id, Some(feed), &record, news.at).await?;
        self.tally(|tally| tally.new_episodes += newly_wanted.min(recorded.new_episodes));
        let warning = |text: &String| Event::Warning { show: show.slug.clone(), text: text.clone() };
        events.extend(feed.warnings.iter().map(warning));
        events.push(Event::Polled {
            show: show.slug.clone(),
            title: feed.title.clone(),
            new_episodes: recorded.new_episodes,
            newly_wanted,
        });
        Ok(())
    }

    /// By the show's own rhythm, and not before the publisher asks for it.
    async fn next_poll(
        &self,
        recording: &mut Recording,
        show: &ShowRecord,
        asked: Option<Duration>,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let dates = recording.recent_dates(show.id, now, schedule::DATES).await?;
        let bounds = &self.config.poll_interval;
        let interval = schedule::poll_interval(now, &dates, bounds.shortest..=bounds.longest);
        Ok(schedule::next_poll(now, interval, asked, show.polled, schedule::random()))
    }

    /// Tells that a feed could not be read; `show` is its address where it has no show.
    pub(super) fn tell_of_failure(&self, show: String, failure: &Failure) {
        let error = error::chain(failure);
        self.note_error(&format!("{show}: {error}"));
        self.monitor.event(&Event::PollFailed { show, error });
    }
}

/// How many of these answers are recorded together, at least one.
fn group(answers: &[Answer]) -> usize {
    let mut items = 0;
    let before_many = |answer: &&Answer| {
        let is_before = items < MANY_ITEMS;
        items += answer.items();
        is_before
    };
    answers.iter().take_while(before_many).count()
}

fn feed_record(validators: Validators, moved_to: Option<&Url>, traffic: Traffic) -> FeedRecord {
    FeedRecord {
        etag: validators.etag,
        last_modified: validators.last_modified,
        moved_to: moved_to.map(Url::to_string),
        next_poll: None,
        traffic,
    }
}

fn failed_poll(show: &ShowRecord, failure: &Failure, news: &News) -> FailedPoll {
    let advice = failure.advice();
    let wait_until = match advice {
        Advice::Later { after: Some(after) } => Some(schedule::after(news.at, after)),
        _ => None,
    };
    let next_poll = schedule::next_attempt(news.at, show.failures + 1, schedule::random());
    FailedPoll {
        error: error::chain(failure),
        wait_until,
        next_poll: wait_until.map_or(next_poll, |until| until.max(next_poll)),
        forget_move: advice == Advice::Never,
        traffic: news.traffic,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, FeedSource};
    use crate::model::Selection;
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
        Arc::new(Target {
            slug: Some(format!("show-{number}")),
            feed: FeedSource::parse(&format!("https://feeds.invalid/{number}")),
            selection: Selection::default(),
            clients: Vec::new(),
            auth: None,
            permission: None,
            configured: true,
            publishable: false,
        })
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
        let pass = Pass::new(1, options, &pipeline.stop);
        let now = pipeline.clock.now();
        let (recorder, answers) = Recorder::new();
        let polls = async move {
            for (target, show) in known {
                recorder.take(Answer { target, show: show.unwrap(), news: unchanged(now) }).await.unwrap();
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

    #[test]
    fn large_feeds_are_not_recorded_together() {
        let answer = |items: usize| {
            let text =
                format!("<rss><channel>{}</channel></rss>", "<item><title>x</title></item>".repeat(items));
            let read = crate::feed::read(text.as_bytes(), None, None).unwrap();
            let fetched = FetchedFeed {
                feed: read,
                document: Vec::new(),
                content_type: None,
                url: "https://feeds.invalid/".parse().unwrap(),
                validators: Validators::default(),
                moved_to: None,
                poll_after: None,
                complete: true,
                page_failed: false,
            };
            let news =
                News { outcome: Outcome::feed(fetched, None), ..unchanged(Timestamp::UNIX_EPOCH).unwrap() };
            Answer { target: target(0), show: ShowRecord::default(), news: Some(news) }
        };
        let (large, small) = (|| answer(MANY_ITEMS), || answer(1));
        assert_eq!(group(&[large(), small()]), 1);
        assert_eq!(group(&[small(), large(), small()]), 2);
        assert_eq!(group(&[small(), small()]), 2);
    }
}
