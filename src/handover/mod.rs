//! Stage: torrents and their data go to the clients, and the clients say whether they seed.
//!
//! [`Client`] wraps one adapter with what the configuration says of it. A [`Visit`] takes one placement a step
//! further at a time; the caller records what each step reports before it asks for the next.

mod decide;
mod probe;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use podseed_adapters::{
    ClientConfig, ClientInfo, ErrorKind, Limits, Presence, Retry, Seed, TorrentClient, TorrentRef,
    TorrentStatus, TorrentVersion,
};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::model::{InfoHashes, Memory, PathMap, PlacementState};
use decide::{Step, Trouble, decide};

/// How long a client may take to list what it has accepted. qBittorrent's list is up to two seconds old.
const TO_APPEAR: Duration = Duration::from_secs(20);
/// How long a state has to hold before it is believed that nothing more will happen by itself.
const TO_SETTLE: Duration = Duration::from_secs(3);
/// How long a client may take to show that it has started a torrent.
const TO_START: Duration = Duration::from_secs(10);
/// Between two looks at a client.
const PAUSE: Duration = Duration::from_millis(250);

/// What is wrong at a client, and whether it may pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What failed, on what, why, and the remedy.
    pub message: String,
    /// When to try again.
    pub retry: Retry,
}

impl Problem {
    fn never(message: String) -> Self {
        Self { message, retry: Retry::Never }
    }
}

/// A client of the configuration, ready to be spoken to.
pub struct Client {
    name: String,
    adapter: Box<dyn TorrentClient>,
    paths: PathMap,
    limits: Limits,
    /// Asked once: a client that is down, or refuses our credentials, is not asked again for each torrent.
    info: OnceCell<Result<ClientInfo, Problem>>,
    /// Folders that the client has proven to see.
    proven: Mutex<HashSet<PathBuf>>,
    /// The user has been told which limits this client does not know.
    noted: AtomicBool,
}

/// A torrent to be handed over.
#[derive(Debug, Clone)]
pub struct Order {
    /// The show's slug.
    pub show: String,
    /// The file's name.
    pub name: String,
    /// Its length.
    pub length: u64,
    /// The torrent's identity.
    pub info_hash: InfoHashes,
    /// The .torrent file.
    pub metainfo: Arc<[u8]>,
    /// The complete data.
    pub data: PathBuf,
}

/// What a step has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The placement's state.
    pub state: PlacementState,
    /// What to remember.
    pub memory: Memory,
    /// What the client has sent to peers, if it said.
    pub uploaded_bytes: Option<u64>,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// What the user asked for and this client does not know; said once per client.
    pub note: Option<String>,
    /// Whether another step makes sense now.
    pub again: bool,
}

impl Client {
    /// Makes the adapter. Nothing is asked of the client yet.
    pub fn open(name: &str, config: &ClientConfig, paths: PathMap, limits: Limits) -> Result<Self, Problem> {
        let adapter = podseed_adapters::open(config).map_err(|error| problem(name, error))?;
        Ok(Self::with_adapter(name, adapter, paths, limits))
    }

    /// For an adapter of one's own.
    pub fn with_adapter(name: &str, adapter: Box<dyn TorrentClient>, paths: PathMap, limits: Limits) -> Self {
        Self {
            name: name.to_owned(),
            adapter,
            paths,
            limits,
            info: OnceCell::new(),
            proven: Mutex::new(HashSet::new()),
            noted: AtomicBool::new(false),
        }
    }

    /// The name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who answers; asked once and remembered, failures too.
    pub async fn info(&self) -> Result<&ClientInfo, Problem> {
        let ask = || async { self.adapter.probe().await.map_err(|error| problem(&self.name, error)) };
        self.info.get_or_init(ask).await.as_ref().map_err(Problem::clone)
    }

    /// Whether this client can take torrents of this version, and if not, what to do.
    pub async fn takes(&self, version: TorrentVersion) -> Result<(), Problem> {
        let info = self.info().await?;
        let (able, what) = match version {
            TorrentVersion::V1 => (true, "v1"),
            TorrentVersion::Hybrid => (info.capabilities.hybrid, "hybrid"),
            TorrentVersion::V2 => (info.capabilities.v2, "v2"),
        };
        if able {
            return Ok(());
        }
        Err(Problem::never(format!(
            "{}: {} {} cannot take {what} torrents; set `torrent: {{version: v1}}`, or leave this client out of the \
             show's `clients`",
            self.name, info.program, info.version
        )))
    }

    /// Begins to hand one torrent over, or to look after one that was.
    pub fn visit<'a>(&'a self, order: &'a Order, memory: Memory) -> Visit<'a> {
        Visit { client: self, order, memory, since: Instant::now(), started: None, added: None }
    }

    /// The folder of some data as this client sees it.
    fn client_dir(&self, data: &Path) -> String {
        self.paths.to_client(data.parent().unwrap_or(Path::new("/")))
    }

    fn is_proven(&self, folder: &Path) -> bool {
        self.proven.lock().is_ok_and(|proven| proven.contains(folder))
    }

