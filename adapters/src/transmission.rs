//! Transmission 3.00 to 4.1 by its RPC
//! (<https://github.com/transmission/transmission/blob/4.1.x/docs/rpc-spec.md>).
//!
//! The words of the protocol (arguments, fields, answers) are those of the crate `transmission-rpc`. Its
//! own transport is not used: it loses the HTTP status, so that a wrong password looks like a broken
//! answer, has no limit on size, and writes the password into its debug log. [`rpc`] is that transport,
//! and every request goes through it.
//!
//! Quirks that shape this module, as measured with 3.00, 4.1.0-beta.2 and 4.1.4:
//! - 4.x trusts size and age of the files and calls a torrent complete without hashing it, so that
//!   `verify` has to be asked for; 3.00 hashes after each `add`.
//! - 3.00 ignores labels in `torrent-add`; `torrent-set` takes them everywhere.
//! - 3.00 answers some `torrent-get` fields in a form that does not parse: fields are always named.
//! - There is no limit on seeding time, only one on idleness, which is something else.

mod rpc;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use transmission_rpc::types::{
    ErrorType, RatioMode, Torrent, TorrentAction, TorrentAddArgs, TorrentAddedOrDuplicate, TorrentGetField,
    TorrentSetArgs, TorrentStatus as Status, Torrents,
};

use crate::{
    Activity, Added, Capabilities, ClientInfo, Error, ErrorKind, InfoHashes, Limits, Listed, Presence, Seed,
    TorrentClient, TorrentRef, TorrentStatus, TransmissionConfig,
};
use rpc::Rpc;

/// `rpc-version` of 4.0.0: the first that takes hybrid torrents and that does not hash what is added.
const RPC_VERSION_4: i64 = 17;

/// What `find` and `list` ask for. All are known to 3.00.
const STATUS_FIELDS: [TorrentGetField; 9] = [
    TorrentGetField::AddedDate,
    TorrentGetField::HashString,
    TorrentGetField::Status,
    TorrentGetField::LeftUntilDone,
    TorrentGetField::RecheckProgress,
    TorrentGetField::DownloadDir,
    TorrentGetField::UploadedEver,
    TorrentGetField::Error,
    TorrentGetField::ErrorString,
];

/// The adapter. See the module.
pub(crate) struct Transmission {
    rpc: Rpc,
    labels: Vec<String>,
}

/// What `torrent-get` lists of all torrents, each of which is reduced as it is read.
#[derive(Deserialize)]
struct Listing {
    #[serde(deserialize_with = "each_listed")]
    torrents: Vec<Listed>,
}

fn each_listed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Listed>, D::Error> {
    struct Each;

    impl<'de> Visitor<'de> for Each {
        type Value = Vec<Listed>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of torrents")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut torrents: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(torrent) = torrents.next_element()? {
                all.extend(listed(torrent));
            }
            Ok(all)
        }
    }

    deserializer.deserialize_seq(Each)
}

/// What we want to know of `session-get`; the crate's type lacks the last one.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Session {
    version: String,
    rpc_version: i64,
    #[serde(default)]
    rename_partial_files: bool,
}

/// The rest of it. 3.00 gives all fields, whatever is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ports {
    peer_port: u16,
}

impl Transmission {
    /// Checks the address; nothing is asked of the client yet.
    pub(crate) fn new(config: &TransmissionConfig) -> Result<Self, Error> {
        Ok(Self { rpc: Rpc::new(config)?, labels: config.labels.clone() })
    }

    async fn get(&self, hash: &str, fields: &[TorrentGetField]) -> Result<Option<Torrent>, Error> {
        let fields: Vec<String> = fields.iter().map(TorrentGetField::to_str).collect();
        let found: Torrents<Torrent> =
            self.rpc.call("torrent-get", json!({ "ids": [hash], "fields": fields })).await?;
        Ok(found.torrents.into_iter().next())
    }

    async fn act(&self, action: TorrentAction, torrent: &TorrentRef) -> Result<(), Error> {
        let _: Value = self.rpc.call(&action.to_str(), json!({ "ids": [v1(&torrent.info_hash)?] })).await?;
        Ok(())
    }

