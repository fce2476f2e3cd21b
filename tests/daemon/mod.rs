//! `podseed daemon` as a user runs it: the program, its signals, its configuration, its service manager.

mod soak;
pub(crate) mod time;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::world::{Item, World};
use crate::support::{Fault, mp3};

const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };
const TWO: Item<'_> = Item { guid: "g2", title: "Two", enclosure: "/two.mp3" };

/// A running daemon, and what it has said so far.
struct Running {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Running {
    fn start(world: &World) -> Self {
        Self::start_with(world, &[("PODSEED_LOG", "info,podseed=debug")])
    }

    fn start_with(world: &World, environment: &[(&str, &str)]) -> Self {
        let mut command = world.command(&["daemon"]);
        command.envs(environment.iter().copied());
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&said);
        std::thread::spawn(move || lines.for_each(|line| hears.lock().unwrap().push(line)));
        Self { child, said }
    }

    /// Waits until it has said a line with this in it so often.
    async fn says(&self, what: &str, times: usize) {
        let heard = || self.said.lock().unwrap().iter().filter(|line| line.contains(what)).count() >= times;
        until(&format!("it says \"{what}\": {:#?}", self.said), heard).await;
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// SIGTERM; gives its exit status, which must come within ten seconds.
    async fn stop(&mut self) -> i32 {
        self.signal(Signal::TERM);
        let mut code = None;
        let ended = || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        };
        tokio::time::timeout(Duration::from_secs(10), until("it ends", ended)).await.unwrap();
        code.unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again, for half a minute at most.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain until {what}");
}

async fn world(more: &str) -> World {
    let world = World::new(more).await;
    world.publish(&[ONE]);
    world.origin.file("/one.mp3", mp3(700_000, 1));
    world.origin.file("/two.mp3", mp3(900_001, 2));
    world
}

fn stages(world: &World) -> Vec<String> {
    world.enclosures().iter().map(|enclosure| enclosure["stage"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn it_does_what_a_run_does_and_a_stop_and_a_start_ask_for_nothing_again() {
    let world = world("").await;
    let mut daemon = Running::start(&world);
    daemon.says("torrent made", 1).await;
    until("the page is there", || world.path("data/site").exists() || stages(&world) == ["torrent_ready"])
        .await;
    assert_eq!(daemon.stop().await, 0);
    assert_eq!(world.check_torrents(), 1);

    let mut again = Running::start(&world);
    again.says("at work", 1).await;
    assert_eq!(again.stop().await, 0);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
    assert_eq!(
        world.origin.requests_for("/feed.xml").len(),
        1,
        "a feed is due by its own time, not by a start"
    );
}

#[tokio::test]
async fn a_feed_that_a_killed_daemon_was_asking_for_is_asked_for_at_the_next_start() {
    let world = world("").await;
    world.origin.fault("/feed.xml", Fault::Hang);
    let daemon = Running::start(&world);
    until("the feed is asked for", || world.origin.requests_for("/feed.xml").len() == 1).await;
    // By a signal that leaves it no time for anything.
    drop(daemon);
    let daemon = Running::start(&world);
    daemon.says("torrent made", 1).await;
    assert_eq!(world.origin.requests_for("/feed.xml").len(), 2);
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_transfer_comes_at_once_and_the_rest_is_asked_for_later() {
    let world = world("").await;
    world.origin.validators("/one.mp3", Some("\"v1\""), None);
    world.origin.fault("/one.mp3", Fault::HangAfter(400_000));
    let mut daemon = Running::start(&world);
    let began = || world.origin.bytes_served("/one.mp3") >= 400_000;
    until("the transfer has begun", began).await;
    assert_eq!(daemon.stop().await, 0);
    assert_eq!(stages(&world), ["discovered"], "it is not left as if somebody worked on it");

    let daemon = Running::start(&world);
    daemon.says("torrent made", 1).await;
    assert_eq!(world.check_torrents(), 1);
    let requests = world.origin.requests_for("/one.mp3");
    assert_eq!(requests.len(), 2);
    assert!(requests[1].range().is_some(), "{requests:?}");
}

#[tokio::test]
async fn a_changed_configuration_is_taken_up_and_a_transfer_goes_on_meanwhile() {
    let world = world("").await;
    world.origin.file("/one.mp3", mp3(3_000, 1));
    world.origin.fault("/one.mp3", Fault::Drip(Duration::from_micros(1)));
    let mut daemon = Running::start(&world);
    until("the transfer has begun", || world.origin.bytes_served("/one.mp3") > 0).await;
    let other = world.origin.url("/other.xml");
    let feed = String::from_utf8(world.origin.content("/feed.xml")).unwrap();
    world.origin.file("/other.xml", feed.replace("one.mp3", "two.mp3"));
    world.configure("");
    let config = std::fs::read_to_string(world.path("podseed.yaml")).unwrap();
    let config = config.replace("shows:\n", &format!("shows:\n  other: {{feed: \"{other}\"}}\n"));
    // As editors do it: another file takes the place of the old one.
    std::fs::write(world.path("new.yaml"), config).unwrap();
    std::fs::rename(world.path("new.yaml"), world.path("podseed.yaml")).unwrap();
    daemon.says("at work shows=2", 1).await;
    daemon.says("torrent made", 2).await;
    assert_eq!(daemon.stop().await, 0);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1, "the transfer went on");
    assert_eq!(stages(&world), ["torrent_ready", "torrent_ready"]);
}

#[tokio::test]
async fn a_configuration_with_errors_is_reported_and_the_old_one_stays() {
    let world = world("").await;
    let mut daemon = Running::start(&world);
    daemon.says("torrent made", 1).await;
    let good = std::fs::read_to_string(world.path("podseed.yaml")).unwrap();
    std::fs::write(world.path("podseed.yaml"), format!("{good}nonsense: 1\nlimits: {{downloads: 0}}\n"))
        .unwrap();
    daemon.says("the former one stays in force", 1).await;
    for finding in ["key=\"nonsense\"", "key=\"limits.downloads\""] {
        daemon.says(finding, 1).await;
    }
    daemon.signal(Signal::HUP);
    daemon.says("the former one stays in force", 2).await;
    std::fs::write(world.path("podseed.yaml"), good).unwrap();
    daemon.says("at work", 2).await;
    daemon.signal(Signal::HUP);
    daemon.says("at work", 3).await;
    std::fs::write(
        world.path("podseed.yaml"),
        std::fs::read_to_string(world.path("podseed.yaml"))
            .unwrap()
            .replace("data_dir: data", "data_dir: other"),
    )
    .unwrap();
    daemon.says("data_dir has changed", 1).await;
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn what_a_user_says_beside_it_is_taken_up() {
    let world = world("").await;
    world.origin.always("/one.mp3", Fault::Status(404, Vec::new()));
    let daemon = Running::start(&world);
    daemon.says("at work", 1).await;
    until("it needs the user", || stages(&world) == ["failed"]).await;

    let run = world.podseed(&["run"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains(&format!("process {}", daemon.child.id())), "{}", run.stderr);

    world.origin.always("/one.mp3", Fault::Nothing);
    let retry = world.podseed(&["retry", "One"]);
    assert_eq!(retry.code, 0, "{}", retry.stderr);
    assert!(retry.stderr.contains("its next pass takes it up"), "{}", retry.stderr);
    until("it is fetched", || stages(&world) == ["torrent_ready"]).await;

    let takedown = world.podseed(&["takedown", "One", "--delete-data"]);
    assert_eq!(takedown.code, 0, "{}", takedown.stderr);
    until("it is deleted", || !world.path("data/media/show/one.mp3").exists()).await;
    assert_eq!(stages(&world), ["withdrawn"]);
}

#[tokio::test]
async fn quiet_it_says_what_went_wrong_and_nothing_else() {
    let world = world("").await;
    world.publish(&[ONE, TWO]);
    world.origin.always("/two.mp3", Fault::Status(404, Vec::new()));
    let mut daemon = Running::of(world.command(&["daemon", "--quiet"]));
    daemon.says("download failed", 1).await;
    until("the other one is fetched", || stages(&world).contains(&"torrent_ready".to_owned())).await;
    assert_eq!(daemon.stop().await, 0);
    let said = daemon.said.lock().unwrap();
    let is_wrong = |line: &String| line.contains(" WARN ") || line.contains(" ERROR ");
    assert!(said.iter().all(|line| is_wrong(line) || line == "stopping"), "{said:#?}");
}

#[tokio::test]
async fn status_says_of_a_feed_that_fails_why_and_when_it_is_tried_again() {
    let world = world("").await;
    let mut daemon = Running::start(&world);
    daemon.says("torrent made", 1).await;
    assert_eq!(daemon.stop().await, 0);
    let status = world.podseed(&["status"]).stdout;
    assert!(status.contains("  feed read 2") && status.contains("Z, next 2"), "{status}");

    world.origin.always("/feed.xml", Fault::Status(404, Vec::new()));
    assert_eq!(world.podseed(&["run"]).code, 3);
    let status = world.podseed(&["status"]).stdout;
    let lines: Vec<_> = status.lines().skip_while(|line| !line.starts_with("  feed: ")).take(2).collect();
    assert!(lines[0].contains("404"), "{status}");
    assert!(lines[1].starts_with("      read 2") && lines[1].contains("next attempt 2"), "{status}");
}

#[tokio::test]
async fn a_service_manager_is_told_what_it_does() {
    let world = world("").await;
    let socket = world.path("notify.sock");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let next = || {
        let mut message = [0; 1024];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let says = |what: &str| std::iter::repeat_with(next).any(|message| message.contains(what));
    let mut daemon = Running::start_with(&world, &[("NOTIFY_SOCKET", socket.to_str().unwrap())]);
    assert!(says("READY=1"));
    assert!(says("WATCHDOG=1"));
    daemon.signal(Signal::HUP);
    assert!(says("RELOADING=1\nMONOTONIC_USEC="));
    assert!(says("READY=1"));
    assert_eq!(daemon.stop().await, 0);
    assert!(says("STOPPING=1"));
}

#[tokio::test]
async fn its_log_is_lines_for_the_journal_or_json() {
    let world = world("").await;
    world.publish(&[ONE, TWO]);
    let mut journal = Running::start_with(&world, &[("JOURNAL_STREAM", "8:1")]);
    journal.says("<6>torrent made show=\"show\" file=\"one.mp3\" info_hash=\"", 1).await;
    journal.says("<6>downloaded show=\"show\" file=\"two.mp3\" length=900001 bytes=900001", 1).await;
    assert_eq!(journal.stop().await, 0);

    world.origin.always("/one.mp3", Fault::Status(404, Vec::new()));
    std::fs::remove_dir_all(world.path("data")).unwrap();
    let mut command = world.command(&["daemon", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let failed = lines
        .by_ref()
        .map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap())
        .find(|line| line["message"] == "download failed")
        .unwrap();
    assert_eq!((&failed["show"], &failed["level"]), (&"show".into(), &"ERROR".into()), "{failed}");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(lines.last().unwrap().contains("\"stopped\""));
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn who_is_being_served_does_not_notice_that_another_part_of_the_configuration_has_changed() {
    let world = world("").await;
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("server: {{listen: \"{listen}\"}}");
    world.configure(&server);
    let mut daemon = Running::start(&world);
    daemon.says("at work", 1).await;
    let mut connection = BufReader::new(TcpStream::connect(listen).unwrap());
    connection.get_ref().set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut ask = || {
        let request = "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        while !answer.ends_with("}\n") {
            assert!(connection.read_line(&mut answer).unwrap() > 0, "it was hung up: {answer}");
        }
        answer
    };
    assert!(ask().starts_with("HTTP/1.1 200"));
    world.configure(&format!("{server}\nverify_interval: 20 min"));
    daemon.says("at work", 2).await;
    assert!(ask().starts_with("HTTP/1.1 200"));
    assert_eq!(daemon.stop().await, 0);
}
