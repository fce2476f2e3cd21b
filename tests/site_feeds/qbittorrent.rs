//! A real qBittorrent that subscribes to `torrents.xml`, and whose own rule takes torrents from it.

use std::time::{Duration, Instant};

use podseed::model::{InfoHashes, PublishedShow, TorrentVersion};
use podseed::publish::Options;
use podseed::publish::torrents_feed::show_torrents;
use podseed::torrent::{MetainfoRequest, hash_file, make};
use podseed_adapters::testing::{PASSWORD, QBittorrent, USERNAME};
use serde_json::{Value, json};

use super::sample::{hostile_show, show, time};
use crate::support::{Origin, mp3};

/// qBittorrent waits a little between two feeds, and a busy machine longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The Web API, with the cookie of a login.
struct Api {
    url: String,
    cookie: String,
    http: reqwest::Client,
}

impl Api {
    async fn login(url: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut api = Self { url, cookie: String::new(), http };
        let answer = api.post("auth/login", &[("username", USERNAME), ("password", PASSWORD)]).await;
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        api.cookie = cookie.split(';').next().unwrap().to_owned();
        api
    }

    async fn post(&self, method: &str, form: &[(&str, &str)]) -> reqwest::Response {
        let request = self.http.post(format!("{}/api/v2/{method}", self.url)).header("cookie", &self.cookie);
        let answer = request.form(form).send().await.unwrap();
        assert!(answer.status().is_success(), "{method}: {}", answer.status());
        answer
    }

    async fn get(&self, method: &str) -> Value {
        let request = self.http.get(format!("{}/api/v2/{method}", self.url)).header("cookie", &self.cookie);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Waits until qBittorrent's answer says so.
    async fn until(&self, method: &str, says: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(method).await;
            if says(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{method} stays {answer}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The info hashes of its torrents, once there are so many.
    async fn torrents(&self, count: usize) -> Vec<String> {
        let answer = self
            .until("torrents/info", |answer| answer.as_array().is_some_and(|all| all.len() >= count))
            .await;
        let mut hashes: Vec<_> = answer
            .as_array()
            .unwrap()
            .iter()
            .map(|torrent| torrent["hash"].as_str().unwrap().to_owned())
            .collect();
        hashes.sort();
        hashes
    }
}

/// A publisher's mirror: each file of the show gets a real torrent, which is served with the feed.
struct Mirror {
    origin: Origin,
    options: Options,
    feed: Vec<u8>,
}

impl Mirror {
    async fn start() -> Self {
        let origin = Origin::start().await;
        let options = Options { base_url: Some(origin.url("/")), ..Options::default() };
        Self { origin, options, feed: Vec::new() }
    }

    /// Gives the info hashes of the show's torrents.
    fn publish(&mut self, show: &mut PublishedShow) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for file in show.episodes.iter_mut().flat_map(|episode| &mut episode.files) {
            let media = folder.path().join("media");
            let number = file.info_hash.v1().unwrap().0[0];
            std::fs::write(&media, mp3(100_000, number.into())).unwrap();
            let hashes = hash_file(&media, TorrentVersion::V1, None).unwrap();
            let torrent = make(&MetainfoRequest::new(&file.name, hashes));
            file.info_hash = torrent.info_hash;
            file.torrent_length = torrent.metainfo.len() as u64;
            let url =
                self.options.absolute(&format!("{}/torrents/{}.torrent", show.slug, file.name)).unwrap();
            self.origin.file(url.path(), torrent.metainfo.to_vec());
        }
        let previous = (!self.feed.is_empty()).then_some(self.feed.as_slice());
        let made = show_torrents(show, &self.options, previous, time("2026-03-05T08:00:00Z")).unwrap();
        self.feed.clone_from(&made.bytes);
        self.origin.file(&format!("/{}", made.path), made.bytes);
        let hash = |hash: &InfoHashes| hash.v1().unwrap().to_string();
        let mut hashes: Vec<_> = show
            .episodes
            .iter()
            .flat_map(|episode| &episode.files)
            .map(|file| hash(&file.info_hash))
            .collect();
        hashes.sort();
        hashes
    }
}

#[tokio::test]
async fn qbittorrents_own_rule_takes_the_torrents_of_a_feed_and_of_each_new_episode() {
    let mut mirror = Mirror::start().await;
    let mut alpha = show("alpha", 2);
    let expected = mirror.publish(&mut alpha);
    let feed = mirror.origin.url("/alpha/torrents.xml").to_string();

    let qb = QBittorrent::start().unwrap();
    let api = Api::login(qb.url()).await;
    let settings = json!({"rss_processing_enabled": true, "rss_auto_downloading_enabled": true});
    api.post("app/setPreferences", &[("json", &settings.to_string())]).await;
    let rule = json!({"enabled": true, "mustContain": "Episode", "affectedFeeds": [feed]});
    api.post("rss/setRule", &[("ruleName", "podseed"), ("ruleDef", &rule.to_string())]).await;
    api.post("rss/addFeed", &[("url", &feed), ("path", "alpha")]).await;
    assert_eq!(api.torrents(2).await, expected);

    let articles = api.get("rss/items?withData=true").await["alpha"]["articles"].clone();
    let newest =
        articles.as_array().unwrap().iter().find(|article| article["id"] == *identity(&alpha)).unwrap();
    let torrent = mirror.origin.url("/alpha/torrents/alpha%202.mp3.torrent");
    assert_eq!(newest["title"], "The alpha show: Episode 2");
    assert_eq!((&newest["torrentURL"], &newest["link"]), (&json!(torrent), &json!("https://show.example/2")));
    assert!(newest["date"].as_str().unwrap().starts_with("02 Feb 2026 10:00:00"), "{newest}");

    // The next second is another date, and so it reads on.
    let mut alpha = show("alpha", 3);
    let expected = mirror.publish(&mut alpha);
    api.post("rss/refreshItem", &[("itemPath", "alpha")]).await;
    assert_eq!(api.torrents(3).await, expected);
}

fn identity(show: &PublishedShow) -> String {
    show.episodes[0].files[0].info_hash.v1().unwrap().to_string()
}

#[tokio::test]
async fn qbittorrent_takes_the_torrents_of_a_feed_full_of_hostile_text() {
    let mut mirror = Mirror::start().await;
    let mut bad = hostile_show();
    let expected = mirror.publish(&mut bad);
    let feed = mirror.origin.url("/bad/torrents.xml").to_string();
    let qb = QBittorrent::start().unwrap();
    let api = Api::login(qb.url()).await;
    let settings = json!({"rss_processing_enabled": true, "rss_auto_downloading_enabled": true});
    api.post("app/setPreferences", &[("json", &settings.to_string())]).await;
    let rule = json!({"enabled": true, "mustContain": "", "affectedFeeds": [feed]});
    api.post("rss/setRule", &[("ruleName", "all"), ("ruleDef", &rule.to_string())]).await;
    api.post("rss/addFeed", &[("url", &feed), ("path", "bad")]).await;
    assert_eq!(api.torrents(2).await, expected);
}
