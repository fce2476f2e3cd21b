//! One visit: a placement is taken further a step at a time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use podseed_adapters::{ErrorKind, Presence, Seed, TorrentRef, TorrentStatus, TorrentVersion};
use tokio::time::Instant;

use super::decide::{Step, decide};
use super::trouble::Trouble;
use super::{Client, Look, Order, Problem, TO_SETTLE, probe, problem};
use crate::model::{InfoHashes, Memory, PlacementState};

/// How long a client may take to list what it has accepted. qBittorrent's list is up to two seconds old.
const TO_APPEAR: Duration = Duration::from_secs(20);
/// Before the first look after something was asked of a client.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Before the looks at a client that takes its time over much data.
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// How long a client may take to show that it has started a torrent.
const TO_START: Duration = Duration::from_secs(10);

/// One placement being worked on.
pub struct Visit<'a> {
    client: &'a Client,
    order: &'a Order,
    memory: Memory,
    /// Since when nothing has changed.
    since: Instant,
    /// When something was last asked of the client.
    asked: Instant,
    started: Option<Instant>,
    added: Option<Instant>,
}

impl<'a> Visit<'a> {
    pub(super) fn new(client: &'a Client, order: &'a Order, memory: Memory) -> Self {
        let now = Instant::now();
        Self { client, order, memory, since: now, asked: now, started: None, added: None }
    }

    /// Looks at the client and does the one thing that comes next. Ends after a bounded time; may be called in any
    /// state and after any crash.
    pub async fn step(&mut self) -> Look {
        let began = Instant::now();
        let outcome = self.try_step().await;
        match self.client.heard(began, outcome) {
            Ok(look) => look,
            Err(problem) => {
                let state = match self.memory.added {
                    _ if problem.needs_the_user => PlacementState::Failed,
                    true => PlacementState::Waiting,
                    false => PlacementState::Pending,
                };
                self.look(state, None, Some(problem), false)
            }
        }
    }

    /// Waits until another step makes sense: shortly after something was asked of the client, longer and longer while
    /// it takes its time, so that what it has done is seen no more than an eighth later.
    pub async fn changed(&mut self) {
        let pause = (self.asked.elapsed() / 8).clamp(FIRST_PAUSE, LAST_PAUSE);
        self.client.adapter.changed(&self.torrent(), pause).await;
    }

    async fn try_step(&mut self) -> Result<Look, Problem> {
        self.client.takes(version(&self.order.info_hash)).await?;
        let capabilities = self.client.info().await?.capabilities;
        let torrent = self.torrent();
        let presence = self.client.adapter.find(&torrent).await.map_err(|error| self.problem(error))?;
        let uploaded = match &presence {
            Presence::Present(status) => Some(status.uploaded_bytes),
            _ => None,
        };
        match decide(&presence, self.memory, &capabilities) {
            Step::Intend => {
                self.check_data().await?;
                self.memory.added = true;
                Ok(self.look(PlacementState::Pending, uploaded, None, true))
            }
            Step::Add => self.add(capabilities.renames_incomplete_files).await,
            Step::Verify => {
                self.client.adapter.verify(&torrent).await.map_err(|error| self.problem(error))?;
                self.memory.verified = true;
                self.since = Instant::now();
                self.asked = Instant::now();
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
            Step::Done(state) => {
                // A client may not notice for long that what it seeds is gone.
                if state == PlacementState::Seeding {
                    self.check_data().await?;
                }
                Ok(self.look(state, uploaded, None, false))
            }
            Step::Trouble(state, trouble) => {
                let problem = trouble.problem(&self.client.name, &self.order.name);
                Ok(self.look(state, uploaded, Some(problem), false))
            }
        }
    }

    async fn add(&mut self, renames_incomplete_files: bool) -> Result<Look, Problem> {
        if self.added.is_some_and(|added| added.elapsed() > TO_APPEAR) {
            return Err(Problem::later(format!(
                "{}: the client has accepted {} but does not list it",
                self.client.name, self.order.name
            )));
        }
        if self.added.is_none() {
            self.check_data().await?;
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
            self.asked = Instant::now();
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
                self.asked = Instant::now();
                Ok(Look { note, ..self.look(PlacementState::Checking, uploaded, None, true) })
            }
            Some(started) if started.elapsed() < TO_START => {
                Ok(self.look(PlacementState::Checking, uploaded, None, true))
            }
            Some(_) => {
                let problem = Problem::later(format!(
                    "{}: the client was told to start {} and keeps it stopped; look for a ratio or seeding limit \
                     that it has already reached",
                    self.client.name, self.order.name
                ));
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
    async fn check_data(&self) -> Result<(), Problem> {
        let path = &self.order.data;
        // On a network's file system it may take any time.
        match tokio::fs::metadata(path).await {
            Ok(found) if found.len() == self.order.length => Ok(()),
            Ok(found) => Err(Problem::never(format!(
                "{} has {} bytes where {} were downloaded; somebody has changed it. Put it back, \
                 or remove it and `podseed retry` fetches it again",
                path.display(),
                found.len(),
                self.order.length
            ))),
            Err(error) => Err(Problem::never(format!(
                "the data of this torrent cannot be read: {}: {error}. Put it back, or `podseed retry` \
                 fetches it again",
                path.display()
            ))),
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

fn version(info_hash: &InfoHashes) -> TorrentVersion {
    match info_hash {
        InfoHashes::V1(_) => TorrentVersion::V1,
        InfoHashes::V2(_) => TorrentVersion::V2,
        InfoHashes::Hybrid(..) => TorrentVersion::Hybrid,
    }
}
