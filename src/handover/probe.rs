//! The proof that a client sees our files: a small random file goes through the client and comes out again.
//!
//! A one-piece torrent of the file is added stopped, must be found complete after the client's own check, and is
//! removed again together with the file. Nothing is ever started, so nothing is announced or transferred.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lava_torrent::torrent::v1::TorrentBuilder;
use podseed_adapters::{Activity, InfoHashes, Presence, Seed, TorrentRef, TorrentStatus};
use tokio::time::Instant;

use super::life::Known;
use super::{Client, PAUSE, Problem, TO_SETTLE, problem};
use crate::fs;

const LENGTH: usize = 32 * 1024;
/// A client that has much to check may take its time before it gets to ours.
const PATIENCE: Duration = Duration::from_secs(45);

/// For so long a proof is believed, of a client that has not been away meanwhile.
const PROOF_LASTS: Duration = Duration::from_secs(3600);

/// What came of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// The client has read the file.
    Seen,
    /// This kind of client cannot be asked (a watched folder), or podseed may not write there: a folder of the user's
    /// own files, which it only reads.
    CannotTell,
}

/// Proves that the client sees files that podseed puts into this folder.
pub async fn probe(client: &Client, folder: &Path) -> Result<ProbeOutcome, Problem> {
    if !client.info().await?.capabilities.confirms {
        return Ok(ProbeOutcome::CannotTell);
    }
    prove(client, folder).await
}

/// The same, once per folder for a while: a failure is remembered, too, as a wrong path mapping would be found out anew
/// for every torrent.
pub(super) async fn prove(client: &Client, folder: &Path) -> Result<ProbeOutcome, Problem> {
    let mut proven = client.proven.lock().await;
    if let Some(known) = proven.get(folder).and_then(|known| known.get(PROOF_LASTS)) {
        return known;
    }
    let outcome = prove_now(client, folder).await;
    proven.insert(folder.to_owned(), Known::new(outcome.clone()));
    outcome
}

async fn prove_now(client: &Client, folder: &Path) -> Result<ProbeOutcome, Problem> {
    let Some(file) = ProbeFile::create(folder)? else { return Ok(ProbeOutcome::CannotTell) };
    let seed = file.seed(client)?;
    let outcome = ask(client, &file, &seed).await;
    let removed = client.adapter.remove(&seed.torrent).await.map_err(|error| problem(&client.name, error));
    outcome?;
    removed.map(|()| ProbeOutcome::Seen)
}

async fn ask(client: &Client, file: &ProbeFile, seed: &Seed) -> Result<(), Problem> {
    let adapter = &client.adapter;
    let failed = |error| problem(&client.name, error);
    adapter.add(seed).await.map_err(failed)?;
    let began = Instant::now();
    let mut last_change = Instant::now();
    let mut verified = client.info().await?.capabilities.hashes_on_add;
    while began.elapsed() < PATIENCE {
        if let Presence::Present(status) = adapter.find(&seed.torrent).await.map_err(failed)? {
            match status.activity {
                Activity::Checking(_) => last_change = Instant::now(),
                _ if status.complete && verified => return Ok(()),
                _ if status.complete => {
                    adapter.verify(&seed.torrent).await.map_err(failed)?;
                    verified = true;
                    last_change = Instant::now();
                }
                _ if last_change.elapsed() > TO_SETTLE => return Err(refuted(client, file, &status)),
                _ => {}
            }
        }
        adapter.changed(&seed.torrent, PAUSE).await;
    }
    Err(Problem::later(format!(
        "{}: the client has not checked a test file within {} s",
        client.name,
        PATIENCE.as_secs()
    )))
}

fn refuted(client: &Client, file: &ProbeFile, status: &TorrentStatus) -> Problem {
    client.unseen(&file.0, LENGTH as u64, status)
}

/// The test file; goes with the value.
struct ProbeFile(PathBuf);

impl ProbeFile {
    /// `None` where this user may not write.
    fn create(folder: &Path) -> Result<Option<Self>, Problem> {
        let here =
            |error: &dyn std::fmt::Display| Problem::never(format!("cannot make a test file: {error}"));
        fs::create_dir(folder).map_err(|error| here(&error))?;
        let mut bytes = [0; LENGTH];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|error| here(&error))?;
        let tag = hex::encode(&bytes[..8]);
        let file = Self(folder.join(format!("podseed-test-{tag}.bin")));
        match fs::write_atomic(&file.0, &bytes) {
            Err(error)
                if matches!(
                    error.kind(),
                    Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
                ) =>
            {
                Ok(None)
            }
            written => written.map(|()| Some(file)).map_err(|error| here(&error)),
        }
    }

    fn seed(&self, client: &Client) -> Result<Seed, Problem> {
        let failed = |error: lava_torrent::LavaTorrentError| {
            Problem::never(format!("cannot make a test torrent of {}: {error}", self.0.display()))
        };
        let torrent = TorrentBuilder::new(&self.0, LENGTH as i64).build().map_err(failed)?;
        let info_hash = torrent.info_hash().parse().map(InfoHashes::V1).map_err(|error| {
            Problem::never(format!("cannot make a test torrent of {}: {error}", self.0.display()))
        })?;
        let name = torrent.name.clone();
        Ok(Seed {
            torrent: TorrentRef { info_hash, name, show: "podseed-test".to_owned() },
            metainfo: Arc::from(torrent.encode().map_err(failed)?),
            data: self.0.clone(),
            client_dir: client.client_dir(&self.0),
        })
    }
}

impl Drop for ProbeFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove(&self.0) {
            tracing::warn!(%error, "a test file stays behind");
        }
    }
}
