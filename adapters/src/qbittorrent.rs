//! qBittorrent 4.5 to 5.3 by its Web API
//! (<https://github.com/qbittorrent/qBittorrent/wiki/WebUI-API-(qBittorrent-4.1)>, and as measured).
//!
//! The commands whose answer is only a status go through the crate `qbit-rs`. What it cannot do goes
//! through [`Api::call`], our one raw request: logging in (the crate tries up to three times, and five
//! failures are a ban), adding with a stop condition, reading the list (one unknown state fails the
//! crate's whole list), starting on 4.x, share limits on 5.3, and upload limits (the crate 0.6 posts them
//! to the address that reads them, which does nothing).
//!
//! Quirks that shape this module, as measured with 4.5.2, 5.1.0 and 5.3.0:
//! - `stopCondition=FilesChecked` without `stopped` makes it hash and then stop, whatever the result.
//! - A torrent with v2 hashes is listed under the first 20 bytes of its v2 hash.
//! - A duplicate is `200 Fails.` up to 5.1, and 409 later.
//! - Any `Origin` or `Referer` that is not its own is answered with 401: none is sent.
//! - The list is a snapshot, up to 1.5 s old. After `recheck` it shows the result of the check before, and
//!   a short check never shows at all: see [`Rechecks`].

mod api;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;

use crate::{
    Activity, Added, Capabilities, ClientInfo, Error, InfoHashes, Limits, Listed, Presence,
    QBittorrentConfig, Seed, TorrentClient, TorrentRef, TorrentStatus,
};
use api::{Api, ApiVersion, Command, Question};

/// The first with `start` and `stop` instead of `resume` and `pause` (qBittorrent 5.0).
const API_START: ApiVersion = ApiVersion(2, 11, 0);

/// The adapter. See the module.
pub(crate) struct QBittorrent {
    api: Api,
    category: Option<String>,
    tags: Vec<String>,
    rechecks: Rechecks,
}

/// Checks that were asked for so recently that the list may still tell of the time before.
#[derive(Default)]
struct Rechecks(Mutex<HashMap<InfoHashes, Instant>>);

impl Rechecks {
    /// Twice the interval at which qBittorrent renews its list.
    const LIST_AGE: Duration = Duration::from_secs(3);

    fn note(&self, info_hash: InfoHashes) {
        let mut rechecks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rechecks.retain(|_, asked| asked.elapsed() < Self::LIST_AGE);
        rechecks.insert(info_hash, Instant::now());
    }

    fn is_recent(&self, info_hash: &InfoHashes) -> bool {
        let rechecks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rechecks.get(info_hash).is_some_and(|asked| asked.elapsed() < Self::LIST_AGE)
    }
}

/// What we want to know of a row of `torrents/info`. Everything may be missing or new.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Row {
    hash: String,
    infohash_v1: String,
    infohash_v2: String,
    added_on: i64,
    state: String,
    progress: f64,
    amount_left: i64,
    save_path: String,
    uploaded: i64,
    category: String,
    auto_tmm: bool,
    ratio_limit: Option<f64>,
    seeding_time_limit: Option<i64>,
    inactive_seeding_time_limit: Option<i64>,
    share_limit_action: Option<String>,
    share_limits_mode: Option<String>,
}

/// What we want to know of the preferences.
#[derive(Deserialize)]
struct Preferences {
    listen_port: u16,
}

impl QBittorrent {
    /// Checks the address; nothing is asked of the client yet.
    pub(crate) fn new(config: &QBittorrentConfig) -> Result<Self, Error> {
        Ok(Self {
            api: Api::new(config)?,
            category: config.category.clone().filter(|category| !category.is_empty()),
            tags: config.tags.clone(),
            rechecks: Rechecks::default(),
        })
    }

    async fn row(&self, torrent: &TorrentRef) -> Result<Option<Row>, Error> {
        let query = Question::get("torrents/info").with("hashes", ids(&torrent.info_hash));
        let rows: Vec<Row> = self.api.json(query).await?;
        Ok(rows.into_iter().next())
    }

    /// The status of a row; what was said before a check that was just asked for does not count.
    fn status(&self, row: Row, info_hash: &InfoHashes) -> TorrentStatus {
        let mut status = status(row);
        if self.rechecks.is_recent(info_hash) && !matches!(status.activity, Activity::Checking(_)) {
            status.activity = Activity::Checking(0.0);
        }
        status
    }

    fn add_form(&self, seed: &Seed) -> Form {
        let file = Part::bytes(seed.metainfo.to_vec())
            .file_name("podseed.torrent")
            .mime_str("application/x-bittorrent");
        let mut form = Form::new();
        if let Ok(file) = file {
            form = form.part("torrents", file);
        }
        // `paused` is for 4.x, `stopped` for 5.x: both override the user's default for new torrents.
        let fields = [
            ("savepath", seed.client_dir.as_str()),
            ("useDownloadPath", "false"),
            ("autoTMM", "false"),
            ("contentLayout", "Original"),
            ("stopCondition", "FilesChecked"),
            ("paused", "false"),
            ("stopped", "false"),
        ];
        for (name, value) in fields {
            form = form.text(name, value.to_owned());
        }
        if let Some(category) = &self.category {
            form = form.text("category", category.clone());
        }
        form.text("tags", self.tags.join(","))
    }

