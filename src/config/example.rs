//! `config example` and `config schema`: both written from the file's types, so that they cannot fall behind.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;
use serde_yaml::Value;

use super::file::{self, File};
use super::finding::{KeyPath, Step};
use crate::model::media::MediaKind;
use crate::units::{ByteRate, ByteSize, RateLimit, Span};

/// Comments are wrapped at this column.
const WIDTH: usize = 100;

/// The JSON Schema (2020-12) of the configuration, for editors.
pub fn schema() -> String {
    format!("{:#}\n", file_schema())
}

fn file_schema() -> Json {
    schemars::schema_for!(File).to_value()
}

/// A complete, commented configuration.
pub fn example() -> String {
    let schema = file_schema();
    let mut writer = Writer { schema: &schema, text: String::new(), explained: HashSet::new() };
    writer.comment(&schema, 0);
    writer.mapping(&example_tree(), &schema, 0);
    writer.text
}

/// How the example writes the key at this place, in one line: `piece_length: auto`. Names that the user chooses
/// stand for any of the example's.
pub(super) fn at(place: &KeyPath) -> Option<String> {
    let end = place.0.iter().rposition(|step| matches!(step, Step::Key(_)))?;
    let tree = example_tree();
    let value = find(&tree, &place.0[..=end], false)?;
    let Step::Key(key) = &place.0[end] else { return None };
    (!value.is_mapping()).then(|| format!("{key}: {}", flow(value)))
}

/// `named`: the keys of this node are names that the user chooses.
fn find<'a>(node: &'a Value, steps: &[Step], named: bool) -> Option<&'a Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(node) };
    match (step, node) {
        (Step::Key(_), Value::Mapping(names)) if named => {
            names.values().find_map(|value| find(value, rest, false))
        }
        (Step::Key(key), Value::Mapping(mapping)) => {
            let named = matches!(key.as_str(), "shows" | "clients" | "inbox" | "paths");
            find(mapping.get(key.as_str())?, rest, named)
        }
        (Step::Index(_), Value::Sequence(list)) => find(list.first()?, rest, false),
        _ => None,
    }
}

fn example_tree() -> Value {
    let tree = serde_yaml::to_value(example_file()).unwrap_or_default();
    without_absent(tree)
}

fn without_absent(tree: Value) -> Value {
    match tree {
        Value::Mapping(mapping) => Value::Mapping(
            mapping
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_absent(value)))
                .collect(),
        ),
        other => other,
    }
}

struct Writer<'a> {
    schema: &'a Json,
    text: String,
    /// Descriptions that are written already: the second client's keys need no comment.
    explained: HashSet<&'a str>,
}

impl<'a> Writer<'a> {
    fn mapping(&mut self, value: &Value, schema: &'a Json, depth: usize) {
        let indent = "  ".repeat(depth);
        for (key, value) in value.as_mapping().into_iter().flatten() {
            let key = key.as_str().unwrap_or_default();
            let below = property(self.resolve(schema), key);
            if depth == 0 {
                self.text.push('\n');
            }
            if let Some(below) = below {
                self.comment(below, depth);
            }
            let below = below.unwrap_or(&Json::Null);
            // A mapping of plain texts (`paths`) is short enough for one line.
            let holds_more =
                |value: &Value| value.as_mapping().is_some_and(|map| map.values().any(|v| !v.is_string()));
            let is_named = self.resolve(below).get("additionalProperties").is_some_and(Json::is_object);
            if value.is_mapping() && (!is_named || holds_more(value)) {
                self.text.push_str(&format!("{indent}{key}:\n"));
                self.mapping(value, below, depth + 1);
            } else {
                self.text.push_str(&format!("{indent}{key}: {}\n", flow(value)));
            }
        }
    }

