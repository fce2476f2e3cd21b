//! The clients: reach, login, version, what they can take, and whether they see our data.

use podseed_adapters::{ClientConfig, Retry, WatchDirConfig, WatchedBy};

use super::Finding;
use crate::config::Config;
use crate::handover::{Client, ProbeOutcome, Problem, probe};
use crate::pipeline::{DataFolder, open_clients};

pub(super) async fn check(config: &Config, findings: &mut Vec<Finding>) {
    if config.clients.is_empty() {
        findings.push(Finding::warning(
            "client.none",
            "clients",
            "there is none, so torrents are made and nobody seeds them",
            "name your BitTorrent client; `podseed config example` shows how",
        ));
        return;
    }
    let clients = match open_clients(config) {
        Ok(clients) => clients,
        Err(problem) => {
            findings.push(Finding::error("client.unusable", "clients", problem.message, ""));
            return;
        }
    };
    for settings in &config.clients {
        let Some(client) = clients.get(&settings.name) else { continue };
        match &settings.adapter {
            ClientConfig::WatchDir(watch) => watched_folder(client, watch, config, findings).await,
            _ => remote(client, settings, config, findings).await,
        }
    }
}

fn place(client: &Client) -> String {
    format!("clients.{}", client.name())
}

fn refusal(client: &Client, problem: Problem) -> Finding {
    let id = if problem.retry == Retry::Never { "client.refused" } else { "client.unreachable" };
    Finding::error(id, place(client), problem.message, "")
}

async fn remote(
    client: &Client,
    settings: &crate::config::Client,
    config: &Config,
    findings: &mut Vec<Finding>,
) {
    match client.info().await {
        Err(problem) => {
            findings.push(refusal(client, problem));
            return;
        }
        Ok(info) => {
            let text = format!("{} {} answers and lets us in", info.program, info.version);
            findings.push(Finding::ok("client.reached", place(client), text));
        }
    }
    if let Err(problem) = client.takes(config.torrent.version).await {
        findings.push(Finding::error("client.version", place(client), problem.message, ""));
    }
    if matches!(settings.adapter, ClientConfig::Transmission(_)) && settings.limits.seeding_time.is_some() {
        findings.push(Finding::warning(
            "client.limit",
            format!("clients.{}.limits.seeding_time", settings.name),
            "Transmission has no limit on seeding time, so it seeds for longer",
            "use `ratio`, or stop the torrents there yourself",
        ));
    }
    let media = DataFolder::new(&config.data_dir).media();
    match probe(client, &media).await {
        Ok(ProbeOutcome::Seen) => {
            let text = format!("it reads what podseed writes to {}", media.display());
            findings.push(Finding::ok("client.path", place(client), text));
        }
        Ok(ProbeOutcome::CannotTell) => {}
        Err(problem) => findings.push(Finding::error("client.path", place(client), problem.message, "")),
    }
}

/// A watched folder cannot be asked; it can be looked at.
async fn watched_folder(
    client: &Client,
    watch: &WatchDirConfig,
    config: &Config,
    findings: &mut Vec<Finding>,
) {
    match client.info().await {
        Err(problem) => findings.push(refusal(client, problem)),
        Ok(_) => {
            let text = format!("the watched folder {} is there", watch.path.display());
            findings.push(Finding::ok("client.reached", place(client), text));
        }
    }
    if let Err(problem) = client.takes(config.torrent.version).await {
        findings.push(Finding::error("client.version", place(client), problem.message, ""));
    }
    if watch.client == WatchedBy::RTorrent && config.torrent.trackers.is_empty() {
        findings.push(Finding::warning(
            "client.trackerless",
            place(client),
            "rTorrent 0.9.8 with DHT off silently ignores torrents without a tracker, and `torrent.trackers` is empty",
            "name a tracker, or have `dht.mode.set = auto` in rtorrent.rc",
        ));
    }
}
