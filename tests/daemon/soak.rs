//! A month of a daemon with many shows and a real client. How many shows and episodes, `PODSEED_SOAK` says:
//! `PODSEED_SOAK=200x25`, run alone, is the whole of it, and looks at the memory as well.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use podseed::clock::Clock;
use podseed::config::{self, Config, FeedSource, Show};
use podseed::model::{PathMap, Selection, Stage};
use podseed::pipeline::Pipeline;
use podseed_adapters::testing::Transmission;

use super::time::{START, start};
use crate::support::mp3;
use crate::support::nginx::{Nginx, free_port};

const DAY: i64 = 86_400;
const DAYS: i64 = 30;
const LENGTH: usize = 20_000;
/// What the process may need more at the end of a second month, in which nothing new comes.
const GROWTH: u64 = 8 << 20;

/// Shows, and episodes of each at the end of the month.
fn size() -> (usize, usize, bool) {
    let Ok(size) = std::env::var("PODSEED_SOAK") else { return (12, 8, false) };
    let (shows, episodes) = size.split_once('x').expect("PODSEED_SOAK is SHOWSxEPISODES");
    (shows.parse().unwrap(), episodes.parse().unwrap(), true)
}

/// The feed of a show as it is at a time: its episodes come evenly over the month, the first two before it.
fn publish(folder: &Path, show: usize, episodes: usize, now: i64) {
    let mut feed = format!("<rss version=\"2.0\"><channel><title>Show {show}</title>");
    let dates = (0..episodes).map(|number| match i64::try_from(number).unwrap() {
        early @ 0..2 => START - (2 - early) * DAY,
        later => START + (later - 1) * (DAYS - 2) * DAY / i64::try_from(episodes - 2).unwrap(),
    });
    for (number, date) in dates.enumerate().filter(|(_, date)| *date <= now) {
        let name = format!("show{show}-{number}.mp3");
        let file = folder.join(&name);
        if !file.exists() {
            std::fs::write(&file, mp3(LENGTH, (show * 1_000 + number) as u64)).unwrap();
        }
        let date = Timestamp::from_second(date).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT");
        write!(
            feed,
            "<item><guid>{show}-{number}</guid><title>Number {number}</title><pubDate>{date}</pubDate>\
             <enclosure url=\"{name}\" type=\"audio/mpeg\" length=\"{LENGTH}\"/></item>"
        )
        .unwrap();
    }
    feed.push_str("</channel></rss>");
    let path = folder.join(format!("show{show}.xml"));
    if std::fs::read_to_string(&path).ok().as_deref() != Some(feed.as_str()) {
        std::fs::write(path, feed).unwrap();
    }
}

fn configuration(folder: &Path, origin: &Nginx, client: &Transmission, shows: usize) -> Config {
    let mut config = Config::ad_hoc(folder.join("data"));
    config.limits.disk_free = 0;
    config.verify_interval = Duration::from_secs(12 * 3600);
    config.torrent.web_seeds = config::WebSeeds::Never;
    config.clients = vec![config::Client {
        name: "tr".to_owned(),
        adapter: client.config(),
        paths: PathMap::default(),
        limits: podseed_adapters::Limits::default(),
        peer: None,
    }];
    let show = |number: usize| Show {
        slug: format!("show{number}"),
        source: std::path::PathBuf::new(),
        feed: FeedSource::Url(format!("{}show{number}.xml", origin.url()).parse().unwrap()),
        selection: Selection::default(),
        clients: vec!["tr".to_owned()],
        permission: Some("a test".to_owned()),
        auth: None,
        keep: None,
    };
    config.shows = (0..shows).map(show).collect();
    config
}

/// Waits until no feed is due and no file is on its way.
async fn rest(pipeline: &Pipeline, clock: &Clock) {
    let mut quiet = 0;
    for _ in 0..60_000 {
        let metrics = pipeline.store().metrics().await.unwrap();
        let polled = metrics.due.iter().all(|(what, due)| *what != "poll" || *due > clock.now());
        let under_way = |stage: &Stage| !matches!(stage, Stage::Seeding | Stage::Failed);
        let done = !metrics.stages.iter().any(|(stage, count)| under_way(stage) && *count > 0);
        quiet = if polled && done { quiet + 1 } else { 0 };
        if quiet == 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the daemon does not come to rest: {:?}", pipeline.store().metrics().await);
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_many_shows_leaves_every_episode_seeding_and_each_byte_asked_for_once() {
    let (shows, episodes, alone) = size();
    let (client, folder) = (Transmission::start().unwrap(), tempfile::tempdir().unwrap());
    let origin_folder = folder.path().join("origin");
    std::fs::create_dir(&origin_folder).unwrap();
    let origin = Nginx::start(free_port(), &origin_folder);
    let publish_all = |now: i64| (0..shows).for_each(|show| publish(&origin_folder, show, episodes, now));
    let (clock, hand) = Clock::set(Timestamp::from_second(START).unwrap());
    publish_all(START);
    let config = configuration(folder.path(), &origin, &client, shows);
    let (stop, pipeline, daemon) = start(Arc::new(config), &clock).await;
    let mut memory = Vec::new();
    let months = if alone { 2 } else { 1 };
    for quarter in 1..=months * DAYS * 4 + 4 {
        publish_all(clock.now().as_second());
        hand.advance(Duration::from_secs(6 * 3600));
        rest(&pipeline, &clock).await;
        if quarter % (DAYS * 4) == 4 {
            memory.push(resident());
        }
    }
    let seeding = pipeline.store().metrics().await.unwrap().stages[&Stage::Seeding];
    assert_eq!(seeding, (shows * episodes) as u64);
    stop.cancel();
    daemon.stopped().await;

    let log = origin.log();
    let mut asked: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for line in log.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        asked.entry(words[6]).or_default().push((words[8], words[9]));
    }
    let media: Vec<_> = asked.iter().filter(|(path, _)| path.ends_with(".mp3")).collect();
    assert_eq!(media.len(), shows * episodes);
    for (path, requests) in media {
        assert_eq!(requests[..], [("200", LENGTH.to_string().as_str())], "{path}");
    }
    let polls: usize =
        asked.iter().filter(|(path, _)| path.ends_with(".xml")).map(|(_, polls)| polls.len()).sum();
    let elapsed = clock.now().duration_since(Timestamp::from_second(START).unwrap());
    assert!(elapsed >= SignedDuration::from_hours(24 * DAYS));
    if alone {
        eprintln!("{seeding} seeding, {polls} polls, resident after a day, a month, and two: {memory:?}");
        assert!(memory[2] < memory[1] + GROWTH, "it grows: {memory:?}");
    }
}
