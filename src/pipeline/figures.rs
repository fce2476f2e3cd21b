//! Figures: what clients and trackers have counted. A tracker that does not answer is asked again next time; that
//! is no error of a pass.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{Error, Pipeline};
use crate::handover::Listed;
use crate::model::{Counted, EnclosureId, InfoHashes, Peers, Reading, Source};
use crate::report::scrape::{Swarm, SwarmHash, scrape};
use crate::store::Settled;
use crate::{error, report};

/// A tracker is left alone for so long.
const PAUSE: SignedDuration = SignedDuration::from_mins(15);
/// Transmission's own clock ticks once a second: what it got just now, it may say that it got a second ago.
const BEHIND: i64 = 1;
/// More bytes than this no client has ever given: an exbibyte.
const MOST_BYTES: u64 = 1 << 60;

impl Pipeline {
    /// Reads the counters of those trackers that were not asked for a quarter of an hour, all at once. One that is away
    /// costs some ten seconds, and nothing else. What clients have counted comes with [`Pipeline::reconcile`].
    pub async fn gather(&self) -> Result<(), Error> {
        // Who would be asked about nothing is not taken for asked: the first torrent may be there a moment later.
        if !self.store.has_counted().await? {
            return Ok(());
        }
        // The time before anybody is asked: what begins from here on was not there at this look.
        let now = self.clock.now();
        let not_since = now.checked_sub(PAUSE).unwrap_or(now);
        let mut due = BTreeMap::new();
        for tracker in self.config.torrent.trackers.iter().flatten() {
            let Ok(url) = Url::parse(tracker) else { continue };
            let is_new = !due.contains_key(tracker);
            if is_new && self.store.ask_source(&Source::Tracker(tracker.clone()), not_since, now).await? {
                due.insert(tracker, url);
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let counted = self.store.counted().await?;
        let asked = try_join_all(due.iter().map(|(name, url)| self.ask_tracker(name, url, &counted, now)));
        tokio::select! {
            outcome = asked => outcome.map(drop),
            () = self.stop.cancelled() => Ok(()),
        }
    }

    /// Counts what a client has given, by its list as it was asked for at `now`.
    pub(super) async fn count_given(
        &self,
        client: &str,
        listed: &[Listed],
        (counted, settled): (&[Counted], &[Settled]),
        now: Timestamp,
    ) -> Result<(), Error> {
        let known = Known::new(counted);
        // What podseed fetches for a proof is served to nobody.
        let mut proofs: HashMap<EnclosureId, u64> = HashMap::new();
        for settled in settled.iter().filter(|settled| settled.proof_bytes > 0) {
            if let Some(enclosure) = known.enclosure(&settled.info_hash) {
                *proofs.entry(enclosure).or_default() += settled.proof_bytes;
            }
        }
        let readings: Vec<Reading> = listed
            .iter()
            .filter(|listed| listed.status.uploaded_bytes <= MOST_BYTES)
            .filter_map(|listed| {
                let began =
                    listed.added.and_then(|added| Timestamp::from_second(added.saturating_add(BEHIND)).ok());
                let enclosure = known.enclosure(&listed.info_hash)?;
                let ours = proofs.get(&enclosure).copied().unwrap_or_default();
                let value = listed.status.uploaded_bytes.saturating_sub(ours);
                Some(Reading { enclosure, value, began, peers: None })
            })
            .collect();
        self.record(&Source::Client(client.to_owned()), &readings, now).await
    }

    async fn ask_tracker(
        &self,
        tracker: &str,
        url: &Url,
        counted: &[Counted],
        now: Timestamp,
    ) -> Result<(), Error> {
        let source = Source::Tracker(tracker.to_owned());
        let (first, second) = swarms(counted);
        let hashes: Vec<SwarmHash> = first.keys().chain(second.keys()).copied().collect();
        // The user has named it himself, so its address may be a private one.
        let scraped = scrape(&self.http.trusting(url), url, &hashes).await;
        if let Some(error) = &scraped.error {
            tracing::debug!(error = error::chain(error), "not all that the tracker has counted was read");
        }
        for (source, known) in [(source, first), (Source::TrackerV2(tracker.to_owned()), second)] {
            let of = |(hash, swarm): &(SwarmHash, Swarm)| known.get(hash).map(|counted| told(counted, swarm));
            let readings: Vec<Reading> = scraped.swarms.iter().filter_map(of).collect();
            if !readings.is_empty() {
                self.record(&source, &readings, now).await?;
            }
        }
        Ok(())
    }

    async fn record(&self, source: &Source, readings: &[Reading], now: Timestamp) -> Result<(), Error> {
        let rule = |before: Option<&_>, reading: &_, looks| report::count(before, reading, looks, now);
        Ok(self.store.record_readings(source, readings, &rule, now).await?)
    }
}

fn told(counted: &Counted, swarm: &Swarm) -> Reading {
    Reading {
        enclosure: counted.enclosure,
        value: swarm.downloaded,
        began: counted.appeared,
        peers: Some(Peers { seeders: swarm.complete, leechers: swarm.incomplete }),
    }
}

type Swarms<'a> = BTreeMap<SwarmHash, &'a Counted>;

/// The swarms to ask about: one of each torrent, and the second of each hybrid. Two shows may have the same file, and
/// that is one torrent: it counts for the file that podseed came to know first.
fn swarms(counted: &[Counted]) -> (Swarms<'_>, Swarms<'_>) {
    let (mut first, mut second) = (Swarms::new(), Swarms::new());
    for torrent in oldest_last(counted) {
        match torrent.info_hash {
            InfoHashes::V1(v1) => drop(first.insert(v1.0, torrent)),
            InfoHashes::V2(v2) => drop(first.insert(v2.truncated(), torrent)),
            InfoHashes::Hybrid(v1, v2) => {
                first.insert(v1.0, torrent);
                second.insert(v2.truncated(), torrent);
            }
        }
    }
    (first, second)
}

fn oldest_last(counted: &[Counted]) -> Vec<&Counted> {
    let mut sorted: Vec<&Counted> = counted.iter().collect();
    sorted.sort_unstable_by_key(|counted| std::cmp::Reverse(counted.enclosure));
    sorted
}

/// Our torrents by either hash: a client may know only one of a hybrid.
struct Known {
    enclosures: HashMap<Vec<u8>, EnclosureId>,
}

impl Known {
    fn new(counted: &[Counted]) -> Self {
        let mut enclosures = HashMap::new();
        for torrent in oldest_last(counted) {
            enclosures.extend(hashes(&torrent.info_hash).map(|hash| (hash, torrent.enclosure)));
        }
        Self { enclosures }
    }

    fn enclosure(&self, info_hash: &InfoHashes) -> Option<EnclosureId> {
        hashes(info_hash).find_map(|hash| self.enclosures.get(&hash).copied())
    }
}

fn hashes(info_hash: &InfoHashes) -> impl Iterator<Item = Vec<u8>> + use<> {
    let v1 = info_hash.v1().map(|hash| hash.0.to_vec());
    v1.into_iter().chain(info_hash.v2().map(|hash| hash.0.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Config;
    use crate::model::{InfoHashV1, InfoHashV2};
    use crate::pipeline::Environment;

    #[tokio::test]
    async fn a_tracker_that_there_is_nothing_to_ask_about_does_not_count_as_asked() {
        const TRACKER: &str = "http://tracker.invalid/announce";
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::ad_hoc(folder.path().join("data"));
        config.torrent.trackers = vec![vec![TRACKER.to_owned()]];
        let pipeline = Pipeline::open(Arc::new(config), Environment::new(Arc::new(()))).await.unwrap();
        pipeline.gather().await.unwrap();
        let (source, now) = (Source::Tracker(TRACKER.to_owned()), pipeline.clock.now());
        assert!(pipeline.store.ask_source(&source, now.checked_sub(PAUSE).unwrap(), now).await.unwrap());
    }

    fn counted(id: i64, info_hash: InfoHashes) -> Counted {
        Counted { enclosure: EnclosureId(id), info_hash, appeared: None }
    }

    const V1: InfoHashV1 = InfoHashV1([1; 20]);
    const V2: InfoHashV2 = InfoHashV2([2; 32]);

    #[test]
    fn one_torrent_of_two_shows_counts_for_the_older_file() {
        let both = [counted(8, InfoHashes::V1(V1)), counted(3, InfoHashes::V1(V1))];
        assert_eq!(Known::new(&both).enclosure(&InfoHashes::V1(V1)), Some(EnclosureId(3)));
        let (first, second) = swarms(&both);
        assert_eq!(first.values().map(|torrent| torrent.enclosure).collect::<Vec<_>>(), [EnclosureId(3)]);
        assert!(second.is_empty());
    }

    #[test]
    fn a_hybrid_has_two_swarms_and_is_known_by_either_hash() {
        let hybrid = [counted(1, InfoHashes::Hybrid(V1, V2))];
        let (first, second) = swarms(&hybrid);
        assert_eq!(first.keys().collect::<Vec<_>>(), [&[1; 20]]);
        assert_eq!(second.keys().collect::<Vec<_>>(), [&[2; 20]]);
        for half in [InfoHashes::V1(V1), InfoHashes::V2(V2)] {
            assert_eq!(Known::new(&hybrid).enclosure(&half), Some(EnclosureId(1)));
        }
        let v2 = [counted(1, InfoHashes::V2(V2))];
        assert_eq!(swarms(&v2).0.keys().collect::<Vec<_>>(), [&[2; 20]]);
    }
}
