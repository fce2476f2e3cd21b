//! `clients:`.

use std::path::PathBuf;

use podseed_adapters::{
    ClientConfig, Limits, QBittorrentConfig, TransmissionConfig, WatchDirConfig, WatchedBy,
};
use url::Url;

use super::address::web_address;
use super::{Context, OurFolders, check_slug};
use crate::config::finding::KeyPath;
use crate::config::{Client, file, secrets};
use crate::model::{PathMap, PeerAddress};
use crate::secret::Secret;

/// The keys that name a program, in the order of [`client`].
const PROGRAMS: [&str; 3] = ["transmission", "qbittorrent", "watch_dir"];

pub(super) fn clients(
    written: file::Named<file::Client>,
    ours: OurFolders<'_>,
    context: &mut Context<'_>,
) -> Vec<Client> {
    let above = KeyPath::default().key("clients");
    let mut clients = Vec::new();
    for (name, written) in written {
        let at = above.key(&name);
        check_slug(&name, &at, context);
        clients.extend(client(name, written.unwrap_or_default(), ours, &at, context));
    }
    clients
}

fn client(
    name: String,
    written: file::Client,
    ours: OurFolders<'_>,
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Option<Client> {
    let paths = path_map(written.paths.unwrap_or_default(), ours, &at.key("paths"), context);
    let limits = limits(written.limits.as_ref(), &at.key("limits"), context);
    let labels = labels(written.labels, &at.key("labels"), context);
    let peer = written.peer.and_then(|text| peer(&text, &at.key("peer"), context));
    if written.watch_dir.is_some() {
        no_meaning_for_folders(&labels, &limits, at, context);
    }
    let programs = [
        written.transmission.map(|it| transmission(it, labels.clone(), &at.key("transmission"), context)),
        written.qbittorrent.map(|it| qbittorrent(it, labels, &at.key("qbittorrent"), context)),
        written.watch_dir.map(|it| watch_dir(it, ours, &at.key("watch_dir"), context)),
    ];
    let adapter = exactly_one(programs, at, context)?;
    Some(Client { name, adapter, paths, limits, peer })
}

/// Of the programs that are named, by [`PROGRAMS`], the only one; a named one may be wrong in itself.
fn exactly_one(
    programs: [Option<Option<ClientConfig>>; 3],
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Option<ClientConfig> {
    let named: Vec<&str> =
        PROGRAMS.into_iter().zip(&programs).filter(|(_, it)| it.is_some()).map(|(name, _)| name).collect();
    match named.as_slice() {
        [] => {
            let hint = "add one of `transmission`, `qbittorrent` or `watch_dir` below it";
            context.findings.missing(at, "does not say which program it is", hint);
        }
        [_] => {}
        several => {
            let text = format!("is both {}", several.join(" and "));
            let hint = "make two clients of it, each with a name of its own";
            context.findings.error("config.two_adapters", at, text, hint);
        }
    }
    programs.into_iter().flatten().next().flatten()
}

fn no_meaning_for_folders(labels: &[String], limits: &Limits, at: &KeyPath, context: &mut Context<'_>) {
    let hint = "set it in the client itself: a folder can carry no more than the torrent";
    for (key, is_set) in [("labels", !labels.is_empty()), ("limits", *limits != Limits::default())] {
        if is_set {
            let text = "has no effect on a watched folder";
            context.findings.warning("config.no_effect", &at.key(key), text, hint);
        }
    }
}

fn peer(text: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<PeerAddress> {
    let peer = text.trim().parse().ok();
    if peer.is_none() {
        let hint = "write host and port, such as nas:51413 or [2001:db8::1]:51413";
        context.findings.error("config.value", at, format!("`{text}` is nothing to connect to"), hint);
    }
    peer
}

fn labels(written: Option<file::List<String>>, at: &KeyPath, context: &mut Context<'_>) -> Vec<String> {
    let labels: Vec<String> = written.unwrap_or_default().into_iter().flatten().collect();
    for (index, label) in labels.iter().enumerate() {
        // Both programs separate labels by commas.
        if label.trim().is_empty() || label.contains(',') {
            let text = format!("`{label}` cannot be a label");
            context.findings.error(
                "config.value",
                &at.index(index),
                text,
                "write each label as an entry of its own",
            );
        }
    }
    labels
}

fn transmission(
    written: file::Transmission,
    labels: Vec<String>,
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Option<ClientConfig> {
    let password = secrets::Named::password(written.password_file, written.password_env);
    let (username, password) = login(written.username, password, at, context);
    let mut url = client_url(written.url, at, "http://127.0.0.1:9091/transmission/rpc", context)?;
    if url.path() == "/" {
        url.set_path("/transmission/rpc");
    }
    Some(ClientConfig::Transmission(TransmissionConfig { url: url.into(), username, password, labels }))
}

fn qbittorrent(
    written: file::QBittorrent,
    tags: Vec<String>,
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Option<ClientConfig> {
    let password = secrets::Named::password(written.password_file, written.password_env);
    let (username, password) = login(written.username, password, at, context);
    let url = client_url(written.url, at, "http://127.0.0.1:8080", context)?;
    let category = written.category.filter(|category| !category.trim().is_empty());
    let url = url.as_str().trim_end_matches('/').to_owned();
    Some(ClientConfig::QBittorrent(QBittorrentConfig { url, username, password, category, tags }))
}

fn client_url(
    written: Option<String>,
    at: &KeyPath,
    example: &str,
    context: &mut Context<'_>,
) -> Option<Url> {
    let Some(text) = written.filter(|text| !text.trim().is_empty()) else {
        context.findings.missing(at, "has no `url`", format!("for example `url: {example}`"));
        return None;
    };
    web_address(&text, &at.key("url"), context)
}

/// User and password, or neither.
fn login(
    username: Option<String>,
    password: secrets::Named,
    at: &KeyPath,
    context: &mut Context<'_>,
) -> (Option<String>, Option<Secret>) {
    match (&username, password.is_empty()) {
        (Some(_), true) => {
            let hint = "name its file by `password_file`, or an environment variable by `password_env`";
            context.findings.missing(at, "has a `username` and no password", hint);
        }
        (None, false) => context.findings.missing(at, "has a password and no `username`", "add `username`"),
        _ => {}
    }
    (username, password.read(at, context))
}

fn watch_dir(
    written: file::WatchDir,
    ours: OurFolders<'_>,
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Option<ClientConfig> {
    let client = match written.client.unwrap_or(file::Watcher::Other) {
        file::Watcher::RTorrent => WatchedBy::RTorrent,
        file::Watcher::Transmission => WatchedBy::Transmission,
        file::Watcher::QBittorrent => WatchedBy::QBittorrent,
        file::Watcher::Deluge => WatchedBy::Deluge,
        file::Watcher::Other => WatchedBy::Other,
    };
    let knows_resume = client == WatchedBy::RTorrent;
    let fast_resume = written.fast_resume.unwrap_or(knows_resume);
    if fast_resume && !knows_resume {
        let text = "only rTorrent reads resume data from a torrent";
        context.findings.error(
            "config.value",
            &at.key("fast_resume"),
            text,
            "remove it, or set `client: rtorrent`",
        );
    }
    let data = written.data.map(|data| folder(&data, &at.key("data"), context));
    let Some(path) = written.path.filter(|path| !path.trim().is_empty()) else {
        context.findings.missing(at, "has no `path`", "name the folder that the client watches");
        return None;
    };
    let path = folder(&path, &at.key("path"), context);
    if data.as_ref() == Some(&path) {
        let text = "is the watched folder itself";
        context.findings.error("config.folder", &at.key("data"), text, "keep torrents and data apart");
    }
    let mut own =
        ours.data.into_iter().flat_map(|data| ["media", "torrents", "site"].map(|own| data.join(own)));
    if let Some(own) = own.find(|own| path.starts_with(own)) {
        let text = format!("lies in {}, which is podseed's own", own.display());
        context.findings.error("config.folder", &at.key("path"), text, "name a folder elsewhere");
    }
    Some(ClientConfig::WatchDir(WatchDirConfig { path, data, client, fast_resume }))
}

/// A folder in which `{show}` may stand.
fn folder(text: &str, at: &KeyPath, context: &mut Context<'_>) -> PathBuf {
    let rest = text.replace("{show}", "");
    if let Some(start) = rest.find(['{', '}']) {
        let unknown = rest[start..].split_inclusive('}').next().unwrap_or_default();
        let text = format!("`{unknown}` is not known here");
        context.findings.error(
            "config.placeholder",
            at,
            text,
            "`{show}` stands for the show's name; there is no other",
        );
    }
    context.resolve(text)
}

fn path_map(
    written: file::Named<String>,
    ours: OurFolders<'_>,
    at: &KeyPath,
    context: &mut Context<'_>,
) -> PathMap {
    let mut pairs: Vec<(PathBuf, String)> = Vec::new();
    for (our_path, theirs) in written {
        let at = at.key(&our_path);
        let Some(theirs) = theirs else {
            context.findings.error(
                "config.value",
                &at,
                "has no counterpart",
                "write `our path: the client's path`",
            );
            continue;
        };
        let our_path = context.resolve(&our_path);
        if !is_absolute(&theirs) {
            let text = format!("`{theirs}` is not absolute");
            context.findings.error("config.value", &at, text, "write the whole path as the client sees it");
        }
        if !ours.iter().any(|folder| folder.starts_with(&our_path) || our_path.starts_with(folder)) {
            let text = "podseed has no files there";
            let hint =
                "the left side is our path (below `data_dir` or an inbox), the right side the client's";
            context.findings.warning("config.no_effect", &at, text, hint);
        }
        pairs.push((our_path, theirs));
    }
    PathMap::new(pairs)
}

/// On the client's machine, which may run Windows.
fn is_absolute(path: &str) -> bool {
    let drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    path.starts_with('/') || path.starts_with("\\\\") || drive
}

fn limits(written: Option<&file::ClientLimits>, at: &KeyPath, context: &mut Context<'_>) -> Limits {
    let Some(written) = written else { return Limits::default() };
    if let Some(ratio) = written.ratio.filter(|ratio| !(ratio.is_finite() && *ratio > 0.0)) {
        let text = format!("{ratio} cannot be a ratio");
        context.findings.error("config.value", &at.key("ratio"), text, "write more than 0, such as 2.0");
    }
    let zero = [
        ("upload", written.upload.is_some_and(|rate| rate.0 == 0)),
        ("seeding_time", written.seeding_time.is_some_and(|time| time.0.is_zero())),
    ];
    for (key, _) in zero.iter().filter(|(_, zero)| *zero) {
        let hint = "write more than 0, or leave it out for the client's own setting";
        context.findings.error("config.value", &at.key(key), "0 would stop seeding", hint);
    }
    Limits {
        ratio: written.ratio,
        upload: written.upload.map(|rate| rate.0),
        seeding_time: written.seeding_time.map(|time| time.0),
    }
}
