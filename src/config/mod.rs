//! The configuration: the file as written becomes a validated [`Config`], or a list of everything that is wrong
//! with it. Nothing else in podseed sees the file's own types, and stages do not see this module: what they need
//! is handed to them.

mod context;
mod example;
mod feed_source;
mod file;
mod finding;
mod hours;
mod load;
mod paths;
mod places;
mod read;
mod secrets;
mod shows_d;
mod tree;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use podseed_adapters::{ClientConfig, Limits as ClientLimits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

pub use example::{example, schema};
pub use feed_source::FeedSource;
pub use finding::{Finding, Findings, Severity};
pub use hours::Hours;
pub use load::Variables;
pub use shows_d::{NewShow, show_file};
pub use validate::is_slug;

use load::Part;

use crate::hash::PieceLength;
use crate::model::{KeepRules, NoticeKind, PageLanguage, PathMap, PeerAddress, Selection, TorrentVersion};
use crate::secret::{SafeUrl, Secret};

/// Everything that the user has decided, with every default filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it was read from: the file, and the folder `shows.d` beside it, whether it is there or not. Both absolute,
    /// so that they can be watched; empty without a file.
    pub sources: Vec<PathBuf>,
    /// Database, media, torrents and site live below it. Absolute, if it was given or found absolute.
    pub data_dir: PathBuf,
    /// Goes into the user agent: an address at which publishers reach the user.
    pub user_agent_contact: Option<String>,
    /// In the order of their slugs; those of `shows.d` among them. See [`Config::show`].
    pub shows: Vec<Show>,
    /// By name.
    pub clients: Vec<Client>,
    /// How torrents are made.
    pub torrent: TorrentSettings,
    /// Whether nothing is handed over without a licence or a permission.
    pub require_permission: bool,
    /// Folders of own files, by slug.
    pub inbox: Vec<Inbox>,
    /// How often a feed is read.
    pub poll_interval: PollInterval,
    /// How often clients are asked what they seed.
    pub verify_interval: Duration,
    /// Whether pieces are fetched from clients, as a stranger would.
    pub prove: bool,
    /// Page and feeds.
    pub publish: Publish,
    /// What `daemon` serves; `None`: nothing.
    pub server: Option<Server>,
    /// Who is told of what.
    pub notices: Notices,
    /// What podseed may use.
    pub limits: Limits,
    /// What is kept of all shows together; `None`: everything.
    pub keep: Option<KeepRules>,
    /// What is not wrong enough to refuse the file: warnings only.
    pub warnings: Findings,
}

/// The bounds of what podseed takes for a feed's own rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollInterval {
    /// Between two readings lies at least so long.
    pub shortest: Duration,
    /// And at most so long, if the publisher does not ask for more.
    pub longest: Duration,
}

impl Default for PollInterval {
    fn default() -> Self {
        Self { shortest: Duration::from_secs(15 * 60), longest: Duration::from_secs(12 * 3600) }
    }
}

/// One podcast.
#[derive(Debug, Clone)]
pub struct Show {
    /// Folder, page and feed name: `[a-z0-9][a-z0-9-_]*`.
    pub slug: String,
    /// The file in which it stands, as it was named.
    pub source: PathBuf,
    /// Where its feed is.
    pub feed: FeedSource,
    /// Which episodes are wanted.
    pub selection: Selection,
    /// The names of the clients that seed it; each exists.
    pub clients: Vec<String>,
    /// On what ground it is published, in the user's words.
    pub permission: Option<String>,
    /// Login for the feed.
    pub auth: Option<Auth>,
    /// What is kept of it, beside what is kept of all shows; `None`: everything.
    pub keep: Option<KeepRules>,
}

/// HTTP basic authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The user's name.
    pub username: String,
    /// Never printed.
    pub password: Secret,
}

/// One BitTorrent client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The user's name for it.
    pub name: String,
    /// What its adapter needs.
    pub adapter: ClientConfig,
    /// Where it sees our folders.
    pub paths: PathMap,
    /// What it gives for each torrent.
    pub limits: ClientLimits,
    /// Where strangers reach it, if the user says so.
    pub peer: Option<PeerAddress>,
}

impl Client {
    /// The machine that it runs on, as far as its address tells.
    pub fn host(&self) -> Option<String> {
        let url = match &self.adapter {
            ClientConfig::Transmission(client) => &client.url,
            ClientConfig::QBittorrent(client) => &client.url,
            ClientConfig::WatchDir(_) => return None,
        };
        let host = Url::parse(url).ok()?.host_str()?.to_owned();
        Some(host.trim_start_matches('[').trim_end_matches(']').to_owned())
    }
}

/// How torrents are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorrentSettings {
    /// The generation of the format.
    pub version: TorrentVersion,
    /// `None`: by podseed's rule, [`PieceLength::auto`].
    pub piece_length: Option<PieceLength>,
    /// Tiers of announce URLs (BEP 12): udp, http, https.
    pub trackers: Vec<Vec<String>>,
    /// When the publisher's URL becomes a web seed.
    pub web_seeds: WebSeeds,
    /// How long a torrent is seeded after another took its place.
    pub keep_replaced: Duration,
}

