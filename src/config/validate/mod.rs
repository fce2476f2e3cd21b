//! The file's types -> [`Config`]: texts are understood, defaults filled in, one part checked against another.
//! Each function reports what is wrong with its part and goes on.

mod address;
mod client;
mod inbox;
mod keep;
mod notices;
mod server;
mod show;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use podseed_adapters::TorrentVersion;

use super::context::Context;
use super::file::{self, File, ShowsFile};
use super::finding::KeyPath;
use super::{
    Config, DEFAULT_KEEP_REPLACED, DEFAULT_VERIFY_INTERVAL, Hours, Inbox, Limits, Part, PollInterval,
    Publish, TorrentSettings, Variables,
};
use crate::hash::PieceLength;
use crate::model::{PageLanguage, RESERVED_SLUGS};
use crate::units::{ByteSize, RateLimit, Span};

/// The folders whose files are handed over to clients.
#[derive(Clone, Copy)]
struct OurFolders<'a> {
    /// Unknown after a finding.
    data: Option<&'a Path>,
    inboxes: &'a [Inbox],
}

impl OurFolders<'_> {
    fn iter(&self) -> impl Iterator<Item = &Path> {
        self.data.into_iter().chain(self.inboxes.iter().filter_map(|inbox| inbox.path.as_deref()))
    }
}

/// The configuration, as far as it can be told; whether it may be used, the findings say. `None` if a part without
/// which there is none is missing.
/// `main` is where `file` comes from; `more` are the files of `shows.d`.
pub(super) fn config(
    file: File,
    main: &mut Part<File>,
    more: &mut [Part<ShowsFile>],
    variables: &Variables<'_>,
) -> Option<Config> {
    let sources = Config::sources_of(&main.path);
    let mut context = Context { base: main.base(), variables, findings: &mut main.findings };
    let context = &mut context;
    let data_dir = data_dir(file.data_dir.as_deref(), context);
    let named: Vec<String> = file.clients.iter().flatten().map(|(name, _)| name.clone()).collect();
    let inbox = inbox::inbox(file.inbox.unwrap_or_default(), &named, context);
    let ours = OurFolders { data: data_dir.as_deref(), inboxes: &inbox };
    let clients = client::clients(file.clients.unwrap_or_default(), ours, context);
    let keep = file.keep.map(|keep| keep::rules(&keep, &KeyPath::default().key("keep"), None, context));
    let mut shows = show::Shows::new(&named, keep.as_ref());
    shows.read(file.shows.unwrap_or_default(), &main.path, context);
    for part in more {
        let written = part.content.take().and_then(|content| content.shows).unwrap_or_default();
        let mut context = Context { base: part.base(), variables, findings: &mut part.findings };
        shows.read(written, &part.path, &mut context);
    }
    let shows = shows.finish();
    one_name_each(shows.iter().map(|show| show.slug.as_str()), &inbox, context);
    if shows.is_empty() && inbox.is_empty() {
        let hint = "name one: `shows: {my-show: {feed: https://example.org/feed.xml}}`";
        context.findings.warning("config.no_shows", &KeyPath::default().key("shows"), "there are none", hint);
    }
    let data_dir = data_dir?;
    let contact = user_agent_contact(file.user_agent_contact, context);
    let publish = publish(file.publish.unwrap_or_default(), &data_dir, context);
    inbox::check_places(&inbox, &data_dir, &publish.site_dir, context);
    Some(Config {
        sources,
        user_agent_contact: contact,
        shows,
        clients,
        torrent: torrent(file.torrent.unwrap_or_default(), context),
        require_permission: file.require_permission.unwrap_or(false),
        inbox,
        poll_interval: poll_interval(file.poll_interval.unwrap_or_default(), context),
        verify_interval: verify_interval(file.verify_interval, context),
        prove: file.prove.unwrap_or(false),
        server: file.server.and_then(|server| server::server(server, publish.base_url.as_ref(), context)),
        publish,
        notices: notices::notices(file.notices.unwrap_or_default(), file.hooks.unwrap_or_default(), context),
        limits: limits(&file.limits.unwrap_or_default(), context),
        keep,
        data_dir,
        warnings: super::Findings::default(),
    })
}

fn data_dir(written: Option<&str>, context: &mut Context<'_>) -> Option<PathBuf> {
    let at = KeyPath::default().key("data_dir");
    if let Some(written) = written {
        if written.trim().is_empty() {
            context.findings.error("config.value", &at, "is empty", "name a folder, or leave the key out");
            return None;
        }
        return Some(context.resolve(written));
    }
    let variable = |name| (context.variables)(name).map(PathBuf::from);
    let found = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")));
    if found.is_none() {
        let text = "is missing, and neither XDG_DATA_HOME nor HOME is set";
        context.findings.error("config.missing", &at, text, "for example `data_dir: /srv/podseed`");
    }
    found.map(|folder| folder.join("podseed"))
}

