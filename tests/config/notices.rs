//! `notices:` and `hooks:`.

use podseed::model::NoticeKind;

use super::{Folder, said};

#[test]
fn who_is_told_of_what_is_understood() {
    let folder = Folder::new(
        r#"
shows: {radio: {feed: feed.xml}}
notices:
  webhook: {url: "http://10.0.0.1/hook", token_file: nas.password}
  ntfy: {url: "https://ntfy.sh/secret-topic", token_env: SET}
hooks: {seeding: [./hook, now], failed: [sh, -c, "true"]}
"#,
    );
    let config = folder.load().unwrap();
    let notices = &config.notices;
    assert_eq!(notices.webhook.as_ref().unwrap().token.as_ref().unwrap().reveal(), "hunter2");
    assert_eq!(notices.hooks[&NoticeKind::Failed], ["sh", "-c", "true"]);
    let hook = folder.0.path().join("hook").to_string_lossy().into_owned();
    assert_eq!(notices.hooks[&NoticeKind::Seeding], [hook, "now".to_owned()]);
    assert!(notices.on.contains(&NoticeKind::Disk));
    assert!(!notices.on.contains(&NoticeKind::Seeding) && !notices.on.contains(&NoticeKind::Recovered));
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn mistakes_are_told_and_tokens_are_not() {
    let yaml = r#"
shows: {radio: {feed: feed.xml}}
notices:
  webhook: {url: "https://me:hunter2@example.org/", token: hunter2}
  ntfy: {url: "https://ntfy.sh/"}
  on: [faild]
hooks:
  seeding: []
  failed: ["notify-send it failed"]
  recoverd: [true]
"#;
    insta::assert_snapshot!(said(yaml), @r#"
    podseed.yaml:3: notices.webhook.token: a token must not stand in this file
      hint: write it into a file that only podseed's user may read and name that in `token_file`, or into an environment variable and name that in `token_env`
    podseed.yaml:3: notices.webhook.url: a login must not stand in an address
      hint: name user and password by `username` and `password_file` (a show's stand below `auth`)
    podseed.yaml:4: notices.ntfy.url: names no topic
      hint: add a name of yours that nobody guesses: https://ntfy.sh/NAME
    podseed.yaml:5: notices.on[0]: `faild` is not known here
      hint: did you mean `failed`? Known here: seeding, failed, feed, client, torrents, disk, configuration, recovered
    podseed.yaml:7: hooks.seeding: names no program
      hint: write the program and its arguments: [/usr/local/bin/notify, now]
    podseed.yaml:8: hooks.failed: `notify-send it failed` is a command line, and there is no shell to read it
      hint: write program and arguments as entries of a list, or [sh, -c, "..."]
    podseed.yaml:9: hooks.recoverd: unknown key
      hint: did you mean `recovered`?
    "#);
}
