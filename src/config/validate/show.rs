//! `shows:`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use regex::Regex;
use url::Url;

use super::address::web_address;
use super::{Context, check_slug, keep, not_blank};
use crate::config::finding::KeyPath;
use crate::config::{Auth, FeedSource, Show, file, secrets};
use crate::model::{KeepRules, Selection};

/// The shows of all files.
pub(super) struct Shows<'a> {
    /// The names below `clients:`, also of those that are wrong in themselves.
    clients: &'a [String],
    /// What is kept of all shows together.
    all: Option<&'a KeepRules>,
    /// The file in which each slug stands first.
    slugs: HashMap<String, PathBuf>,
    feeds: HashMap<FeedSource, String>,
    shows: Vec<Show>,
}

impl<'a> Shows<'a> {
    pub(super) fn new(clients: &'a [String], all: Option<&'a KeepRules>) -> Self {
        Self { clients, all, slugs: HashMap::new(), feeds: HashMap::new(), shows: Vec::new() }
    }

    /// Those below `shows:` of one file.
    pub(super) fn read(&mut self, written: file::Named<file::Show>, file: &Path, context: &mut Context<'_>) {
        let above = KeyPath::default().key("shows");
        for (slug, written) in written {
            let at = above.key(&slug);
            check_slug(&slug, &at, context);
            if let Some(first) = self.slugs.get(&slug) {
                let text = format!("`shows.{slug}` stands in {}, too", first.display());
                context.findings.error("config.twice", &at, text, "remove or rename one of them");
                continue;
            }
            self.slugs.insert(slug.clone(), file.to_owned());
            let mut written = written.unwrap_or_default();
            let keep = written.keep.take();
            let keep = keep.map(|keep| keep::rules(&keep, &at.key("keep"), self.all, context));
            let Some(show) = show((slug, file), written, self.clients, &at, context) else { continue };
            let show = Show { keep, ..show };
            if let Some(twin) = self.feeds.insert(show.feed.clone(), show.slug.clone()) {
                let place = self.slugs.get(&twin).filter(|place| *place != file);
                let place = place.map(|place| format!(" ({})", place.display())).unwrap_or_default();
                let text = format!("`shows.{twin}`{place} has the same feed");
                context.findings.error("config.twice", &at.key("feed"), text, "remove one of them");
            }
            self.shows.push(show);
        }
    }

    /// All of them, by slug.
    pub(super) fn finish(mut self) -> Vec<Show> {
        self.shows.sort_unstable_by(|one, other| one.slug.cmp(&other.slug));
        self.shows
    }
}

fn show(
    (slug, source): (String, &Path),
    written: file::Show,
    clients: &[String],
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Option<Show> {
    let selection = selection(written.episodes.unwrap_or_default(), &at.key("episodes"), context);
    let clients = match written.clients {
        None => clients.to_vec(),
        Some(wanted) => chosen_clients(wanted, clients, &at.key("clients"), context),
    };
    let permission = not_blank(written.permission, &at.key("permission"), context);
    let auth = written.auth.and_then(|auth| self::auth(auth, &at.key("auth"), context));
    let Some(feed) = written.feed.filter(|feed| !feed.trim().is_empty()) else {
        context.findings.missing(at, "has no `feed`", "for example `feed: https://example.org/feed.xml`");
        return None;
    };
    let feed = feed_source(&feed, &at.key("feed"), context)?;
    Some(Show { slug, source: source.to_owned(), feed, selection, clients, permission, auth, keep: None })
}

fn feed_source(text: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<FeedSource> {
    let text = text.trim();
    match text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest)) {
        Some((scheme, _)) if scheme == "file" => {
            let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
            local_feed(path.unwrap_or_else(|| text.into()), at, context)
        }
        // Addresses as podcast directories hand them to apps.
        Some((scheme, _))
            if ["feed", "itpc", "itms", "pcast", "podcast", "rss"].contains(&scheme.as_str()) =>
        {
            let text = format!("`{scheme}://` is a way to open an app");
            context.findings.error("config.url", at, text, "write `https://` in its place");
            None
        }
        Some(_) => web_address(text, at, context).map(FeedSource::Url),
        None => local_feed(context.resolve(text), at, context),
    }
}

fn local_feed(path: PathBuf, at: &KeyPath, context: &mut Context<'_>) -> Option<FeedSource> {
    if path.is_file() {
        return Some(FeedSource::File(path));
    }
    let text = format!("there is no file {}", path.display());
    context.findings.error("config.feed", at, text, "an address on the web begins with https://");
    None
}

pub(super) fn chosen_clients(
    wanted: file::List<String>,
    known: &[String],
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Vec<String> {
    let mut chosen = Vec::new();
    for (index, name) in wanted.into_iter().enumerate() {
        let Some(name) = name else { continue };
        if !known.contains(&name) {
            let hint = match known {
                [] => "name one below `clients:`".to_owned(),
                known => format!("known: {}", known.join(", ")),
            };
            context.findings.error(
                "config.client",
                &at.index(index),
                format!("there is no client `{name}`"),
                hint,
            );
        } else if !chosen.contains(&name) {
            chosen.push(name);
        }
    }
    chosen
}

fn auth(written: file::Auth, at: &KeyPath, context: &mut Context<'_>) -> Option<Auth> {
    let password = secrets::Named::password(written.password_file, written.password_env);
    if written.username.is_none() {
        context.findings.missing(at, "has no `username`", "name the user, too");
    }
    if password.is_empty() {
        context.findings.missing(at, "has no password", "name its file by `password_file`");
    }
    let password = password.read(at, context)?;
    Some(Auth { username: written.username?, password })
}

fn selection(written: file::Episodes, at: &KeyPath, context: &mut Context<'_>) -> Selection {
    if written.latest == Some(0) {
        let hint = "leave `latest` out for all episodes, or remove the show";
        context.findings.error("config.value", &at.key("latest"), "0 means no episode at all", hint);
    }
    let since = written.since.and_then(|text| date(&text, &at.key("since"), context));
    let until = written.until.and_then(|text| date(&text, &at.key("until"), context));
    if let (Some(since), Some(until)) = (since, until)
        && since > until
    {
        let text = format!("{until} is before `since`, {since}: no episode is both");
        context.findings.error("config.value", &at.key("until"), text, "swap them, or leave one out");
    }
    Selection {
        latest: written.latest.map(|latest| latest as usize),
        since,
        until,
        title: written.title.and_then(|text| pattern(&text, &at.key("title"), context)),
        not_title: written.not_title.and_then(|text| pattern(&text, &at.key("not_title"), context)),
        media: written.media.unwrap_or_default().into_iter().flatten().collect(),
    }
}

fn date(text: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<Date> {
    let date = Date::strptime("%Y-%m-%d", text.trim()).ok();
    if date.is_none() {
        context.findings.error("config.value", at, format!("`{text}` is no date"), "write it as 2026-01-31");
    }
    date
}

fn pattern(text: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<Regex> {
    match Regex::new(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            // The message draws the pattern over several lines; its last one says what is wrong.
            let message = error.to_string();
            let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let hint =
                "a `\\` before `. + * ? ( ) [ ] { } ^ $ |` takes it literally; single quotes keep the `\\`";
            context.findings.error("config.pattern", at, format!("`{text}` is no pattern: {reason}"), hint);
            None
        }
    }
}
