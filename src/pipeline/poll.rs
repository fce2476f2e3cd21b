//! Reading feeds: what to ask, what to remember of the answer, and when to come again.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{self, TryStreamExt as _};
use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use url::Url;

use super::monitor::Event;
use super::wanted::rules;
use super::{Begin, Error, Pass, Pipeline, Target, lock, schedule};
use crate::config::FeedSource;
use crate::feed::{self, FetchedFeed, Validators};
use crate::http::{Advice, Meter};
use crate::model::identity::comparable_url;
use crate::model::{Item, RESERVED_SLUGS, Selection, Traffic};
use crate::secret::public_url;
use crate::store::{FailedPoll, FeedRecord, ShowRecord};
use crate::{error, fs};

/// Feeds that are read at a time.
const AT_ONCE: usize = 8;
const LONGEST_SLUG: usize = 60;

impl Pipeline {
    /// Reads the feeds of a pass, and lets the other workers have what is known of each as soon as it is read.
    pub(super) async fn poll_all(
        self: &Arc<Self>,
        targets: &[Target],
        pass: &Arc<Pass>,
    ) -> Result<(), Error> {
        let due = self.admit_unread(targets, pass).await?;
        stream::iter(due.into_iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, async |target| {
                if !self.stop.is_cancelled() {
                    self.poll(target, pass).await?;
                }
                Ok(())
            })
            .await
    }

    pub(super) async fn poll(&self, target: &Target, pass: &Pass) -> Result<(), Error> {
        self.tally(|tally| tally.shows += 1);
        if let FeedSource::Own(_) = &target.feed {
            return match self.look_at_own(target, pass.options.begin).await? {
                Some(show) => self.admit(show, target, pass).await,
                None => Ok(()),
            };
        }
        let slug = match &target.slug {
            Some(slug) => Some(slug.clone()),
            None => self.store.slug_of_feed(&target.feed.to_string()).await?,
        };
        let known = match &slug {
            Some(slug) => Some(self.store.ensure_show(slug, &target.feed.to_string()).await?),
            None => None,
        };
        let show =
            if pass.options.begin == Begin::Feeds { self.read_feed(target, known).await? } else { known };
        match show {
            Some(show) => self.admit(show.id, target, pass).await,
            None => Ok(()),
        }
    }

    /// Asks for the feed and records the answer. Gives the show, which a feed that was never read does not have.
    async fn read_feed(
        &self,
        target: &Target,
        known: Option<ShowRecord>,
    ) -> Result<Option<ShowRecord>, Error> {
        let now = self.clock.now();
        if let Some(show) = &known
            && let Some(until) = show.wait_until.filter(|until| *until > now)
        {
            self.note_error(&format!("{}: the server has asked not to be asked before {until}", show.slug));
            self.monitor.event(&Event::PollWaits { show: show.slug.clone(), until });
            return Ok(known);
        }
        let meter = Meter::new();
        let answer = match &target.feed {
            FeedSource::Url(url) => self.ask(target, url, known.as_ref(), &meter).await?,
            FeedSource::File(path) => read_file(path, self.config.limits.feed_size),
            // There is no feed to be read; `look_at_own` is what does it for them.
            FeedSource::Own(_) => return Ok(known),
        };
        let traffic = Traffic { requests: meter.requests(), bytes: meter.bytes() };
        match answer {
            Ok(answer) => self.record_answer(target, known, answer, traffic, now).await.map(Some),
            Err(failure) => {
                self.record_failed_poll(target, known.as_ref(), &failure, traffic, now).await?;
                Ok(known)
            }
        }
    }

