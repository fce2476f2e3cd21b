//! Weeks of a daemon in seconds: the test moves its clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podseed::clock::{Clock, Hand};
use podseed::config::{Config, FeedSource, Show};
use podseed::model::Selection;
use podseed::pipeline::{Daemon, Environment, Pipeline};
use sqlx::Connection as _;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::{Fault, Origin};

const HOUR: Duration = Duration::from_secs(3600);
/// Sunday, 2026-03-01, noon.
pub(super) const START: i64 = 1_772_366_400;

/// A daemon in this process, on a clock of the test's.
struct Simulation {
    folder: TempDir,
    origin: Origin,
    clock: Clock,
    hand: Hand,
    pipeline: Arc<Pipeline>,
    stop: CancellationToken,
    daemon: Daemon,
}

impl Simulation {
    async fn start(shows: &[&str], origin: Origin) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::ad_hoc(folder.path().join("data"));
        config.shows = shows.iter().map(|slug| show(slug, &origin)).collect();
        config.torrent.web_seeds = podseed::config::WebSeeds::Never;
        let (clock, hand) = Clock::set(Timestamp::from_second(START).unwrap());
        let (stop, pipeline, daemon) = start(Arc::new(config), &clock).await;
        Self { folder, origin, clock, hand, pipeline, stop, daemon }
    }

    /// Lets so much time pass, in steps; after each, everything that is due then is done.
    async fn pass(&self, time: Duration, step: Duration) {
        let end = self.clock.now() + jiff::SignedDuration::try_from(time).unwrap();
        self.rest().await;
        while self.clock.now() < end {
            self.hand.advance(step);
            self.rest().await;
        }
    }

    /// Waits until no feed is due, and none is being read.
    async fn rest(&self) {
        for _ in 0..4_000 {
            let shows = self.pipeline.store().status(None).await.unwrap();
            if shows.iter().all(|show| show.next_poll.is_some_and(|next| next > self.clock.now())) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("the daemon does not come to rest: {:?}", self.pipeline.store().status(None).await);
    }

    /// Ends this process and starts another, in the same folder and at the same time.
    async fn restart(self) -> Self {
        let Self { folder, origin, clock, hand, pipeline, stop, daemon } = self;
        stop.cancel();
        daemon.stopped().await;
        let config = Arc::clone(pipeline.config());
        drop(pipeline);
        let (stop, pipeline, daemon) = start(config, &clock).await;
        Self { folder, origin, clock, hand, pipeline, stop, daemon }
    }

    /// A connection to its state.
    async fn state(&self) -> sqlx::SqliteConnection {
        let state = self.folder.path().join("data/state.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(state);
        sqlx::SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// Goes on under another configuration, and comes to rest.
    async fn reload(&mut self, config: &Config) {
        self.daemon.reload(Arc::new(config.clone())).await.unwrap();
        self.rest().await;
    }

    async fn end(self) {
        self.stop.cancel();
        self.daemon.stopped().await;
    }
}

/// A daemon by this clock.
pub(crate) async fn start(config: Arc<Config>, clock: &Clock) -> (CancellationToken, Arc<Pipeline>, Daemon) {
    let stop = CancellationToken::new();
    let environment = Environment { clock: clock.clone(), monitor: Arc::new(()), stop: stop.clone() };
    let pipeline = Pipeline::open(config, environment).await.unwrap();
    let daemon = Daemon::start(Arc::clone(&pipeline)).await.unwrap();
    (stop, pipeline, daemon)
}

fn show(slug: &str, origin: &Origin) -> Show {
    Show {
        slug: slug.to_owned(),
        feed: FeedSource::Url(origin.url(&format!("/{slug}.xml"))),
        selection: Selection { latest: Some(0), ..Selection::default() },
        clients: Vec::new(),
        permission: None,
        auth: None,
        source: std::path::PathBuf::new(),
        keep: None,
    }
}

/// A feed whose episodes came at these hours before the start, newest first; `more` goes into the channel.
fn feed(hours: impl IntoIterator<Item = i64>, more: &str) -> String {
    let items = hours.into_iter().map(|hours| {
        let date = Timestamp::from_second(START - hours * 3600).unwrap();
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT");
        format!(
            "<item><guid>{hours}</guid><title>{hours}</title><pubDate>{date}</pubDate>\
                 <enclosure url=\"http://127.0.0.1:1/{hours}.mp3\" type=\"audio/mpeg\" length=\"1\"/></item>"
        )
    });
    let items: String = items.collect();
    format!("<rss version=\"2.0\"><channel><title>A show</title>{more}{items}</channel></rss>")
}

fn every(hours: i64) -> impl Iterator<Item = i64> {
    (0..10).map(move |number| number * hours + hours / 2)
}

#[tokio::test]
async fn each_show_is_polled_by_its_own_rhythm_and_as_the_publisher_wants() {
    let origin = Origin::start().await;
    origin.file("/daily.xml", feed(every(24), ""));
    origin.file("/weekly.xml", feed(every(168), ""));
    origin.file("/silent.xml", feed((0..9).map(|year| 24 * 365 * (year + 1)), ""));
    origin.file("/asks.xml", feed(every(24), "<ttl>1200</ttl>"));
    let simulation = Simulation::start(&["daily", "weekly", "silent", "asks"], origin).await;
    simulation.pass(HOUR * 24 * 4, Duration::from_secs(600)).await;
    let polls = |slug: &str| simulation.origin.requests_for(&format!("/{slug}.xml")).len();
    // Four days without a new episode: a daily show falls silent, so what was 24 a day becomes fewer.
    assert!((40..=100).contains(&polls("daily")), "daily: {}", polls("daily"));
    // Every seven hours for three days, then every 105 minutes, for the next one is about due.
    assert!((16..=30).contains(&polls("weekly")), "weekly: {}", polls("weekly"));
    assert!((8..=10).contains(&polls("silent")), "silent: {}", polls("silent"));
    assert!((4..=6).contains(&polls("asks")), "every 20 hours at most: {}", polls("asks"));
    let repeated = simulation.origin.requests_for("/daily.xml");
    assert!(repeated.iter().skip(1).all(|poll| poll.status == 304), "conditional, all of them");
    simulation.end().await;
}

#[tokio::test]
async fn hundreds_of_shows_that_were_added_at_once_are_polled_evenly() {
    let origin = Origin::start().await;
    let slugs: Vec<String> = (0..300).map(|number| format!("show{number}")).collect();
    for slug in &slugs {
        origin.file(&format!("/{slug}.xml"), feed(every(168), ""));
    }
    let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let simulation = Simulation::start(&slugs, origin).await;
    simulation.pass(HOUR * 24, HOUR).await;
    let mut of_hour = Vec::new();
    for _ in 0..14 {
        let before = simulation.origin.requests().len();
        simulation.pass(HOUR, HOUR).await;
        of_hour.push(simulation.origin.requests().len() - before);
    }
    // Some 300 in seven hours: 43 in each.
    assert!(of_hour.iter().all(|polls| (20..=75).contains(polls)), "{of_hour:?}");
    simulation.end().await;
}

#[tokio::test]
async fn a_show_that_fails_is_asked_less_and_less_and_says_so_until_it_answers_again() {
    let origin = Origin::start().await;
    origin.file("/show.xml", feed(every(24), ""));
    origin.always("/show.xml", Fault::Status(500, Vec::new()));
    let simulation = Simulation::start(&["show"], origin).await;
    simulation.pass(HOUR * 48, Duration::from_secs(60)).await;
    let polls = simulation.origin.requests_for("/show.xml").len();
    assert!((6..=9).contains(&polls), "after 1, 5, 30 minutes, 2, 6, 24 hours: {polls}");
    let status = simulation.pipeline.store().status(None).await.unwrap();
    assert!(status[0].error.as_ref().unwrap().contains("500"), "{status:?}");
    simulation.origin.always("/show.xml", Fault::Nothing);
    simulation.pass(HOUR * 26, HOUR).await;
    assert_eq!(simulation.pipeline.store().status(None).await.unwrap()[0].error, None);
    simulation.end().await;
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it_and_a_move_is_remembered() {
    let origin = Origin::start().await;
    origin.file("/busy.xml", feed(every(24), ""));
    origin.fault("/busy.xml", Fault::Status(429, vec![("Retry-After", "36000".to_owned())]));
    origin.file("/new.xml", feed(every(24), ""));
    let new = origin.url("/new.xml").to_string();
    origin.always("/moved.xml", Fault::Redirect(301, new));
    let simulation = Simulation::start(&["busy", "moved"], origin).await;
    simulation.pass(HOUR * 9, HOUR).await;
    assert_eq!(simulation.origin.requests_for("/busy.xml").len(), 1);
    // Within a process a host is left alone by the runtime's time, which a test cannot set.
    let simulation = simulation.restart().await;
    assert_eq!(simulation.origin.requests_for("/busy.xml").len(), 1, "a restart does not shorten it");
    simulation.pass(HOUR * 2, HOUR).await;
    assert!(simulation.origin.requests_for("/busy.xml").len() > 1);
    assert_eq!(simulation.origin.requests_for("/moved.xml").len(), 1, "its old place is not asked any more");
    assert!(simulation.origin.requests_for("/new.xml").len() > 5);
    simulation.end().await;
}

#[tokio::test]
async fn another_address_or_other_rules_are_taken_up_at_once_and_a_reload_alone_asks_nobody() {
    let origin = Origin::start().await;
    origin.file("/show.xml", feed(every(24), ""));
    origin.file("/other.xml", feed(every(24), ""));
    let mut simulation = Simulation::start(&["show"], origin).await;
    simulation.rest().await;
    let polls =
        |simulation: &Simulation, path: &str| simulation.origin.requests_for(&format!("/{path}.xml")).len();
    let mut config = Config::clone(simulation.pipeline.config());
    simulation.reload(&config).await;
    assert_eq!(polls(&simulation, "show"), 1);
    config.shows[0].selection.latest = Some(1);
    simulation.reload(&config).await;
    assert_eq!(polls(&simulation, "show"), 2, "other rules may want other episodes");
    config.shows[0].feed = FeedSource::Url(simulation.origin.url("/other.xml"));
    simulation.reload(&config).await;
    assert_eq!((polls(&simulation, "show"), polls(&simulation, "other")), (2, 1));
    simulation.end().await;
}

#[tokio::test]
async fn what_cannot_be_given_back_while_the_disk_is_full_is_given_back_when_there_is_room() {
    let origin = Origin::start().await;
    origin.file("/show.xml", feed(every(24), ""));
    let mut simulation = Simulation::start(&["show"], origin).await;
    simulation.rest().await;
    let mut state = simulation.state().await;
    // It counts, although the statement fails.
    let full = "CREATE TABLE refused (n INTEGER);
        CREATE TRIGGER full BEFORE UPDATE OF pass ON enclosures WHEN OLD.pass <> 0 AND NEW.pass = 0
        BEGIN INSERT INTO refused VALUES (1); SELECT RAISE(FAIL, 'full'); END";
    sqlx::raw_sql(full).execute(&mut state).await.unwrap();
    let mut config = Config::clone(simulation.pipeline.config());
    config.shows[0].selection.latest = Some(1);
    simulation.reload(&config).await;
    until(&mut state, "SELECT COUNT(*) FROM refused", |refused| refused > 0).await;
    sqlx::raw_sql("DROP TRIGGER full").execute(&mut state).await.unwrap();
    let held = "SELECT COUNT(*) FROM enclosures WHERE pass <> 0";
    until(&mut state, held, |held| {
        // It may only now begin to wait.
        simulation.hand.advance(Duration::from_secs(60));
        held == 0
    })
    .await;
    simulation.end().await;
}

#[tokio::test]
async fn what_the_state_does_not_take_of_one_feed_is_told_of_that_feed_and_harms_no_other() {
    let origin = Origin::start().await;
    let slugs: Vec<String> = (0..40).map(|number| format!("show{number}")).collect();
    for slug in &slugs {
        origin.file(&format!("/{slug}.xml"), feed(every(24), ""));
    }
    let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let simulation = Simulation::start(&slugs, origin).await;
    simulation.rest().await;
    let mut state = simulation.state().await;
    let refused = "CREATE TRIGGER refused BEFORE INSERT ON episodes
        WHEN NEW.show_id = (SELECT id FROM shows WHERE slug = 'show7')
        BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    sqlx::raw_sql(refused).execute(&mut state).await.unwrap();
    for slug in &slugs {
        simulation.origin.file(&format!("/{slug}.xml"), feed((0..1).chain(every(24)), ""));
    }
    // All of them are due at once.
    simulation.hand.advance(HOUR * 24);
    simulation.rest().await;
    for show in simulation.pipeline.store().status(None).await.unwrap() {
        let is_refused = show.show == "show7";
        assert_eq!(show.error.as_ref().is_some_and(|error| error.contains("not this one")), is_refused);
        assert_eq!(simulation.origin.requests_for(&format!("/{}.xml", show.show)).len(), 2, "{}", show.show);
    }
    let known = sqlx::query_scalar("SELECT COUNT(*) FROM episodes").fetch_one(&mut state).await;
    assert_eq!(known.ok(), i64::try_from(11 * slugs.len() - 1).ok());
    simulation.end().await;
}

/// Waits until the state says so, half a minute at most.
async fn until(state: &mut sqlx::SqliteConnection, query: &'static str, is_so: impl Fn(i64) -> bool) {
    for _ in 0..3_000 {
        if is_so(sqlx::query_scalar(query).fetch_one(&mut *state).await.unwrap()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain: {query}");
}
