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
use crate::config::Config;
use crate::error;
use crate::feed::{FetchedFeed, Validators};
use crate::http::Advice;
use crate::model::{Selection, Traffic};
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
    answers: mpsc::Sender<Polled>,
    rooms: Arc<Semaphore>,
}

/// A place in memory for one feed.
pub(super) type Room = Option<OwnedSemaphorePermit>;

/// What came of a poll.
pub(super) struct Polled {
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

/// An answer as it is recorded.
struct Poll<'a> {
    show: &'a ShowRecord,
    news: &'a News,
    /// The rules in force.
    selection: &'a Selection,
    /// It was asked for under others: pages may be missing that these want, so that it is due again at once.
    is_outdated: bool,
}

/// What there is to tell of answers once they are on record.
#[derive(Default)]
struct Told {
    events: Vec<Event>,
    new_episodes: u64,
    is_more_wanted: bool,
}

impl Outcome {
    pub(super) fn feed(fetched: FetchedFeed, room: Room) -> Self {
        Self::Feed(Box::new(ReadFeed { fetched, document: None, _room: room }))
    }
}

impl Polled {
    fn items(&self) -> usize {
        match &self.news {
            Some(News { outcome: Outcome::Feed(read), .. }) => read.fetched.feed.items.len(),
            _ => 0,
        }
    }
}

impl<'a> Poll<'a> {
    /// `None` where there is nothing to be recorded. `successor`: the configuration that has come into force meanwhile.
    fn of(answer: &'a Polled, successor: Option<&'a Config>) -> Option<Self> {
        let news = answer.news.as_ref()?;
        let asked_for = &answer.target.selection;
        let successor = successor.and_then(|config| config.show(&answer.show.slug));
        let selection = successor.map_or(asked_for, |show| &show.selection);
        let is_outdated = successor.is_some() && rules(selection) != rules(asked_for);
        Some(Self { show: &answer.show, news, selection, is_outdated })
    }
}

impl Recorder {
    /// One end for the polls, the other for [`Pipeline::record_all`].
    pub(super) fn new() -> (Self, mpsc::Receiver<Polled>) {
        let (answers, receiver) = mpsc::channel(TOGETHER);
        (Self { answers, rooms: Arc::new(Semaphore::new(ROOMS)) }, receiver)
    }

    /// Waits until there is room for one more feed.
    pub(super) async fn room(&self) -> Room {
        Arc::clone(&self.rooms).acquire_owned().await.ok()
    }

    /// Takes an answer; it is recorded soon.
    pub(super) async fn take(&self, answer: Polled) -> Result<(), Error> {
        let gone = || Error::Worker { reason: "nobody records what polls bring".to_owned() };
        self.answers.send(answer).await.map_err(|_| gone())
    }
}

