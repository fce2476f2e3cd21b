//! Mistakes in meaning: each value can be read, and cannot be so. The exact words.

use super::said;

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
  season: {path: /srv/own/season}
  other: {path: /srv/own-too}
";
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:3: shows.two.feed: `shows.one` has the same feed
      hint: remove one of them
    podseed.yaml:5: inbox.one: a show has the same name
      hint: rename one of them
    podseed.yaml:6: inbox.own.path: `inbox.one` has the same folder
      hint: remove one of them
    podseed.yaml:7: inbox.season.path: its files would belong to `inbox.one` as well: one folder is in the other
      hint: move one of them, so that each file is in one show
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
    - ["https://tracker.example.org/announce?passkey=s3cret"]
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
    podseed.yaml:7: torrent.trackers[2][0]: holds a passkey or a login, and everybody gets it with the torrent
      hint: name a tracker that is open to all; podseed makes no torrents for private ones
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
    peer: nas
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
    podseed.yaml:6: clients.nas.peer: `nas` is nothing to connect to
      hint: write host and port, such as nas:51413 or [2001:db8::1]:51413
    podseed.yaml:7: limits.downloads: 0 downloads at a time make no sense
      hint: write a number from 1 to 100
    podseed.yaml:7: limits.per_host: 1000 downloads at a time make no sense
      hint: write a number from 1 to 100
    podseed.yaml:7: limits.rate: nothing would be fetched at all
      hint: write more than 0
    podseed.yaml:7: limits.feed_size: a feed is held in memory while it is read
      hint: write at most 512 MiB
    podseed.yaml:8: verify_interval: 1 s is too short: clients have other work to do
      hint: write 10 s or more
    ");
}

#[test]
fn rules_that_keep_nothing_are_refused() {
    let yaml = r#"
keep: {latest: 0, max_age: 0 s, total_size: 0 B}
shows: {radio: {feed: feed.xml, keep: {latest: 0}}}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:1: keep.latest: nothing would be kept at all
      hint: write more than 0; `podseed takedown --delete-data` removes a show
    podseed.yaml:1: keep.max_age: nothing would be kept at all
      hint: write more than 0; `podseed takedown --delete-data` removes a show
    podseed.yaml:1: keep.total_size: nothing would be kept at all
      hint: write more than 0; `podseed takedown --delete-data` removes a show
    podseed.yaml:2: shows.radio.keep.latest: nothing would be kept at all
      hint: write more than 0; `podseed takedown --delete-data` removes a show
    ");
}

#[test]
fn what_a_show_does_not_say_of_the_last_seeder_holds_as_for_all() {
    let allowed = |keep: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("podseed.yaml");
        let text = format!(
            "data_dir: data\nkeep: {{allow_last_seeder: true}}\nshows: {{a: {{feed: \"https://h/a.xml\"{keep}}}}}\n"
        );
        std::fs::write(&path, text).unwrap();
        let config = podseed::config::Config::load_with(&path, &|_| None).unwrap();
        config.shows[0].keep.clone().map(|keep| keep.allow_last_seeder)
    };
    assert_eq!(allowed(""), None);
    assert_eq!(allowed(", keep: {latest: 3}"), Some(true));
    assert_eq!(allowed(", keep: {latest: 3, allow_last_seeder: false}"), Some(false));
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
fn the_server_says_what_is_wrong_with_paths_networks_and_numbers() {
    let yaml = r#"
shows: {radio: {feed: feed.xml}}
server:
  listen: 0.0.0.0:8090
  base_path: /a//b?c
  connections: 0
  private: [192.168.1.0/24, "10.0.0.1", "office"]
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:4: server.base_path: `/a//b?c` is no path of an address
      hint: write it as `/podcasts/`, or `/` for none
    podseed.yaml:5: server.connections: 0 connections at a time make no sense
      hint: write a number from 1 to 10000
    podseed.yaml:6: server.private[2]: `office` is no network
      hint: write an address, or a network as 192.168.1.0/24
    ");
}

#[test]
fn an_inbox_says_of_its_show_what_the_user_wants_to_say() {
    let yaml = r#"
inbox:
  own: {path: " ", title: "", link: example.org, clients: [nas], poll: 10 ms}
  shared: {permission: own work}
"#;
    insta::assert_snapshot!(said(yaml), @r"
    podseed.yaml:2: inbox.own.clients[0]: there is no client `nas`
      hint: name one below `clients:`
    podseed.yaml:2: inbox.own.poll: is too often
      hint: write 1 s or more
    podseed.yaml:2: inbox.own.link: does not begin with https:// or http://
      hint: write it in full, such as https://example.org/path or http://nas:9091/path
    podseed.yaml:2: inbox.own.title: is empty
      hint: write something, or leave it out
    podseed.yaml:2: inbox.own.path: is empty
      hint: name it, or leave the key out
    ");
}

#[test]
fn an_inbox_in_which_podseed_writes_itself_is_refused() {
    let yaml = "data_dir: /srv/podseed\ninbox:\n  wide: {path: /srv}\n  inside: {path: /srv/podseed/media/show}\n  ok: {path: /srv/podseed/inbox}\n";
    let said = said(yaml);
    let wrong = said.matches("would be taken for your own files").count();
    assert_eq!(wrong, 2, "{said}");
    assert!(said.contains("inbox.wide.path") && !said.contains("inbox.ok"), "{said}");
}
