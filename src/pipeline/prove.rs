//! The proof that strangers get what clients say they seed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::monitor::Event;
use super::{Error, Pipeline, schedule};
use crate::handover::Client;
use crate::model::PeerAddress;
use crate::store::ProofJob;
use crate::{error, prove};

/// Proofs of one client in one round. The others are due in the next.
const IN_A_ROUND: u32 = 8;
/// Of them at a time: each may hold a piece of 16 MiB.
const AT_ONCE: usize = 2;
/// After so long a round begins no other.
const ROUND: Duration = Duration::from_secs(60);
/// Until the next proof of a placement, with a tenth of jitter.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

impl Pipeline {
    /// Fetches a piece of some torrents whose proof is due, as a stranger would, from all clients at once. Does nothing
    /// without `prove`, nor for a watched folder without `peer`.
    pub async fn prove(&self) -> Result<(), Error> {
        if !self.config.prove {
            return Ok(());
        }
        let all = try_join_all(self.clients.values().map(|client| self.prove_at(client)));
        tokio::select! {
            outcome = all => outcome.map(drop),
            () = self.stop.cancelled() => Ok(()),
        }
    }

    async fn prove_at(&self, client: &Client) -> Result<(), Error> {
        let jobs = self.store.due_proofs(client.name(), IN_A_ROUND, self.clock.now()).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let Some(peer) = self.peer(client).await else { return Ok(()) };
        // Where nobody answers once, nobody is asked again in this round.
        let (is_unreachable, greeting) = (AtomicBool::new(false), Mutex::default());
        let began = Instant::now();
        let round = stream::iter(jobs).map(Ok).try_for_each_concurrent(AT_ONCE, |job| {
            let (peer, is_unreachable, greeting) = (&peer, &is_unreachable, &greeting);
            async move {
                if is_unreachable.load(Ordering::Relaxed) || began.elapsed() > ROUND {
                    return Ok(());
                }
                let outcome = match self.order_of_proof(&job, peer) {
                    Some(order) => prove::prove(&order, greeting).await.map(|()| order.length),
                    None => Err(prove::Error::NoTorrent),
                };
                if matches!(outcome, Err(prove::Error::Unreachable { .. })) {
                    is_unreachable.store(true, Ordering::Relaxed);
                }
                self.record_proof(client.name(), &job, outcome).await
            }
        });
        round.await
    }

    /// Where strangers reach a client.
    async fn peer(&self, client: &Client) -> Option<PeerAddress> {
        let settings = self.config.clients.iter().find(|settings| settings.name == client.name())?;
        if let Some(peer) = &settings.peer {
            return Some(peer.clone());
        }
        match client.peer_port().await {
            Ok(port) => Some(PeerAddress { host: settings.host()?, port: port? }),
            Err(problem) => {
                tracing::debug!(client = client.name(), error = %problem, "its peer port is not known");
                None
            }
        }
    }

    /// A piece at random. `None` where the .torrent is gone, which the hand-over mends, or has no bytes.
    fn order_of_proof(&self, job: &ProofJob, peer: &PeerAddress) -> Option<prove::Order> {
        let metainfo = self.read_torrent(&job.show, &job.file).ok()?;
        let pieces = u32::try_from(metainfo.pieces()).ok().filter(|pieces| *pieces > 0)?;
        let index = fastrand::u32(0..pieces);
        let (range, hash) = metainfo.piece(index.into())?;
        Some(prove::Order {
            peer: peer.clone(),
            info_hash: job.info_hash,
            index,
            length: range.end - range.start,
            piece_length: metainfo.piece_length,
            hash,
            whole_file: pieces == 1,
        })
    }

    async fn record_proof(
        &self,
        client: &str,
        job: &ProofJob,
        outcome: Result<u64, prove::Error>,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let outcome = outcome.map_err(|error| error::chain(&error));
        let next = match outcome {
            Ok(_) => next_proof(now),
            Err(_) => schedule::next_attempt(now, job.failures + 1, schedule::random()),
        };
        let said = outcome.as_ref().copied().map_err(String::as_str);
        self.store.record_proof(job.id, said, next, now).await?;
        // A story tells what is new, and not the same every week.
        let story = match &outcome {
            Ok(_) if job.failures > 0 || !job.proven => format!("{client}: proven: a stranger got a piece"),
            Err(error) if job.failures == 0 => {
                let (show, text) = (job.show.clone(), format!("{}: {client}: {error}", job.file));
                self.monitor.event(&Event::Warning { show, text });
                format!("{client}: {error}")
            }
            _ => return Ok(()),
        };
        Ok(self.store.tell(job.enclosure, now, &story).await?)
    }
}

fn next_proof(now: Timestamp) -> Timestamp {
    schedule::after(now, WEEK.mul_f64(0.95 + schedule::random() / 10.0))
}
