//! How a running podseed is doing: what its server tells, and what the service manager's watchdog goes by.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::time::Instant;

use super::lock;
use super::status::StatusText;
use crate::clock::Clock;
use crate::config::Config;
use crate::fs;
use crate::model::{Disk, Metrics, Process};
use crate::serve::{Document, Facts, Health, Options, Patience, Unknown};
use crate::store::Store;

/// However many ask, the state is read once in this time.
const FIGURES_LAST: Duration = Duration::from_secs(5);

/// The signs of life of the loops that never end.
#[derive(Debug, Default)]
pub struct Pulse {
    /// By loop: until when its next sign is due.
    due: Mutex<BTreeMap<&'static str, Instant>>,
    ready: AtomicBool,
}

impl Pulse {
    /// The loop of this name is at work, and says so again within this time.
    pub fn beat(&self, name: &'static str, within: Duration) {
        lock(&self.due).insert(name, Instant::now() + within);
    }

    /// The loop of this name has ended as it should.
    pub fn end(&self, name: &'static str) {
        lock(&self.due).remove(name);
    }

    /// The first round is over.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// The loops whose sign of life is overdue.
    pub fn overdue(&self) -> Vec<&'static str> {
        let now = Instant::now();
        lock(&self.due).iter().filter(|(_, due)| **due < now).map(|(name, _)| *name).collect()
    }

    /// What follows from it.
    pub fn health(&self) -> Health {
        Health { live: self.overdue().is_empty(), ready: self.ready.load(Ordering::Relaxed) }
    }
}

/// What the server tells. It stays through a reload: state and data folder do.
pub struct Vitals {
    store: Store,
    data_dir: PathBuf,
    pulse: Arc<Pulse>,
    started: Timestamp,
    metrics: Kept<Metrics>,
    /// However many ask for the status, one of them reads at a time.
    status: Arc<tokio::sync::Mutex<()>>,
    /// Those in the configuration. The state knows of others, and nobody polls them.
    shows: Mutex<BTreeSet<String>>,
}

impl Vitals {
    /// Of this state, for a process that begins now with this configuration and beats this pulse.
    pub fn new(store: Store, config: &Config, clock: &Clock, pulse: Arc<Pulse>) -> Self {
        let vitals = Self {
            store,
            data_dir: config.data_dir.clone(),
            pulse,
            started: clock.now(),
            metrics: Kept::new(FIGURES_LAST),
            status: Arc::default(),
            shows: Mutex::default(),
        };
        vitals.reload(config);
        vitals
    }

    /// From now on this configuration holds; its data folder is the same.
    pub fn reload(&self, config: &Config) {
        let shows = config.shows.iter().map(|show| &show.slug);
        let own = config.inbox.iter().map(|folder| &folder.slug);
        *lock(&self.shows) = shows.chain(own).cloned().collect();
    }

    async fn read_metrics(&self) -> Result<Metrics, Unknown> {
        let mut metrics = self.store.metrics().await?;
        {
            let shows = lock(&self.shows);
            metrics.shows.retain(|show| shows.contains(&show.slug));
        }
        metrics.process.started = Some(self.started);
        let data_dir = self.data_dir.clone();
        // A network file system that hangs must not hang the runtime.
        let looked = tokio::task::spawn_blocking(move || (disk(&data_dir), resident_bytes())).await?;
        (metrics.disk, metrics.process) = (looked.0, Process { resident_bytes: looked.1, ..metrics.process });
        Ok(metrics)
    }
}

#[async_trait]
impl Facts for Vitals {
    async fn health(&self) -> Health {
        self.pulse.health()
    }

    async fn metrics(&self) -> Result<Metrics, Unknown> {
        self.metrics.get(self.read_metrics()).await
    }

    async fn status(&self) -> Result<Document, Unknown> {
        let shows = self.store.feeds().await?.into_iter().map(|(slug, _)| slug);
        let telling = Telling {
            store: self.store.clone(),
            turns: Arc::clone(&self.status),
            left: shows.collect::<Vec<_>>().into_iter(),
            text: Some(StatusText::default()),
        };
        Ok(stream::try_unfold(telling, Telling::next).boxed())
    }
}

/// The status, as far as it is not told yet.
struct Telling {
    store: Store,
    turns: Arc<tokio::sync::Mutex<()>>,
    /// Shows, by their slugs.
    left: std::vec::IntoIter<String>,
    /// `None` once all is told.
    text: Option<StatusText>,
}

