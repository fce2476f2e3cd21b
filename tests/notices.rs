//! Who is told of what: webhook, ntfy and hooks, as somebody at the other end gets them.

mod sending;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use podseed::clock::{Clock, Hand};
use podseed::config::Config;
use podseed::model::{EnclosureId, Notice, NoticeKind, Problem, Trouble};
use podseed::pipeline::{Begin, Environment, Event, Monitor, PassOptions, Pipeline, Target};
use podseed_adapters::ClientConfig;
use podseed_adapters::testing::{PASSWORD, Transmission, USERNAME};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::receiver::Receiver;
use crate::support::world::{Item, World, files_below};
use crate::support::{Fault, mp3};

const TOKEN: &str = "tk_hunter2";
const HOUR: Duration = Duration::from_secs(3600);

/// Notes what the pipeline tells.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Monitor for Notes {
    fn event(&self, event: &Event) {
        if let Event::NoticeFailed { error } = event {
            self.0.lock().unwrap().push(error.clone());
        }
    }

    fn transfer(&self, label: &str) -> Arc<dyn podseed::download::Progress> {
        ().transfer(label)
    }
}

/// A world with a receiver, and podseed in this process with a clock that stands still.
struct Desk {
    world: World,
    receiver: Receiver,
    clock: Clock,
    hand: Hand,
    notes: Arc<Notes>,
}

impl Desk {
    /// `notices` and more keys of the configuration; HOOK stands for a program that keeps what it gets, and URL for
    /// the receiver.
    async fn new(more: &str) -> Self {
        let world = World::new("").await;
        let receiver = Receiver::start();
        std::fs::write(world.path("token"), TOKEN).unwrap();
        std::fs::write(world.path("password"), PASSWORD).unwrap();
        let hook = world.path("hook");
        let script = "#!/bin/sh\nmkdir -p ../hooks\ncat > ../hooks/$$.json\nenv > ../hooks/$$.env\n";
        std::fs::write(&hook, script).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
        world.configure(&more.replace("HOOK", "./hook").replace("URL", receiver.url("").as_str()));
        let (clock, hand) = Clock::set(jiff::Timestamp::from_second(1_800_000_000).unwrap());
        Self { world, receiver, clock, hand, notes: Arc::default() }
    }

    async fn open(&self) -> Arc<Pipeline> {
        let variables = |name: &str| match name {
            "HOME" => Some(self.world.path("").display().to_string()),
            _ => None,
        };
        let config = Config::load_with(&self.world.path("podseed.yaml"), &variables).unwrap();
        let host = Environment {
            clock: self.clock.clone(),
            monitor: Arc::clone(&self.notes) as Arc<dyn Monitor>,
            stop: CancellationToken::new(),
        };
        Pipeline::open(Arc::new(config), host).await.unwrap()
    }

    /// One pass over all shows.
    async fn pass(&self) {
        let pipeline = self.open().await;
        let variables = |name: &str| (name == "HOME").then(|| "/nowhere".to_owned());
        let config = Config::load_with(&self.world.path("podseed.yaml"), &variables).unwrap();
        let targets: Vec<_> = config.shows.iter().map(Target::from).collect();
        let options = PassOptions { wait: Duration::ZERO, patient: false, begin: Begin::Feeds, whole: true };
        pipeline.pass(&targets, options).await.unwrap();
        pipeline.close().await;
    }

    /// A round that waits for nothing more.
    async fn round(&self) {
        let pipeline = self.open().await;
        pipeline.send_notices_now().await.unwrap();
        pipeline.close().await;
    }