    /// One conditional request, and the older pages as far as there can be something wanted on them.
    async fn ask(
        &self,
        target: &Target,
        url: &Url,
        known: Option<&ShowRecord>,
        meter: &Meter,
    ) -> Result<Result<feed::Fetched, Failure>, Error> {
        // Other rules may want episodes on pages that were not read before, so then nothing is taken as known.
        // So it is where the copy is missing from which the show's feed is published.
        let known_well = known.filter(|show| {
            show.selection == rules(&target.selection) && !self.misses_document(target, &show.slug)
        });
        let seen: HashSet<String> = match known_well {
            Some(show) => self.store.known_urls(show.id).await?,
            None => HashSet::new(),
        };
        let validators = known_well
            .map(|show| Validators { etag: show.etag.clone(), last_modified: show.last_modified.clone() });
        let moved_to = known.and_then(|show| show.moved_to.as_deref()).and_then(|url| Url::parse(url).ok());
        let auth = target.basic_auth();
        let source = feed::Source {
            feed: url,
            moved_to: moved_to.as_ref(),
            auth: auth.as_ref(),
            validators: &validators.unwrap_or_default(),
            size_limit: self.config.limits.feed_size,
        };
        let read = Mutex::new(Vec::new());
        let enough = |page: &[Item]| {
            let mut read = lock(&read);
            read.extend_from_slice(page);
            page.iter().flat_map(urls).all(|url| seen.contains(&url)) || is_enough(&read, &target.selection)
        };
        Ok(feed::fetch(&self.http, &source, meter, enough).await.map_err(Failure::Fetch))
    }

    async fn record_answer(
        &self,
        target: &Target,
        known: Option<ShowRecord>,
        answer: feed::Fetched,
        traffic: Traffic,
        now: Timestamp,
    ) -> Result<ShowRecord, Error> {
        let (moved_to, asked) = match &answer {
            feed::Fetched::NotModified { moved_to, poll_after } => {
                let wish = known.as_ref().and_then(|show| show.poll_wish);
                (moved_to.clone(), wish.max(*poll_after))
            }
            feed::Fetched::Feed(fetched) => (fetched.moved_to.clone(), fetched.poll_after),
        };
        let fetched = match answer {
            feed::Fetched::NotModified { .. } => None,
            feed::Fetched::Feed(fetched) => Some(*fetched),
        };
        let show = match known {
            Some(show) => show,
            None => {
                let title = fetched.as_ref().map(|fetched| fetched.feed.title.as_str()).unwrap_or_default();
                // The configuration's slugs are its own, also before a show of it was ever read.
                let configured = self.config.shows.iter().map(|show| show.slug.clone());
                let taken: Vec<_> =
                    configured.chain(RESERVED_SLUGS.iter().map(|slug| (*slug).to_owned())).collect();
                self.store.new_show(&slug(title), &taken, &target.feed.to_string()).await?
            }
        };
        let (feed, validators) = match fetched {
            Some(fetched) => {
                self.record_feed(&show, &fetched, &target.selection, now).await?;
                self.keep_document(target, &show, &fetched).await?;
                (Some(fetched.feed), fetched.validators)
            }
            None => {
                self.monitor.event(&Event::Unchanged { show: show.slug.clone() });
                (None, Validators { etag: show.etag.clone(), last_modified: show.last_modified.clone() })
            }
        };
        // The validators last: a crash before them reads the feed again, one after them has nothing to repeat.
        let record = FeedRecord {
            etag: validators.etag,
            last_modified: validators.last_modified,
            moved_to: moved_to.map(String::from),
            next_poll: Some(self.next_poll(&show, asked, now).await?),
            traffic,
        };
        self.store.record_poll(show.id, feed.as_ref(), &record, now).await?;
        Ok(show)
    }

    /// By the show's own rhythm, and not before the publisher asks for it.
    async fn next_poll(
        &self,
        show: &ShowRecord,
        asked: Option<Duration>,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let dates = self.store.recent_dates(show.id, now, schedule::DATES).await?;
        let bounds = &self.config.poll_interval;
        let interval = schedule::poll_interval(now, &dates, bounds.shortest..=bounds.longest);
        Ok(schedule::next_poll(now, interval, asked, show.polled, schedule::random()))
    }

    /// Records the items of a feed and which of them are wanted, and tells of it.
    async fn record_feed(
        &self,
        show: &ShowRecord,
        fetched: &FetchedFeed,
        selection: &Selection,
        now: Timestamp,
    ) -> Result<(), Error> {
        let feed = &fetched.feed;
        let recorded =
            self.store.record_items(show.id, feed, fetched.complete && !feed.truncated, now).await?;
        // Without its rules on record a show is read anew, all pages of it.
        let on_record = if fetched.page_failed { String::new() } else { rules(selection) };
        let newly_wanted = self.judge(show.id, selection, &on_record).await?;
        self.tally(|tally| tally.new_episodes += newly_wanted.min(recorded.new_episodes));
        for text in &feed.warnings {
            self.monitor.event(&Event::Warning { show: show.slug.clone(), text: text.clone() });
        }
        self.monitor.event(&Event::Polled {
            show: show.slug.clone(),
            title: feed.title.clone(),
            new_episodes: recorded.new_episodes,
            newly_wanted,
        });
        Ok(())
    }

