//! The publisher's own torrents: joined where they are of the very bytes that we have, so that there is one swarm.
//!
//! Each offer is read once. For what is still to be fetched, his torrent comes first and says how the bytes are hashed
//! and what the file is called. For what we seed already, ours gives way to his: the same data under his name as a
//! hard link, nothing is fetched or copied, and ours is seeded on as a former version. What cannot be joined (other
//! bytes, several files, private, or a magnet link of a torrent that we do not have, for podseed speaks to clients
//! and not to swarms) is named beside ours, with a word in the story.
//!
//! His trackers and web seeds go to the clients as they are. Nothing of podseed asks them.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::compare::write_edited;
use super::drain::drain;
use super::fetch::Failure;
use super::keep::HashPlan;
use super::monitor::Event;
use super::{Error, Pass, Pipeline, Target, schedule};
use crate::hash::{PieceHashes, PieceLength};
use crate::http::{self, Advice, Meter, Request};
use crate::model::{DownloadJob, EnclosureId, InfoHashes, OfferJob, Traffic, name};
use crate::store::OfficialTorrent;
use crate::torrent::{self, Metainfo, Torrent};
use crate::{error, fs};

/// The longest .torrent that is fetched: a single file of 16 TiB in pieces of 16 MiB has one of 20 MB, and one of a
/// podcast a few dozen kilobytes.
const LONGEST: u64 = 8 << 20;
/// So many attempts at an episode wait for a torrent that time may bring. Then ours is made, and his is asked for
/// again later.
const PATIENCE: u64 = 3;
/// Torrents that are read at a time.
const AT_ONCE: usize = 4;
/// No honest magnet link is longer, and no torrent has more trackers.
const LONGEST_MAGNET: usize = 16 * 1024;
const MOST_TRACKERS: usize = 64;
/// Between two offers for one file that cannot be joined.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Until a server that refuses to give the torrent is asked again.
const REFUSED: Duration = Duration::from_secs(7 * 24 * 3600);

/// A publisher's torrent of a single file that podseed can seed.
#[derive(Debug)]
pub(super) struct Offer {
    bytes: Vec<u8>,
    metainfo: Metainfo,
    piece_length: PieceLength,
}

impl Offer {
    /// Reads one; the error says why it cannot be joined.
    fn read(bytes: Vec<u8>) -> Result<Self, String> {
        let metainfo = torrent::parse(&bytes).map_err(|error| error::chain(&error))?;
        if metainfo.private {
            return Err("it is private".to_owned());
        }
        if !metainfo.single_file {
            return Err("it has several files".to_owned());
        }
        if !name::is_safe(&metainfo.name) {
            return Err("its name is none for a file".to_owned());
        }
        let piece_length = PieceLength::new(metainfo.piece_length).map_err(|error| error.to_string())?;
        Ok(Self { bytes, metainfo, piece_length })
    }

    pub(super) fn name(&self) -> &str {
        &self.metainfo.name
    }

    /// How the bytes have to be hashed to be compared with it.
    pub(super) fn plan(&self) -> HashPlan {
        HashPlan { version: self.metainfo.version, piece_length: Some(self.piece_length) }
    }

    /// Whether it is of the file with these hashes, made by [`Offer::plan`].
    pub(super) fn is_of(&self, hashes: &PieceHashes) -> bool {
        let [file] = self.metainfo.files.as_slice() else { return false };
        hashes.length == file.length
            && hashes.piece_length == self.piece_length
            && hashes.v1.as_deref().unwrap_or_default() == self.metainfo.v1_pieces
            && hashes.v2 == file.v2
    }

    /// His .torrent, byte for byte.
    pub(super) fn torrent(&self) -> Torrent {
        Torrent {
            metainfo: self.bytes.clone(),
            info_hash: self.metainfo.info_hash,
            magnet: self.metainfo.magnet(),
        }
    }
}

/// Why an offer is not there.
enum NoOffer {
    /// Time may heal it.
    Later(http::Error),
    /// It cannot be joined.
    Unusable(String),
    /// The pass is stopped.
    Stopped,
}

