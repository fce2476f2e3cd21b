//! Transmission 3.00 to 4.1 by its RPC
//! (<https://github.com/transmission/transmission/blob/4.1.x/docs/rpc-spec.md>).
//!
//! The words of the protocol (arguments, fields, answers) are those of the crate `transmission-rpc`. Its
//! own transport is not used: it loses the HTTP status, so that a wrong password looks like a broken
//! answer, has no limit on size, and writes the password into its debug log. [`Transmission::call`] is
//! that transport, and every request goes through it.
//!
//! Quirks that shape this module, as measured with 3.00, 4.1.0-beta.2 and 4.1.4:
//! - 4.x trusts size and age of the files and calls a torrent complete without hashing it, so that
//!   `verify` has to be asked for; 3.00 hashes after each `add`.
//! - 3.00 ignores labels in `torrent-add`; `torrent-set` takes them everywhere.
//! - 3.00 answers some `torrent-get` fields in a form that does not parse: fields are always named.
//! - There is no limit on seeding time, only one on idleness, which is something else.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::StatusCode;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use transmission_rpc::types::{
    ErrorType, RatioMode, Torrent, TorrentAction, TorrentAddArgs, TorrentAddedOrDuplicate, TorrentGetField,
    TorrentSetArgs, TorrentStatus as Status, Torrents,
};

use crate::http::{Http, Refusal, Reply};
use crate::{
    Activity, Added, Capabilities, ClientInfo, Error, ErrorKind, InfoHashes, Limits, Listed, Presence,
    Secret, Seed, TorrentClient, TorrentRef, TorrentStatus, TransmissionConfig,
};

const SESSION_HEADER: &str = "X-Transmission-Session-Id";
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
    http: Http,
    username: Option<String>,
    password: Option<Secret>,
    labels: Vec<String>,
    /// The token against cross-site requests; `None` before the first answer.
    session: Mutex<Option<String>>,
    refusal: Refusal,
}

/// Whether the question was answered.
#[derive(Deserialize)]
struct Outcome {
    result: String,
}