    /// Category and tags. A category that the user's automatic management works by is left alone:
    /// changing it would move the files.
    async fn label(&self, id: &str, row: &Row) -> Result<(), Error> {
        if let Some(category) = &self.category
            && *category != row.category
            && !row.auto_tmm
        {
            self.api.make_category(category).await?;
            self.api.command(id, Command::SetCategory(category)).await?;
        }
        if self.tags.is_empty() {
            return Ok(());
        }
        self.api.command(id, Command::AddTags(&self.tags.join(","))).await
    }

    /// All share limits are set at once; those that nobody asked for keep their values.
    async fn limit_sharing(&self, id: &str, row: &Row, limits: &Limits) -> Result<(), Error> {
        let minutes = |time: Duration| i64::try_from(time.as_secs().div_ceil(60)).unwrap_or(i64::MAX);
        let ratio = limits.ratio.or(row.ratio_limit);
        let seeding_time = limits.seeding_time.map(minutes).or(row.seeding_time_limit);
        let inactive = row.inactive_seeding_time_limit.unwrap_or(USE_GLOBAL);
        let question = Question::post("torrents/setShareLimits")
            .with("hashes", id)
            .with("ratioLimit", ratio.map_or_else(|| USE_GLOBAL.to_string(), |ratio| ratio.to_string()))
            .with("seedingTimeLimit", seeding_time.unwrap_or(USE_GLOBAL).to_string())
            .with("inactiveSeedingTimeLimit", inactive.to_string())
            .with("shareLimitAction", row.share_limit_action.as_deref().unwrap_or("Default"))
            .with("shareLimitsMode", row.share_limits_mode.as_deref().unwrap_or("Default"));
        self.api.done(question).await
    }
}

/// A share limit that says "as in the settings".
const USE_GLOBAL: i64 = -2;

#[async_trait]
impl TorrentClient for QBittorrent {
    async fn probe(&self) -> Result<ClientInfo, Error> {
        let version = self.api.text(Question::get("app/version")).await?;
        let libtorrent = self.api.libtorrent().await?;
        // libtorrent 1.2, with which some still build it, knows nothing of BEP 52.
        let v2 = !libtorrent.starts_with("1.");
        Ok(ClientInfo {
            program: "qBittorrent".to_owned(),
            version: version.trim_start_matches('v').to_owned(),
            capabilities: Capabilities {
                hybrid: v2,
                v2,
                confirms: true,
                hashes_on_add: true,
                renames_incomplete_files: false,
            },
        })
    }

    /// Added to be hashed and then stopped, with category and tags.
    async fn add(&self, seed: &Seed) -> Result<Added, Error> {
        if self.row(&seed.torrent).await?.is_some() {
            return Ok(Added::AlreadyPresent);
        }
        self.api.add(|| self.add_form(seed)).await
    }

    async fn find(&self, torrent: &TorrentRef) -> Result<Presence, Error> {
        let Some(row) = self.row(torrent).await? else { return Ok(Presence::Absent) };
        Ok(Presence::Present(self.status(row, &torrent.info_hash)))
    }

    async fn list(&self) -> Result<Option<Vec<Listed>>, Error> {
        let rows: Vec<Row> = self.api.json(Question::get("torrents/info")).await?;
        let listed = rows.into_iter().filter_map(|row| {
            let info_hash = info_hashes(&row)?;
            let added = Some(row.added_on).filter(|added| *added > 0);
            Some(Listed { info_hash, added, status: self.status(row, &info_hash) })
        });
        Ok(Some(listed.collect()))
    }

    async fn peer_port(&self) -> Result<Option<u16>, Error> {
        let preferences: Preferences = self.api.json(Question::get("app/preferences")).await?;
        Ok(Some(preferences.listen_port).filter(|port| *port != 0))
    }

    /// Seeding time is set in whole minutes, rounded up. What the client does at a limit stays its own
    /// setting.
    async fn configure(&self, torrent: &TorrentRef, limits: &Limits) -> Result<(), Error> {
        let Some(row) = self.row(torrent).await? else { return Ok(()) };
        let id = ids(&torrent.info_hash);
        self.label(&id, &row).await?;
        if let Some(upload) = limits.upload {
            let question = Question::post("torrents/setUploadLimit").with("hashes", id.as_str());
            self.api.done(question.with("limit", upload.max(1).to_string())).await?;
        }
        if limits.ratio.is_some() || limits.seeding_time.is_some() {
            self.limit_sharing(&id, &row, limits).await?;
        }
        Ok(())
    }

    async fn verify(&self, torrent: &TorrentRef) -> Result<(), Error> {
        self.api.command(&ids(&torrent.info_hash), Command::Recheck).await?;
        self.rechecks.note(torrent.info_hash);
        Ok(())
    }

    async fn start(&self, torrent: &TorrentRef) -> Result<(), Error> {
        let verb = if self.api.version().await? >= API_START { "torrents/start" } else { "torrents/resume" };
        self.api.done(Question::post(verb).with("hashes", ids(&torrent.info_hash))).await
    }

