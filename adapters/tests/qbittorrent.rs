//! qBittorrent, real: the suite, and what only qBittorrent's own answers can show.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use podseed_adapters::testing::{PASSWORD, QBittorrent, Sample, USERNAME, conformance};
use podseed_adapters::{Activity, ClientConfig, ErrorKind, Limits, Retry, Secret, TorrentVersion, open};
use serde_json::Value;

/// Asks past the adapter for the row of a torrent.
async fn row(qbittorrent: &QBittorrent, sample: &Sample) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let login = client.post(format!("{}/api/v2/auth/login", qbittorrent.url()));
    let login = login.form(&[("username", USERNAME), ("password", PASSWORD)]).send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let hash = sample.info_hash.v1().unwrap();
    let list = client.get(format!("{}/api/v2/torrents/info?hashes={hash}", qbittorrent.url()));
    let rows: Value = list.header("cookie", cookie).send().await.unwrap().json().await.unwrap();
    rows[0].clone()
}

#[tokio::test]
async fn qbittorrent_passes_the_suite() {
    conformance::check(&mut QBittorrent::start().unwrap()).await;
}

#[tokio::test]
async fn it_says_where_it_takes_peers() {
    let qbittorrent = QBittorrent::start().unwrap();
    let client = open(&qbittorrent.config()).unwrap();
    assert_eq!(client.peer_port().await.unwrap(), Some(qbittorrent.peer_port()));
}

#[tokio::test]
async fn category_tags_and_limits_arrive() {
    let qbittorrent = QBittorrent::start().unwrap();
    let ClientConfig::QBittorrent(mut bare) = qbittorrent.config() else { unreachable!() };
    (bare.category, bare.tags) = (None, Vec::new());
    let sample = Sample::new("limited.mp3", TorrentVersion::V1);
    let data = sample.write_to(&qbittorrent.downloads());
    // Added by somebody else, as far as labels are concerned.
    let client = open(&ClientConfig::QBittorrent(bare)).unwrap();
    client.add(&sample.seed(&data)).await.unwrap();
    conformance::settled(&*client, &sample.torrent()).await;
    let client = open(&qbittorrent.config()).unwrap();
    let ratio = Limits { ratio: Some(1.5), ..Limits::default() };
    client.configure(&sample.torrent(), &ratio).await.unwrap();
    let time = Some(Duration::from_secs(90 * 86_400));
    let rest = Limits { upload: Some(1_048_576), seeding_time: time, ratio: None };
    for limits in [rest, rest, Limits::default()] {
        client.configure(&sample.torrent(), &limits).await.unwrap();
    }
    let row = row(&qbittorrent, &sample).await;
    assert_eq!(row["category"], "podcasts");
    let mut tags: Vec<&str> = row["tags"].as_str().unwrap().split(", ").collect();
    tags.sort_unstable();
    assert_eq!(tags, ["mirror", "podseed"]);
    assert_eq!(row["ratio_limit"], 1.5, "a limit that nobody mentions stays");
    assert_eq!(row["seeding_time_limit"], 90 * 24 * 60);
    assert_eq!(row["up_limit"], 1_048_576);
    assert_eq!(row["auto_tmm"], false);
}

#[tokio::test]
async fn a_session_that_ran_out_is_renewed_for_every_kind_of_call() {
    let mut qbittorrent = QBittorrent::start().unwrap();
    let client = open(&qbittorrent.config()).unwrap();
    let sample = Sample::new("session.mp3", TorrentVersion::V1);
    let data = sample.write_to(&qbittorrent.downloads());
    conformance::hand_over(&*client, &sample, &data).await;
    // A restart forgets every session.
    for round in 0..2 {
        qbittorrent.stop();
        qbittorrent.start_again().unwrap();
        match round {
            0 => client.verify(&sample.torrent()).await.unwrap(),
            _ => client.start(&sample.torrent()).await.unwrap(),
        }
    }
    assert!(conformance::settled(&*client, &sample.torrent()).await.complete);
}

#[tokio::test]
async fn missing_files_are_said_in_plain_words() {
    let mut qbittorrent = QBittorrent::start().unwrap();
    let client = open(&qbittorrent.config()).unwrap();
    let sample = Sample::new("lost.mp3", TorrentVersion::V1);
    let data = sample.write_to(&qbittorrent.downloads());
    conformance::hand_over(&*client, &sample, &data).await;
    qbittorrent.stop();
    std::fs::remove_file(data).unwrap();
    qbittorrent.start_again().unwrap();
    let status = conformance::settled(&*client, &sample.torrent()).await;
    assert_eq!(status.error.as_deref(), Some("files are missing at its save path"), "{status:?}");
    assert!(!status.complete && status.activity == Activity::Stopped, "{status:?}");
}

#[tokio::test]
async fn a_ban_is_told_from_a_wrong_password() {
    let qbittorrent = QBittorrent::start().unwrap();
    let ClientConfig::QBittorrent(mut config) = qbittorrent.config() else { unreachable!() };
    config.password = Some(Secret::new("battery staple"));
    for _ in 0..5 {
        let client = open(&ClientConfig::QBittorrent(config.clone())).unwrap();
        let error = client.probe().await.unwrap_err();
        assert_eq!((error.kind, error.retry), (ErrorKind::Unauthorized, Retry::Never), "{error:?}");
    }
    let error = open(&qbittorrent.config()).unwrap().probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(matches!(error.retry, Retry::After(_)), "{error:?}");
}

#[tokio::test]
async fn it_works_below_a_path_of_a_reverse_proxy() {
    let qbittorrent = QBittorrent::start().unwrap();
    let ClientConfig::QBittorrent(mut config) = qbittorrent.config() else { unreachable!() };
    config.url = proxy(&config.url, "/seedbox/qbt");
    let client = open(&ClientConfig::QBittorrent(config)).unwrap();
    let sample = Sample::new("proxied.mp3", TorrentVersion::V1);
    let data = sample.write_to(&qbittorrent.downloads());
    conformance::hand_over(&*client, &sample, &data).await;
    client.configure(&sample.torrent(), &Limits { upload: Some(1), ..Limits::default() }).await.unwrap();
    assert_eq!(row(&qbittorrent, &sample).await["up_limit"], 1);
}

/// Strips a prefix from every path, puts in the `Host` that qBittorrent insists on, and answers nothing
/// else. One request per connection.
fn proxy(upstream: &str, prefix: &'static str) -> String {
    let upstream = upstream.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}{prefix}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let upstream = upstream.clone();
            std::thread::spawn(move || relay(stream, &upstream, prefix));
        }
    });
    url
}

fn relay(mut client: TcpStream, upstream: &str, prefix: &str) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let (line, headers) = head.split_once("\r\n")?;
    let (method, path) = line.split_once(' ')?;
    let path = path.strip_prefix(prefix)?;
    let others: Vec<&str> = headers
        .split_inclusive("\r\n")
        .filter(|header| !header.to_lowercase().starts_with("host:"))
        .collect();
    let mut server = TcpStream::connect(upstream).ok()?;
    write!(server, "{method} {path}\r\nHost: {upstream}\r\nConnection: close\r\n{}", others.concat()).ok()?;
    let (mut from, mut to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut server, &mut client).ok()?;
    client.shutdown(std::net::Shutdown::Both).ok()
}
