//! How notices go out: in what form, to whom, and what becomes of those that do not arrive.

use std::collections::BTreeSet;
use std::time::Duration;

use podseed::model::{NoticeKind, Trouble};

use super::{Desk, HOUR, TOKEN, publish_pages};
use crate::support::receiver::{Answer, Receiver};
use crate::support::world::files_below;

const HOSTILE: &str =
    "x\u{202e}&#10;Click: http://evil.invalid/ $(touch pwned) `id` =?UTF-8?Q?y?= &lt;b&gt; ü🎙";

#[tokio::test]
async fn a_round_of_many_is_one_message_for_people_and_one_hook_for_each_episode() {
    let desk = Desk::new(
        "notices: {webhook: {url: URL/hook, token_file: token}, ntfy: {url: URL/topic, token_file: token}}\n\
         hooks: {failed: [HOOK]}",
    )
    .await;
    let mut titles = vec!["Plain"; 24];
    titles.push(HOSTILE);
    publish_pages(&desk.world, &titles);
    desk.pass().await;
    desk.round().await;

    let [webhook] = &desk.receiver.received("/hook")[..] else { panic!("{:?}", desk.kinds("/hook")) };
    assert_eq!(
        (webhook.method.as_str(), webhook.header("content-type").as_str()),
        ("POST", "application/json")
    );
    assert_eq!(webhook.header("authorization"), format!("Bearer {TOKEN}"));
    let json = webhook.json();
    assert_eq!((json["kind"].as_str(), json["show"].as_str()), (Some("failed"), Some("show")));
    assert_eq!(json["summary"], "25 episodes of A show need you");
    assert_eq!((json["count"].as_u64(), json["episodes"].as_array().unwrap().len()), (Some(25), 20));
    assert!(json["episodes"][0]["error"].as_str().unwrap().contains("HTML page"), "{json}");

    let [ntfy] = &desk.receiver.received("/topic")[..] else { panic!("one message for all") };
    assert_eq!(ntfy.header("title"), "25 episodes of A show need you");
    assert_eq!(
        (ntfy.header("priority"), ntfy.header("tags")),
        ("default".to_owned(), "warning,podseed".to_owned())
    );
    assert_eq!(ntfy.header("authorization"), format!("Bearer {TOKEN}"));
    assert!(String::from_utf8_lossy(&ntfy.body).ends_with("and 15 more"), "{ntfy:?}");

    let hooks = desk.hooks();
    assert_eq!(hooks.len(), 25);
    let guids: BTreeSet<_> =
        hooks.iter().map(|(input, _)| input["episodes"][0]["guid"].to_string()).collect();
    assert_eq!(guids.len(), 25);
    let (input, environment) = hooks.iter().find(|(_, environment)| environment.contains("Click")).unwrap();
    let title = input["episodes"][0]["title"].as_str().unwrap();
    assert_eq!(title, "x Click: http://evil.invalid/ $(touch pwned) `id` =?UTF-8?Q?y?= <b> ü🎙");
    assert!(environment.contains(&format!("PODSEED_TITLE={title}\n")), "{environment}");
    assert!(!files_below(&desk.world.path("")).iter().any(|path| path.ends_with("pwned")));
}

#[tokio::test]
async fn a_hostile_title_stays_in_the_header_that_it_belongs_to() {
    let desk = Desk::new("notices: {ntfy: {url: URL/topic}}").await;
    publish_pages(&desk.world, &[HOSTILE]);
    desk.pass().await;
    let [ntfy] = &desk.receiver.received("/topic")[..] else { panic!("one message") };
    assert_eq!(ntfy.header("click"), "");
    let title = ntfy.header("title");
    assert!(title.is_ascii() && title.split(' ').all(|word| word.starts_with("=?UTF-8?B?")), "{title}");
}

#[tokio::test]
async fn a_webhook_that_fails_is_said_once_left_alone_for_a_while_and_loses_nothing() {
    let desk = Desk::new("notices: {webhook: {url: URL/hook}, ntfy: {url: URL/topic}}").await;
    publish_pages(&desk.world, &["One"]);
    for _ in 0..6 {
        desk.receiver.answer(Answer::Status(500, None));
    }
    desk.pass().await;
    // One of the two has taken the first answer each; the same round again asks nobody.
    for _ in 0..3 {
        desk.round().await;
    }
    let asked = || desk.receiver.received("/hook").len() + desk.receiver.received("/topic").len();
    assert_eq!(asked(), 2);
    for (wait, requests) in [(30, 2), (60, 4), (60, 4), (300, 6), (300, 6), (1800, 8)] {
        desk.hand.advance(Duration::from_secs(wait));
        desk.round().await;
        assert_eq!(asked(), requests, "after {wait} s more");
    }
    desk.hand.advance(30 * HOUR);
    desk.round().await;
    assert_eq!(asked(), 8, "what has gone out does not go out again");
    let notes = desk.notes.0.lock().unwrap().clone();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes.iter().all(|note| note.contains("500") && !note.contains("/hook")), "{notes:?}");
}

#[tokio::test]
async fn who_does_not_answer_is_asked_once_and_not_for_each_notice() {
    let desk = Desk::new("notices: {webhook: {url: URL/hook}}").await;
    let pipeline = desk.open().await;
    let raise = async |kind| {
        let trouble = Trouble { kind, subject: String::new(), error: "x".to_owned(), remedy: String::new() };
        pipeline.store().raise(&trouble, desk.clock.now()).await.unwrap();
        pipeline.send_notices().await.unwrap();
    };
    desk.receiver.answer(Answer::Status(503, None));
    raise(NoticeKind::Disk).await;
    raise(NoticeKind::Configuration).await;
    assert_eq!(desk.kinds("/hook"), ["disk"], "the second waits with the first");
    desk.hand.advance(Duration::from_secs(70));
    pipeline.send_notices().await.unwrap();
    assert_eq!(
        desk.kinds("/hook"),
        ["disk", "configuration", "disk"],
        "what was tried less often comes first"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_stays_where_it_belongs() {
    let desk = Desk::new("notices: {webhook: {url: URL/hook, token_file: token}}").await;
    let elsewhere = Receiver::start();
    desk.receiver.answer(Answer::Status(307, Some(elsewhere.url("/stolen"))));
    publish_pages(&desk.world, &["One"]);
    desk.pass().await;
    assert_eq!(elsewhere.received("/stolen").len(), 0);
    assert!(desk.notes.0.lock().unwrap()[0].contains("307"));
}

#[tokio::test]
async fn who_dies_between_sending_and_recording_sends_again_and_loses_nothing() {
    let desk = Desk::new("notices: {webhook: {url: URL/hook}}").await;
    publish_pages(&desk.world, &["One"]);
    desk.receiver.answer(Answer::Never);
    let (mut child, _lines) = desk.world.start();
    // It has the notice and does not answer.
    while desk.receiver.received("/hook").is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "the program has ended");
        tokio::task::yield_now().await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for _ in 0..2 {
        desk.world.run(3);
        assert_eq!(desk.kinds("/hook"), ["failed", "failed"]);
    }
}
