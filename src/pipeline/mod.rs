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
mod pass;
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

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, FeedSource};
use crate::handover::Client;
use crate::http::Http;
use crate::model::Selection;
use crate::store::Store;
use crate::{fs, store};
use pass::Pass;

pub use budget::{Unkept, unkept};
pub use daemon::Daemon;
pub use data::fetch_missing;
pub use folder::DataFolder;
pub use kit::{KitError, write_kit};
pub use monitor::{Event, Monitor};
pub use own::{ShareOrder, Shared, share};
pub use pass::{Begin, PassOptions, Summary};
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

    fn folder(&self) -> DataFolder {
        DataFolder::new(&self.config.data_dir)
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
