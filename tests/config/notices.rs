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
    insta::assert_snapshot!(said(yaml), @"");
}