    /// The kinds that have come to a path, in order.
    fn kinds(&self, path: &str) -> Vec<String> {
        let received = self.receiver.received(path);
        received.iter().map(|request| request.json()["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// What hooks got on standard input, by the title of the episode.
    fn hooks(&self) -> Vec<(Value, String)> {
        let files = files_below(&self.world.path("hooks")).into_iter();
        let inputs = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
        let read = |path: PathBuf| {
            let input = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (input, String::from_utf8(std::fs::read(path.with_extension("env")).unwrap()).unwrap())
        };
        let mut hooks: Vec<(Value, String)> = inputs.map(read).collect();
        hooks.sort_by_key(|(input, _)| input["episodes"][0]["title"].to_string());
        hooks
    }
}

/// Episodes that can never become torrents: their files are web pages.
fn publish_pages(world: &World, titles: &[&str]) {
    let paths: Vec<_> = (0..titles.len()).map(|number| format!("/{number}.mp3")).collect();
    for path in &paths {
        world.origin.file(path, "<!DOCTYPE html><html><body>moved</body></html>");
    }
    let items: Vec<_> =
        titles.iter().zip(&paths).map(|(title, path)| Item { guid: path, title, enclosure: path }).collect();
    world.publish(&items);
}

#[tokio::test]
async fn a_feed_that_fails_is_told_of_after_three_times_once_a_day_and_when_it_is_over() {
    let desk = Desk::new(
        "notices: {webhook: {url: URL/hook}, on: [feed, recovered]}\nhooks: {feed: [HOOK], recovered: [HOOK]}",
    )
    .await;
    desk.world.publish(&[]);
    desk.pass().await;
    desk.world.origin.always("/feed.xml", Fault::Status(503, Vec::new()));
    for (polls, told) in [(1, 0), (2, 0), (3, 1), (4, 1)] {
        desk.hand.advance(HOUR / 4);
        desk.pass().await;
        assert_eq!(desk.kinds("/hook").len(), told, "after {polls} polls");
    }
    let notice = desk.receiver.received("/hook")[0].json();
    assert_eq!(notice["summary"], "the feed of show cannot be read");
    assert!(notice["error"].as_str().unwrap().contains("503"), "{notice}");
    for (hours, told) in [(20, 1), (4, 2), (24, 2), (25, 3)] {
        desk.hand.advance(HOUR * hours);
        desk.round().await;
        assert_eq!(desk.kinds("/hook").len(), told, "{hours} hours later");
    }
    desk.world.origin.always("/feed.xml", Fault::Nothing);
    desk.hand.advance(HOUR);
    desk.pass().await;
    desk.round().await;
    assert_eq!(desk.kinds("/hook"), ["feed", "feed", "feed", "recovered"]);
    assert_eq!(desk.hooks().len(), 4);
}

#[tokio::test]
async fn what_comes_by_and_by_is_one_message_and_hooks_do_not_wait() {
    let desk = Desk::new("notices: {webhook: {url: URL/hook}}\nhooks: {failed: [HOOK]}").await;
    let pipeline = desk.open().await;
    let minutes = |minutes: u64| desk.hand.advance(Duration::from_secs(60 * minutes));
    // Every five minutes one more fails, as a daemon finds it, for longer than anybody waits for the last.
    for number in 1..=14_usize {
        fail_one(&pipeline, number, desk.clock.now()).await;
        pipeline.send_notices().await.unwrap();
        assert_eq!(desk.hooks().len(), number);
        let told = if number < 13 { 0 } else { 1 };
        assert_eq!(desk.kinds("/hook").len(), told, "after {number}");
        minutes(5);
    }
    assert_eq!(desk.receiver.received("/hook")[0].json()["count"], 13);
    pipeline.send_notices().await.unwrap();
    assert_eq!(desk.kinds("/hook").len(), 1, "there may be more");
    minutes(5);
    pipeline.send_notices().await.unwrap();
    assert_eq!(desk.receiver.received("/hook")[1].json()["count"], 1);
    minutes(60);
    pipeline.send_notices().await.unwrap();
    assert_eq!(desk.kinds("/hook").len(), 2);
}

/// One more episode of the show that needs the user.
async fn fail_one(pipeline: &Pipeline, number: usize, now: jiff::Timestamp) {
    let store = pipeline.store();
    let show = store.ensure_show("show", "https://show.invalid/feed.xml").await.unwrap().id;
    let url = format!("https://show.invalid/{number}.mp3");
    let text = format!(
        "<rss><channel><title>A show</title><item><title>{number}</title><guid>{number}</guid>\
         <enclosure url='{url}' type='audio/mpeg' length='1'/></item></channel></rss>"
    );
    let feed = podseed::feed::read(text.as_bytes(), None, None).unwrap();
    let mut recording = store.recording().await.unwrap();
    recording.record_items(show, &feed, false, now).await.unwrap();
    recording.commit().await.unwrap();
    let problem = Problem { message: "no media".to_owned(), next_attempt: None, asked_to_wait: false };
    store.record_failure(EnclosureId(i64::try_from(number).unwrap()), &problem).await.unwrap();
}

#[tokio::test]
async fn when_everything_fails_at_once_it_is_told_at_once() {
    let desk = Desk::new("notices: {webhook: {url: URL/hook}, on: [feed]}").await;
    let mut config = std::fs::read_to_string(desk.world.path("podseed.yaml")).unwrap();
    let feed = |number: usize| desk.world.origin.url(&format!("/gone/{number}.xml"));
    let shows: String =
        (0..40).map(|number| format!("  s{number}: {{feed: \"{}\"}}\n", feed(number))).collect();
    config = config.replace("shows:\n", &format!("shows:\n{shows}"));
    std::fs::write(desk.world.path("podseed.yaml"), config).unwrap();
    desk.world.publish(&[]);
    for number in 0..40 {
        desk.world.origin.always(&format!("/gone/{number}.xml"), Fault::Status(500, Vec::new()));
    }
    for _ in 0..3 {
        desk.hand.advance(HOUR);
        desk.pass().await;
    }
    let [notice] = &desk.receiver.received("/hook")[..] else { panic!("{:?}", desk.kinds("/hook")) };
    assert_eq!(notice.json()["summary"], "40 feeds cannot be read");
    desk.round().await;
    assert_eq!(desk.kinds("/hook").len(), 1);
}

#[tokio::test]
async fn a_client_that_is_away_is_told_of_after_half_an_hour() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let desk = Desk::new(&format!(
        "notices: {{webhook: {{url: URL/hook}}}}\nclients: {{nas: {{transmission: {{url: \"http://127.0.0.1:{port}\", \
         username: {USERNAME}, password_file: password}}}}}}"
    ))
    .await;
    desk.world.publish(&[Item { guid: "g1", title: "One", enclosure: "/one.mp3" }]);
    desk.world.origin.file("/one.mp3", mp3(70_000, 1));
    desk.pass().await;
    assert_eq!(desk.kinds("/hook"), [""; 0], "it may be a restart");
    desk.hand.advance(HOUR / 2);
    desk.pass().await;
    let [notice] = &desk.receiver.received("/hook")[..] else { panic!("{:?}", desk.kinds("/hook")) };
    let json = notice.json();
    assert_eq!((json["kind"].as_str(), json["client"].as_str()), (Some("client"), Some("nas")));
    assert!(json["remedy"].as_str().unwrap().contains("clients.nas"), "{json}");
    assert!(!json.to_string().contains(PASSWORD), "{json}");
}

#[tokio::test]
async fn what_a_client_has_lost_is_one_message_for_all_of_it() {
    let desk = Desk::new(
        "clients: {rt: {watch_dir: {path: watch, client: rtorrent}}}\nnotices: {ntfy: {url: URL/topic}}",
    )
    .await;
    std::fs::create_dir(desk.world.path("watch")).unwrap();
    let items: Vec<_> = (1..=3).map(|number| (format!("g{number}"), format!("/{number}.mp3"))).collect();
    let items: Vec<_> =
        items.iter().map(|(guid, path)| Item { guid, title: guid, enclosure: path }).collect();
    desk.world.publish(&items);
    items.iter().zip(1..).for_each(|(item, seed)| desk.world.origin.file(item.enclosure, mp3(70_000, seed)));
    desk.pass().await;
    let state = format!("sqlite:{}", desk.world.path("data/state.db").display());
    let state = sqlx::SqlitePool::connect(&state).await.unwrap();
    let lost = "UPDATE placements SET state = CASE WHEN id = 1 THEN 'stopped' ELSE 'missing' END, error = 'rt: it is gone'";
    assert_eq!(sqlx::query(lost).execute(&state).await.unwrap().rows_affected(), 3);
    state.close().await;
    desk.round().await;
    assert_eq!(desk.receiver.received("/topic").len(), 0, "the next round may mend it");
    desk.hand.advance(HOUR / 2);
    for _ in 0..2 {
        desk.round().await;
    }
    let [ntfy] = &desk.receiver.received("/topic")[..] else { panic!("one message") };
    assert_eq!(ntfy.header("title"), "rt does not seed all that it was given");
    let body = String::from_utf8_lossy(&ntfy.body).into_owned();
    assert!(body.starts_with("2 missing, 1 stopped; rt: it is gone\nlook at them in rt"), "{body}");
}

#[tokio::test]
async fn a_trouble_that_another_part_raises_is_told_of_until_it_is_settled() {
    let desk = Desk::new("notices: {ntfy: {url: URL/topic}}").await;
    let pipeline = desk.open().await;
    let trouble = Trouble {
        kind: NoticeKind::Disk,
        subject: String::new(),
        error: "2 GiB are to stay free and 1 GiB is".to_owned(),
        remedy: "make room".to_owned(),
    };
    for _ in 0..3 {
        pipeline.store().raise(&trouble, desk.clock.now()).await.unwrap();
        pipeline.send_notices().await.unwrap();
        pipeline.store().settle(NoticeKind::Disk, "", desk.clock.now()).await.unwrap();
        pipeline.send_notices().await.unwrap();
        desk.hand.advance(HOUR);
    }
    let [ntfy] = &desk.receiver.received("/topic")[..] else { panic!("once a day") };
    assert_eq!(
        (ntfy.header("title").as_str(), ntfy.header("priority").as_str()),
        ("there is not enough room on the disk", "high")
    );
    assert_eq!(String::from_utf8_lossy(&ntfy.body), "2 GiB are to stay free and 1 GiB is\nmake room");
}

#[tokio::test]
async fn what_began_before_anybody_wanted_to_know_is_not_told_of_later() {
    let desk = Desk::new("").await;
    publish_pages(&desk.world, &["One"]);
    desk.pass().await;
    desk.world.configure(&format!("notices: {{webhook: {{url: \"{}\"}}}}", desk.receiver.url("/hook")));
    desk.pass().await;
    assert_eq!(desk.kinds("/hook"), [""; 0]);
}

#[tokio::test]
async fn an_episode_that_seeds_runs_its_hook_with_all_that_one_may_want_and_no_secret() {
    let desk = Desk::new("").await;
    let transmission = Transmission::start().unwrap();
    let ClientConfig::Transmission(client) = transmission.config() else { panic!("no Transmission") };
    let receiver = &desk.receiver;
    desk.world.configure(&format!(
        "clients: {{nas: {{transmission: {{url: \"{}\", username: {USERNAME}, password_env: NAS_PASSWORD}}}}}}\n\
         notices: {{webhook: {{url: \"{}\", token_env: HOOK_TOKEN}}, on: [seeding]}}\nhooks: {{seeding: [./hook]}}",
        client.url,
        receiver.url("/hook")
    ));
    let feed = desk.world.origin.url("/feed.xml");
    let config = std::fs::read_to_string(desk.world.path("podseed.yaml")).unwrap();
    let private = format!("{feed}?token=hunter2");
    std::fs::write(desk.world.path("podseed.yaml"), config.replace(feed.as_str(), &private)).unwrap();
    desk.world.publish(&[Item {
        guid: "https://show.invalid/?token=hunter2",
        title: "One",
        enclosure: "/one.mp3?token=hunter2",
    }]);
    desk.world.origin.file("/feed.xml?token=hunter2", desk.world.origin.content("/feed.xml"));
    desk.world.origin.file("/one.mp3?token=hunter2", mp3(70_000, 1));
    let mut run = desk.world.command(&["run"]);
    let ran =
        run.env("NAS_PASSWORD", PASSWORD).env("HOOK_TOKEN", TOKEN).env("LANG", "C.UTF-8").output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));

