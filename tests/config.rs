//! The configuration as users meet it: what is accepted here, what is said of the likeliest mistakes in the modules.

mod meant;
mod notices;
mod shows_d;
mod written;

use std::path::Path;

use podseed::config::{self, Config, FeedSource, Findings};
use podseed::hash::PieceLength;
use podseed_adapters::ClientConfig;
use tempfile::TempDir;

/// A folder with a configuration and what it names: a feed, a password, an empty password.
struct Folder(TempDir);

impl Folder {
    fn new(yaml: &str) -> Self {
        let folder = Self(TempDir::new().unwrap());
        // A literal begins on the line after its quote, so that the keys stand in a column.
        folder.write("podseed.yaml", yaml.strip_prefix('\n').unwrap_or(yaml).as_bytes());
        folder.write("feed.xml", b"<rss/>");
        folder.write("nas.password", b"hunter2\n");
        folder.write("empty.password", b"");
        folder
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn load(&self) -> Result<Config, Findings> {
        Config::load_with(&self.0.path().join("podseed.yaml"), &variable)
    }

    /// A text with this folder's name made stable.
    fn stable(&self, text: &str) -> String {
        let folder = self.0.path().display().to_string();
        text.replace(&format!("{folder}/podseed.yaml"), "podseed.yaml").replace(&folder, "/etc/podseed")
    }
}

/// The environment of these tests.
fn variable(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/me".to_owned()),
        "SET" | "QBT_PASSWORD" | "NTFY_TOKEN" => Some("hunter2".to_owned()),
        _ => None,
    }
}

/// What podseed says of a configuration.
fn said(yaml: &str) -> String {
    let folder = Folder::new(yaml);
    let text = match folder.load() {
        Ok(config) => format!("accepted\n{}", config.warnings),
        Err(findings) => findings.to_string(),
    };
    assert!(!text.contains("hunter2"), "a secret stands in: {text}");
    folder.stable(&text)
}

