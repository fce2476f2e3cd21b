//! The order of the stages, and the workers that take enclosures through them.
//!
//! One pass: read the feeds, decide what is wanted, fetch and make torrents, hand over, wait until the clients
//! confirm. The stages know nothing of one another; what passes between them passes through the store, so that a
//! process that dies anywhere goes on where it was.

mod absence;
mod admit;
mod arrange;
mod blocking;
mod budget;
mod compare;
mod copies;
mod daemon;
mod data;
mod draft;
mod drain;
mod fetch;
mod figures;
mod folder;
mod keep;
mod kit;
mod monitor;
mod notify;
mod official;
mod own;
mod place;
mod plan;
mod poll;
mod prove;
mod publish;
mod published;
mod reconcile;
mod record;
mod revise;
mod rounds;
mod said;
mod schedule;
mod space;
mod status;
mod target;
mod terms;
mod vitals;
mod wanted;
mod withdraw;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, FeedSource};
use crate::handover::Client;
use crate::http::Http;
use crate::model::{Selection, Stage};
use crate::store::Store;
use crate::{fs, store};
use drain::Supply;

pub use budget::{Unkept, unkept};
pub use daemon::Daemon;
pub use data::fetch_missing;
pub use folder::DataFolder;
pub use kit::{KitError, write_kit};
pub use monitor::{Event, Monitor};
pub use own::{ShareOrder, Shared, share};
pub use plan::{Plan, PlannedEnclosure, PlannedShow, plan};
pub use poll::slug;
pub use status::{PlacementJson, StatusJson, stage_counts};
pub use target::Target;
pub use terms::{basis, basis_of_feed, basis_text, private_address};
pub use vitals::{Pulse, Vitals, server_options};

