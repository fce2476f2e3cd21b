//! Transmission, real: the suite, and what only Transmission's own answers can show.

use std::time::Duration;

use podseed_adapters::testing::{PASSWORD, Sample, Transmission, USERNAME, conformance};
use podseed_adapters::{ClientConfig, ErrorKind, Limits, TorrentVersion, open};
use serde_json::{Value, json};

/// Asks past the adapter.
async fn rpc(transmission: &Transmission, request: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |token: String| {
        let post = client.post(transmission.url()).basic_auth(USERNAME, Some(PASSWORD));
        post.header("X-Transmission-Session-Id", token).json(&request).send()
    };
    let first = ask(String::new()).await.unwrap();
    let token = first.headers()["X-Transmission-Session-Id"].to_str().unwrap().to_owned();
    ask(token).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn transmission_passes_the_suite() {
    conformance::check(&mut Transmission::start().unwrap()).await;
}

#[tokio::test]
async fn it_says_where_it_takes_peers() {
    let transmission = Transmission::start().unwrap();
    let client = open(&transmission.config()).unwrap();
    assert_eq!(client.peer_port().await.unwrap(), Some(transmission.peer_port()));
}

#[tokio::test]
async fn labels_and_limits_arrive_beside_the_users_own_labels() {
    let transmission = Transmission::start().unwrap();
    let client = open(&transmission.config()).unwrap();
    let sample = Sample::new("limited.mp3", TorrentVersion::V1);
    let data = sample.write_to(&transmission.downloads());
    client.add(&sample.seed(&data)).await.unwrap();
    let ids = [sample.info_hash.v1().unwrap().to_string()];
    let set = json!({ "method": "torrent-set", "arguments": { "ids": ids, "labels": ["mine"] } });
    rpc(&transmission, set).await;
    let limits = Limits { ratio: Some(1.5), upload: Some(2_500_000), seeding_time: None };
    client.configure(&sample.torrent(), &limits).await.unwrap();
    client.configure(&sample.torrent(), &Limits::default()).await.unwrap();
    let fields =
        ["labels", "seedRatioLimit", "seedRatioMode", "uploadLimit", "uploadLimited", "seedIdleMode"];
    let get = json!({ "method": "torrent-get", "arguments": { "ids": ids, "fields": fields } });
    let expected = json!({
        "labels": ["mine", "podcast"], "seedRatioLimit": 1.5, "seedRatioMode": 1,
        "uploadLimit": 2500, "uploadLimited": true, "seedIdleMode": 0,
    });
    assert_eq!(rpc(&transmission, get).await["arguments"]["torrents"][0], expected);
}

#[tokio::test]
async fn a_limit_on_seeding_time_is_refused_and_the_others_are_set() {
    let transmission = Transmission::start().unwrap();
    let client = open(&transmission.config()).unwrap();
    let sample = Sample::new("limited.mp3", TorrentVersion::V1);
    let data = sample.write_to(&transmission.downloads());
    client.add(&sample.seed(&data)).await.unwrap();
    let limits = Limits { ratio: Some(2.5), upload: None, seeding_time: Some(Duration::from_hours(24)) };
    let error = client.configure(&sample.torrent(), &limits).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    let ids = [sample.info_hash.v1().unwrap().to_string()];
    let fields = ["seedRatioLimit", "seedIdleMode"];
    let get = json!({ "method": "torrent-get", "arguments": { "ids": ids, "fields": fields } });
    let expected = json!({ "seedRatioLimit": 2.5, "seedIdleMode": 0 });
    assert_eq!(rpc(&transmission, get).await["arguments"]["torrents"][0], expected);
}

#[tokio::test]
async fn the_setting_that_renames_incomplete_files_is_told() {
    let transmission = Transmission::start().unwrap();
    let client = open(&transmission.config()).unwrap();
    let before = client.probe().await.unwrap();
    let generation_4 = before.version.starts_with("4.");
    assert_eq!(before.capabilities.renames_incomplete_files, generation_4);
    rpc(&transmission, json!({ "method": "session-set", "arguments": { "rename-partial-files": false } }))
        .await;
    assert!(!client.probe().await.unwrap().capabilities.renames_incomplete_files);
}

#[tokio::test]
async fn a_relative_folder_is_an_error_of_the_path() {
    let transmission = Transmission::start().unwrap();
    let client = open(&transmission.config()).unwrap();
    let sample = Sample::new("relative.mp3", TorrentVersion::V1);
    let mut seed = sample.seed(&sample.write_to(&transmission.downloads()));
    seed.client_dir = "downloads".to_owned();
    assert_eq!(client.add(&seed).await.unwrap_err().kind, ErrorKind::Path);
}

#[tokio::test]
async fn a_wrong_path_in_the_address_is_no_wrong_password() {
    let transmission = Transmission::start().unwrap();
    let ClientConfig::Transmission(mut config) = transmission.config() else { unreachable!() };
    config.url = config.url.replace("/transmission/rpc", "/rpc");
    let error = open(&ClientConfig::Transmission(config)).unwrap().probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error:?}");
    assert!(error.hint.unwrap().contains("whole path"));
}

#[tokio::test]
async fn wrong_data_stays_as_it_is_where_renaming_is_off() {
    let transmission = Transmission::start().unwrap();
    rpc(&transmission, json!({ "method": "session-set", "arguments": { "rename-partial-files": false } }))
        .await;
    let client = open(&transmission.config()).unwrap();
    let sample = Sample::new("wrong.mp3", TorrentVersion::V1);
    let data = sample.write_altered(&transmission.downloads(), sample.with_a_flipped_bit());
    client.add(&sample.seed(&data)).await.unwrap();
    conformance::settled(&*client, &sample.torrent()).await;
    client.verify(&sample.torrent()).await.unwrap();
    assert!(!conformance::settled(&*client, &sample.torrent()).await.complete);
    assert_eq!(std::fs::read(&data).unwrap(), sample.with_a_flipped_bit());
    assert_eq!(std::fs::read_dir(transmission.downloads()).unwrap().count(), 1);
}