    fn set_proven(&self, folder: &Path) {
        if let Ok(mut proven) = self.proven.lock() {
            proven.insert(folder.to_owned());
        }
    }
}

/// One placement being worked on.
pub struct Visit<'a> {
    client: &'a Client,
    order: &'a Order,
    memory: Memory,
    /// Since when nothing has changed.
    since: Instant,
    started: Option<Instant>,
    added: Option<Instant>,
}

impl Visit<'_> {
    /// Looks at the client and does the one thing that comes next. Ends after a bounded time; may be called in any
    /// state and after any crash.
    pub async fn step(&mut self) -> Look {
        match self.try_step().await {
            Ok(look) => look,
            Err(problem) => {
                let state = match (problem.retry, self.memory.added) {
                    (Retry::Never, _) => PlacementState::Failed,
                    (_, true) => PlacementState::Waiting,
                    (_, false) => PlacementState::Pending,
                };
                self.look(state, None, Some(problem), false)
            }
        }
    }

    /// Waits until another step makes sense.
    pub async fn changed(&self) {
        self.client.adapter.changed(&self.torrent(), PAUSE).await;
    }

    async fn try_step(&mut self) -> Result<Look, Problem> {
        self.client.takes(version(&self.order.info_hash)).await?;
        let capabilities = self.client.info().await?.capabilities.clone();
        let torrent = self.torrent();
        let presence = self.client.adapter.find(&torrent).await.map_err(|error| self.problem(error))?;
        let uploaded = match &presence {
            Presence::Present(status) => Some(status.uploaded_bytes),
            _ => None,
        };
        match decide(&presence, self.memory, &capabilities) {
            Step::Intend => {
                self.check_data()?;
                self.memory.added = true;
                Ok(self.look(PlacementState::Pending, uploaded, None, true))
            }
            Step::Add => self.add(capabilities.renames_incomplete_files).await,
            Step::Verify => {
                self.client.adapter.verify(&torrent).await.map_err(|error| self.problem(error))?;
                self.memory.verified = true;
                self.since = Instant::now();
                Ok(self.look(PlacementState::Checking, uploaded, None, true))
            }
            Step::Start => self.start(uploaded).await,
            // What was only just asked for may not show yet.
            Step::TakeBack(_) | Step::Trouble(_, Trouble::Fetching(_))
                if self.memory.added && self.since.elapsed() < TO_SETTLE =>
            {
                Ok(self.look(PlacementState::Checking, uploaded, None, true))
            }
            Step::TakeBack(status) => self.take_back(&status).await,
            Step::Wait(state) => {
                self.since = Instant::now();
                Ok(self.look(state, uploaded, None, true))
            }
            Step::Done(state) => Ok(self.look(state, uploaded, None, false)),
            Step::Trouble(state, trouble) => {
                let problem = self.describe(&trouble);
                Ok(self.look(state, uploaded, Some(problem), false))
            }
        }
    }

    async fn add(&mut self, renames_incomplete_files: bool) -> Result<Look, Problem> {
        if self.added.is_some_and(|added| added.elapsed() > TO_APPEAR) {
            return Err(Problem {
                message: format!(
                    "{}: the client has accepted {} but does not list it",
                    self.client.name, self.order.name
                ),
                retry: Retry::Later,
            });
        }
        if self.added.is_none() {
            self.check_data()?;
            if renames_incomplete_files {
                probe::prove(self.client, self.order.data.parent().unwrap_or(Path::new("/"))).await?;
            }
            let seed = Seed {
                torrent: self.torrent(),
                metainfo: Arc::clone(&self.order.metainfo),
                data: self.order.data.clone(),
                client_dir: self.client.client_dir(&self.order.data),
            };
            self.client.adapter.add(&seed).await.map_err(|error| self.problem(error))?;
            self.added = Some(Instant::now());
        }
        self.since = Instant::now();
        Ok(self.look(PlacementState::Waiting, None, None, true))
    }

    async fn start(&mut self, uploaded: Option<u64>) -> Result<Look, Problem> {
        let torrent = self.torrent();
        match self.started {
            None => {
                let note = if self.memory.added { self.configure(&torrent).await? } else { None };
                self.client.adapter.start(&torrent).await.map_err(|error| self.problem(error))?;
                self.started = Some(Instant::now());
                Ok(Look { note, ..self.look(PlacementState::Checking, uploaded, None, true) })
            }
            Some(started) if started.elapsed() < TO_START => {
                Ok(self.look(PlacementState::Checking, uploaded, None, true))
            }
            Some(_) => {
                let problem = Problem {
                    message: format!(
                        "{}: the client was told to start {} and keeps it stopped; look for a ratio or seeding limit \
                         that it has already reached",
                        self.client.name, self.order.name
                    ),
                    retry: Retry::Later,
                };
                Ok(self.look(PlacementState::Stopped, uploaded, Some(problem), false))
            }
        }
    }

    /// Sets limits and labels. One that the client does not know is no reason not to seed.
    async fn configure(&self, torrent: &TorrentRef) -> Result<Option<String>, Problem> {
        match self.client.adapter.configure(torrent, &self.client.limits).await {
            Ok(()) => Ok(None),
            Err(error) if error.kind == ErrorKind::Unsupported => {
                let is_new = !self.client.noted.swap(true, Ordering::Relaxed);
                Ok(is_new.then(|| self.problem(error).message))
            }
            Err(error) => Err(self.problem(error)),
        }
    }

    /// Takes our own torrent out again, so that the next attempt begins afresh. The data stays.
    async fn take_back(&mut self, status: &TorrentStatus) -> Result<Look, Problem> {
        self.client.adapter.remove(&self.torrent()).await.map_err(|error| self.problem(error))?;
        self.memory = Memory::default();
        let problem = self.client.unseen(&self.order.data, self.order.length, status);
        Ok(self.look(PlacementState::Failed, None, Some(problem), false))
    }

    /// The data must be there, whole, before a client is told of it.
    fn check_data(&self) -> Result<(), Problem> {
        let path = &self.order.data;
        match std::fs::metadata(path) {
            Ok(found) if found.len() == self.order.length => Ok(()),
            Ok(found) => Err(Problem::never(format!(
                "{} has {} bytes where {} were downloaded; somebody has changed it. Put it back, or `podseed forget` it",
                path.display(),
                found.len(),
                self.order.length
            ))),
            Err(error) => Err(Problem::never(format!(
                "the data of this torrent cannot be read: {}: {error}. Put it back, or `podseed forget` it",
                path.display()
            ))),
        }
    }

    fn describe(&self, trouble: &Trouble) -> Problem {
        let (client, name) = (&self.client.name, &self.order.name);
        match trouble {
            Trouble::Reported(words) => {
                Problem::never(format!("{client}: the client says of {name}: {words}"))
            }
            Trouble::Refused(sign) => Problem::never(format!("{client}: {sign}")),
            Trouble::Fetching(status) => Problem {
                message: format!(
                    "{client}: the client has {name} from elsewhere and fetches it itself{}; {} bytes are missing",
                    looks_in(status),
                    status.missing_bytes
                ),
                retry: Retry::Later,
            },
            Trouble::ForeignIncomplete(status) => Problem::never(format!(
                "{client}: the client already has {name}, stopped and with {} bytes missing{}; podseed has not added \
                 it and leaves it alone. Remove it there, and podseed hands its own over",
                status.missing_bytes,
                looks_in(status)
            )),
        }
    }

    fn torrent(&self) -> TorrentRef {
        TorrentRef {
            info_hash: self.order.info_hash,
            name: self.order.name.clone(),
            show: self.order.show.clone(),
        }
    }

    fn problem(&self, error: podseed_adapters::Error) -> Problem {
        problem(&self.client.name, error)
    }

    fn look(
        &self,
        state: PlacementState,
        uploaded: Option<u64>,
        problem: Option<Problem>,
        again: bool,
    ) -> Look {
        Look { state, memory: self.memory, uploaded_bytes: uploaded, problem, note: None, again }
    }
}