/// Whether a text can be a show's name.
pub fn is_slug(text: &str) -> bool {
    has_form_of_slug(text) && !is_reserved(text)
}

fn has_form_of_slug(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_right = text.bytes().next().is_some_and(allowed);
    starts_right && text.len() <= 64 && text.bytes().all(|byte| allowed(byte) || b"-_".contains(&byte))
}

fn is_reserved(slug: &str) -> bool {
    RESERVED_SLUGS.contains(&slug) || crate::model::name::is_device_name(slug)
}

/// A slug becomes a folder, a page and a file name.
fn check_slug(slug: &str, at: &KeyPath, context: &mut Context<'_>) {
    if !has_form_of_slug(slug) {
        let hint = "use lower-case letters, digits, `-` and `_`, at most 64, the first a letter or digit";
        context.findings.error("config.name", at, format!("`{slug}` cannot be a name"), hint);
    } else if is_reserved(slug) {
        let hint = format!("choose another, such as `{slug}-show`");
        context.findings.error(
            "config.name",
            at,
            format!("`{slug}` is taken by podseed or by file systems"),
            hint,
        );
    }
}

fn one_name_each<'a>(shows: impl Iterator<Item = &'a str>, inbox: &[Inbox], context: &mut Context<'_>) {
    let shows: BTreeSet<&str> = shows.collect();
    for folder in inbox.iter().filter(|folder| shows.contains(folder.slug.as_str())) {
        let at = KeyPath::default().key("inbox").key(&folder.slug);
        context.findings.error("config.name", &at, "a show has the same name", "rename one of them");
    }
}

/// A text that is shown to others must say something.
fn not_blank(written: Option<String>, at: &KeyPath, context: &mut Context<'_>) -> Option<String> {
    let text = written?.trim().to_owned();
    if text.is_empty() {
        context.findings.error(
            "config.value",
            at,
            "is empty",
            "write on what ground you publish, or leave it out",
        );
        return None;
    }
    Some(text)
}

fn user_agent_contact(written: Option<String>, context: &mut Context<'_>) -> Option<String> {
    let contact = written?;
    let at = KeyPath::default().key("user_agent_contact");
    // It becomes part of an HTTP header's comment.
    let printable = contact.bytes().all(|byte| byte.is_ascii_graphic() && !b"()\\\"".contains(&byte));
    let looks_right =
        contact.contains('@') || contact.starts_with("https://") || contact.starts_with("http://");
    if !(printable && looks_right && contact.len() <= 200) {
        let text = format!("`{}` is no address", contact.escape_debug());
        let hint = "write a page's address or an e-mail address, such as https://example.org/podseed";
        context.findings.error("config.value", &at, text, hint);
        return None;
    }
    Some(contact)
}

fn torrent(written: file::Torrent, context: &mut Context<'_>) -> TorrentSettings {
    let at = KeyPath::default().key("torrent");
    let version = match written.version {
        None | Some(file::Version::V1) => TorrentVersion::V1,
        Some(file::Version::Hybrid) => TorrentVersion::Hybrid,
        Some(file::Version::V2) => TorrentVersion::V2,
    };
    TorrentSettings {
        version,
        piece_length: written
            .piece_length
            .and_then(|text| piece_length(&text, &at.key("piece_length"), context)),
        trackers: trackers(written.trackers.unwrap_or_default(), &at.key("trackers"), context),
        web_seeds: written.web_seeds.unwrap_or_default(),
        keep_replaced: written.keep_replaced.map_or(DEFAULT_KEEP_REPLACED, |span| span.0),
    }
}