    async fn set(&self, hash: &str, arguments: &TorrentSetArgs) -> Result<(), Error> {
        let mut arguments = json!(arguments);
        arguments["ids"] = json!([hash]);
        let _: Value = self.rpc.call("torrent-set", arguments).await?;
        Ok(())
    }

    /// Ours beside those that the user has set there; `None` when there is nothing to add.
    async fn missing_labels(&self, hash: &str) -> Result<Option<Vec<String>>, Error> {
        if self.labels.is_empty() {
            return Ok(None);
        }
        let torrent = self.get(hash, &[TorrentGetField::Labels]).await?;
        let present = torrent.and_then(|torrent| torrent.labels).unwrap_or_default();
        let mut wanted = present.clone();
        wanted.extend(self.labels.iter().filter(|label| !present.contains(label)).cloned());
        Ok((wanted.len() > present.len()).then_some(wanted))
    }
}

#[async_trait]
impl TorrentClient for Transmission {
    async fn probe(&self) -> Result<ClientInfo, Error> {
        let session: Session = self.rpc.call("session-get", json!({})).await?;
        let generation_4 = session.rpc_version >= RPC_VERSION_4;
        Ok(ClientInfo {
            program: "Transmission".to_owned(),
            // "4.1.4 (ab1c7b9d2e)": the revision in brackets is of no use to anybody here.
            version: session.version.split_whitespace().next().unwrap_or_default().to_owned(),
            capabilities: Capabilities {
                hybrid: generation_4,
                v2: false,
                confirms: true,
                hashes_on_add: !generation_4,
                renames_incomplete_files: generation_4 && session.rename_partial_files,
            },
        })
    }