impl Telling {
    async fn next(mut self) -> Result<Option<(String, Self)>, Unknown> {
        let Some(mut text) = self.text.take() else { return Ok(None) };
        while let Some(show) = self.left.next() {
            let turn = self.turns.lock().await;
            let status = self.store.status(Some(&show)).await?;
            drop(turn);
            // One that has gone meanwhile is left out.
            if let [show] = status.as_slice() {
                return Ok(Some((text.show(show)?, Self { text: Some(text), ..self })));
            }
        }
        Ok(Some((text.end()?, self)))
    }
}

/// How this configuration wants to be served; `None` if not at all.
pub fn server_options(config: &Config) -> Option<Options> {
    let server = config.server.as_ref()?;
    Some(Options {
        site_dir: config.publish.site_dir.clone(),
        base_path: server.base_path.clone(),
        connections: server.connections,
        private: server.private.clone(),
        patience: Patience::default(),
    })
}

/// A value that is good for a while. Who comes while it is being read waits for it.
struct Kept<T> {
    lasts: Duration,
    value: tokio::sync::Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Kept<T> {
    fn new(lasts: Duration) -> Self {
        Self { lasts, value: tokio::sync::Mutex::default() }
    }

    async fn get(&self, read: impl Future<Output = Result<T, Unknown>>) -> Result<T, Unknown> {
        let mut kept = self.value.lock().await;
        if let Some((since, value)) = &*kept
            && since.elapsed() < self.lasts
        {
            return Ok(value.clone());
        }
        let value = read.await?;
        *kept = Some((Instant::now(), value.clone()));
        Ok(value)
    }
}

fn disk(folder: &Path) -> Option<Disk> {
    Some(Disk { free: fs::free_space(folder).ok()?, size: fs::disk_size(folder).ok()? })
}

/// Of Linux only: `VmRSS` in proc(5).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;
    use crate::pipeline::StatusJson;

    #[tokio::test(start_paused = true)]
    async fn who_does_not_beat_in_time_is_overdue_and_nobody_else() {
        let pulse = Pulse::default();
        assert_eq!(pulse.health(), Health { live: true, ready: false });
        pulse.beat("poll", Duration::from_secs(10));
        pulse.beat("place", Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(pulse.overdue(), ["poll"]);
        pulse.beat("poll", Duration::from_secs(10));
        pulse.set_ready();
        assert_eq!(pulse.health(), Health { live: true, ready: true });
        tokio::time::advance(Duration::from_secs(11)).await;
        pulse.end("poll");
        assert!(pulse.health().live, "a loop that has ended is not missed");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_just_read_is_not_read_again() {
        let kept = Kept::new(Duration::from_secs(5));
        let value = |value| async move { Ok::<_, Unknown>(value) };
        assert_eq!(kept.get(value(1)).await.unwrap(), 1);
        assert_eq!(kept.get(value(2)).await.unwrap(), 1);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(kept.get(async { Err("the disk is gone".into()) }).await.is_err());
        assert_eq!(kept.get(value(3)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn machine_and_process_are_told_besides_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).await.unwrap();
        let config = Config::ad_hoc(folder.path());
        let vitals = Vitals::new(store, &config, &Clock::system(), Arc::default());
        let metrics = vitals.metrics().await.unwrap();
        assert!(metrics.disk.unwrap().size > metrics.disk.unwrap().free);
        assert!(metrics.process.resident_bytes.unwrap() > 1 << 20);
    }

    #[tokio::test]
    async fn the_status_is_told_show_by_show() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).await.unwrap();
        let config = Config::ad_hoc(folder.path());
        let vitals = Vitals::new(store.clone(), &config, &Clock::system(), Arc::default());
        for shows in [0, 1, 3] {
            for show in 0..shows {
                store.ensure_show(&format!("show-{show}"), "https://f/").await.unwrap();
            }
            let parts: Vec<String> = vitals.status().await.unwrap().try_collect().await.unwrap();
            assert_eq!(parts.len(), shows + 1, "{parts:?}");
            let whole = serde_json::to_string(&StatusJson::new(&store.status(None).await.unwrap())).unwrap();
            assert_eq!(parts.concat(), whole);
        }
    }

    #[tokio::test]
    async fn shows_that_have_left_the_configuration_have_no_figures() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).await.unwrap();
        store.ensure_show("stays", "https://f/").await.unwrap();
        store.ensure_show("has-left", "https://g/").await.unwrap();
        let config = Config::ad_hoc(folder.path());
        let vitals = Vitals::new(store, &config, &Clock::system(), Arc::default());
        assert_eq!(vitals.read_metrics().await.unwrap().shows, []);
        lock(&vitals.shows).insert("stays".to_owned());
        let shows = vitals.read_metrics().await.unwrap().shows;
        assert_eq!(shows.into_iter().map(|show| show.slug).collect::<Vec<_>>(), ["stays"]);
    }
}