/// The answer. It is read straight into what was asked for: a list of thousands is long enough by itself.
#[derive(Deserialize)]
struct Answer<T> {
    arguments: Option<T>,
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
        Ok(Self {
            http: Http::new("Transmission", &config.url)?,
            username: config.username.clone(),
            password: config.password.clone(),
            labels: config.labels.clone(),
            session: Mutex::new(None),
            refusal: Refusal::default(),
        })
    }

    /// One question and its answer; the torrent client's refusals become errors.
    async fn call<T: DeserializeOwned>(&self, method: &str, arguments: Value) -> Result<T, Error> {
        let request = json!({ "method": method, "arguments": arguments });
        let reply = self.http.within_limit(self.exchange(&request)).await?;
        let unexpected = |error| self.http.unexpected(&reply).source(error);
        let outcome: Outcome = serde_json::from_slice(&reply.body).map_err(unexpected)?;
        if outcome.result != "success" {
            return Err(declined(&outcome.result));
        }
        let answer: Answer<T> = serde_json::from_slice(&reply.body).map_err(unexpected)?;
        match answer.arguments {
            Some(arguments) => Ok(arguments),
            None => serde_json::from_str("{}").map_err(unexpected),
        }
    }

    /// Sends the request with the session's token, and again with a new one if the old has run out.
    async fn exchange(&self, request: &Value) -> Result<Reply, Error> {
        let token = self.token().await?;
        let reply = self.post(request, &token).await?;
        if reply.status != StatusCode::CONFLICT {
            return self.accepted(reply);
        }
        let token = self.renewed(&reply)?;
        *self.session.lock().await = Some(token.clone());
        let reply = self.post(request, &token).await?;
        self.accepted(reply)
    }

    /// The token, asked for if there is none. One caller at a time: so a wrong password is sent once.
    async fn token(&self) -> Result<String, Error> {
        let mut session = self.session.lock().await;
        self.refusal.check()?;
        if let Some(token) = &*session {
            return Ok(token.clone());
        }
        let reply = self.post(&json!({ "method": "session-get" }), "").await?;
        let token = if reply.status == StatusCode::CONFLICT {
            self.renewed(&reply)?
        } else {
            // Something in between may add the token for us: then we need none.
            self.accepted(reply)?;
            String::new()
        };
        Ok(session.insert(token).clone())
    }

    async fn post(&self, request: &Value, token: &str) -> Result<Reply, Error> {
        let mut post = self.http.client().post(self.http.url().clone()).json(request);
        if !token.is_empty() {
            post = post.header(SESSION_HEADER, token);
        }
        if let Some(username) = &self.username {
            post = post.basic_auth(username, self.password.as_ref().map(Secret::reveal));
        }
        self.http.send(post).await
    }

    fn renewed(&self, reply: &Reply) -> Result<String, Error> {
        let token = reply.headers.get(SESSION_HEADER).and_then(|token| token.to_str().ok());
        Ok(token.ok_or_else(|| self.http.unexpected(reply))?.to_owned())
    }

    /// Turns the statuses with which Transmission closes its door into errors.
    fn accepted(&self, reply: Reply) -> Result<Reply, Error> {
        let refused = |what, hint| Err(self.http.error(ErrorKind::Rejected, what).hint(hint));
        match reply.status {
            StatusCode::OK => Ok(reply),
            StatusCode::UNAUTHORIZED => {
                let what = match self.username {
                    Some(_) => "refuses the user name or password",
                    None => "asks for a password",
                };
                let error = self.http.error(ErrorKind::Unauthorized, what);
                let hint = "correct username and password of this client and reload podseed";
                Err(self.refusal.remember(error.hint(hint)))
            }
            StatusCode::FORBIDDEN => refused(
                "does not let this machine in",
                "add this machine to its rpc-whitelist; after too many wrong passwords, restart it",
            ),
            StatusCode::MISDIRECTED_REQUEST => refused(
                "does not want to be called by this host name",
                "add the name to its rpc-host-whitelist, or use its IP address",
            ),
            _ => Err(self.http.unexpected(&reply)),
        }
    }

    async fn get(&self, hash: &str, fields: &[TorrentGetField]) -> Result<Option<Torrent>, Error> {
        let fields: Vec<String> = fields.iter().map(TorrentGetField::to_str).collect();
        let found: Torrents<Torrent> =
            self.call("torrent-get", json!({ "ids": [hash], "fields": fields })).await?;
        Ok(found.torrents.into_iter().next())
    }

    async fn act(&self, action: TorrentAction, torrent: &TorrentRef) -> Result<(), Error> {
        let _: Value = self.call(&action.to_str(), json!({ "ids": [v1(&torrent.info_hash)?] })).await?;
        Ok(())
    }

    async fn set(&self, hash: &str, arguments: &TorrentSetArgs) -> Result<(), Error> {
        let mut arguments = json!(arguments);
        arguments["ids"] = json!([hash]);
        let _: Value = self.call("torrent-set", arguments).await?;
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
        let session: Session = self.call("session-get", json!({})).await?;
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
        match self.call("torrent-add", json!(arguments)).await {
            Ok(TorrentAddedOrDuplicate::TorrentAdded(_)) => Ok(Added::New),
            Ok(TorrentAddedOrDuplicate::TorrentDuplicate(_)) => Ok(Added::AlreadyPresent),
            Ok(TorrentAddedOrDuplicate::Error) => {
                Err(self.http.error(ErrorKind::Protocol, "does not say what it did with the torrent"))
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
        let all: Listing = self.call("torrent-get", json!({ "fields": fields })).await?;
        Ok(Some(all.torrents))
    }

    async fn peer_port(&self) -> Result<Option<u16>, Error> {
        let ports: Ports = self.call("session-get", json!({ "fields": ["peer-port"] })).await?;
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
        let _: Value = self.call("torrent-remove", arguments).await?;
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

fn declined(result: &str) -> Error {
    if result.contains("not absolute") {
        return Error::new(ErrorKind::Path, "Transmission wants the data folder as an absolute path")
            .hint("write an absolute path on the right side of this client's paths")
            .source(result);
    }
    Error::new(ErrorKind::Rejected, "Transmission declines").source(result)
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
