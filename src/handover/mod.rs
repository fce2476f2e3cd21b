//! Stage: torrents and their data go to the clients, and the clients say whether they seed.
//!
//! [`Client`] wraps one adapter with what the configuration says of it. A [`Visit`] takes one placement a step
//! further at a time; the caller records what each step reports before it asks for the next.

mod decide;
mod fate;
mod judge;
mod life;
mod probe;
mod remove;
mod trouble;
mod visit;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use podseed_adapters::{
    ClientConfig, ClientInfo, ErrorKind, Limits, Retry, TorrentClient, TorrentStatus, TorrentVersion,
};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::model::{InfoHashes, Memory, PathMap, PlacementState};
use life::Known;

pub use judge::{Held, judge};
pub use podseed_adapters::Listed;
pub use probe::{ProbeOutcome, probe};
pub use visit::Visit;

/// How long a state has to hold before it is believed that nothing more will happen by itself.
const TO_SETTLE: Duration = Duration::from_secs(3);
/// Until a login that was refused is tried again.
const LOGIN_AGAIN: Duration = Duration::from_secs(3600);
/// Between two looks at a client at what it does with little data.
const PAUSE: Duration = Duration::from_millis(250);

/// What is wrong at a client, and whether it may pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What failed, on what, why, and the remedy.
    pub message: String,
    /// When to try again.
    pub retry: Retry,
    /// Whether the user has to do something. A refused login is tried again all the same, but rarely.
    pub needs_the_user: bool,
    /// Whether it is the client that cannot be worked with, whatever torrent it is about.
    pub of_client: bool,
}

impl Problem {
    /// One that stays until the user has done something.
    pub fn never(message: String) -> Self {
        Self { message, retry: Retry::Never, needs_the_user: true, of_client: false }
    }

    fn later(message: String) -> Self {
        Self { message, retry: Retry::Later, needs_the_user: false, of_client: false }
    }
}

/// What has become of a torrent that was to be taken out of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// The client does not have it, any more or at all. Its data stays.
    Gone,
    /// Nobody but the user can take it out there; why, and how.
    Unreachable(String),
}

/// A client of the configuration, ready to be spoken to.
pub struct Client {
    name: String,
    adapter: Box<dyn TorrentClient>,
    paths: PathMap,
    limits: Limits,
    /// Who answered last; held while it is asked, so that it is asked once and not by every torrent.
    info: Mutex<Option<Known<ClientInfo>>>,
    /// What the client has proven of each folder; held likewise.
    proven: Mutex<HashMap<PathBuf, Known<ProbeOutcome>>>,
    /// It could not be worked with when it was last asked, or was not asked yet.
    away: AtomicBool,
    /// When it last did what it was asked.
    answered: std::sync::Mutex<Option<Instant>>,
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
            info: Mutex::default(),
            proven: Mutex::default(),
            away: AtomicBool::new(true),
            answered: std::sync::Mutex::default(),
            noted: AtomicBool::new(false),
        }
    }

    /// The name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
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
            "{}: {} cannot take {what} torrents; set `torrent: {{version: v1}}`, or leave this client out of the \
             show's `clients`",
            self.name,
            // A watched folder does not tell the version.
            format!("{} {}", info.program, info.version).trim_end()
        )))
    }

    /// Begins to hand one torrent over, or to look after one that was.
    pub fn visit<'a>(&'a self, order: &'a Order, memory: Memory) -> Visit<'a> {
        Visit::new(self, order, memory)
    }

    /// The folder of some data as this client sees it.
    fn client_dir(&self, data: &Path) -> String {
        self.paths.to_client(data.parent().unwrap_or(Path::new("/")))
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
    let refused = error.kind == ErrorKind::Unauthorized;
    let retry = if refused { Retry::After(LOGIN_AGAIN) } else { error.retry };
    let of_client = refused || error.kind == ErrorKind::Unreachable;
    Problem { message, retry, needs_the_user: refused || error.retry == Retry::Never, of_client }
}

#[cfg(test)]
mod tests;
