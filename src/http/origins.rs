//! Who is being asked how much at the moment, and who has asked to be left alone.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::{Error, Lane};
use crate::secret::SafeUrl;

/// Hosts that are remembered while idle; more are only remembered while they are being asked.
const REMEMBERED: usize = 1024;
/// Addresses of one host that are remembered for having asked to be left alone.
const BUSY_ADDRESSES: usize = 64;

/// The queues in front of all hosts.
pub(super) struct Origins {
    downloads: Arc<Semaphore>,
    per_host: usize,
    hosts: Mutex<HashMap<String, Host>>,
}

struct Host {
    documents: Arc<Semaphore>,
    media: Arc<Semaphore>,
    held_until: Option<Instant>,
    /// Addresses that asked to be left alone, each by itself, and until when; the latest last.
    busy: VecDeque<(u64, Instant)>,
    /// The address that asked for it last, while nothing else has gone well since.
    last_busy: Option<u64>,
}

/// The right to have one request under way.
#[derive(Debug)]
pub(super) struct Slot {
    _host: Option<OwnedSemaphorePermit>,
    _download: Option<OwnedSemaphorePermit>,
}

impl Origins {
    pub(super) fn new(downloads: usize, per_host: usize) -> Self {
        let downloads = Arc::new(Semaphore::new(downloads.clamp(1, Semaphore::MAX_PERMITS)));
        let per_host = per_host.clamp(1, Semaphore::MAX_PERMITS);
        Self { downloads, per_host, hosts: Mutex::new(HashMap::new()) }
    }

    /// Waits for a turn. The host comes first and the total second, always, and a redirect gives both back before
    /// it asks again: nobody waits for the other way round, and a slow host keeps no one else from starting.
    pub(super) async fn enter(&self, url: &Url, lane: Lane, patience: Duration) -> Result<Slot, Error> {
        let host = self.queue(url, lane).acquire_owned().await.ok();
        let wait = self.held_for(url);
        if wait > patience {
            return Err(Error::HeldBack { url: SafeUrl::from(url.clone()), wait });
        }
        tokio::time::sleep(wait).await;
        let download = match lane {
            Lane::Media => Arc::clone(&self.downloads).acquire_owned().await.ok(),
            Lane::Document => None,
        };
        Ok(Slot { _host: host, _download: download })
    }

    /// Leaves this address alone for `pause`. When two addresses of a host ask for it one after the other, it is the
    /// host that is busy, and all of it is left alone; one by itself may be a single file that is not ready.
    pub(super) fn hold(&self, url: &Url, pause: Duration) {
        let Some(until) = Instant::now().checked_add(pause) else { return };
        let address = fingerprint(url);
        let mut hosts = self.lock();
        let host = host_entry(&mut hosts, url, self.per_host);
        host.busy.retain(|(other, _)| *other != address);
        if host.busy.len() >= BUSY_ADDRESSES {
            host.busy.pop_front();
        }
        host.busy.push_back((address, until));
        if host.last_busy.replace(address).is_some_and(|other| other != address) {
            host.held_until = host.held_until.max(Some(until));
        }
    }

    /// The host has answered as it should.
    pub(super) fn is_well(&self, url: &Url) {
        let mut hosts = self.lock();
        if let Some(host) = url.host_str().and_then(|name| hosts.get_mut(name)) {
            host.last_busy = None;
        }
    }

    fn queue(&self, url: &Url, lane: Lane) -> Arc<Semaphore> {
        let mut hosts = self.lock();
        let host = host_entry(&mut hosts, url, self.per_host);
        match lane {
            Lane::Document => Arc::clone(&host.documents),
            Lane::Media => Arc::clone(&host.media),
        }
    }