impl Pipeline {
    /// Records answers until no more can come.
    pub(super) async fn record_all(
        &self,
        mut answers: mpsc::Receiver<Polled>,
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

    /// Records answers. What the state does not take of one feed is a failure of that feed, and harms no other.
    async fn record_group(&self, mut group: Vec<Polled>, pass: &Pass) -> Result<(), Error> {
        {
            let in_force = pass.in_force.lock().await;
            let successor = (!Arc::ptr_eq(&in_force, &self.config)).then_some(in_force.as_ref());
            if self.record_together(&group, successor).await.is_err() {
                for answer in &mut group {
                    self.record_alone(answer, successor).await?;
                }
            }
        }
        let shows: Vec<_> = group.iter().map(|answer| (answer.show.id, answer.target.as_ref())).collect();
        self.admit_all(&shows, pass).await
    }

    /// Where not even the failure can be recorded, it is the state that has failed.
    async fn record_alone(&self, answer: &mut Polled, successor: Option<&Config>) -> Result<(), Error> {
        let Err(error) = self.record_together(std::slice::from_ref(answer), successor).await else {
            return Ok(());
        };
        let Some(news) = &mut answer.news else { return Err(error) };
        news.outcome = Outcome::Failed(Failure::Unrecorded(Box::new(error)));
        self.record_together(std::slice::from_ref(answer), successor).await
    }

    /// Records answers in one transaction. What there is to tell of them is told once they are on record.
    async fn record_together(&self, group: &[Polled], successor: Option<&Config>) -> Result<(), Error> {
        let polls: Vec<_> = group.iter().filter_map(|answer| Poll::of(answer, successor)).collect();
        let mut told = Told::default();
        if !polls.is_empty() {
            let mut recording = self.store.recording().await?;
            for poll in &polls {
                self.record_poll(&mut recording, poll, &mut told).await?;
            }
            recording.commit().await?;
        }
        for poll in &polls {
            if let Outcome::Failed(failure) = &poll.news.outcome {
                self.tell_of_failure(poll.show.slug.clone(), failure);
            }
        }
        if told.is_more_wanted {
            self.judgement.overtaken();
        }
        self.tally(|tally| tally.new_episodes += told.new_episodes);
        told.events.iter().for_each(|event| self.monitor.event(event));
        Ok(())
    }

    async fn record_poll(
        &self,
        recording: &mut Recording,
        poll: &Poll<'_>,
        told: &mut Told,
    ) -> Result<(), Error> {
        let (show, news) = (poll.show, poll.news);
        match &news.outcome {
            Outcome::Failed(failure) => {
                recording.record_failed_poll(show.id, &failed_poll(show, failure, news)).await?;
            }
            Outcome::Unchanged { moved_to, poll_after } => {
                let validators =
                    Validators { etag: show.etag.clone(), last_modified: show.last_modified.clone() };
                let asked = show.poll_wish.max(*poll_after);
                let record = FeedRecord {
                    next_poll: Some(self.next_poll(recording, poll, asked).await?),
                    ..feed_record(validators, moved_to.as_ref(), news.traffic)
                };
                recording.record_poll(show.id, None, &record, news.at).await?;
                told.events.push(Event::Unchanged { show: show.slug.clone() });
            }
            Outcome::Feed(read) => self.record_feed(recording, poll, read, told).await?,
        }
        Ok(())
    }

    /// Records the items of a feed and which of them are wanted, then that it was read: from the validators follows that
    /// there is nothing to repeat.
    async fn record_feed(
        &self,
        recording: &mut Recording,
        poll: &Poll<'_>,
        read: &ReadFeed,
        told: &mut Told,
    ) -> Result<(), Error> {
        let (show, news, fetched) = (poll.show, poll.news, &read.fetched);
        let feed = &fetched.feed;
        let is_whole = fetched.complete && !feed.truncated;
        let recorded = recording.record_items(show.id, feed, is_whole, news.at).await?;
        // Without its rules on record a show is read anew, all pages of it.
        let is_enough = !fetched.page_failed && !poll.is_outdated;
        let on_record = if is_enough { rules(poll.selection) } else { String::new() };
        let newly_wanted =
            self.judge(recording, show.id, &recorded.items, poll.selection, &on_record).await?;
        if let Some(document) = &read.document {
            recording.record_document(show.id, document).await?;
        }
        let record = FeedRecord {
            next_poll: Some(self.next_poll(recording, poll, fetched.poll_after).await?),
            ..feed_record(fetched.validators.clone(), fetched.moved_to.as_ref(), news.traffic)
        };
        recording.record_poll(show.id, Some(feed), &record, news.at).await?;
        told.is_more_wanted |= newly_wanted > 0;
        told.new_episodes += newly_wanted.min(recorded.new_episodes);
        let warning = |text: &String| Event::Warning { show: show.slug.clone(), text: text.clone() };
        told.events.extend(feed.warnings.iter().map(warning));
        told.events.push(Event::Polled {
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
        poll: &Poll<'_>,
        asked: Option<Duration>,
    ) -> Result<Timestamp, Error> {
        let now = poll.news.at;
        if poll.is_outdated {
            return Ok(now);
        }
        let dates = recording.recent_dates(poll.show.id, now, schedule::DATES).await?;
        let bounds = &self.config.poll_interval;
        let interval = schedule::poll_interval(now, &dates, bounds.shortest..=bounds.longest);
        Ok(schedule::next_poll(now, interval, asked, poll.show.polled, schedule::random()))
    }

    /// Tells that a feed could not be read; `show` is its address where it has no show.
    pub(super) fn tell_of_failure(&self, show: String, failure: &Failure) {
        let error = error::chain(failure);
        self.note_error(&format!("{show}: {error}"));
        self.monitor.event(&Event::PollFailed { show, error });
    }
}

/// How many of these answers are recorded together, at least one.
fn group(answers: &[Polled]) -> usize {
    let mut items = 0;
    let before_many = |answer: &&Polled| {
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
mod tests;