    fn comment(&mut self, schema: &'a Json, depth: usize) {
        let Some(text) = schema.get("description").and_then(Json::as_str) else { return };
        if !self.explained.insert(text) {
            return;
        }
        let indent = "  ".repeat(depth);
        let mut line = format!("{indent}#");
        for word in text.split_whitespace() {
            if line.len() + 1 + word.len() > WIDTH {
                self.text.push_str(&line);
                self.text.push('\n');
                line = format!("{indent}#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// Follows `$ref`, and the `anyOf` with which an optional type is written.
    fn resolve(&self, schema: &'a Json) -> &'a Json {
        let schema = schema
            .get("anyOf")
            .and_then(Json::as_array)
            .and_then(|variants| variants.iter().find(|variant| variant.get("$ref").is_some()))
            .unwrap_or(schema);
        let target = schema.get("$ref").and_then(Json::as_str).and_then(|target| target.strip_prefix('#'));
        target.and_then(|pointer| self.schema.pointer(pointer)).unwrap_or(schema)
    }
}

/// The schema of a key, or of any name where the user chooses the keys.
fn property<'a>(schema: &'a Json, key: &str) -> Option<&'a Json> {
    let own = schema.get("properties").and_then(|properties| properties.get(key));
    own.or_else(|| schema.get("additionalProperties").filter(|any| any.is_object()))
}

/// One line of YAML. Texts in quotes only where they would mean something else without.
fn flow(value: &Value) -> String {
    match value {
        Value::Sequence(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Mapping(mapping) => {
            let pairs = mapping.iter().map(|(key, value)| format!("{}: {}", flow(key), flow(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) if !is_plain(text) => format!("{text:?}"),
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim_end().to_owned(),
    }
}

fn is_plain(text: &str) -> bool {
    let reads_as_text = serde_yaml::from_str::<Value>(text).is_ok_and(|value| value.is_string());
    reads_as_text
        && !text.starts_with(':')
        && !text.contains(|c: char| "[]{},#\"'\\".contains(c) || c.is_control())
        && !text.contains(": ")
}

fn named<T, const N: usize>(entries: [(&str, T); N]) -> Option<file::Named<T>> {
    Some(entries.into_iter().map(|(name, value)| (name.to_owned(), Some(value))).collect::<BTreeMap<_, _>>())
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The values of the example. Every key of the file's types stands here.
fn example_file() -> File {
    File {
        data_dir: text("/srv/podseed"),
        user_agent_contact: text("https://example.org/podseed"),
        shows: named([("chaosradio", example_show())]),
        clients: named([
            ("box", example_qbittorrent()),
            ("nas", example_transmission()),
            ("rt", example_watch_dir()),
        ]),
        torrent: Some(file::Torrent {
            version: Some(file::Version::V1),
            piece_length: text("auto"),
            trackers: Some(vec![Some(vec![text("udp://tracker.example.org:6969/announce")])]),
            web_seeds: Some(super::WebSeeds::Verified),
            keep_replaced: Some(Span(super::DEFAULT_KEEP_REPLACED)),
        }),
        require_permission: Some(false),
        inbox: named([("own", example_inbox())]),
        poll_interval: Some(example_poll_interval()),
        verify_interval: Some(Span(super::DEFAULT_VERIFY_INTERVAL)),
        prove: Some(false),
        publish: Some(file::Publish {
            base_url: text("https://torrents.example.org/"),
            site_dir: text("/srv/podseed/site"),
            language: Some(file::Language::En),
            web_seed: Some(false),
        }),
        server: Some(example_server()),
        notices: Some(example_notices()),
        hooks: Some(example_hooks()),
        limits: Some(example_limits()),
        keep: Some(file::Keep {
            latest: None,
            max_age: None,
            total_size: Some(ByteSize(200 << 30)),
            allow_last_seeder: Some(false),
        }),
    }
}

fn example_poll_interval() -> file::PollInterval {
    let super::PollInterval { shortest, longest } = super::PollInterval::default();
    file::PollInterval { shortest: Some(Span(shortest)), longest: Some(Span(longest)) }
}

fn example_show() -> file::Show {
    file::Show {
        feed: text("https://example.org/chaosradio.rss"),
        episodes: Some(file::Episodes {
            latest: Some(20),
            since: text("2020-01-01"),
            until: text("2030-12-31"),
            title: text("(?i)radio"),
            not_title: text("(?i)trailer|teaser"),
            media: Some(vec![Some(MediaKind::Audio)]),
        }),
        clients: Some(vec![text("nas")]),
        permission: text("by e-mail from the publisher, 2026-11-01"),
        auth: Some(file::Auth {
            username: text("me"),
            password_file: text("/etc/podseed/feed.password"),
            password_env: None,
        }),
        keep: Some(file::Keep {
            latest: Some(100),
            max_age: Some(Span(std::time::Duration::from_secs(365 * 86_400))),
            ..file::Keep::default()
        }),
    }
}

fn example_inbox() -> file::Inbox {
    file::Inbox {
        path: text("/srv/inbox"),
        title: text("Own recordings"),
        description: text("What we have recorded ourselves"),
        author: text("Ourselves"),
        email: text("us@example.org"),
        language: text("en"),
        link: text("https://example.org/own"),
        cover: text("/srv/own-cover.jpg"),
        clients: Some(vec![text("nas")]),
        poll: Some(Span(std::time::Duration::from_secs(30))),
        permission: text("own work"),
    }
}

fn example_transmission() -> file::Client {
    file::Client {
        transmission: Some(file::Transmission {
            url: text("http://nas:9091/transmission/rpc"),
            username: text("podseed"),
            password_file: text("/etc/podseed/nas.password"),
            password_env: None,
        }),
        peer: text("nas:51413"),
        paths: named([("/srv/podseed/media", "/downloads/podseed".to_owned())]),
        labels: Some(vec![text("podcast")]),
        limits: Some(file::ClientLimits {
            ratio: Some(2.0),
            upload: Some(ByteRate(1 << 20)),
            seeding_time: Some(Span(std::time::Duration::from_secs(90 * 86_400))),
        }),
        ..file::Client::default()
    }
}

fn example_qbittorrent() -> file::Client {
    let qbittorrent = file::QBittorrent {
        url: text("http://127.0.0.1:8080"),
        username: text("admin"),
        password_file: None,
        password_env: text("QBT_PASSWORD"),
        category: text("podcasts"),
    };
    file::Client { qbittorrent: Some(qbittorrent), ..file::Client::default() }
}

fn example_watch_dir() -> file::Client {
    let watch_dir = file::WatchDir {
        path: text("/home/me/watch"),
        data: text("/home/me/downloads"),
        client: Some(file::Watcher::RTorrent),
        fast_resume: Some(true),
    };
    file::Client { watch_dir: Some(watch_dir), ..file::Client::default() }
}

fn example_notices() -> file::Notices {
    file::Notices {
        webhook: Some(file::NoticeTarget {
            url: text("https://home.example.org/podseed"),
            token_file: text("/etc/podseed/webhook.token"),
            token_env: None,
        }),
        ntfy: Some(file::NoticeTarget {
            url: text("https://ntfy.sh/podseed-4kx7qz"),
            token_file: None,
            token_env: text("NTFY_TOKEN"),
        }),
        on: Some(super::DEFAULT_NOTICES.map(Some).to_vec()),
    }
}

fn example_hooks() -> file::Hooks {
    let hook = |kind: &str| Some(vec![text("/usr/local/bin/podseed-notice"), text(kind)]);
    file::Hooks {
        seeding: hook("seeding"),
        failed: hook("failed"),
        feed: hook("feed"),
        client: hook("client"),
        torrents: hook("torrents"),
        disk: hook("disk"),
        configuration: hook("configuration"),
        recovered: hook("recovered"),
    }
}

fn example_server() -> file::Server {
    file::Server {
        listen: text("127.0.0.1:8090"),
        base_path: text("/"),
        connections: Some(512),
        private: Some(vec![text("127.0.0.0/8"), text("::1")]),
    }
}

fn example_limits() -> file::Limits {
    let defaults = super::Limits::default();
    file::Limits {
        downloads: Some(4),
        per_host: Some(2),
        rate: Some(RateLimit::Unlimited),
        hours: text("always"),
        disk_free: Some(ByteSize(defaults.disk_free)),
        episode_size: Some(ByteSize(defaults.episode_size)),
        feed_size: Some(ByteSize(defaults.feed_size)),
        allow_private_addresses: Some(defaults.allow_private_addresses),
    }
}