impl Client {
    /// The message when a client has checked and does not find our bytes: path mapping, most of the time.
    fn unseen(&self, data: &Path, length: u64, status: &TorrentStatus) -> Problem {
        let folder = data.parent().unwrap_or(Path::new("/"));
        let theirs = self.client_dir(data);
        let found = match length.saturating_sub(status.missing_bytes) {
            0 => "none of its bytes".to_owned(),
            some => format!("only {some} of its {length} bytes"),
        };
        let words = status.error.as_deref().map(|words| format!(" (it says: {words})")).unwrap_or_default();
        let remedy = if theirs == folder.to_string_lossy() {
            format!(
                "add the folder to `clients.{}.paths`, as `{}: <the same folder as the client sees it>`",
                self.name,
                folder.display()
            )
        } else {
            format!("correct `clients.{}.paths`", self.name)
        };
        Problem::never(format!(
            "{}: the client finds {found} of {} in {theirs}{words}; that must be our {}, readable for the client: \
             {remedy}. `podseed check` tests it",
            self.name,
            data.file_name().unwrap_or_default().to_string_lossy(),
            folder.display(),
        ))
    }
}

fn looks_in(status: &TorrentStatus) -> String {
    status.save_path.as_ref().map(|path| format!(" in {path}")).unwrap_or_default()
}

fn version(info_hash: &InfoHashes) -> TorrentVersion {
    match info_hash {
        InfoHashes::V1(_) => TorrentVersion::V1,
        InfoHashes::V2(_) => TorrentVersion::V2,
        InfoHashes::Hybrid(..) => TorrentVersion::Hybrid,
    }
}

/// An adapter's error in the user's terms: the client's name in front, causes and remedy behind.
fn problem(client: &str, error: podseed_adapters::Error) -> Problem {
    let mut message = format!("{client}: {error}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        message.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    if let Some(hint) = &error.hint {
        message.push_str(&format!("; {hint}"));
    }
    let retry = if error.kind == ErrorKind::Unauthorized { Retry::Never } else { error.retry };
    Problem { message, retry }
}

pub use probe::{ProbeOutcome, probe};

#[cfg(test)]
mod tests;