impl Pipeline {
    /// The publisher's torrent of an episode that is to be fetched, if he offers one that can be fetched and joined.
    pub(super) async fn offer(
        &self,
        job: &DownloadJob,
        show: &Target,
    ) -> Result<Result<Option<Offer>, Failure>, Error> {
        let Some(url) = job.official.as_deref().filter(|url| url.starts_with("http")) else {
            return Ok(Ok(None));
        };
        match self.fetch_offer(job.id, url, show).await? {
            Ok(offer) => Ok(Ok(Some(offer))),
            Err(NoOffer::Unusable(why)) => {
                self.refuse_offer(job.id, url, &why).await?;
                Ok(Ok(None))
            }
            Err(NoOffer::Stopped) => Ok(Err(Failure::Stopped)),
            Err(NoOffer::Later(failure)) => {
                let attempts = self.store.attempts(job.id).await?;
                if failure.advice() != Advice::Never && attempts < PATIENCE {
                    return Ok(Err(Failure::Offer(failure)));
                }
                self.put_off(job.id, attempts, &failure).await?;
                Ok(Ok(None))
            }
        }
    }

    async fn fetch_offer(
        &self,
        id: EnclosureId,
        url: &str,
        show: &Target,
    ) -> Result<Result<Offer, NoOffer>, Error> {
        let Ok(url) = Url::parse(url) else {
            return Ok(Err(NoOffer::Unusable("its address is none".to_owned())));
        };
        let meter = Meter::new();
        let fetched = self.stop.run_until_cancelled(self.download_offer(url, show, &meter)).await;
        self.store.record_traffic(id, Traffic { requests: meter.requests(), bytes: meter.bytes() }).await?;
        Ok(match fetched {
            None => Err(NoOffer::Stopped),
            Some(Ok(bytes)) => Offer::read(bytes).map_err(NoOffer::Unusable),
            Some(Err(error @ http::Error::TooLarge { .. })) => Err(NoOffer::Unusable(error.to_string())),
            Some(Err(error)) => Err(NoOffer::Later(error)),
        })
    }

    async fn download_offer(&self, url: Url, show: &Target, meter: &Meter) -> Result<Vec<u8>, http::Error> {
        let auth = show.auth_for(&url);
        let response = self.http_for(show).get(Request { auth, ..Request::document(url) }, meter).await?;
        response.body.collect(LONGEST).await
    }

    /// An offer that is not joined stays on record, so that it is read once and named beside ours.
    pub(super) async fn refuse_offer(&self, id: EnclosureId, url: &str, why: &str) -> Result<(), Error> {
        let now = self.clock.now();
        self.store.record_offer(id, url, schedule::after(now, DAY)).await?;
        let story = format!("the publisher's own torrent cannot be joined: {why}");
        Ok(self.store.tell(id, now, &story).await?)
    }

    /// What was fetched is the publisher's own torrent.
    pub(super) async fn joined(&self, id: EnclosureId) -> Result<(), Error> {
        self.store.record_joined(id).await?;
        Ok(self.store.tell(id, self.clock.now(), "joined the publisher's own torrent").await?)
    }

    /// Reads every new offer of a torrent of what we seed already.
    pub(super) async fn join_all(self: &Arc<Self>, pass: &Arc<Pass>) -> Result<(), Error> {
        let claim = || async { Ok(self.store.claim_offer(pass.id, self.clock.now()).await?) };
        let work = |job: OfferJob| {
            let (pipeline, pass) = (Arc::clone(self), Arc::clone(pass));
            async move { pipeline.join(&job, &pass).await }
        };
        drain(AT_ONCE, &pass.comparable, &pass.closed, claim, work).await
    }

    async fn join(&self, job: &OfferJob, pass: &Pass) -> Result<(), Error> {
        let Some(show) = pass.show(&job.show) else { return Ok(()) };
        if job.url.starts_with("magnet:") {
            return self.join_magnet(job).await;
        }
        match self.fetch_offer(job.id, &job.url, &show).await? {
            Ok(offer) if same_torrent(&offer.metainfo.info_hash, &job.info_hash) => {
                self.merge(job, &offer.metainfo.trackers).await
            }
            Ok(offer) => self.take_over(job, offer, &show, pass).await,
            Err(NoOffer::Unusable(why)) => self.refuse_offer(job.id, &job.url, &why).await,
            Err(NoOffer::Later(failure)) => self.put_off(job.id, job.failures, &failure).await,
            Err(NoOffer::Stopped) => Ok(self.store.release_offer(job.id).await?),
        }
    }

    async fn put_off(&self, id: EnclosureId, failures: u64, failure: &http::Error) -> Result<(), Error> {
        let now = self.clock.now();
        let backed_off = schedule::next_attempt(now, failures + 1, schedule::random());
        let next = match failure.advice() {
            Advice::Never => schedule::after(now, REFUSED),
            Advice::Later { after } => {
                after.map_or(backed_off, |pause| schedule::after(now, pause).max(backed_off))
            }
        };
        self.store.put_off_offer(id, next).await?;
        let story = format!("the publisher's own torrent could not be fetched: {}", error::chain(failure));
        Ok(self.store.tell(id, now, &story).await?)
    }

