//! A user who stops, starts and removes torrents in his clients by hand.

use std::time::Duration;

use podseed_adapters::testing::{PASSWORD, QBittorrent, Transmission, USERNAME};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// What a user can do with a torrent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Hand {
    Stop,
    Start,
    /// Its data stays.
    Remove,
}

/// One question to Transmission.
pub(crate) async fn transmission_rpc(client: &Transmission, method: &str, arguments: Value) -> Value {
    let ask = |token: String| {
        let request = Client::new().post(client.url()).basic_auth(USERNAME, Some(PASSWORD));
        let request = request.header("X-Transmission-Session-Id", token);
        request.json(&json!({"method": method, "arguments": arguments})).send()
    };
    let mut reply = ask(String::new()).await.unwrap();
    if reply.status() == StatusCode::CONFLICT {
        let token = reply.headers()["X-Transmission-Session-Id"].to_str().unwrap().to_owned();
        reply = ask(token).await.unwrap();
    }
    let answer: Value = reply.json().await.unwrap();
    assert_eq!(answer["result"], "success", "{method}: {answer}");
    answer["arguments"].clone()
}

/// Does it, and waits until Transmission shows it.
pub(crate) async fn at_transmission(client: &Transmission, hand: Hand, hash: &str) {
    let method = match hand {
        Hand::Stop => "torrent-stop",
        Hand::Start => "torrent-start",
        Hand::Remove => "torrent-remove",
    };
    transmission_rpc(client, method, json!({"ids": [hash]})).await;
    loop {
        let arguments = json!({"ids": [hash], "fields": ["status"]});
        let found = transmission_rpc(client, "torrent-get", arguments).await;
        let status = found["torrents"][0]["status"].as_i64();
        let done = match hand {
            Hand::Stop => status == Some(0),
            Hand::Start => status == Some(6),
            Hand::Remove => status.is_none(),
        };
        if done {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Does it, and waits until qBittorrent shows it.
pub(crate) async fn at_qbittorrent(client: &QBittorrent, hand: Hand, hash: &str) {
    let url = |path: &str| format!("{}/api/v2/{path}", client.url());
    let web = Client::new();
    let login = web.post(url("auth/login")).form(&[("username", USERNAME), ("password", PASSWORD)]);
    let login = login.send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let post = |path: &str| web.post(url(path)).header("Cookie", &cookie);
    // The second verbs are those of 5.x.
    let verbs: &[&str] = match hand {
        Hand::Stop => &["torrents/pause", "torrents/stop"],
        Hand::Start => &["torrents/resume", "torrents/start"],
        Hand::Remove => &["torrents/delete"],
    };
    for verb in verbs {
        post(verb).form(&[("hashes", hash), ("deleteFiles", "false")]).send().await.unwrap();
    }
    loop {
        let rows = web.get(url("torrents/info")).query(&[("hashes", hash)]).header("Cookie", &cookie);
        let rows: Value = rows.send().await.unwrap().json().await.unwrap();
        let state = rows[0]["state"].as_str();
        let is_stopped = state.is_some_and(|state| state.contains("paused") || state.contains("stopped"));
        let done = match hand {
            Hand::Stop => is_stopped,
            Hand::Start => state.is_some() && !is_stopped,
            Hand::Remove => state.is_none(),
        };
        if done {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