    let [(input, environment)] = &desk.hooks()[..] else { panic!("one hook") };
    let episode = &input["episodes"][0];
    assert_eq!(input["summary"], "A show: \"One\" is seeding");
    for path in [&episode["file"], &episode["torrent"]] {
        assert!(std::path::Path::new(path.as_str().unwrap()).is_file(), "{path}");
    }
    let v1 = episode["info_hash"]["v1"].as_str().unwrap();
    assert!(environment.contains(&format!("PODSEED_INFO_HASH={v1}\n")));
    assert!(environment.contains("LANG=C.UTF-8\n"));
    assert!(episode["magnet"].as_str().unwrap().contains(v1));
    let [webhook] = &desk.receiver.received("/hook")[..] else { panic!("one request") };
    assert_eq!(webhook.json()["episodes"], input["episodes"]);
    let everything = format!("{input}{environment}{}", webhook.json());
    for secret in ["hunter2", PASSWORD, TOKEN] {
        assert!(!everything.contains(secret), "{everything}");
    }
}

#[test]
fn the_json_of_the_documents_is_what_is_sent() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/daemon.md")).unwrap();
    let block = |kind: &str, with: &str| {
        let fence = format!("```{kind}\n");
        let blocks = text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
        blocks.into_iter().find(|block| block.contains(with)).unwrap().to_owned()
    };
    let documented: Value = serde_json::from_str(&block("json", "summary")).unwrap();
    let notice: Notice = serde_json::from_value(documented.clone()).unwrap();
    assert_eq!(serde_json::to_value(&notice).unwrap(), documented);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("podseed.yaml");
    let yaml = block("yaml", "notices:");
    std::fs::write(&path, format!("data_dir: data\n{yaml}")).unwrap();
    let config = Config::load_with(&path, &|name: &str| name.ends_with("_TOKEN").then(|| TOKEN.to_owned()));
    let notices = config.unwrap_or_else(|findings| panic!("{findings}")).notices;
    assert_eq!((notices.hooks.len(), notices.on.len()), (2, 7));
}