    async fn record_failed_poll(
        &self,
        target: &Target,
        known: Option<&ShowRecord>,
        failure: &Failure,
        traffic: Traffic,
        now: Timestamp,
    ) -> Result<(), Error> {
        let error = error::chain(failure);
        let show =
            known.map(|show| show.slug.clone()).unwrap_or_else(|| public_url(&target.feed.to_string()));
        if let Some(known) = known {
            let advice = failure.advice();
            let wait_until = match advice {
                Advice::Later { after: Some(after) } => Some(schedule::after(now, after)),
                _ => None,
            };
            let next_poll = schedule::next_attempt(now, known.failures + 1, schedule::random());
            let failed = FailedPoll {
                error: error.clone(),
                wait_until,
                next_poll: wait_until.map_or(next_poll, |until| until.max(next_poll)),
                forget_move: advice == Advice::Never,
                traffic,
            };
            self.store.record_failed_poll(known.id, &failed).await?;
        }
        self.note_error(&format!("{show}: {error}"));
        self.monitor.event(&Event::PollFailed { show, error });
        Ok(())
    }
}

/// Why a feed could not be read.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Fetch(#[from] feed::FetchError),
    #[error(transparent)]
    File(#[from] fs::Error),
    #[error("{} is no absolute path", path.display())]
    Relative { path: PathBuf },
    #[error("{} is no feed", path.display())]
    Unreadable { path: PathBuf, source: feed::Error },
}

impl Failure {
    fn advice(&self) -> Advice {
        match self {
            Self::Fetch(feed::FetchError::Http(error)) => error.advice(),
            // A page for maintenance, most of the time.
            Self::Fetch(feed::FetchError::Unreadable { .. }) => Advice::Later { after: None },
            Self::File(_) | Self::Relative { .. } | Self::Unreadable { .. } => Advice::Never,
        }
    }
}

/// A local feed is read whole each time; it costs nobody anything.
fn read_file(path: &Path, most: u64) -> Result<feed::Fetched, Failure> {
    let document = fs::read(path, most)?;
    let url = Url::from_file_path(path).map_err(|()| Failure::Relative { path: path.to_owned() })?;
    let feed = feed::read(&document, None, Some(&url))
        .map_err(|source| Failure::Unreadable { path: path.to_owned(), source })?;
    Ok(feed::Fetched::Feed(Box::new(feed::FetchedFeed {
        feed,
        document,
        content_type: None,
        url,
        validators: Validators::default(),
        moved_to: None,
        poll_after: None,
        complete: true,
        page_failed: false,
    })))
}

/// Whether older pages cannot hold anything that is wanted: feeds have their newest items first.
fn is_enough(read: &[Item], selection: &Selection) -> bool {
    let wanted = |verdict: &feed::Verdict| matches!(verdict, feed::Verdict::Wanted(_));
    let count = || {
        let all = Selection { latest: None, ..selection.clone() };
        feed::select(read, &all).iter().filter(|verdict| wanted(verdict)).count()
    };
    selection.latest.is_some_and(|latest| count() >= latest)
}

fn urls(item: &Item) -> impl Iterator<Item = String> {
    item.enclosures.iter().map(|enclosure| comparable_url(&enclosure.url))
}

/// A slug for a feed that has none in the configuration: its title in lower-case ASCII, at most 60 letters.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.nfkd().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            _ if letter.is_alphanumeric()
                || slug.is_empty()
                || slug.ends_with('-')
                || is_combining_mark(letter) => {}
            _ => slug.push('-'),
        }
        if slug.len() >= LONGEST_SLUG {
            break;
        }
    }
    match slug.trim_end_matches('-') {
        "" => "show".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_of_titles() {
        let cases = [
            ("Chaosradio", "chaosradio"),
            ("  Küchenstudio: Gäste & Wein! ", "kuchenstudio-gaste-wein"),
            ("日本語", "show"),
            ("../../etc", "etc"),
            ("", "show"),
        ];
        for (title, expected) in cases {
            assert_eq!(slug(title), expected, "{title}");
        }
        assert!(slug(&"a".repeat(500)).len() <= LONGEST_SLUG);
    }
}