    fn held_for(&self, url: &Url) -> Duration {
        let hosts = self.lock();
        let Some(host) = url.host_str().and_then(|name| hosts.get(name)) else { return Duration::ZERO };
        let address = fingerprint(url);
        let of_address = host.busy.iter().find(|(busy, _)| *busy == address).map(|(_, until)| *until);
        let until = host.held_until.max(of_address);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn host_entry<'a>(hosts: &'a mut HashMap<String, Host>, url: &Url, per_host: usize) -> &'a mut Host {
    let name = url.host_str().unwrap_or_default();
    if hosts.len() >= REMEMBERED && !hosts.contains_key(name) {
        forget_idle(hosts);
    }
    hosts.entry(name.to_owned()).or_insert_with(|| Host {
        documents: Arc::new(Semaphore::new(per_host)),
        media: Arc::new(Semaphore::new(per_host)),
        held_until: None,
        busy: VecDeque::new(),
        last_busy: None,
    })
}

fn fingerprint(url: &Url) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.as_str().hash(&mut hasher);
    hasher.finish()
}

/// Forgets who is neither asked nor held; where all are held, also the holds: a hostile feed with thousands of
/// hosts that each ask for a week must not fill the memory.
fn forget_idle(hosts: &mut HashMap<String, Host>) {
    let now = Instant::now();
    let in_use = |host: &Host| Arc::strong_count(&host.documents) + Arc::strong_count(&host.media) > 2;
    let is_held = |host: &Host| {
        let latest = host.busy.iter().map(|(_, until)| *until).max();
        host.held_until.max(latest).is_some_and(|until| until > now)
    };
    hosts.retain(|_, host| in_use(host) || is_held(host));
    if hosts.len() >= REMEMBERED {
        hosts.retain(|_, host| in_use(host));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_host_that_asked_for_a_pause_is_refused_to_the_impatient() {
        let origins = Origins::new(4, 2);
        let patience = Duration::from_secs(30);
        let enter = async |text: &str| origins.enter(&url(text), Lane::Media, patience).await;
        origins.hold(&url("http://busy.example/a"), Duration::from_secs(3600));
        let is_held =
            |error| matches!(error, Error::HeldBack { wait, .. } if wait > Duration::from_secs(3500));
        assert!(is_held(enter("http://busy.example/a").await.unwrap_err()));
        assert!(enter("http://busy.example/b").await.is_ok(), "one address is not the host");
        origins.is_well(&url("http://busy.example/b"));
        origins.hold(&url("http://busy.example/c"), Duration::from_secs(3600));
        assert!(enter("http://busy.example/b").await.is_ok(), "another has gone well in between");
        origins.hold(&url("http://busy.example/d"), Duration::from_secs(3600));
        assert!(is_held(enter("https://busy.example/b").await.unwrap_err()));
        assert!(origins.enter(&url("http://other.example/"), Lane::Media, patience).await.is_ok());
    }

    #[tokio::test]
    async fn a_third_transfer_waits_for_its_host_and_documents_do_not() {
        let origins = Origins::new(4, 2);
        let url = url("http://a.example/");
        let enter = |lane| origins.enter(&url, lane, Duration::ZERO);
        let first = enter(Lane::Media).await.unwrap();
        let _second = enter(Lane::Media).await.unwrap();
        assert!(futures_util::FutureExt::now_or_never(enter(Lane::Media)).is_none());
        assert!(enter(Lane::Document).await.is_ok());
        drop(first);
        assert!(enter(Lane::Media).await.is_ok());
    }

    #[tokio::test]
    async fn thousands_of_hosts_are_forgotten_again_and_those_in_use_are_not() {
        let origins = Origins::new(4, 2);
        let _slot = origins.enter(&url("http://used.example/"), Lane::Media, Duration::ZERO).await.unwrap();
        for number in 0..3 * REMEMBERED {
            origins.hold(&url(&format!("http://h{number}.example/")), Duration::from_secs(3600));
        }
        let hosts = origins.lock();
        assert!(hosts.len() <= REMEMBERED, "{}", hosts.len());
        assert!(hosts.contains_key("used.example"));
    }
}
