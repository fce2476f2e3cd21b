//! Reading feeds: what to ask for, and what came of it. What there is to remember of it, `record` does.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio_util::task::AbortOnDropHandle;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use url::Url;

use super::monitor::Event;
use super::record::{News, Outcome, Polled, Recorder};
use super::wanted::rules;
use super::{Begin, Error, Pass, Pipeline, Target, lock};
use crate::config::FeedSource;
use crate::feed::{self, FetchedFeed, Validators};
use crate::fs;
use crate::http::{Advice, Meter};
use crate::model::identity::comparable_url;
use crate::model::{Item, RESERVED_SLUGS, Selection, Traffic};
use crate::secret::public_url;
use crate::store::ShowRecord;

/// Feeds that are asked for at a time: most servers answer in a few words that nothing has changed. How many at a time
/// from one host, `http` sees to.
pub(super) const AT_ONCE: usize = 32;
/// Shows that are looked up together.
const GROUP: usize = 256;
const LONGEST_SLUG: usize = 60;

/// What is to be polled, and what is known of it.
type Known = (Arc<Target>, Option<ShowRecord>);

impl Pipeline {
    /// Reads the feeds of a pass, and lets the other workers have what is known of each as soon as it is read.
    pub(super) async fn poll_all(
        self: &Arc<Self>,
        targets: &[Target],
        pass: &Arc<Pass>,
    ) -> Result<(), Error> {
        let (recorder, answers) = Recorder::new();
        let (pipeline, of_pass) = (Arc::clone(self), Arc::clone(pass));
        let recording = async move { pipeline.record_all(answers, &of_pass).await };
        let recording = AbortOnDropHandle::new(tokio::spawn(recording));
        let due = self.admit_unread(targets, pass).await?;
        let polled = self.ask_all(due, pass, recorder).await;
        let died = |error: tokio::task::JoinError| Err(Error::Worker { reason: error.to_string() });
        // Why nothing could be recorded says more than that nobody took the answers any more.
        recording.await.unwrap_or_else(died).and(polled)
    }

    async fn ask_all(&self, targets: Vec<&Target>, pass: &Pass, recorder: Recorder) -> Result<(), Error> {
        let spread = spread(targets);
        stream::iter(spread.chunks(GROUP))
            .then(|group| self.look_up(group.iter().map(|target| Arc::new((*target).clone())).collect()))
            .map_ok(|known| stream::iter(known.into_iter().map(Ok)))
            .try_flatten()
            .try_for_each_concurrent(AT_ONCE, async |(target, known)| {
                if !self.stop.is_cancelled() {
                    self.poll(target, known, pass, &recorder).await?;
                }
                Ok(())
            })
            .await
    }

    /// What is known of the shows of these targets, which are made where they are not there yet. A feed that was only
    /// named for a run has no show before it is read.
    pub(super) async fn look_up(&self, targets: Vec<Arc<Target>>) -> Result<Vec<Known>, Error> {
        let mut slugs = Vec::with_capacity(targets.len());
        for target in &targets {
            slugs.push(match (&target.slug, &target.feed) {
                (_, FeedSource::Own(_)) => None,
                (Some(slug), _) => Some(slug.clone()),
                (None, feed) => self.store.slug_of_feed(&feed.to_string()).await?,
            });
        }
        let named = slugs.iter().zip(&targets);
        let named: Vec<(String, String)> =
            named.filter_map(|(slug, target)| Some((slug.clone()?, target.feed.to_string()))).collect();
        let shows = self.store.ensure_shows(&named).await?;
        let of = |slug: Option<String>| slug.and_then(|slug| shows.get(&slug).cloned());
        Ok(targets.into_iter().zip(slugs.into_iter().map(of)).collect())
    }

