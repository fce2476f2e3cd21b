//! Taking a torrent back out of a client. The data stays.

use podseed_adapters::{ErrorKind, Presence, TorrentRef};
use tokio::time::Instant;

use super::{Client, PAUSE, Problem, Removed, TO_SETTLE, problem};
use crate::model::InfoHashes;

impl Client {
    /// Takes a torrent out of the client, and looks that it is gone: an accepted call proves nothing. A client that
    /// was only just started may not know yet what it has, so one that has never shown the torrent is asked again.
    pub async fn remove(&self, show: &str, name: &str, info_hash: InfoHashes) -> Result<Removed, Problem> {
        let began = Instant::now();
        let outcome = self.take_out(show, name, info_hash).await;
        self.heard(began, outcome)
    }

    async fn take_out(&self, show: &str, name: &str, info_hash: InfoHashes) -> Result<Removed, Problem> {
        let torrent = TorrentRef { info_hash, name: name.to_owned(), show: show.to_owned() };
        let failed = |error| problem(&self.name, error);
        if !self.info().await?.capabilities.confirms {
            return match self.adapter.remove(&torrent).await {
                Err(error) if error.kind == ErrorKind::Unsupported => {
                    Ok(Removed::Unreachable(failed(error).message))
                }
                done => done.map(|()| Removed::Gone).map_err(failed),
            };
        }
        let (began, mut was_there) = (Instant::now(), false);
        loop {
            match self.adapter.find(&torrent).await.map_err(failed)? {
                Presence::Absent if was_there || began.elapsed() >= TO_SETTLE => return Ok(Removed::Gone),
                Presence::Absent => {}
                _ if was_there && began.elapsed() >= TO_SETTLE => {
                    let message = format!("{}: the client does not let go of {name}", self.name);
                    return Err(Problem::later(message));
                }
                _ => {
                    self.adapter.remove(&torrent).await.map_err(failed)?;
                    was_there = true;
                }
            }
            self.adapter.changed(&torrent, PAUSE).await;
        }
    }
}
