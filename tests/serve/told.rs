//! What is told besides the site: health, figures, status.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::house::{House, curl};

#[tokio::test]
async fn health_says_whether_it_lives_and_whether_it_is_ready() {
    let house = House::open("/").await;
    let health = async |path: &str| {
        let answer = house.get(path).await;
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, document)
    };
    assert_eq!(health("/healthz").await, (503, json!({"live": true, "ready": false})));
    assert_eq!(health("/healthz/live").await.0, 200);
    assert_eq!(health("/healthz/ready").await.0, 503);
    house.pulse.set_ready();
    assert_eq!(health("/healthz").await, (200, json!({"live": true, "ready": true})));
    house.pulse.beat("poll", Duration::ZERO);
    assert_eq!(health("/healthz").await, (503, json!({"live": false, "ready": true})));
    assert_eq!(health("/healthz/live").await.0, 503);
    house.pulse.end("poll");
    assert_eq!(house.ask("HEAD", "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn the_status_is_the_document_that_the_command_prints() {
    let house = House::open("/").await;
    // It is sent in parts.
    let answer = curl(vec![house.url("/status.json")]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), house.world.status());
}

#[tokio::test]
async fn a_page_from_elsewhere_in_a_browser_on_this_machine_is_told_nothing() {
    let house = House::open("/").await;
    let request = "GET /status.json HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n";
    assert_eq!(house.send(request).await.status, 403);
}

/// What a Prometheus reads of a line: name, labels, value.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("no end: {line}"))),
        None => (series, ""),
    };
    let labels = labels.split("\",").filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (key, value) = label.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        (key.to_owned(), value.trim_end_matches('"').to_owned())
    });
    (name.to_owned(), labels.collect(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
}

/// The rules of the text format and of `promtool check metrics`.
fn check_metrics(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n'));
    let (mut series, mut families, mut current) =
        (BTreeMap::new(), BTreeSet::new(), (String::new(), String::new()));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').unwrap();
            assert!(text.ends_with('.') && text.len() > 10, "{line}");
            assert!(families.insert(name.to_owned()), "{name} comes twice");
            current = (name.to_owned(), String::new());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, current.0, "TYPE follows HELP");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            current.1 = kind.to_owned();
        } else {
            let (name, labels, value) = sample(line);
            assert!(
                name.starts_with("podseed_") && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
            let stem = match current.1.as_str() {
                "histogram" => {
                    ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap()
                }
                _ => name.as_str(),
            };
            assert_eq!(stem, current.0, "a sample stands below its family");
            for unit in ["_milliseconds", "_minutes", "_kilobytes", "_ms", "_mb"] {
                assert!(!name.contains(unit), "{name} is not in a base unit");
            }
            assert!(series.insert(format!("{name}{labels:?}"), value).is_none(), "{line} comes twice");
        }
    }
    series
}

#[tokio::test]
async fn figures_are_what_prometheus_reads_and_say_what_was_done() {
    let house = House::open("/").await;
    let media = std::fs::metadata(house.site().join("show/media/one.mp3")).unwrap().len();
    let answer = house.get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let series = check_metrics(answer.text());
    let at = |series: &str| {
        let found =
            |name: &str| answer.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found(series).unwrap_or_else(|| panic!("no {series} in:\n{}", answer.text())).parse::<f64>().unwrap()
    };
    assert_eq!(at("podseed_enclosures{stage=\"torrent_ready\"}"), 1.0);
    assert_eq!(at("podseed_fetched_bytes_total{kind=\"media\"}"), media as f64);
    assert!(at("podseed_fetched_bytes_total{kind=\"feed\"}") > 0.0);
    assert!(at("podseed_show_last_good_poll_timestamp_seconds{show=\"show\"}") > 1.7e9);
    assert_eq!(at("podseed_show_poll_failures{show=\"show\"}"), 0.0);
    assert!(at("podseed_disk_free_bytes") > 0.0 && at("podseed_resident_memory_bytes") > 1e6);
    assert_eq!(at("podseed_http_connections"), 1.0);
    assert!(series.len() > 15, "{series:?}");

    house.get("/show/media/one.mp3").await;
    let sent = check_metrics(house.get("/metrics").await.text())["podseed_http_sent_bytes_total{}"];
    assert!(sent > media as f64, "{sent}");
}