    async fn add(&self, seed: &Seed) -> Result<Added, Error> {
        v1(&seed.torrent.info_hash)?;
        let arguments = TorrentAddArgs {
            metainfo: Some(BASE64.encode(&seed.metainfo)),
            download_dir: Some(seed.client_dir.clone()),
            paused: Some(true),
            ..TorrentAddArgs::default()
        };
        match self.rpc.call("torrent-add", json!(arguments)).await {
            Ok(TorrentAddedOrDuplicate::TorrentAdded(_)) => Ok(Added::New),
            Ok(TorrentAddedOrDuplicate::TorrentDuplicate(_)) => Ok(Added::AlreadyPresent),
            Ok(TorrentAddedOrDuplicate::Error) => {
                Err(self.rpc.error(ErrorKind::Protocol, "does not say what it did with the torrent"))
            }
            Err(error) if error.kind == ErrorKind::Rejected && seed.torrent.info_hash.v2().is_some() => {
                Err(Error::new(ErrorKind::Unsupported, "this Transmission cannot take hybrid torrents")
                    .hint("use Transmission 4 or set torrent.version to v1")
                    .source(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn find(&self, torrent: &TorrentRef) -> Result<Presence, Error> {
        let Some(hash) = torrent.info_hash.v1() else { return Ok(Presence::Absent) };
        let found = self.get(&hash.to_string(), &STATUS_FIELDS).await?;
        Ok(found.map_or(Presence::Absent, |torrent| Presence::Present(status(torrent))))
    }

    async fn list(&self) -> Result<Option<Vec<Listed>>, Error> {
        let fields = STATUS_FIELDS.map(|field| field.to_str());
        let all: Listing = self.rpc.call("torrent-get", json!({ "fields": fields })).await?;
        Ok(Some(all.torrents))
    }

    async fn peer_port(&self) -> Result<Option<u16>, Error> {
        let ports: Ports = self.rpc.call("session-get", json!({ "fields": ["peer-port"] })).await?;
        Ok(Some(ports.peer_port).filter(|port| *port != 0))
    }

    /// Ratio and upload limit are set for this torrent alone. Transmission has no limit on seeding time
    /// (its idle limit is something else and is never used for it): where one is asked for, all else is
    /// set and the call then ends with `Unsupported`.
    async fn configure(&self, torrent: &TorrentRef, limits: &Limits) -> Result<(), Error> {
        let hash = v1(&torrent.info_hash)?;
        let mut arguments = TorrentSetArgs::new();
        arguments.seed_ratio_limit = limits.ratio;
        arguments.seed_ratio_mode = limits.ratio.map(|_| RatioMode::Single);
        arguments.upload_limit = limits.upload.map(kilobytes);
        arguments.upload_limited = limits.upload.map(|_| true);
        arguments.labels = self.missing_labels(&hash).await?;
        self.set(&hash, &arguments).await?;
        match limits.seeding_time {
            None => Ok(()),
            Some(_) => Err(Error::new(ErrorKind::Unsupported, "Transmission has no limit on seeding time")
                .hint("remove limits.seeding_time of this client, or limit its ratio")),
        }
    }

    async fn verify(&self, torrent: &TorrentRef) -> Result<(), Error> {
        self.act(TorrentAction::Verify, torrent).await
    }

    async fn start(&self, torrent: &TorrentRef) -> Result<(), Error> {
        self.act(TorrentAction::Start, torrent).await
    }

    async fn remove(&self, torrent: &TorrentRef) -> Result<(), Error> {
        let Some(hash) = torrent.info_hash.v1() else { return Ok(()) };
        let arguments = json!({ "ids": [hash.to_string()], "delete-local-data": false });
        let _: Value = self.rpc.call("torrent-remove", arguments).await?;
        Ok(())
    }

    async fn changed(&self, _torrent: &TorrentRef, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

/// The hash by which Transmission knows a torrent. Up to 4.1 it cannot do without one of v1.
fn v1(info_hash: &InfoHashes) -> Result<String, Error> {
    let unsupported = || {
        Error::new(ErrorKind::Unsupported, "Transmission cannot take v2-only torrents")
            .hint("set torrent.version to v1 or hybrid")
    };
    info_hash.v1().map(|hash| hash.to_string()).ok_or_else(unsupported)
}

fn listed(torrent: Torrent) -> Option<Listed> {
    let v1 = torrent.hash_string.as_deref()?.parse().ok()?;
    let added = torrent.added_date.map(|date| date.timestamp()).filter(|added| *added > 0);
    Some(Listed { info_hash: InfoHashes::V1(v1), added, status: status(torrent) })
}

fn status(torrent: Torrent) -> TorrentStatus {
    let missing_bytes = torrent.left_until_done.unwrap_or(i64::MAX).max(0).unsigned_abs();
    let complete = missing_bytes == 0;
    TorrentStatus {
        activity: match torrent.status {
            Some(Status::QueuedToVerify) => Activity::Checking(0.0),
            Some(Status::Verifying) => Activity::Checking(torrent.recheck_progress.unwrap_or(0.0).into()),
            Some(Status::QueuedToDownload | Status::Downloading) => Activity::Downloading,
            Some(Status::QueuedToSeed | Status::Seeding) => Activity::Seeding,
            Some(Status::Stopped) | None => Activity::Stopped,
        },
        complete,
        missing_bytes,
        save_path: torrent.download_dir,
        uploaded_bytes: torrent.uploaded_ever.unwrap_or(0).max(0).unsigned_abs(),
        // A tracker that does not answer is no fault of this torrent's data: peers find it otherwise.
        error: torrent.error_string.filter(|_| matches!(torrent.error, Some(ErrorType::LocalError))),
    }
}

/// Transmission limits by whole kB/s, and takes 0 for "nothing at all".
fn kilobytes(bytes: u64) -> usize {
    usize::try_from(bytes / 1000).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_upload_limit_never_becomes_none_at_all() {
        assert_eq!(kilobytes(1), 1);
        assert_eq!(kilobytes(1_048_576), 1048);
    }

    #[test]
    fn a_silent_tracker_is_no_error_of_the_torrent() {
        let torrent = |kind: u8| -> Torrent {
            serde_json::from_value(
                json!({ "status": 6, "leftUntilDone": 0, "error": kind, "errorString": "x" }),
            )
            .unwrap()
        };
        assert_eq!(status(torrent(2)).error, None);
        assert_eq!(status(torrent(3)).error.as_deref(), Some("x"));
    }
}
