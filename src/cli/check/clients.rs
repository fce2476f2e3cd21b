//! The clients: reach, login, version, what they can take, and whether they see our data.

use std::path::PathBuf;

use futures_util::future::join_all;
use podseed_adapters::{ClientConfig, WatchDirConfig, WatchedBy};

use super::Finding;
use crate::cli::output::without_name;
use crate::config::Config;
use crate::handover::{Client, ProbeOutcome, Problem, probe};
use crate::pipeline::{DataFolder, open_clients};
use crate::store::{ClientProofs, Store};

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
    // All at once: one that does not answer keeps the others from nothing.
    let checks = config.clients.iter().filter_map(|settings| {
        let client = clients.get(&settings.name)?;
        Some(async move {
            let mut findings = Vec::new();
            match &settings.adapter {
                ClientConfig::WatchDir(watch) => watched_folder(client, watch, config, &mut findings).await,
                _ => remote(client, settings, config, &mut findings).await,
            }
            findings
        })
    });
    findings.extend(join_all(checks).await.into_iter().flatten());
    if config.prove {
        strangers(config, findings).await;
    }
}

/// What the last proofs have found.
async fn strangers(config: &Config, findings: &mut Vec<Finding>) {
    let state = DataFolder::new(&config.data_dir).state();
    // Where there is no state yet, nothing was tried.
    let Ok(store) = Store::open_existing(&state).await else { return };
    let Ok(proofs) = store.proofs().await else { return };
    let known = |proofs: &&ClientProofs| config.clients.iter().any(|client| client.name == proofs.client);
    for proofs in proofs.iter().filter(known) {
        let place = format!("clients.{}", proofs.client);
        let tried = proofs.proven + proofs.failed;
        match &proofs.error {
            Some(error) => {
                let text =
                    format!("a stranger got nothing of {} of {tried} torrents: {error}", proofs.failed);
                let remedy = "open the client's peer port in firewall and router; if strangers reach it elsewhere, name \
                              that as `peer`";
                let id = "client.unreachable_for_strangers";
                findings.push(match proofs.proven {
                    0 => Finding::error(id, place, text, remedy),
                    _ => Finding::warning(id, place, text, remedy),
                });
            }
            None if tried > 0 => {
                let text = format!("strangers got a piece of each of {tried} torrents");
                findings.push(Finding::ok("client.proven", place, text));
            }
            None => {}
        }
    }
}

/// The text of a problem where the client's name stands before it already.
fn text(client: &Client, problem: Problem) -> String {
    without_name(client.name(), &problem.message).to_owned()
}

fn place(client: &Client) -> String {
    format!("clients.{}", client.name())
}

fn refusal(client: &Client, problem: Problem) -> Finding {
    let id = if problem.needs_the_user { "client.refused" } else { "client.unreachable" };
    Finding::error(id, place(client), text(client, problem), "")
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
        findings.push(Finding::error("client.version", place(client), text(client, problem), ""));
    }
    if matches!(settings.adapter, ClientConfig::Transmission(_)) && settings.limits.seeding_time.is_some() {
        findings.push(Finding::warning(
            "client.limit",
            format!("clients.{}.limits.seeding_time", settings.name),
            "Transmission has no limit on seeding time, so it seeds for longer",
            "use `ratio`, or stop the torrents there yourself",
        ));
    }
    for folder in folders(&settings.name, config) {
        match probe(client, &folder).await {
            Ok(ProbeOutcome::Seen) => {
                let text = format!("it reads what is in {}", folder.display());
                findings.push(Finding::ok("client.path", place(client), text));
            }
            Ok(ProbeOutcome::CannotTell) => {}
            Err(problem) => {
                findings.push(Finding::error("client.path", place(client), text(client, problem), ""));
            }
        }
    }
}

/// Where a client has to find files: those that are fetched, where there is something to fetch, and own files.
fn folders(client: &str, config: &Config) -> Vec<PathBuf> {
    let inboxes = config.inbox.iter().filter(|inbox| inbox.clients.iter().any(|name| name == client));
    // A folder that is not there is not made: it may be a disk that is not mounted.
    let inboxes = inboxes.filter_map(|inbox| inbox.path.clone()).filter(|path| path.is_dir());
    let media = DataFolder::new(&config.data_dir).media();
    let fetches = !config.shows.is_empty() || config.inbox.is_empty();
    fetches.then_some(media).into_iter().chain(inboxes).collect()
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
        findings.push(Finding::error("client.version", place(client), text(client, problem), ""));
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
