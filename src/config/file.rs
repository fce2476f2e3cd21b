//! The configuration as it is written: every value may be absent, texts are not yet understood.
//!
//! These types are the only list of keys: reading, `config example` and `config schema` all come from them, and
//! the comments below are what users read there. Every node is an `Option`, so that a wrong one can be cut out
//! and the rest still be checked. Nothing outside `config` sees these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::NoticeKind;
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
    /// More of them stand in files NAME.yaml of the folder shows.d beside this file, also below the key shows;
    /// `podseed shows add` and `podseed shows import` write them there.
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
    /// How often `podseed daemon` reads a feed. Within these bounds each show has its own rhythm, after the dates of its
    /// episodes and what the publisher asks for.
    pub poll_interval: Option<PollInterval>,
    /// How often `podseed daemon` asks the clients what they seed; each run asks once. Default: 15 min.
    pub verify_interval: Option<Span>,
    /// Whether podseed fetches a piece from each client every week, as a stranger would, and compares it: only that
    /// proves that others get anything. `podseed status` shows it. It does not speak encryption: rTorrent 0.16 refuses it
    /// unless protocol.encryption.set allows plain connections. Default: false.
    pub prove: Option<bool>,
    /// The site: pages and feeds from which people get the torrents. Each run brings it up to date, and so does the
    /// daemon as it goes.
    pub publish: Option<Publish>,
    /// Serves the site, and tells how podseed is doing, while `podseed daemon` runs: /healthz, /metrics, /status.json.
    /// In front of it belongs a web server with TLS; or yours serves publish.site_dir, and this key is left out.
    pub server: Option<Server>,
    /// Tells you by a webhook or ntfy, at most once a day for each cause.
    pub notices: Option<Notices>,
    /// Programs that are run: one for each kind of event, with its arguments and without a shell. Each gets the event
    /// as JSON on standard input and as variables PODSEED_*, and has 60 s.
    pub hooks: Option<Hooks>,
    /// What podseed may use.
    pub limits: Option<Limits>,
    /// How much of what podseed has fetched it keeps, over all shows together. What goes leaves the site, the clients and
    /// the disk, what many others seed first, and is not fetched again. Files then also go when less than
    /// limits.disk_free is free. Without this key, and without one of a show, everything stays for ever.
    pub keep: Option<Keep>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PollInterval {
    /// At least so long lies between two readings. Default: 15 min.
    pub shortest: Option<Span>,
    /// At most so long, if the publisher does not ask for more. Default: 12 h.
    pub longest: Option<Span>,
}

/// A file in the folder shows.d beside the configuration.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ShowsFile {
    pub shows: Option<Named<Show>>,
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
    /// How much of this show is kept, with the same keys as `keep` for all shows. Both count: what one of them does
    /// not keep goes.
    pub keep: Option<Keep>,
}

/// What is not kept is taken out of the clients and off the site, then deleted, and never fetched again unless
/// `podseed retry` brings it back. First goes what many others seed, then what is old, then what few ask for. Your own
/// files and torrents that podseed has not added itself always stay. Where there is a `keep`, files also go when less
/// than `limits.disk_free` is free.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Keep {
    /// Only the newest so many episodes.
    pub latest: Option<u32>,
    /// Only episodes that were published no longer ago.
    pub max_age: Option<Span>,
    /// No more than this on the disk.
    pub total_size: Option<ByteSize>,
    /// Whether files may go that nobody else is known to seed: without a tracker that tells of others, that is all of
    /// them. Default: false; of a show: as for all shows.
    pub allow_last_seeder: Option<bool>,
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
    /// Where strangers reach this client, as host:port, for `prove`. Default: the host of its url, and the port that it
    /// reports itself; a watched folder has neither.
    pub peer: Option<String>,
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
    /// The address of the site, where a web server serves site_dir or passes on to `server`. Without it there are pages,
    /// but no feeds.
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
    /// What your web server leaves in front of each path when it passes a request on; / if it takes everything off.
    /// Default: the path of publish.base_url, whether it leaves it there or not.
    pub base_path: Option<String>,
    /// The most connections at a time. Who comes when all are at work is told to come again. Default: 512.
    pub connections: Option<u32>,
    /// The networks from which /metrics and /status.json are answered: they name what is not published. What comes
    /// through a proxy never is. Default: this machine, 127.0.0.0/8 and ::1.
    pub private: Option<List<String>>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Notices {
    /// Each notice is sent there as JSON (POST).
    pub webhook: Option<NoticeTarget>,
    /// A topic at an ntfy server, for your phone. Who knows its name can read along: choose one that nobody guesses.
    pub ntfy: Option<NoticeTarget>,
    /// What webhook and ntfy tell of: seeding, failed, feed, client, torrents, disk, configuration, recovered. Default:
    /// all but seeding and recovered.
    pub on: Option<List<NoticeKind>>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NoticeTarget {
    /// The address.
    pub url: Option<String>,
    /// A file that holds the access token, if one is asked for. Only podseed's user should be able to read it.
    pub token_file: Option<String>,
    /// Or: the environment variable that holds the token.
    pub token_env: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Hooks {
    /// A first client has confirmed an episode.
    pub seeding: Option<List<String>>,
    /// An episode needs you.
    pub failed: Option<List<String>>,
    /// A show's feed could not be read three times, or for a day.
    pub feed: Option<List<String>>,
    /// A client cannot be reached, or refuses the login, for half an hour.
    pub client: Option<List<String>>,
    /// A client has stopped or lost torrents, or cannot seed them, for half an hour.
    pub torrents: Option<List<String>>,
    /// The disk is full, or what may be kept takes more room than there is.
    pub disk: Option<List<String>>,
    /// A changed configuration was refused; the former one stays in force.
    pub configuration: Option<List<String>>,
    /// What one of the last five was run for is well again.
    pub recovered: Option<List<String>>,
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
    /// Only in these hours of the day, by the clock of this machine, are files fetched: 01:00-06:00, or always. Feeds are
    /// read, and own files taken up, at any time; what is under way at the end is fetched to its end. Default: always.
    pub hours: Option<String>,
    /// Nothing is downloaded that would leave less than this on the disk; it goes on by itself when there is room again.
    /// Default: 2 GiB.
    pub disk_free: Option<ByteSize>,
    /// Larger episodes are left out. Default: 4 GiB.
    pub episode_size: Option<ByteSize>,
    /// Larger feeds are refused. Default: 32 MiB.
    pub feed_size: Option<ByteSize>,
    /// Whether feeds may point to hosts of the local network. Default: false.
    pub allow_private_addresses: Option<bool>,
}