    /// Reads one feed, or looks at own files, and hands on what came of it.
    pub(super) async fn poll(
        &self,
        target: Arc<Target>,
        known: Option<ShowRecord>,
        pass: &Pass,
        recorder: &Recorder,
    ) -> Result<(), Error> {
        self.tally(|tally| tally.shows += 1);
        if let FeedSource::Own(_) = &target.feed {
            return match self.look_at_own(&target, pass.options.begin).await? {
                Some(show) => self.admit(show, &target, pass).await,
                None => Ok(()),
            };
        }
        let answer = match pass.options.begin {
            Begin::Feeds => self.read_feed(target, known, recorder).await?,
            Begin::Downloads | Begin::Clients => known.map(|show| Polled { target, show, news: None }),
        };
        match answer {
            Some(answer) => recorder.take(answer).await,
            None => Ok(()),
        }
    }

    /// Asks for the feed. Gives nothing for one that could not be read and has no show yet.
    async fn read_feed(
        &self,
        target: Arc<Target>,
        known: Option<ShowRecord>,
        recorder: &Recorder,
    ) -> Result<Option<Polled>, Error> {
        let now = self.clock.now();
        if let Some(show) = &known
            && let Some(until) = show.wait_until.filter(|until| *until > now)
        {
            self.note_error(&format!("{}: the server has asked not to be asked before {until}", show.slug));
            self.monitor.event(&Event::PollWaits { show: show.slug.clone(), until });
            return Ok(known.map(|show| Polled { target, show, news: None }));
        }
        let meter = Meter::new();
        let outcome = match &target.feed {
            FeedSource::Url(url) => self.ask(&target, url, known.as_ref(), &meter, recorder).await?,
            FeedSource::File(path) => {
                let room = recorder.room().await;
                match read_file(path, self.config.limits.feed_size) {
                    Ok(fetched) => Outcome::feed(fetched, room),
                    Err(failure) => Outcome::Failed(failure),
                }
            }
            // There is no feed to be read; `look_at_own` is what does it for them.
            FeedSource::Own(_) => return Ok(None),
        };
        let Some(show) = self.show_of(known, &target, &outcome).await? else { return Ok(None) };
        let traffic = Traffic { requests: meter.requests(), bytes: meter.bytes() };
        let mut news = News { outcome, traffic, at: now };
        if let Outcome::Feed(read) = &mut news.outcome {
            read.document = self.keep_document(&target, &show, &mut read.fetched).await?;
        }
        Ok(Some(Polled { target, show, news: Some(news) }))
    }

    /// The show that an answer is about. A feed without one gets one after its title.
    async fn show_of(
        &self,
        known: Option<ShowRecord>,
        target: &Target,
        outcome: &Outcome,
    ) -> Result<Option<ShowRecord>, Error> {
        let title = match (known, outcome) {
            (Some(show), _) => return Ok(Some(show)),
            (None, Outcome::Failed(failure)) => {
                self.tell_of_failure(public_url(&target.feed.to_string()), failure);
                return Ok(None);
            }
            (None, Outcome::Feed(read)) => read.fetched.feed.title.as_str(),
            (None, Outcome::Unchanged { .. }) => "",
        };
        // The configuration's slugs are its own, also before a show of it was ever read.
        let configured = self.config.shows.iter().map(|show| show.slug.clone());
        let taken: HashSet<String> =
            configured.chain(RESERVED_SLUGS.iter().map(|slug| (*slug).to_owned())).collect();
        Ok(Some(self.store.new_show(&slug(title), &taken, &target.feed.to_string()).await?))
    }