/// Why a pass could not go on. What fails for a single show, enclosure or client is not an error of the pass.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state cannot be read or written.
    #[error("cannot keep the state")]
    Store(#[from] store::Error),
    /// A folder cannot be made, or another process works on it.
    #[error("cannot work in the data folder")]
    Folder(#[from] fs::Error),
    /// The HTTP client cannot be set up.
    #[error("cannot set up HTTP")]
    Http(#[from] crate::http::Error),
    /// A client's configuration is unusable.
    #[error("cannot set up a client")]
    Client(#[from] crate::handover::Problem),
    /// The site cannot be served.
    #[error("cannot serve")]
    Serve(#[from] crate::serve::Error),
    /// A worker has died: a bug.
    #[error("a worker has died, which is a bug: {reason}")]
    Worker {
        /// What the runtime says.
        reason: String,
    },
}

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

/// What a pipeline gets from whoever runs it.
#[derive(Clone)]
pub struct Environment {
    /// By which it plans.
    pub clock: Clock,
    /// Is told what happens.
    pub monitor: Arc<dyn Monitor>,
    /// Stops everything at safe points.
    pub stop: CancellationToken,
}

impl Environment {
    /// The system's time, and nobody to stop it.
    pub fn new(monitor: Arc<dyn Monitor>) -> Self {
        Self { clock: Clock::system(), monitor, stop: CancellationToken::new() }
    }
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
    fn lasting() -> Self {
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

/// Everything that the workers share.
pub struct Pipeline {
    config: Arc<Config>,
    store: Store,
    http: Http,
    clients: BTreeMap<String, Client>,
    clock: Clock,
    monitor: Arc<dyn Monitor>,
    stop: CancellationToken,
    tally: Mutex<Summary>,
    said: said::Said,
    /// The user has been told that seeding is distribution; so says the state, or this.
    told_of_distribution: tokio::sync::Mutex<bool>,
    /// Fetching pauses, for the disk is full, and the user has been told.
    is_short_of_space: AtomicBool,
    judgement: budget::Judgement,
    /// Files are not fetched at this time of the day, and the user has been told.
    is_closed: AtomicBool,
    /// Missing where nothing may be changed.
    lock: Option<Arc<fs::DataLock>>,
    own: own::Attention,
}

/// One pass under way, or the work of a daemon under one configuration.
struct Pass {
    /// Not that of any other pass, even if the clock was set back: rows carry it once they are dealt with, and in a
    /// daemon as long as somebody works on them.
    id: i64,
    options: PassOptions,
    /// It never ends by itself: what was dealt with may be claimed again once it is due.
    lasting: bool,
    /// Nothing more is claimed; what is under way comes to its end.
    closed: CancellationToken,
    /// The configuration in force, which may be another one than that of the pass once that is closed. Who makes shows
    /// part of the pass holds it, and who records what polls have brought, so that neither is done under a former one.
    in_force: Arc<tokio::sync::Mutex<Arc<Config>>>,
    /// The shows in it, by slug.
    shows: Mutex<BTreeMap<String, Arc<Target>>>,
    /// The queue of feeds that are to be read; a pass that ends reads each once, and does without.
    pollable: Supply,
    /// The queue of what is to be fetched.
    fetchable: Supply,
    /// The queue of what is to be handed over.
    placeable: Supply,
    /// The queue of what is to be compared with its source.
    comparable: Supply,
}

impl Pass {
    fn new(id: i64, options: PassOptions, pipeline: &Pipeline) -> Self {
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

    fn show(&self, slug: &str) -> Option<Arc<Target>> {
        lock(&self.shows).get(slug).cloned()
    }
}

/// A worker that has died leaves what it held as it was.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Pipeline {
    /// Takes the data folder for this process, opens the state and sets up the clients. Nothing is asked of
    /// anybody yet.
    pub async fn open(config: Arc<Config>, environment: Environment) -> Result<Arc<Self>, Error> {
        let folder = DataFolder::new(&config.data_dir);
        fs::create_dir(folder.root())?;
        let lock = fs::DataLock::take(folder.root())?;
        let store = Store::open(&folder.state()).await?;
        if let Some(backup) = store.backup() {
            environment.monitor.event(&Event::Upgraded { backup: backup.to_owned() });
        }
        let pipeline = Self::with_store(config, store, Some(Arc::new(lock)), environment)?;
        pipeline.make_own_folders()?;
        Ok(Arc::new(pipeline))
    }

    /// The same state under another configuration. Transfers that are under way count for the limits of both, where
    /// these are the same.
    fn renewed(&self, config: Arc<Config>) -> Result<Arc<Self>, Error> {
        let environment = Environment {
            clock: self.clock.clone(),
            monitor: Arc::clone(&self.monitor),
            stop: self.stop.clone(),
        };
        let mut renewed = Self::with_store(config, self.store.clone(), self.lock.clone(), environment)?;
        if http_options(&renewed.config) == http_options(&self.config) {
            renewed.http = self.http.clone();
        }
        renewed.make_own_folders()?;
        Ok(Arc::new(renewed))
    }

    fn make_own_folders(&self) -> Result<(), Error> {
        Ok(self.config.own_folders().iter().try_for_each(|own| fs::create_dir(own))?)
    }

    fn with_store(
        config: Arc<Config>,
        store: Store,
        lock: Option<Arc<fs::DataLock>>,
        environment: Environment,
    ) -> Result<Self, Error> {
        let http = Http::new(http_options(&config))?;
        let clients = open_clients(&config)?;
        let Environment { clock, monitor, stop } = environment;
        Ok(Self {
            config,
            store,
            http,
            clients,
            clock,
            monitor,
            stop,
            tally: Mutex::default(),
            said: said::Said::default(),
            lock,
            told_of_distribution: tokio::sync::Mutex::default(),
            is_short_of_space: AtomicBool::default(),
            judgement: budget::Judgement::default(),
            is_closed: AtomicBool::default(),
            own: own::Attention::default(),
        })
    }

    /// The shows with these slugs, whether they are in the configuration or were only once named for a run; the latter
    /// go to every client.
    pub async fn known_targets(&self, slugs: &BTreeSet<String>) -> Result<Vec<Target>, Error> {
        let own = self.own_targets().await?.into_iter();
        let own: Vec<_> =
            own.filter(|own| own.slug.as_ref().is_some_and(|slug| slugs.contains(slug))).collect();
        let is_own = |slug: &String| own.iter().any(|own| own.slug.as_ref() == Some(slug));
        let known =
            self.store.feeds().await?.into_iter().filter(|(slug, _)| slugs.contains(slug) && !is_own(slug));
        let targets = known.map(|(slug, feed)| {
            let configured = self.config.show(&slug);
            configured.map_or_else(
                || Target {
                    slug: Some(slug),
                    feed: FeedSource::parse(&feed),
                    selection: Selection::default(),
                    clients: self.clients.keys().cloned().collect(),
                    auth: None,
                    permission: None,
                    configured: false,
                    publishable: false,
                },
                Target::from,
            )
        });
        let targets: Vec<_> = targets.collect();
        Ok(targets.into_iter().chain(own).collect())
    }

    /// Closes the state, so that all of it is in one file.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// What it works by.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The state.
    pub fn store(&self) -> &Store {
        &self.store
    }

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

    fn folder(&self) -> DataFolder {
        DataFolder::new(&self.config.data_dir)
    }

    /// Changes or reads the figures of the pass.
    fn tally<T>(&self, with: impl FnOnce(&mut Summary) -> T) -> T {
        with(&mut lock(&self.tally))
    }

    /// Notes a cause once, however many things suffer from it. Says whether it is new.
    fn note_error(&self, error: &str) -> bool {
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

fn http_options(config: &Config) -> crate::http::Options {
    crate::http::Options {
        contact: config.user_agent_contact.clone(),
        allow_private_addresses: config.limits.allow_private_addresses,
        downloads: config.limits.downloads,
        per_host: config.limits.per_host,
        rate: config.limits.rate,
        ..crate::http::Options::default()
    }
}

/// The clients of a configuration, by name.
pub fn open_clients(config: &Config) -> Result<BTreeMap<String, Client>, crate::handover::Problem> {
    config
        .clients
        .iter()
        .map(|client| {
            let opened = Client::open(&client.name, &client.adapter, client.paths.clone(), client.limits)?;
            Ok((client.name.clone(), opened))
        })
        .collect()
}