#[test]
fn every_key_of_the_design_is_understood() {
    let folder = Folder::new(
        r#"
data_dir: data
user_agent_contact: https://example.org/podseed
shows:
  chaosradio:
    feed: https://example.org/chaosradio.rss
    episodes: {latest: 20, since: 2020-01-01, until: 2030-01-01, title: "r.dio", not_title: trailer, media: [audio]}
    clients: [nas]
    permission: "by e-mail from the publisher, 2026-11-01"
    auth: {username: me, password_file: nas.password}
  local: {feed: feed.xml}
clients:
  nas:
    transmission: {url: "http://nas:9091", username: podseed, password_file: nas.password}
    paths: {data/media: /downloads/podseed}
    labels: [podcast]
    limits: {ratio: 2.0, upload: 1 MiB/s, seeding_time: 90 days}
  box:
    qbittorrent: {url: "http://127.0.0.1:8080/", username: admin, password_env: QBT_PASSWORD, category: podcasts}
  rt:
    watch_dir: {path: "~/watch/{show}", data: /home/me/downloads, client: rtorrent}
torrent:
  version: hybrid
  piece_length: 1 MiB
  trackers: [[udp://tracker.example.org:6969/announce]]
  web_seeds: never
inbox: {own: {path: /srv/inbox, permission: own work}}
verify_interval: 5 min
publish: {base_url: "https://torrents.example.org/pod"}
server: {listen: localhost:8090}
limits: {downloads: 8, per_host: 1, rate: 2 MiB/s, disk_free: 1 GiB, episode_size: 1 GB, feed_size: 1 MiB, allow_private_addresses: true}
"#,
    );
    let config = folder.load().unwrap();
    let base = folder.0.path();
    assert_eq!(config.warnings, Findings::default());
    assert_eq!(config.data_dir, base.join("data"));
    let [radio, local] = config.shows.as_slice() else { panic!("{:?}", config.shows) };
    assert_eq!(local.feed, FeedSource::File(base.join("feed.xml")));
    assert_eq!(local.clients, ["box", "nas", "rt"]);
    assert_eq!(
        (radio.slug.as_str(), radio.clients.as_slice()),
        ("chaosradio", ["nas".to_owned()].as_slice())
    );
    assert_eq!(radio.selection.latest, Some(20));
    assert_eq!(radio.auth.as_ref().unwrap().password.reveal(), "hunter2");
    let [bx, nas, rt] = config.clients.as_slice() else { panic!("{:?}", config.clients) };
    assert_eq!(nas.paths.to_client(&base.join("data/media/chaosradio")), "/downloads/podseed/chaosradio");
    assert_eq!(nas.limits.upload, Some(1 << 20));
    let ClientConfig::Transmission(transmission) = &nas.adapter else { panic!("{nas:?}") };
    assert_eq!(transmission.url, "http://nas:9091/transmission/rpc");
    assert_eq!(transmission.labels, ["podcast"]);
    let ClientConfig::QBittorrent(qbittorrent) = &bx.adapter else { panic!("{bx:?}") };
    assert_eq!(qbittorrent.url, "http://127.0.0.1:8080");
    let ClientConfig::WatchDir(folder) = &rt.adapter else { panic!("{rt:?}") };
    assert_eq!(folder.path, Path::new("/home/me/watch/{show}"));
    assert!(folder.fast_resume, "rTorrent's default");
    assert_eq!(config.torrent.piece_length.map(PieceLength::bytes), Some(1 << 20));
    assert_eq!(config.publish.base_url.unwrap().as_str(), "https://torrents.example.org/pod/");
    assert_eq!(config.publish.site_dir, base.join("data/site"));
    let server = config.server.unwrap();
    assert_eq!((server.listen.to_string().as_str(), server.base_path.as_str()), ("127.0.0.1:8090", "/pod/"));
    assert_eq!((server.connections, server.private.len()), (512, 2));
    assert_eq!((config.limits.rate, config.limits.episode_size), (Some(2 << 20), 1_000_000_000));
    assert_eq!(config.inbox[0].path.as_deref(), Some(Path::new("/srv/inbox")));
}

#[test]
fn findings_are_data_with_stable_ids_for_programs() {
    let folder = Folder::new("shows: {radio: {feed: feed.xml}}\nlimts: {}\n");
    let findings = folder.load().unwrap_err();
    let json = serde_json::to_string_pretty(&findings).unwrap();
    insta::assert_snapshot!(folder.stable(&json), @r#"
    [
      {
        "id": "config.unknown_key",
        "severity": "error",
        "file": "podseed.yaml",
        "line": 2,
        "key": "limts",
        "text": "unknown key",
        "hint": "did you mean `limits`?"
      }
    ]
    "#);
}

#[test]
fn secrets_are_in_no_output_of_a_configuration() {
    let folder = Folder::new(
        r#"
shows: {radio: {feed: feed.xml, auth: {username: me, password_file: nas.password}}}
clients: {nas: {transmission: {url: "http://nas:9091", username: me, password_env: SET}}}
"#,
    );
    let config = folder.load().unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn merge_keys_and_aliases_share_what_shows_have_in_common() {
    let folder = Folder::new(
        "
shows:
  one: &common {feed: feed.xml, episodes: {latest: 5}}
  2: {<<: *common, feed: https://example.org/b.xml}
",
    );
    let shows = folder.load().unwrap().shows;
    let latest: Vec<_> = shows.iter().map(|show| (show.slug.as_str(), show.selection.latest)).collect();
    assert_eq!(latest, [("2", Some(5)), ("one", Some(5))]);
}

#[test]
fn the_example_is_a_configuration_without_findings() {
    let example = config::example().replace("/etc/podseed/feed.password", "nas.password");
    let example = example.replace("/etc/podseed/webhook.token", "nas.password");
    let folder = Folder::new(&example.replace("/etc/podseed/nas.password", "nas.password"));
    let config = folder.load().unwrap_or_else(|findings| panic!("{findings}\n{example}"));
    assert_eq!(config.warnings, Findings::default());
    assert_eq!(config.limits, config::Limits::default());
}

#[test]
fn the_example_explains_every_key_of_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&config::schema()).unwrap();
    let types = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let example = config::example();
    for key in types.filter_map(|schema| schema["properties"].as_object()).flat_map(|keys| keys.keys()) {
        assert!(example.contains(&format!("{key}:")), "{key} is missing");
    }
}

#[test]
fn what_cannot_be_read_is_one_finding() {
    let folder = Folder::new("");
    folder.write("podseed.yaml", b"\xff\xfe");
    let not_text = folder.load().unwrap_err().to_string();
    let missing = Config::load_with(Path::new("/no/such/podseed.yaml"), &variable).unwrap_err().to_string();
    folder.write("podseed.yaml", &vec![b' '; 5 << 20]);
    let large = folder.load().unwrap_err().to_string();
    insta::assert_snapshot!(folder.stable(&[missing, not_text, large].join("\n")), @r"
    /no/such/podseed.yaml: there is no such file
      hint: `podseed config example > podseed.yaml` makes one
    podseed.yaml: is not UTF-8 text
      hint: save it as UTF-8 in your editor
    podseed.yaml: is larger than 4 MiB
      hint: name a configuration file
    ");
}

#[test]
fn a_password_file_that_others_can_read_is_a_warning() {
    let yaml = "
shows: {radio: {feed: feed.xml, auth: {username: me, password_file: nas.password}}}
";
    let folder = Folder::new(yaml);
    let path = folder.0.path().join("nas.password");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let warnings = folder.load().unwrap().warnings.to_string();
    insta::assert_snapshot!(folder.stable(&warnings), @r"
    podseed.yaml:1: warning: shows.radio.auth.password_file: /etc/podseed/nas.password can be read by every user of this machine
      hint: chmod 600 /etc/podseed/nas.password
    ");
}

#[test]
fn hostile_depth_ends_in_a_finding() {
    for yaml in
        ["[".repeat(100_000), "{a: ".repeat(50_000), "- ".repeat(100_000), "a: &a\n  b: *a\n".to_owned()]
    {
        assert_eq!(Folder::new(&yaml).load().unwrap_err().errors(), 1);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// The example with a piece cut out and another put in is accepted or refused, never a panic.
    #[test]
    fn a_damaged_file_is_accepted_or_has_an_error(
        at in 0usize..7000,
        length in 0usize..40,
        piece in proptest::sample::select(vec!["", ":", "\n", "- ", "[", "{", "&a ", "*a", "!x ", "\"", "\t", "~", "12", "<<: ", "é", "\u{0}"]),
    ) {
        let example: Vec<char> = config::example().chars().collect();
        let (start, end) = (at.min(example.len()), (at + length).min(example.len()));
        let text: String = example[..start].iter().chain(&piece.chars().collect::<Vec<_>>()).chain(&example[end..]).collect();
        if let Err(findings) = Folder::new(&text).load() {
            proptest::prop_assert!(findings.errors() > 0);
        }
    }
}