    /// One conditional request, and the older pages as far as there can be something wanted on them.
    async fn ask(
        &self,
        target: &Target,
        url: &Url,
        known: Option<&ShowRecord>,
        meter: &Meter,
        recorder: &Recorder,
    ) -> Result<Outcome, Error> {
        // Other rules may want episodes on pages that were not read before, so then nothing is taken as known.
        // So it is where the copy is missing from which the show's feed is published.
        let known_well = known.filter(|show| {
            show.selection == rules(&target.selection) && !self.misses_document(target, &show.slug)
        });
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
        let unread = match feed::ask(&self.http, &source, meter).await {
            Ok(feed::Answer::Document(unread)) => unread,
            Ok(feed::Answer::NotModified { moved_to, poll_after }) => {
                return Ok(Outcome::Unchanged { moved_to, poll_after });
            }
            Err(error) => return Ok(Outcome::Failed(error.into())),
        };
        let mut room = recorder.room().await;
        let mut pages = match unread.read().await {
            Ok(pages) => pages,
            Err(error) => return Ok(Outcome::Failed(error.into())),
        };
        if pages.has_more() {
            // Who waits for his turn at a host takes no room from those whom he waits for.
            drop(room);
            self.read_older(&mut pages, known_well, &target.selection, meter).await?;
            room = recorder.room().await;
        }
        Ok(Outcome::feed(pages.finish(), room))
    }

    /// Reads older pages as far as there can be something new and wanted on them.
    async fn read_older(
        &self,
        pages: &mut feed::Pages<'_>,
        known_well: Option<&ShowRecord>,
        selection: &Selection,
        meter: &Meter,
    ) -> Result<(), Error> {
        let seen: HashSet<String> = match known_well {
            Some(show) => self.store.known_urls(show.id).await?,
            None => HashSet::new(),
        };
        let read = Mutex::new(Vec::new());
        let enough = |page: &[Item]| {
            let mut read = lock(&read);
            read.extend_from_slice(page);
            page.iter().flat_map(urls).all(|url| seen.contains(&url)) || is_enough(&read, selection)
        };
        pages.go_on(meter, enough).await;
        Ok(())
    }
}

/// In an order in which the shows of one host, of which some have thousands, do not stand in the way of all others.
fn spread(targets: Vec<&Target>) -> Vec<&Target> {
    let mut met: HashMap<&str, usize> = HashMap::new();
    let mut in_turn: Vec<(usize, &Target)> = Vec::with_capacity(targets.len());
    for target in targets {
        let host = match &target.feed {
            FeedSource::Url(url) => url.host_str(),
            FeedSource::File(_) | FeedSource::Own(_) => None,
        };
        let turn = host.map_or(0, |host| {
            let turn = met.entry(host).or_default();
            *turn += 1;
            *turn
        });
        in_turn.push((turn, target));
    }
    in_turn.sort_by_key(|(turn, _)| *turn);
    in_turn.into_iter().map(|(_, target)| target).collect()
}

/// Why a feed could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Fetch(#[from] feed::FetchError),
    #[error(transparent)]
    File(#[from] fs::Error),
    #[error("{} is no absolute path", path.display())]
    Relative { path: PathBuf },
    #[error("{} is no feed", path.display())]
    Unreadable { path: PathBuf, source: feed::Error },
    #[error("what it has brought cannot be recorded")]
    Unrecorded(#[source] Box<Error>),
}

impl Failure {
    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::Fetch(feed::FetchError::Http(error)) => error.advice(),
            // A page for maintenance, most of the time.
            Self::Fetch(feed::FetchError::Unreadable { .. }) | Self::Unrecorded(_) => {
                Advice::Later { after: None }
            }
            Self::File(_) | Self::Relative { .. } | Self::Unreadable { .. } => Advice::Never,
        }
    }
}

/// A local feed is read whole each time; it costs nobody anything.
fn read_file(path: &Path, most: u64) -> Result<FetchedFeed, Failure> {
    let document = fs::read(path, most)?;
    let url = Url::from_file_path(path).map_err(|()| Failure::Relative { path: path.to_owned() })?;
    let feed = feed::read(&document, None, Some(&url))
        .map_err(|source| Failure::Unreadable { path: path.to_owned(), source })?;
    Ok(FetchedFeed {
        feed,
        document,
        content_type: None,
        url,
        validators: Validators::default(),
        moved_to: None,
        poll_after: None,
        complete: true,
        page_failed: false,
    })
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
