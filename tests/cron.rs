//! Runs that come by the clock, and that nobody watches: what they leave alone, and what they say.

use crate::support::world::{Item, World, ran};
use crate::support::{Fault, mp3};

const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };
const TWO: Item<'_> = Item { guid: "g2", title: "Two", enclosure: "/two.mp3" };

#[tokio::test]
async fn a_run_with_due_asks_no_feed_before_its_time_and_one_without_does() {
    let world = World::new("").await;
    world.publish(&[]);
    let asked = || world.origin.requests_for("/feed.xml").len();
    assert_eq!(world.podseed(&["run", "--due"]).code, 0);
    assert_eq!(asked(), 1, "a feed that was never read is due");
    let ran = world.podseed(&["run", "--due"]);
    assert_eq!((ran.code, asked()), (0, 1));
    assert!(ran.stdout.starts_with("1 show, "), "it is part of the pass all the same: {}", ran.stdout);
    assert_eq!(world.podseed(&["run"]).code, 0);
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn a_run_with_due_asks_a_feed_that_failed_at_its_next_attempt_only() {
    let world = World::new("").await;
    world.publish(&[]);
    world.origin.always("/feed.xml", Fault::Status(500, vec![]));
    let asked = || world.origin.requests_for("/feed.xml").len();
    assert_eq!(world.podseed(&["run", "--due"]).code, 3);
    assert_eq!(asked(), 1);
    assert_eq!(world.podseed(&["run", "--due"]).code, 0);
    assert_eq!(asked(), 1, "it was never read, and its next attempt is a minute away");
    assert_eq!(world.podseed(&["run"]).code, 3);
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn a_run_with_due_says_when_the_next_feed_is_due_if_none_was() {
    let world = World::new("").await;
    world.publish(&[]);
    let first = world.podseed(&["run", "--due"]);
    assert!(!first.stderr.contains("no feed is due"), "{}", first.stderr);
    let next = world.podseed(&["status", "--json"]).json()["shows"][0]["next_poll"].clone();
    let second = world.podseed(&["run", "--due"]);
    let said = format!("no feed is due before {}", next.as_str().unwrap());
    assert!(second.stderr.contains(&said), "{}", second.stderr);
}

#[tokio::test]
async fn what_has_failed_for_good_is_told_by_the_run_that_met_it_and_by_no_later_one_with_due() {
    let world = World::new("").await;
    world.publish(&[ONE]);
    let due = || world.podseed(&["run", "--due", "--quiet"]);
    let met = due();
    assert_eq!(met.code, 3);
    assert!(met.stderr.contains("404") && met.stderr.contains("needs you"), "{}", met.stderr);
    let later = due();
    assert_eq!((later.code, later.stdout.as_str(), later.stderr.as_str()), (0, "", ""));
    let asked_for = world.podseed(&["run"]);
    assert_eq!(asked_for.code, 3, "who asks is told how it stands");
    assert!(asked_for.stderr.contains("needs you"), "{}", asked_for.stderr);

    world.publish(&[TWO, ONE]);
    assert_eq!(world.podseed(&["run", "--quiet"]).code, 3, "another one");
    assert_eq!(due().code, 0);
}

#[tokio::test]
async fn files_are_fetched_only_in_the_hours_that_the_user_gives() {
    let world = World::new("").await;
    world.publish(&[TWO, ONE]);
    world.origin.file("/one.mp3", mp3(70_000, 1));
    world.origin.file("/two.mp3", mp3(70_000, 2));
    let hours = |from: i64, until: i64| {
        let at = |hours| jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        let at = |hours| at(hours).strftime("%H:%M").to_string();
        format!("limits: {{hours: \"{}-{}\"}}", at(from), at(until))
    };
    let run = || ran(world.command(&["run"]).env("TZ", "UTC").output().unwrap());
    world.configure(&hours(2, 4));
    let closed = run();
    assert_eq!(closed.code, 0, "{}", closed.stderr);
    assert!(closed.stderr.contains("no file is fetched before 20"), "{}", closed.stderr);
    assert!(closed.stdout.contains("2 new episodes; fetched 0 files"), "{}", closed.stdout);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 0);

    world.configure(&hours(-1, 2));
    let open = run();
    assert!(open.stdout.contains("fetched 2 files"), "{}{}", open.stdout, open.stderr);
}