    async fn join_magnet(&self, job: &OfferJob) -> Result<(), Error> {
        let link = (job.url.len() <= LONGEST_MAGNET).then(|| torrent::read_magnet(&job.url)).flatten();
        match link {
            Some(link) if same_torrent(&link.info_hash, &job.info_hash) => {
                self.merge(job, &[link.trackers]).await
            }
            Some(_) => {
                let why = "a magnet link alone is not enough to get another torrent than ours";
                self.refuse_offer(job.id, &job.url, why).await
            }
            None => self.refuse_offer(job.id, &job.url, "its magnet link cannot be read").await,
        }
    }

    /// His torrent is ours: his trackers are added to it.
    async fn merge(&self, job: &OfferJob, trackers: &[Vec<String>]) -> Result<(), Error> {
        let path = self.folder().torrent(&job.show, &job.file);
        if let Ok(bytes) = fs::read(&path, torrent::MAX_LENGTH as u64)
            && let Ok(metainfo) = torrent::parse(&bytes)
        {
            let merged = merged_trackers(&metainfo.trackers, trackers);
            if !write_edited(&path, &bytes, &metainfo.web_seeds, &merged) {
                return Ok(());
            }
            let magnet = Metainfo { trackers: merged, ..metainfo }.magnet();
            self.store.record_magnet(job.id, &magnet).await?;
        }
        self.store.record_joined(job.id).await?;
        let story = "the publisher's own torrent is the same as ours: one swarm";
        Ok(self.store.tell(job.id, self.clock.now(), story).await?)
    }

    /// Another torrent, perhaps of the same data.
    async fn take_over(&self, job: &OfferJob, offer: Offer, show: &Target, pass: &Pass) -> Result<(), Error> {
        let data = self.folder().data(&job.show, &job.file, None);
        let hashes = self.hash_file(data.clone(), offer.plan()).await;
        if !hashes.is_ok_and(|hashes| offer.is_of(&hashes)) {
            // Perhaps the file was replaced together with it; only its source can tell.
            self.refuse_offer(job.id, &job.url, "it is of other bytes than ours").await?;
            self.store.plan_look_now(job.id, self.clock.now()).await?;
            pass.comparable.grew();
            return Ok(());
        }
        let named = self.folder().data(&job.show, offer.name(), None);
        let torrent = self.folder().torrent(&job.show, offer.name());
        if !self.store.name_is_free(job.id, offer.name()).await? {
            return self.refuse_offer(job.id, &job.url, "its name is taken by another file").await;
        }
        let placed = match named == data {
            true => Ok(()),
            false => fs::link_no_replace(&data, &named),
        };
        if let Err(error) = placed.and_then(|()| fs::write_atomic(&torrent, &offer.bytes)) {
            return self.refuse_offer(job.id, &job.url, &error::chain(&error)).await;
        }
        let official = OfficialTorrent {
            file: offer.name(),
            info_hash: &offer.metainfo.info_hash,
            magnet: &offer.metainfo.magnet(),
            clients: &show.clients,
        };
        if let Err(taken) = self.store.record_official(job.id, &official, self.clock.now()).await? {
            return self.refuse_offer(job.id, &job.url, &taken.to_string()).await;
        }
        self.monitor.event(&Event::Warning {
            show: job.show.clone(),
            text: format!(
                "the publisher offers a torrent of {} himself; it takes the place of ours",
                job.file
            ),
        });
        pass.placeable.grew();
        Ok(())
    }
}

/// Whether two torrents share a swarm. A hybrid and its v1 half are two torrents that know of one another by the v1
/// hash.
fn same_torrent(one: &InfoHashes, other: &InfoHashes) -> bool {
    let shared = |a: Option<String>, b: Option<String>| a.is_some() && a == b;
    shared(one.v1().map(|hash| hash.to_string()), other.v1().map(|hash| hash.to_string()))
        || shared(one.v2().map(|hash| hash.to_string()), other.v2().map(|hash| hash.to_string()))
}

/// Our tiers, and behind them those of his trackers that are not among them.
fn merged_trackers(ours: &[Vec<String>], his: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut merged = ours.to_vec();
    let is_tracker =
        |url: &str| ["http://", "https://", "udp://"].iter().any(|scheme| url.starts_with(scheme));
    for tracker in his.iter().flatten().filter(|url| is_tracker(url)).take(MOST_TRACKERS) {
        if !merged.iter().flatten().any(|known| known == tracker) {
            merged.push(vec![tracker.clone()]);
        }
    }
    merged
}