    async fn remove(&self, torrent: &TorrentRef) -> Result<(), Error> {
        self.api.command(&ids(&torrent.info_hash), Command::Remove).await
    }

    async fn changed(&self, _torrent: &TorrentRef, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

/// Every identifier under which qBittorrent may list a torrent, in the form of its `hashes` parameter.
fn ids(info_hash: &InfoHashes) -> String {
    let v1 = info_hash.v1().map(|hash| hash.to_string());
    let v2 = info_hash.v2().map(|hash| hash.to_string()[..40].to_owned());
    v2.into_iter().chain(v1).collect::<Vec<_>>().join("|")
}

/// The hashes of a row. Built with libtorrent 1.2, which knows v1 alone, it may give none but its own identifier.
fn info_hashes(row: &Row) -> Option<InfoHashes> {
    let told = InfoHashes::from_parts(row.infohash_v1.parse().ok(), row.infohash_v2.parse().ok());
    told.or_else(|| row.hash.parse().ok().map(InfoHashes::V1))
}

/// The states of every generation; what is not known is taken for stopped, which promises nothing.
fn status(row: Row) -> TorrentStatus {
    let complete = row.progress >= 1.0;
    let (activity, error) = match row.state.as_str() {
        "uploading" | "stalledUP" | "forcedUP" | "queuedUP" => (Activity::Seeding, None),
        "downloading" | "stalledDL" | "forcedDL" | "queuedDL" | "metaDL" | "forcedMetaDL" | "allocating" => {
            (Activity::Downloading, None)
        }
        "checkingUP" | "checkingDL" | "checkingResumeData" => (Activity::Checking(row.progress), None),
        "missingFiles" => (Activity::Stopped, Some("files are missing at its save path")),
        "error" => {
            (Activity::Stopped, Some("an input or output error of the client; its log has the details"))
        }
        _ => (Activity::Stopped, None),
    };
    TorrentStatus {
        activity,
        complete: complete && error.is_none(),
        missing_bytes: row.amount_left.max(0).unsigned_abs(),
        save_path: Some(row.save_path).filter(|path| !path.is_empty()),
        uploaded_bytes: row.uploaded.max(0).unsigned_abs(),
        error: error.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InfoHashV1, InfoHashV2};

    fn in_state(state: &str) -> TorrentStatus {
        status(Row { state: state.to_owned(), progress: 1.0, ..Row::default() })
    }

    #[test]
    fn every_known_state_says_what_the_client_does() {
        for state in ["uploading", "stalledUP", "forcedUP", "queuedUP"] {
            assert_eq!(in_state(state).activity, Activity::Seeding, "{state}");
        }
        for state in ["pausedUP", "stoppedUP", "pausedDL", "stoppedDL"] {
            assert_eq!(in_state(state).activity, Activity::Stopped, "{state}");
        }
        assert_eq!(in_state("checkingUP").activity, Activity::Checking(1.0));
        assert_eq!(in_state("stalledDL").activity, Activity::Downloading);
    }

    #[test]
    fn missing_files_are_an_error_and_never_complete() {
        let status = in_state("missingFiles");
        assert!(!status.complete);
        assert_eq!(status.error.as_deref(), Some("files are missing at its save path"));
    }

    #[test]
    fn a_state_from_the_future_is_no_seeding() {
        let row: Row =
            serde_json::from_str(r#"{"state": "dreamingUP", "progress": 1, "novelty": []}"#).unwrap();
        assert_eq!(status(row).activity, Activity::Stopped);
    }

    #[test]
    fn a_row_is_known_by_the_hashes_that_it_tells() {
        let hashes = |json: &str| info_hashes(&serde_json::from_str(json).unwrap());
        let (v1, v2) = ("11".repeat(20), "22".repeat(32));
        let (one, two) = (InfoHashV1([0x11; 20]), InfoHashV2([0x22; 32]));
        for (row, expected) in [
            (format!(r#"{{"hash": "{v1}"}}"#), Some(InfoHashes::V1(one))),
            (
                format!(r#"{{"hash": "{v1}", "infohash_v1": "{v1}", "infohash_v2": ""}}"#),
                Some(InfoHashes::V1(one)),
            ),
            (
                format!(r#"{{"hash": "x", "infohash_v1": "{v1}", "infohash_v2": "{v2}"}}"#),
                Some(InfoHashes::Hybrid(one, two)),
            ),
            (
                format!(r#"{{"hash": "x", "infohash_v1": "", "infohash_v2": "{v2}"}}"#),
                Some(InfoHashes::V2(two)),
            ),
            (r#"{"hash": "x"}"#.to_owned(), None),
        ] {
            assert_eq!(hashes(&row), expected, "{row}");
        }
    }

    #[test]
    fn a_hybrid_goes_by_its_short_v2_hash_or_its_v1_hash() {
        let hybrid = InfoHashes::Hybrid(InfoHashV1([0x11; 20]), InfoHashV2([0x22; 32]));
        assert_eq!(ids(&hybrid), format!("{}|{}", "22".repeat(20), "11".repeat(20)));
    }
}
