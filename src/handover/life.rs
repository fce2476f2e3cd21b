//! What is known of a client, in a process that may outlive many a restart of it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use podseed_adapters::{ClientInfo, Listed};
use tokio::time::Instant;

use super::judge::lacks_any;
use super::{Client, Held, Problem, problem};

/// For so long it is believed who answers. A client that was upgraded has other capabilities, and one that was down is
/// up again.
const INFO_LASTS: Duration = Duration::from_secs(60);

/// A client that reads what it has shows more after so long. qBittorrent renews its list every 1.5 s.
const TO_READ: Duration = Duration::from_secs(2);
/// Who is not done then is taken at its word.
const MOST_LISTS: usize = 60;

/// An answer, or that there was none, and when that was.
pub(super) struct Known<T> {
    outcome: Result<T, Problem>,
    since: Instant,
}

impl<T: Clone> Known<T> {
    pub(super) fn new(outcome: Result<T, Problem>) -> Self {
        Self { outcome, since: Instant::now() }
    }

    /// What is known, unless it is older than that.
    pub(super) fn get(&self, lasts: Duration) -> Option<Result<T, Problem>> {
        (self.since.elapsed() < lasts).then(|| self.outcome.clone())
    }
}

impl Client {
    /// Who answers. Asked at most once a minute, also where nobody does.
    pub async fn info(&self) -> Result<ClientInfo, Problem> {
        let mut info = self.info.lock().await;
        if let Some(known) = info.as_ref().and_then(|known| known.get(INFO_LASTS)) {
            return known;
        }
        // Who cannot say who he is can do nothing else.
        let failed = |error| Problem { of_client: true, ..problem(&self.name, error) };
        let outcome = self.adapter.probe().await.map_err(failed);
        *info = Some(Known::new(outcome.clone()));
        outcome
    }

    /// What a call has come to that began then. Of a client that has done something else meanwhile nobody can say that
    /// it is away: what it left undone is wrong with that torrent.
    pub(super) fn heard<T>(&self, began: Instant, mut outcome: Result<T, Problem>) -> Result<T, Problem> {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut outcome {
            Err(problem) if problem.of_client => {
                problem.of_client = answered.is_none_or(|answered| answered < began);
                self.away.fetch_or(problem.of_client, Ordering::Relaxed);
            }
            _ => *answered = Some(Instant::now()),
        }
        outcome
    }

    /// Everything that the client has, whoever gave it; `None` where it cannot be asked. One that does not answer is
    /// another one when it does again: what was known of it is forgotten.
    pub async fn list(&self) -> Result<Option<Vec<Listed>>, Problem> {
        let listed = self.adapter.list().await.map_err(|error| problem(&self.name, error));
        if listed.is_err() {
            self.away.store(true, Ordering::Relaxed);
            self.forget().await;
        }
        listed
    }

    /// The list. Where it lacks what was there before, it is asked for again until two answers are alike: a client that
    /// was only just started may still be reading what it has.
    pub async fn settled_list(&self, held: &[Held]) -> Result<Option<Vec<Listed>>, Problem> {
        let mut listed = self.list().await?;
        for _ in 0..MOST_LISTS {
            let Some(before) = listed.as_ref().filter(|listed| lacks_any(held, listed)).map(Vec::len) else {
                break;
            };
            tokio::time::sleep(TO_READ).await;
            listed = self.list().await?;
            if listed.as_ref().is_none_or(|listed| listed.len() == before) {
                break;
            }
        }
        Ok(listed)
    }

    /// Whether the client was away, or not yet asked, before it answered now. Said once.
    pub fn is_back(&self) -> bool {
        self.away.swap(false, Ordering::Relaxed)
    }

    /// Forgets who answers and what was proven of its folders: it was restarted, or is another one.
    pub async fn forget(&self) {
        *self.info.lock().await = None;
        self.proven.lock().await.clear();
    }

    /// Forgets what did not go well, so that it is tried again.
    pub async fn forget_failures(&self) {
        let mut info = self.info.lock().await;
        if info.as_ref().is_some_and(|known| known.outcome.is_err()) {
            *info = None;
        }
        drop(info);
        self.proven.lock().await.retain(|_, known| known.outcome.is_ok());
    }

    /// The port on which the client takes peers, if it tells.
    pub async fn peer_port(&self) -> Result<Option<u16>, Problem> {
        self.adapter.peer_port().await.map_err(|error| problem(&self.name, error))
    }
}
