//! The configuration as it is written: every value may be absent, texts are not yet understood.
//!
//! These types are the only list of keys: reading, `config example` and `config schema` all come from them, and
//! the comments below are what users read there. Every node is an `Option`, so that a wrong one can be cut out
//! and the rest still be checked. Nothing outside `config` sees these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::media::MediaKind;
use crate::units::{ByteRate, ByteSize, RateLimit, Span};

/// A mapping whose keys the user chooses.
pub(super) type Named<T> = BTreeMap<String, Option<T>>;

/// A list; an entry that is wrong is cut out.
pub(super) type List<T> = Vec<Option<T>>;

/// The configuration of podseed. Relative paths are relative to the folder of this file, `~/` is the home folder.
/// Sizes, rates and times are written with their units: 10 MiB, 2 MiB/s, 30 min.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "podseed configuration")]
pub(super) struct File {
    /// Where podseed keeps its database, the media, the torrents and the site. Default: $XDG_DATA_HOME/podseed.
    pub data_dir: Option<String>,
    /// An address (a page or an e-mail address) at which publishers can reach you. It is sent with each request,
    /// so that their statistics can tell the mirror from a listener, and the site shows it.
    pub user_agent_contact: Option<String>,
    /// The podcasts. Each has a short name of lower-case letters, digits, - and _: its folder, its page, its feed.
    pub shows: Option<Named<Show>>,
    /// The BitTorrent clients that seed. Each has a name of yours, and one of transmission, qbittorrent or
    /// watch_dir.
    pub clients: Option<Named<Client>>,
    /// How torrents are made.
    pub torrent: Option<Torrent>,
    /// Hands nothing over to clients without a licence in the feed or a permission: seeding is distribution, too.
    /// What clients have already stays there. Default: false.
    pub require_permission: Option<bool>,
    /// Folders of your own files: each is a show without a feed, with a podcast feed of its own on the site.
    pub inbox: Option<Named<Inbox>>,
    /// How often clients are asked whether they still seed. Default: 15 min. Not there yet: this key does nothing.
    pub verify_interval: Option<Span>,
    /// The site: pages and feeds from which people get the torrents. Each run brings it up to date.
    pub publish: Option<Publish>,
    /// Serves page, feeds and health while `podseed daemon` runs. Not there yet: this key does nothing, and a web
    /// server of yours serves publish.site_dir.
    pub server: Option<Server>,
    /// What podseed may use.
    pub limits: Option<Limits>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Show {
    /// The feed's address, or a file.
    pub feed: Option<String>,
    /// Which episodes. Without this key: all of them.
    pub episodes: Option<Episodes>,
    /// The clients that seed it, by name. Default: every client.
    pub clients: Option<List<String>>,
    /// Who has allowed you to publish the torrents, and when, if the feed states no free licence. The page shows these
    /// words. Without either, nothing of the show is published.
    pub permission: Option<String>,
    /// Login for a feed that asks for one (HTTP basic). Such a show is never published.
    pub auth: Option<Auth>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Episodes {
    /// Only the newest so many of those that the other rules let pass.
    pub latest: Option<u32>,
    /// Only those of this day (UTC) or later, as YYYY-MM-DD.
    pub since: Option<String>,
    /// Only those of this day (UTC) or earlier.
    pub until: Option<String>,
    /// Only those whose title matches this regular expression. (?i) at its beginning ignores case.
    pub title: Option<String>,
    /// Only those whose title does not match this one.
    pub not_title: Option<String>,
    /// Which kinds of files: audio, video, image, document. Default: audio and video.
    pub media: Option<List<MediaKind>>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Auth {
    /// The user's name.
    pub username: Option<String>,
    /// A file that holds the password. Only podseed's user should be able to read it.
    pub password_file: Option<String>,
    /// Or: the environment variable that holds the password.
    pub password_env: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Client {
    /// Transmission, through its RPC (remote access must be enabled there).
    pub transmission: Option<Transmission>,
    /// qBittorrent, through its Web API (Web User Interface).
    pub qbittorrent: Option<QBittorrent>,
    /// Any client that watches a folder for .torrent files, such as rTorrent.
    pub watch_dir: Option<WatchDir>,
    /// Where the client sees our folders, if it runs elsewhere or in a container: our path: the client's path.
    pub paths: Option<Named<String>>,
    /// Labels (Transmission) or tags (qBittorrent) for each torrent.
    pub labels: Option<List<String>>,
    /// How much this client gives for each torrent. What is not set here is left to the client's own settings.
    pub limits: Option<ClientLimits>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Transmission {
    /// The address of the RPC. Default path: /transmission/rpc.
    pub url: Option<String>,
    /// The login, if Transmission asks for one.
    pub username: Option<String>,
    /// A file that holds the password. Only podseed's user should be able to read it.
    pub password_file: Option<String>,
    /// Or: the environment variable that holds the password.
    pub password_env: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct QBittorrent {
    /// The address of the Web User Interface.
    pub url: Option<String>,
    /// The login, if qBittorrent asks for one.
    pub username: Option<String>,
    /// A file that holds the password. Only podseed's user should be able to read it.
    pub password_file: Option<String>,
    /// Or: the environment variable that holds the password.
    pub password_env: Option<String>,
    /// The category for each torrent; it is made if it does not exist.
    pub category: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WatchDir {
    /// The folder that the client watches. {show} stands for the show's short name.
    pub path: Option<String>,
    /// The folder in which the client looks for the data; podseed puts each file there, as a link where that is
    /// possible. {show} as above. Without this key the client must look in podseed's own media folders.
    pub data: Option<String>,
    /// The program that watches: rtorrent, transmission, qbittorrent, deluge, other. It decides how podseed learns
    /// that a torrent was taken. Default: other.
    pub client: Option<Watcher>,
    /// Adds resume data to the torrent that is put into the folder, so that rTorrent does not read all the data
    /// again. Default: true for rtorrent; others do not know it.
    pub fast_resume: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Watcher {
    RTorrent,
    Transmission,
    QBittorrent,
    Deluge,
    Other,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClientLimits {
    /// Stop after so many times the torrent's size was uploaded.
    pub ratio: Option<f64>,
    /// The upload rate of one torrent.
    pub upload: Option<ByteRate>,
    /// Stop after so long.
    pub seeding_time: Option<Span>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Torrent {
    /// v1, hybrid or v2. Every client takes v1; Transmission 3 refuses hybrids, rTorrent and Transmission 4 refuse
    /// v2. Default: v1.
    pub version: Option<Version>,
    /// auto, or a power of two from 16 KiB to 16 MiB. Default: auto, so that all who mirror a show share one swarm.
    pub piece_length: Option<String>,
    /// Trackers in tiers: a list of lists. The first tier that answers is used. Without a tracker `podseed report` has
    /// no completed downloads.
    pub trackers: Option<List<List<String>>>,
    /// Whether the publisher's own address becomes a source in the torrent: verified (after two comparisons,
    /// half a day apart or more, have found the same bytes there), always, never. Default: verified.
    pub web_seeds: Option<super::WebSeeds>,
    /// How long a torrent is still seeded after another one took its place: that of a file that the publisher has
    /// replaced, or one of ours after he began to offer his own. Default: 30 days.
    pub keep_replaced: Option<Span>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Version {
    V1,
    Hybrid,
    V2,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Inbox {
    /// The folder. Each audio or video file that is complete there, or below it, becomes an episode. podseed only
    /// reads it, and so should your client. Without a folder the show has what `podseed share` gives it.
    pub path: Option<String>,
    /// The title of the show. Default: the album in the first file's tags, else the short name.
    pub title: Option<String>,
    /// What the show is about.
    pub description: Option<String>,
    /// Who makes it. Default: the artist in the first file's tags.
    pub author: Option<String>,
    /// Stands in the feed as the owner's address, where podcast directories look for it.
    pub email: Option<String>,
    /// The language, such as en or de-AT.
    pub language: Option<String>,
    /// The show's own page.
    pub link: Option<String>,
    /// A picture (JPEG, PNG, WebP, GIF). Default: the first that is in a file's tags.
    pub cover: Option<String>,
    /// Which of the clients seed it. Default: all.
    pub clients: Option<List<String>>,
    /// Look into the folder so often, in place of being told of changes: for folders on another machine. Network file
    /// systems that podseed knows are looked into every 30 s.
    pub poll: Option<Span>,
    /// On what ground you publish the torrents. The page shows it.
    pub permission: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Publish {
    /// The address at which a web server serves site_dir. Without it there are pages, but no feeds.
    pub base_url: Option<String>,
    /// Where the site is written. podseed exchanges the folder as a whole: it has to own the one above, and a container
    /// mounts that one. Default: the folder site in data_dir.
    pub site_dir: Option<String>,
    /// The language, en or de, of the list of all shows, and of the pages of a show that is in neither. Default: en.
    pub language: Option<Language>,
    /// Puts the media on the site as well (as links to podseed's own files, which take no space) and makes them a
    /// web seed. Needs base_url, and the site on the same file system as data_dir. Default: false.
    pub web_seed: Option<bool>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    En,
    De,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    /// Address and port on which to listen.
    pub listen: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    /// How many downloads at a time. Default: 4.
    pub downloads: Option<u32>,
    /// How many of them from one host. Default: 2.
    pub per_host: Option<u32>,
    /// All downloads together; or unlimited. Default: unlimited.
    pub rate: Option<RateLimit>,
    /// Nothing is downloaded that would leave less than this on the disk. Default: 2 GiB.
    pub disk_free: Option<ByteSize>,
    /// Larger episodes are left out. Default: 4 GiB.
    pub episode_size: Option<ByteSize>,
    /// Larger feeds are refused. Default: 32 MiB.
    pub feed_size: Option<ByteSize>,
    /// Whether feeds may point to hosts of the local network. Default: false.
    pub allow_private_addresses: Option<bool>,
}