fn piece_length(text: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<PieceLength> {
    if text.trim() == "auto" {
        return None;
    }
    let error = match text.parse::<ByteSize>() {
        Ok(ByteSize(bytes)) => match PieceLength::new(bytes) {
            Ok(length) => return Some(length),
            Err(_) => format!("`{text}` cannot be a piece length"),
        },
        Err(error) => error.to_string(),
    };
    let hint = "write `auto`, or a power of two from 16 KiB to 16 MiB, such as `1 MiB`";
    context.findings.error("config.value", at, error, hint);
    None
}

fn trackers(
    written: file::List<file::List<String>>,
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Vec<Vec<String>> {
    let mut tiers = Vec::new();
    for (number, tier) in written.into_iter().enumerate() {
        let at = at.index(number);
        let mut addresses = Vec::new();
        for (number, address) in tier.into_iter().flatten().enumerate() {
            let Some(address) = address else { continue };
            address::check_tracker(&address, &at.index(number), context);
            addresses.push(address);
        }
        if !addresses.is_empty() {
            tiers.push(addresses);
        }
    }
    tiers
}

fn verify_interval(written: Option<crate::units::Span>, context: &mut Context<'_>) -> std::time::Duration {
    const SHORTEST: std::time::Duration = std::time::Duration::from_secs(10);
    let Some(interval) = written else { return DEFAULT_VERIFY_INTERVAL };
    if interval.0 < SHORTEST {
        let at = KeyPath::default().key("verify_interval");
        let text = format!("{interval} is too short: clients have other work to do");
        context.findings.error("config.value", &at, text, "write 10 s or more");
    }
    interval.0
}

fn poll_interval(written: file::PollInterval, context: &mut Context<'_>) -> PollInterval {
    const SHORTEST: std::time::Duration = std::time::Duration::from_secs(60);
    const LONGEST: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);
    let defaults = PollInterval::default();
    let at = KeyPath::default().key("poll_interval");
    let shortest = written.shortest.map_or(defaults.shortest, |span| span.0);
    let longest = written.longest.map_or(defaults.longest.max(shortest), |span| span.0);
    if shortest < SHORTEST {
        let text = format!("{} is too short: publishers' servers have other work to do", Span(shortest));
        context.findings.error("config.value", &at.key("shortest"), text, "write 1 min or more");
    }
    if longest > LONGEST {
        let text = format!("{} is too long: new episodes would be missed", Span(longest));
        context.findings.error("config.value", &at.key("longest"), text, "write 30 days or less");
    } else if longest < shortest {
        let text = format!("is shorter than `shortest` ({})", Span(shortest));
        context.findings.error("config.value", &at.key("longest"), text, "exchange them");
    }
    PollInterval { shortest, longest }
}

fn publish(written: file::Publish, data_dir: &Path, context: &mut Context<'_>) -> Publish {
    let above = KeyPath::default().key("publish");
    let base_url =
        written.base_url.and_then(|text| address::base_url(&text, &above.key("base_url"), context));
    let site_dir = match written.site_dir {
        None => data_dir.join("site"),
        Some(text) => context.resolve(&text),
    };
    let in_the_way = data_dir.starts_with(&site_dir)
        || ["media", "torrents", "cache"].iter().any(|folder| site_dir.starts_with(data_dir.join(folder)));
    if in_the_way {
        let at = above.key("site_dir");
        let text = format!(
            "{} holds podseed's own data, and the site replaces its whole folder",
            site_dir.display()
        );
        context.findings.error("config.folder", &at, text, "name a folder of its own");
    }
    let web_seed = written.web_seed.unwrap_or(false);
    if web_seed && base_url.is_none() {
        let hint = "add `base_url`, or leave `web_seed` out";
        let text = "needs `base_url`: a web seed is an address that everybody can reach";
        context.findings.error("config.value", &above.key("web_seed"), text, hint);
    }
    let language = match written.language {
        None | Some(file::Language::En) => PageLanguage::English,
        Some(file::Language::De) => PageLanguage::German,
    };
    Publish { base_url, site_dir, language, web_seed }
}

fn limits(written: &file::Limits, context: &mut Context<'_>) -> Limits {
    const LARGEST_FEED: u64 = 512 << 20;
    let defaults = Limits::default();
    let at = KeyPath::default().key("limits");
    let mut count = |key: &str, written: Option<u32>, default: usize| {
        let Some(count) = written else { return default };
        if !(1..=100).contains(&count) {
            let text = format!("{count} downloads at a time make no sense");
            context.findings.error("config.value", &at.key(key), text, "write a number from 1 to 100");
        }
        count as usize
    };
    let downloads = count("downloads", written.downloads, defaults.downloads);
    let per_host = count("per_host", written.per_host, defaults.per_host);
    let rate = match written.rate {
        None | Some(RateLimit::Unlimited) => None,
        Some(RateLimit::At(rate)) => Some(rate.0),
    };
    let hours = written.hours.as_deref().filter(|text| text.trim() != "always").and_then(|text| {
        let hours = Hours::parse(text);
        if hours.is_none() {
            let text = format!("`{text}` are no hours of the day");
            context.findings.error(
                "config.value",
                &at.key("hours"),
                text,
                "write them as 01:00-06:00, or `always`",
            );
        }
        hours
    });
    let size = |written: Option<ByteSize>, default| written.map_or(default, |size| size.0);
    let episode_size = size(written.episode_size, defaults.episode_size);
    let feed_size = size(written.feed_size, defaults.feed_size);
    let zero =
        [("rate", rate == Some(0)), ("episode_size", episode_size == 0), ("feed_size", feed_size == 0)];
    for (key, _) in zero.iter().filter(|(_, zero)| *zero) {
        context.findings.error(
            "config.value",
            &at.key(key),
            "nothing would be fetched at all",
            "write more than 0",
        );
    }
    if feed_size > LARGEST_FEED {
        let text = "a feed is held in memory while it is read";
        context.findings.error("config.value", &at.key("feed_size"), text, "write at most 512 MiB");
    }
    Limits {
        downloads,
        per_host,
        rate,
        hours,
        disk_free: size(written.disk_free, defaults.disk_free),
        episode_size,
        feed_size,
        allow_private_addresses: written.allow_private_addresses.unwrap_or(false),
    }
}
