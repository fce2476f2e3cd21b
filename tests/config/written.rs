//! Mistakes in writing: keys, types, YAML itself. The exact words.

use super::said;

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
      hint: known here: data_dir, user_agent_contact, shows, clients, torrent, require_permission, inbox, poll_interval, verify_interval, prove, publish, server, notices, hooks, limits, keep
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
    podseed.yaml:5: shows.two: found a text, expected keys and values
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
    podseed.yaml:3: torrent.trackers[0]: found a text, expected a list
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
      hint: known here: data_dir, user_agent_contact, shows, clients, torrent, require_permission, inbox, poll_interval, verify_interval, prove, publish, server, notices, hooks, limits, keep
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