#[tokio::test]
async fn a_show_that_is_published_is_told_of_with_its_page() {
    let desk = Desk::new("").await;
    let transmission = Transmission::start().unwrap();
    let ClientConfig::Transmission(client) = transmission.config() else { panic!("no Transmission") };
    desk.world.configure(&format!(
        "clients: {{nas: {{transmission: {{url: \"{}\", username: {USERNAME}, password_file: password}}}}}}\n\
         publish: {{base_url: \"https://torrents.invalid/pod/\"}}\n\
         notices: {{ntfy: {{url: \"{}\"}}, on: [seeding]}}",
        client.url,
        desk.receiver.url("/topic")
    ));
    desk.world.publish_with(
        "<podcast:license>cc-by-4.0</podcast:license>",
        &[
            Item { guid: "g2", title: "Two", enclosure: "/two.mp3" },
            Item { guid: "g1", title: "One", enclosure: "/one.mp3" },
        ],
    );
    desk.world.origin.file("/one.mp3", mp3(70_000, 1));
    desk.world.origin.file("/two.mp3", mp3(80_000, 2));
    desk.world.run(0);
    desk.world.run(0);
    let [ntfy] = &desk.receiver.received("/topic")[..] else { panic!("one message for both episodes") };
    assert_eq!(ntfy.header("title"), "2 episodes of A show are seeding");
    assert_eq!(ntfy.header("click"), "https://torrents.invalid/pod/show/");
    assert_eq!(String::from_utf8_lossy(&ntfy.body), "- Two\n- One");
}

#[tokio::test]
async fn a_hook_that_cannot_be_run_is_found_before_it_is_needed() {
    let desk = Desk::new(
        "hooks: {seeding: [HOOK], failed: [sh, -c, \"true\"], disk: [./token], client: [no-such-program]}",
    )
    .await;
    let check = desk.world.podseed(&["check", "--offline", "--json"]);
    assert_eq!(check.code, 1, "{}", check.stderr);
    let findings = check.json()["findings"].as_array().unwrap().clone();
    let hooks: Vec<_> = findings
        .iter()
        .filter(|finding| finding["id"] == "hook.program")
        .map(|finding| (finding["place"].as_str().unwrap(), finding["severity"].as_str().unwrap()))
        .collect();
    let expected =
        [("hooks.seeding", "ok"), ("hooks.failed", "ok"), ("hooks.client", "error"), ("hooks.disk", "error")];
    assert_eq!(hooks, expected);
}
