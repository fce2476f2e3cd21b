//! The configuration as users meet it: what is accepted, and the exact words for the likeliest mistakes.

use std::path::Path;

use podseed::config::{self, Config, FeedSource, Findings};
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

    #[expect(clippy::disallowed_methods, reason = "a test sets its stage")]
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
        "SET" | "QBT_PASSWORD" => Some("hunter2".to_owned()),
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
    assert_eq!(nas.paths.map(&base.join("data/media/chaosradio")), "/downloads/podseed/chaosradio");
    assert_eq!(nas.limits.upload, Some(1 << 20));
    let ClientConfig::Transmission(transmission) = &nas.adapter else { panic!("{nas:?}") };
    assert_eq!(transmission.url, "http://nas:9091/transmission/rpc");
    assert_eq!(transmission.labels, ["podcast"]);
    let ClientConfig::QBittorrent(qbittorrent) = &bx.adapter else { panic!("{bx:?}") };
    assert_eq!(qbittorrent.url, "http://127.0.0.1:8080");
    let ClientConfig::WatchDir(folder) = &rt.adapter else { panic!("{rt:?}") };
    assert_eq!(folder.path, Path::new("/home/me/watch/{show}"));
    assert!(folder.fast_resume, "rTorrent's default");
    assert_eq!(config.torrent.piece_length, Some(1 << 20));
    assert_eq!(config.publish.base_url.unwrap().as_str(), "https://torrents.example.org/pod/");
    assert_eq!(config.publish.site_dir, base.join("data/site"));
    assert_eq!(config.server.unwrap().listen.to_string(), "127.0.0.1:8090");
    assert_eq!((config.limits.rate, config.limits.episode_size), (Some(2 << 20), 1_000_000_000));
    assert_eq!(config.inbox[0].path, Path::new("/srv/inbox"));
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
    folder.write("podseed.yaml", &vec![b' '; 2 << 20]);
    let large = folder.load().unwrap_err().to_string();
    insta::assert_snapshot!(folder.stable(&[missing, not_text, large].join("\n")), @r"
    /no/such/podseed.yaml: there is no such file
      hint: `podseed config example > podseed.yaml` makes one
    podseed.yaml: is not UTF-8 text
      hint: save it as UTF-8 in your editor
    podseed.yaml: is larger than 1 MiB
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

#[test]
fn a_misspelt_key_gets_the_nearest_one() {
    let yaml = r#"
shows:
  radio:
    feed: feed.xml
    episodes: {latst: 20}
clients:
  nas:
    transmision: {url: "http://nas:9091"}
limts: {}
zebra: 1
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:4: shows.radio.episodes.latst: unknown key
      hint: did you mean `latest`?
    podseed.yaml:7: clients.nas.transmision: unknown key
      hint: did you mean `transmission`?
    podseed.yaml:8: limts: unknown key
      hint: did you mean `limits`?
    podseed.yaml:9: zebra: unknown key
      hint: known here: data_dir, user_agent_contact, shows, clients, torrent, inbox, verify_interval, publish, server, limits
    ");
}

#[test]
fn a_number_without_a_unit_gets_the_units() {
    let yaml = r"
shows: {radio: {feed: feed.xml}}
limits:
  disk_free: 2
  rate: 1 Mbit/s
  feed_size: 10 elephants
verify_interval: 15
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: limits.disk_free: `2` has no unit: write a number and one of B, KiB, MiB, GiB, TiB (or KB, MB, GB, TB)
      hint: for example `disk_free: 2 GiB`
    podseed.yaml:4: limits.rate: `1 Mbit/s` may mean bits or bytes: write bytes, with one of KiB/s, MiB/s, GiB/s (or KB/s, MB/s, GB/s)
      hint: for example `rate: unlimited`
    podseed.yaml:5: limits.feed_size: `10 elephants` is not a size: write a number and one of B, KiB, MiB, GiB, TiB (or KB, MB, GB, TB)
      hint: for example `feed_size: 32 MiB`
    podseed.yaml:6: verify_interval: `15` has no unit: write a number and one of s, min, h, days, weeks
      hint: for example `verify_interval: 15 min`
    ");
}

#[test]
fn every_wrong_type_is_said_in_plain_words() {
    let yaml = r#"
shows:
  radio:
    feed: [https://example.org/a.xml]
    episodes: {latest: "20", since: 2020, media: [audio, vidio, 7]}
  two: https://example.org/b.xml
  three: {feed: https://example.org/c.xml, episodes: {latest: -3}}
limits:
  allow_private_addresses: yes
  downloads: 2.5
  disk_free: [1 GiB]
clients: [nas]
"#;
    insta::assert_snapshot!(said(yaml), @r#"
    podseed.yaml:3: shows.radio.feed: found a list, expected a text
      hint: for example `feed: https://example.org/chaosradio.rss`
    podseed.yaml:4: shows.radio.episodes.latest: found the text "20", expected a whole number, 0 or more
      hint: for example `latest: 20`
    podseed.yaml:4: shows.radio.episodes.since: found the number `2020`, expected a text
      hint: for example `since: 2020-01-01`
    podseed.yaml:4: shows.radio.episodes.media[1]: `vidio` is not known here
      hint: did you mean `video`? Known here: audio, video, image, document
    podseed.yaml:4: shows.radio.episodes.media[2]: found the number `7`, expected a text
      hint: for example `media: [audio]`
    podseed.yaml:5: shows.two: found the text "https://example.org/b.xml", expected keys and values
    podseed.yaml:6: shows.three.episodes.latest: found the number `-3`, expected a whole number, 0 or more
      hint: for example `latest: 20`
    podseed.yaml:8: limits.allow_private_addresses: found the text "yes", expected true or false
      hint: for example `allow_private_addresses: false`
    podseed.yaml:9: limits.downloads: found the number `2.5`, expected a whole number, 0 or more
      hint: for example `downloads: 4`
    podseed.yaml:10: limits.disk_free: found a list, expected a text such as `10 MiB`
      hint: for example `disk_free: 2 GiB`
    podseed.yaml:11: clients: found a list, expected keys and values
    "#);
}

#[test]
fn a_flat_list_of_trackers_is_shown_as_tiers() {
    let yaml = r"
shows: {radio: {feed: feed.xml}}
torrent:
  trackers: [udp://tracker.example.org:6969/announce]
";
    insta::assert_snapshot!(said(yaml), @r#"
    podseed.yaml:3: torrent.trackers[0]: found the text "udp://tracker.example.org:6969/announce", expected a list
      hint: for example `trackers: [[udp://tracker.example.org:6969/announce]]`
    "#);
}

#[test]
fn an_unknown_word_gets_those_that_are_known() {
    let yaml = r"
shows: {radio: {feed: feed.xml}}
torrent: {version: v3, web_seeds: Verified}
clients: {rt: {watch_dir: {path: /watch, client: rtorent}}}
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:2: torrent.version: `v3` is not known here
      hint: write one of: v1, hybrid, v2
    podseed.yaml:2: torrent.web_seeds: `Verified` is not known here
      hint: did you mean `verified`? Known here: verified, always, never
    podseed.yaml:3: clients.rt.watch_dir.client: `rtorent` is not known here
      hint: did you mean `rtorrent`? Known here: rtorrent, transmission, qbittorrent, deluge, other
    ");
}

#[test]
fn a_password_in_the_file_is_refused_and_not_repeated() {
    let yaml = r#"
shows: {radio: {feed: "https://me:hunter2@example.org/feed.xml"}}
clients:
  nas: {transmission: {url: "http://nas:9091", username: me, password: hunter2}}
  box: {qbittorrent: {url: "http://me:hunter2@box:8080/"}}
  odd: {qbittorrent: {url: "http://box:8080/", username: me, password_file: [hunter2]}}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:1: shows.radio.feed: a login must not stand in an address
      hint: name user and password by `username` and `password_file` (a show's stand below `auth`)
    podseed.yaml:1: warning: shows: there are none
      hint: name one: `shows: {my-show: {feed: https://example.org/feed.xml}}`
    podseed.yaml:3: clients.nas.transmission.password: a password must not stand in this file
      hint: write it into a file that only podseed's user may read and name that in `password_file`, or into an environment variable and name that in `password_env`
    podseed.yaml:4: clients.box.qbittorrent.url: a login must not stand in an address
      hint: name user and password by `username` and `password_file` (a show's stand below `auth`)
    podseed.yaml:5: clients.odd.qbittorrent.password_file: found a list, expected a text
    ");
}

#[test]
fn a_secret_that_cannot_be_had_says_why() {
    let yaml = r#"
shows: {radio: {feed: feed.xml, auth: {username: me, password_file: no-such-file}}}
clients:
  a: {transmission: {url: "http://nas:9091", username: me, password_env: NOT_SET}}
  b: {transmission: {url: "http://nas:9091", username: me, password_file: empty.password}}
  c: {transmission: {url: "http://nas:9091", username: me, password_file: nas.password, password_env: SET}}
  d: {transmission: {url: "http://nas:9091", username: me}}
  e: {transmission: {url: "http://nas:9091", password_file: nas.password}}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:1: shows.radio.auth.password_file: /etc/podseed/no-such-file cannot be read: No such file or directory (os error 2)
      hint: it holds the password in one line and belongs to podseed's user, mode 600
    podseed.yaml:3: clients.a.transmission.password_env: the environment variable `NOT_SET` is not set
      hint: set it where podseed is started, or use `password_file`
    podseed.yaml:4: clients.b.transmission.password_file: /etc/podseed/empty.password is empty
      hint: write the password into it, in one line
    podseed.yaml:5: clients.c.transmission.password_env: there is a `password_file`, too
      hint: keep one of them
    podseed.yaml:6: clients.d.transmission: has a `username` and no password
      hint: name its file by `password_file`, or an environment variable by `password_env`
    podseed.yaml:7: clients.e.transmission: has a password and no `username`
      hint: add `username`
    ");
}

#[test]
fn a_client_is_exactly_one_program() {
    let yaml = r#"
shows: {radio: {feed: feed.xml}}
clients:
  none: {}
  empty:
  both:
    transmission: {url: "http://nas:9091"}
    watch_dir: {path: /watch}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: clients.none: does not say which program it is
      hint: add one of `transmission`, `qbittorrent` or `watch_dir` below it
    podseed.yaml:4: clients.empty: does not say which program it is
      hint: add one of `transmission`, `qbittorrent` or `watch_dir` below it
    podseed.yaml:5: clients.both: is both transmission and watch_dir
      hint: make two clients of it, each with a name of its own
    ");
}

#[test]
fn a_client_needs_an_address_that_is_one() {
    let yaml = r#"
shows: {radio: {feed: feed.xml}}
clients:
  a: {transmission: {}}
  b: {qbittorrent: {url: "nas:8080"}}
  c: {qbittorrent: {url: nas}}
  d: {qbittorrent: {url: "http://"}}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: clients.a.transmission: has no `url`
      hint: for example `url: http://127.0.0.1:9091/transmission/rpc`
    podseed.yaml:4: clients.b.qbittorrent.url: does not begin with https:// or http://
      hint: write it in full, such as https://example.org/path or http://nas:9091/path
    podseed.yaml:5: clients.c.qbittorrent.url: does not begin with https:// or http://
      hint: write it in full, such as https://example.org/path or http://nas:9091/path
    podseed.yaml:6: clients.d.qbittorrent.url: is no web address: empty host
      hint: write it in full, such as https://example.org/path or http://nas:9091/path
    ");
}

#[test]
fn a_show_names_clients_that_exist() {
    let yaml = r#"
shows: {radio: {feed: feed.xml, clients: [nas, nass]}}
clients: {nas: {transmission: {url: "http://nas:9091"}}}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:1: shows.radio.clients[1]: there is no client `nass`
      hint: known: nas
    ");
}

#[test]
fn a_watched_folder_has_one_placeholder_and_a_place_of_its_own() {
    let yaml = r#"
data_dir: data
shows: {radio: {feed: feed.xml}}
clients:
  a: {watch_dir: {path: "/watch/{slug}/{show}", data: "/downloads/{show"}}
  b: {watch_dir: {path: /same, data: /same/}}
  c: {watch_dir: {path: data/torrents/watch}}
  d: {watch_dir: {data: /downloads}}
  e: {watch_dir: {path: /watch, client: transmission, fast_resume: true}}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:4: clients.a.watch_dir.data: `{show` is not known here
      hint: `{show}` stands for the show's name; there is no other
    podseed.yaml:4: clients.a.watch_dir.path: `{slug}` is not known here
      hint: `{show}` stands for the show's name; there is no other
    podseed.yaml:5: clients.b.watch_dir.data: is the watched folder itself
      hint: keep torrents and data apart
    podseed.yaml:6: clients.c.watch_dir.path: lies in /etc/podseed/data/torrents, which is podseed's own
      hint: name a folder elsewhere
    podseed.yaml:7: clients.d.watch_dir: has no `path`
      hint: name the folder that the client watches
    podseed.yaml:8: clients.e.watch_dir.fast_resume: only rTorrent reads resume data from a torrent
      hint: remove it, or set `client: rtorrent`
    ");
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let yaml = r#"
shows: {radio: {feed: feed.xml}}
data_dir: /srv/podseed
clients:
  rt: {watch_dir: {path: /watch}, labels: [podcast], limits: {ratio: 2}}
  nas:
    transmission: {url: "http://nas:9091"}
    paths: {/srv/podsed/media: /downloads}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    accepted
    podseed.yaml:4: warning: clients.rt.labels: has no effect on a watched folder
      hint: set it in the client itself: a folder can carry no more than the torrent
    podseed.yaml:4: warning: clients.rt.limits: has no effect on a watched folder
      hint: set it in the client itself: a folder can carry no more than the torrent
    podseed.yaml:7: warning: clients.nas.paths./srv/podsed/media: podseed has no files there
      hint: the left side is our path (below `data_dir` or an inbox), the right side the client's
    ");
}

#[test]
fn a_name_becomes_a_folder_and_must_be_fit_for_it() {
    let yaml = r"
shows:
  Radio Eins: {feed: https://example.org/a.xml}
  all: {feed: https://example.org/b.xml}
  con: {feed: https://example.org/c.xml}
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:2: shows.Radio Eins: `Radio Eins` cannot be a name
      hint: use lower-case letters, digits, `-` and `_`, at most 64, the first a letter or digit
    podseed.yaml:3: shows.all: `all` is taken by podseed or by file systems
      hint: choose another, such as `all-show`
    podseed.yaml:4: shows.con: `con` is taken by podseed or by file systems
      hint: choose another, such as `con-show`
    ");
}

#[test]
fn two_shows_with_one_feed_are_found() {
    let yaml = r"
shows:
  one: {feed: https://example.org/a.xml}
  two: {feed: https://EXAMPLE.org:443/a.xml}
inbox:
  one: {path: /srv/own}
  own: {path: /srv/own/}
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: shows.two.feed: `shows.one` has the same feed
      hint: remove one of them
    podseed.yaml:5: inbox.one: a show has the same name
      hint: rename one of them
    podseed.yaml:6: inbox.own.path: `inbox.one` has the same folder
      hint: remove one of them
    ");
}

#[test]
fn a_feed_is_an_address_or_a_file_that_exists() {
    let yaml = r#"
shows:
  a: {feed: example.org/feed.xml}
  b: {feed: "itpc://example.org/feed.xml"}
  c: {feed: "ftp://example.org/feed.xml"}
  d: {feed: missing.xml}
  e: {}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:1: warning: shows: there are none
      hint: name one: `shows: {my-show: {feed: https://example.org/feed.xml}}`
    podseed.yaml:2: shows.a.feed: there is no file /etc/podseed/example.org/feed.xml
      hint: an address on the web begins with https://
    podseed.yaml:3: shows.b.feed: `itpc://` is a way to open an app
      hint: write `https://` in its place
    podseed.yaml:4: shows.c.feed: does not begin with https:// or http://
      hint: write it in full, such as https://example.org/path or http://nas:9091/path
    podseed.yaml:5: shows.d.feed: there is no file /etc/podseed/missing.xml
      hint: an address on the web begins with https://
    podseed.yaml:6: shows.e: has no `feed`
      hint: for example `feed: https://example.org/feed.xml`
    ");
}

#[test]
fn episode_rules_must_let_something_pass() {
    let yaml = r"
shows:
  radio:
    feed: feed.xml
    episodes:
      latest: 0
      since: 2026-02-01
      until: 2026-01-01
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:5: shows.radio.episodes.latest: 0 means no episode at all
      hint: leave `latest` out for all episodes, or remove the show
    podseed.yaml:7: shows.radio.episodes.until: 2026-01-01 is before `since`, 2026-02-01: no episode is both
      hint: swap them, or leave one out
    ");
}

#[test]
fn a_bad_date_or_pattern_gets_its_own_message() {
    let yaml = r"
shows:
  radio:
    feed: feed.xml
    episodes:
      since: 2026-02-30
      until: yesterday
      title: (abc
      not_title: '\d+['
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:5: shows.radio.episodes.since: `2026-02-30` is no date
      hint: write it as 2026-01-31
    podseed.yaml:6: shows.radio.episodes.until: `yesterday` is no date
      hint: write it as 2026-01-31
    podseed.yaml:7: shows.radio.episodes.title: `(abc` is no pattern: unclosed group
      hint: a `\` before `. + * ? ( ) [ ] { } ^ $ |` takes it literally; single quotes keep the `\`
    podseed.yaml:8: shows.radio.episodes.not_title: `\d+[` is no pattern: unclosed character class
      hint: a `\` before `. + * ? ( ) [ ] { } ^ $ |` takes it literally; single quotes keep the `\`
    ");
}

#[test]
fn trackers_and_piece_length_are_checked() {
    let yaml = r#"
shows: {radio: {feed: feed.xml}}
torrent:
  piece_length: 1 MB
  trackers:
    - [udp://tracker.example.org/announce, wss://tracker.example.org]
    - ["tracker.example.org:80", "http://"]
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: torrent.piece_length: `1 MB` cannot be a piece length
      hint: write `auto`, or a power of two from 16 KiB to 16 MiB, such as `1 MiB`
    podseed.yaml:5: torrent.trackers[0][0]: has no port
      hint: a UDP tracker needs one: udp://tracker.example.org:6969/announce
    podseed.yaml:5: torrent.trackers[0][1]: trackers do not speak `wss`
      hint: use udp://, https:// or http://
    podseed.yaml:6: torrent.trackers[1][0]: does not begin with udp://, https:// or http://
      hint: copy the whole announce address
    podseed.yaml:6: torrent.trackers[1][1]: is no address of a tracker: empty host
      hint: for example udp://tracker.example.org:6969/announce
    ");
}

#[test]
fn limits_that_would_stop_everything_are_refused() {
    let yaml = r#"
shows: {radio: {feed: feed.xml}}
clients:
  nas:
    transmission: {url: "http://nas:9091"}
    limits: {ratio: 0, upload: 0 B/s, seeding_time: 0 s}
limits: {downloads: 0, per_host: 1000, rate: 0 KiB/s, feed_size: 1 GiB}
verify_interval: 1 s
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:5: clients.nas.limits.ratio: 0 cannot be a ratio
      hint: write more than 0, such as 2.0
    podseed.yaml:5: clients.nas.limits.upload: 0 would stop seeding
      hint: write more than 0, or leave it out for the client's own setting
    podseed.yaml:5: clients.nas.limits.seeding_time: 0 would stop seeding
      hint: write more than 0, or leave it out for the client's own setting
    podseed.yaml:6: limits.downloads: 0 downloads at a time make no sense
      hint: write a number from 1 to 100
    podseed.yaml:6: limits.per_host: 1000 downloads at a time make no sense
      hint: write a number from 1 to 100
    podseed.yaml:6: limits.rate: nothing would be fetched at all
      hint: write more than 0
    podseed.yaml:6: limits.feed_size: a feed is held in memory while it is read
      hint: write at most 512 MiB
    podseed.yaml:7: verify_interval: 1 s is too short: clients have other work to do
      hint: write 10 s or more
    ");
}

#[test]
fn site_server_and_contact_are_checked() {
    let yaml = r#"
shows: {radio: {feed: feed.xml}}
data_dir: data
user_agent_contact: "me\r\nX-Evil: 1"
publish: {base_url: torrents.example.org, site_dir: data}
server: {listen: "example.org"}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: user_agent_contact: `me\r\nX-Evil: 1` is no address
      hint: write a page's address or an e-mail address, such as https://example.org/podseed
    podseed.yaml:4: publish.base_url: does not begin with https:// or http://
      hint: write it in full, such as https://example.org/path or http://nas:9091/path
    podseed.yaml:4: publish.site_dir: /etc/podseed/data holds podseed's own data, and the site replaces its whole folder
      hint: name a folder of its own
    podseed.yaml:5: server.listen: `example.org` is nothing to listen on
      hint: write an IP address and a port, such as 127.0.0.1:8090 (this machine) or 0.0.0.0:8090 (all)
    ");
}

#[test]
fn a_key_that_stands_twice_is_found_with_its_first_line() {
    let yaml = r"
shows:
  radio: {feed: feed.xml}
  radio: {feed: https://example.org/b.xml}
limits:
  downloads: 1
  downloads: 2
zebra: 1
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: shows.radio: stands twice; the first is on line 2
      hint: remove or rename one of them
    podseed.yaml:6: limits.downloads: stands twice; the first is on line 5
      hint: remove or rename one of them
    podseed.yaml:7: zebra: unknown key
      hint: known here: data_dir, user_agent_contact, shows, clients, torrent, inbox, verify_interval, publish, server, limits
    ");
}

#[test]
fn a_tab_is_named() {
    let yaml = "shows:\n\tradio: {feed: feed.xml}\n";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:2: tabs disallowed within this context (block indentation)
      hint: indent with spaces: YAML does not allow tabs
    ");
}

#[test]
fn an_open_quote_is_found() {
    let yaml = r#"
shows:
  radio:
    feed: "feed.xml
  other: {feed: feed.xml}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: invalid indentation in quoted scalar
      hint: look at the indentation of this line and the one above; a text with `: `, ` #`, a leading `*`, `&`, `{` or `[` needs quotes
    ");
}

#[test]
fn aliases_cannot_laugh() {
    let yaml = r"
a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:6: too large once all aliases are written out
      hint: use fewer aliases (`*`)
    ");
}

#[test]
fn another_document_is_no_configuration() {
    let yaml = "<html><body>404</body></html>";
    insta::assert_snapshot!(said(yaml), @r#"podseed.yaml:1: found the text "<html><body>404</body></html>", expected keys and values"#);
}

#[test]
fn an_empty_file_is_a_warning() {
    let yaml = "";
    insta::assert_snapshot!(said(yaml), @r"
    accepted
    podseed.yaml: warning: shows: there are none
      hint: name one: `shows: {my-show: {feed: https://example.org/feed.xml}}`
    ");
}