/// When the publisher's own URL becomes a web seed (BEP 19).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebSeeds {
    /// After a proof that it serves everybody the same bytes.
    #[default]
    Verified,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A folder of own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// Like a show's.
    pub slug: String,
    /// The folder; `None`: it has what is shared by command.
    pub path: Option<PathBuf>,
    /// The title of the show.
    pub title: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Who makes it.
    pub author: Option<String>,
    /// The owner's address, for podcast directories.
    pub email: Option<String>,
    /// A language tag.
    pub language: Option<String>,
    /// Its page: http or https.
    pub link: Option<Url>,
    /// A picture.
    pub cover: Option<PathBuf>,
    /// The names of the clients that seed it; each exists.
    pub clients: Vec<String>,
    /// How often the folder is looked into; `None`: whenever the system tells of a change.
    pub poll: Option<Duration>,
    /// On what ground it is published.
    pub permission: Option<String>,
}

/// Page and feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// http or https, its path ends in `/`. `None`: relative links and no feeds.
    pub base_url: Option<Url>,
    /// Replaced as a whole.
    pub site_dir: PathBuf,
    /// Of the list of all shows, and of pages of shows in neither.
    pub language: PageLanguage,
    /// Whether the media are on the site, and a web seed there; only with `base_url`.
    pub web_seed: bool,
}

/// The server of `daemon`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What a proxy may leave in front of each path; begins and ends with a slash.
    pub base_path: String,
    /// The most connections at a time; at least 1.
    pub connections: usize,
    /// From where metrics and status are answered.
    pub private: Vec<IpNet>,
}

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notices {
    /// The program and its arguments for each kind; never an empty list.
    pub hooks: BTreeMap<NoticeKind, Vec<String>>,
    /// Gets JSON.
    pub webhook: Option<NoticeTarget>,
    /// A topic at an ntfy server.
    pub ntfy: Option<NoticeTarget>,
    /// What webhook and ntfy tell of.
    pub on: BTreeSet<NoticeKind>,
}

/// An address that notices are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeTarget {
    /// http or https, without user and password. Its path may be the secret.
    pub url: SafeUrl,
    /// Sent as bearer token (RFC 6750).
    pub token: Option<Secret>,
}

/// What webhook and ntfy tell of unless they are told otherwise: what needs somebody.
const DEFAULT_NOTICES: [NoticeKind; 6] = [
    NoticeKind::Failed,
    NoticeKind::Feed,
    NoticeKind::Client,
    NoticeKind::Torrents,
    NoticeKind::Disk,
    NoticeKind::Configuration,
];

impl Default for Notices {
    fn default() -> Self {
        Self { hooks: BTreeMap::new(), webhook: None, ntfy: None, on: DEFAULT_NOTICES.into() }
    }
}

/// What podseed may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Downloads at a time; at least 1.
    pub downloads: usize,
    /// Downloads at a time from one host; at least 1.
    pub per_host: usize,
    /// Bytes per second of all downloads together; `None`: unlimited.
    pub rate: Option<u64>,
    /// The hours of the day in which files are fetched; `None`: always.
    pub hours: Option<Hours>,
    /// Bytes that stay free on the disk.
    pub disk_free: u64,
    /// Bytes of the largest enclosure that is downloaded.
    pub episode_size: u64,
    /// Bytes of the largest feed that is read.
    pub feed_size: u64,
    /// Whether feeds may point into the local network.
    pub allow_private_addresses: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            downloads: 4,
            per_host: 2,
            rate: None,
            hours: None,
            disk_free: 2 << 30,
            episode_size: 4 << 30,
            feed_size: 32 << 20,
            allow_private_addresses: false,
        }
    }
}

impl Default for TorrentSettings {
    fn default() -> Self {
        Self {
            version: TorrentVersion::V1,
            piece_length: None,
            trackers: Vec::new(),
            web_seeds: WebSeeds::default(),
            keep_replaced: DEFAULT_KEEP_REPLACED,
        }
    }
}

impl Config {
    /// The show with this slug.
    pub fn show(&self, slug: &str) -> Option<&Show> {
        self.shows.binary_search_by(|show| show.slug.as_str().cmp(slug)).ok().map(|index| &self.shows[index])
    }

    /// Folders of clients (watched ones, and those for their data) that lie in the data folder, as far as they are
    /// the same for every show. These are podseed's to make. Any other is the user's: a missing one is a disk that
    /// is not mounted.
    pub fn own_folders(&self) -> Vec<PathBuf> {
        let watched = self.clients.iter().filter_map(|client| match &client.adapter {
            ClientConfig::WatchDir(folder) => Some([Some(&folder.path), folder.data.as_ref()]),
            _ => None,
        });
        let fixed = |folder: &PathBuf| -> PathBuf {
            folder
                .components()
                .take_while(|part| !part.as_os_str().to_string_lossy().contains("{show}"))
                .collect()
        };
        watched.flatten().flatten().map(fixed).filter(|folder| folder.starts_with(&self.data_dir)).collect()
    }

    /// The defaults around a data folder, with no show and no client: for `run FEED_URL` without a file.
    pub fn ad_hoc(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        Self {
            sources: Vec::new(),
            publish: Publish {
                base_url: None,
                site_dir: data_dir.join("site"),
                language: PageLanguage::default(),
                web_seed: false,
            },
            require_permission: false,
            data_dir,
            user_agent_contact: None,
            shows: Vec::new(),
            clients: Vec::new(),
            torrent: TorrentSettings::default(),
            inbox: Vec::new(),
            poll_interval: PollInterval::default(),
            verify_interval: DEFAULT_VERIFY_INTERVAL,
            prove: false,
            server: None,
            notices: Notices::default(),
            limits: Limits::default(),
            keep: None,
            warnings: Findings::default(),
        }
    }
}

const DEFAULT_KEEP_REPLACED: Duration = Duration::from_secs(30 * 24 * 3600);
const DEFAULT_VERIFY_INTERVAL: Duration = Duration::from_secs(15 * 60);
