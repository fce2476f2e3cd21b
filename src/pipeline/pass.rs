//! One pass: what it is asked for, the order of its stages, and what it has done.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::drain::Supply;
use super::{Error, Pipeline, Target, lock};
use crate::config::Config;
use crate::model::Stage;

/// Errors that a summary lists: nobody reads more, and a daemon goes on for years.
const MOST_ERRORS: usize = 10_000;

/// What a pass has done, and how its shows stand at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Shows in the pass.
    pub shows: u64,
    /// Episodes that are new and wanted.
    pub new_episodes: u64,
    /// Files completed.
    pub downloaded: u64,
    /// Media bytes received from origins, without those of looks at sources.
    pub bytes_fetched: u64,
    /// Torrents made.
    pub torrents_made: u64,
    /// Enclosures that a first client has accepted.
    pub handed_over: u64,
    /// Enclosures that seed at the end, of all in these shows.
    pub seeding: u64,
    /// Enclosures that need the user at the end, of all in these shows.
    pub failed: u64,
    /// Enclosures that wait for their next attempt, and when the first of them comes.
    pub waiting: u64,
    /// See `waiting`.
    pub next_attempt: Option<Timestamp>,
    /// No feed was due: when the first of them is.
    pub next_poll: Option<Timestamp>,
    /// Everything that went wrong in this pass, each cause once.
    pub errors: Vec<String>,
}

/// How a pass is made.
#[derive(Debug, Clone)]
pub struct PassOptions {
    /// How long to wait for each client's confirmation.
    pub wait: Duration,
    /// Leave alone what is not due: feeds before their time, clients that were asked just now, and what waits for its
    /// next attempt. A run that a person started does not, unless the origin itself has asked for the time.
    pub patient: bool,
    /// With which stage it begins.
    pub begin: Begin,
    /// It is about all shows, so that what concerns every one of them is looked after whether it is due or not.
    pub whole: bool,
}

impl PassOptions {
    /// Those of a daemon: what it cannot do now, it does later.
    pub(super) fn lasting() -> Self {
        Self { wait: Duration::from_secs(60), patient: true, begin: Begin::Feeds, whole: true }
    }
}

/// The stage with which a pass begins. Those behind it follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Begin {
    /// The feeds are read.
    Feeds,
    /// What is known is fetched.
    Downloads,
    /// What is fetched is handed over, and taken back.
    Clients,
}

/// One pass under way, or the work of a daemon under one configuration.
pub(super) struct Pass {
    /// Not that of any other pass, even if the clock was set back: rows carry it once they are dealt with, and in a
    /// daemon as long as somebody works on them.
    pub(super) id: i64,
    pub(super) options: PassOptions,
    /// It never ends by itself: what was dealt with may be claimed again once it is due.
    pub(super) lasting: bool,
    /// Nothing more is claimed; what is under way comes to its end.
    pub(super) closed: CancellationToken,
    /// The configuration in force, which may be another one than that of the pass once that is closed. Who makes shows
    /// part of the pass holds it, and who records what polls have brought, so that neither is done under a former one.
    pub(super) in_force: Arc<tokio::sync::Mutex<Arc<Config>>>,
    /// The shows in it, by slug.
    pub(super) shows: Mutex<BTreeMap<String, Arc<Target>>>,
    /// The queue of feeds that are to be read; a pass that ends reads each once, and does without.
    pub(super) pollable: Supply,
    /// The queue of what is to be fetched.
    pub(super) fetchable: Supply,
    /// The queue of what is to be handed over.
    pub(super) placeable: Supply,
    /// The queue of what is to be compared with its source.
    pub(super) comparable: Supply,
}

impl Pass {
    pub(super) fn new(id: i64, options: PassOptions, pipeline: &Pipeline) -> Self {
        Self {
            id,
            options,
            lasting: false,
            closed: pipeline.stop.child_token(),
            in_force: Arc::new(tokio::sync::Mutex::new(Arc::clone(&pipeline.config))),
            shows: Mutex::default(),
            pollable: Supply::new(),
            fetchable: Supply::new(),
            placeable: Supply::new(),
            comparable: Supply::new(),
        }
    }

    pub(super) fn show(&self, slug: &str) -> Option<Arc<Target>> {
        lock(&self.shows).get(slug).cloned()
    }
}

impl Pipeline {
    /// One pass over these shows.
    pub async fn pass(self: &Arc<Self>, targets: &[Target], options: PassOptions) -> Result<Summary, Error> {
        self.tally(|tally| *tally = Summary::default());
        self.said.clear();
        let pass = Arc::new(Pass::new(self.clock.now().as_microsecond(), options, self));
        let polls = async {
            let outcome = self.poll_all(targets, &pass).await;
            pass.comparable.ended();
            outcome
        };
        // What a look finds to be replaced is fetched in the same pass.
        let looks = async {
            let (joined, compared) = tokio::join!(self.join_all(&pass), self.compare_all(&pass));
            pass.fetchable.ended();
            joined.and(compared)
        };
        // What clients have lost is handed over in the same pass.
        let reconciled = async {
            let outcome = self.reconcile_for(targets, &pass.options).await;
            pass.placeable.grew();
            outcome
        };
        let fetches = async {
            let (fetched, reconciled) = tokio::join!(self.fetch_all(&pass), reconciled);
            let outcome = fetched.and(reconciled);
            pass.placeable.ended();
            // The first look at what was only just fetched, while the clients hash it.
            outcome.and(self.join_all(&pass).await).and(self.compare_all(&pass).await)
        };
        let (polled, looked, fetched, placed) = tokio::join!(polls, looks, fetches, self.place_all(&pass));
        polled.and(looked).and(fetched).and(placed)?;
        self.retire_all(&pass).await?;
        self.delete_withdrawn().await?;
        self.enforce_budget(false).await?;
        self.reclaim(pass.options.patient || !pass.options.whole).await?;
        // A tracker that is away takes its time, and the site does not wait for it.
        let (gathered, published, proven) = tokio::join!(self.gather(), self.publish(), self.prove());
        gathered.and(published).and(proven)?;
        self.send_notices_now().await?;
        self.summary(&pass).await
    }

    async fn summary(&self, pass: &Pass) -> Result<Summary, Error> {
        let totals = self.store.totals(pass.id).await?;
        let at = |stage| totals.get(&stage).copied().unwrap_or_default();
        let (waiting, next_attempt) = self.store.waiting(pass.id).await?;
        Ok(self.tally(|tally| {
            tally.seeding = at(Stage::Seeding);
            tally.failed = at(Stage::Failed);
            tally.waiting = waiting;
            tally.next_attempt = next_attempt;
            tally.clone()
        }))
    }

    /// Changes or reads the figures of the pass.
    pub(super) fn tally<T>(&self, with: impl FnOnce(&mut Summary) -> T) -> T {
        with(&mut lock(&self.tally))
    }

    /// Notes a cause once, however many things suffer from it. Says whether it is new.
    pub(super) fn note_error(&self, error: &str) -> bool {
        let is_news = self.said.note(error, self.clock.now());
        if is_news {
            self.tally(|tally| {
                if tally.errors.len() < MOST_ERRORS {
                    tally.errors.push(error.to_owned());
                }
            });
        }
        is_news
    }
}
