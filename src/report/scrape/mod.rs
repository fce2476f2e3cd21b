//! Asks trackers how many have completed a torrent, and how many share it now: BEP 48 over http and https, BEP 15
//! over udp.
//!
//! A scrape announces nothing and tells the tracker of no peer. One call asks one tracker once for all torrents, in as
//! few requests as it takes; how often that may happen is the caller's business. An answer is a stranger's: it is
//! bounded in size and time, and believed only for the torrents that were asked about.

mod answer;
mod http;
mod udp;

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::http::Http;
use crate::secret::SafeUrl;

/// The 20 bytes that a tracker knows a swarm by: the v1 info hash, or the truncated v2 hash (BEP 52).
pub type SwarmHash = [u8; 20];

/// How long a tracker may be silent before it is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long all requests to one tracker may take. Shorter than the minute for which a UDP connection id holds.
const TIME_LIMIT: Duration = Duration::from_secs(50);
/// More is no count: nothing was ever completed so often.
const HIGHEST_COUNT: u64 = 1_000_000_000_000;

/// A swarm as a tracker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swarm {
    /// Peers with the whole file.
    pub complete: u64,
    /// Peers without it.
    pub incomplete: u64,
    /// How often the tracker was told that a download is complete, since it began to count.
    pub downloaded: u64,
}

/// Why a tracker has not told what it was asked. No text of it shows a passkey.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// BEP 48: only where the last part of the path begins with `announce`, there is a `scrape` beside it.
    #[error("{0} cannot be scraped: the last part of its path is not \"announce\"")]
    Unscrapable(SafeUrl),
    /// Neither udp, http nor https.
    #[error("{0} is no tracker that podseed can ask: only udp, http and https")]
    Scheme(SafeUrl),
    /// The request failed; the guard has refused the address, too.
    #[error("cannot scrape {tracker}")]
    Http {
        /// Who was asked.
        tracker: SafeUrl,
        /// What lies below.
        source: Box<crate::http::Error>,
    },
    /// No datagram could be sent or received.
    #[error("cannot scrape {tracker}")]
    Socket {
        /// Who was asked.
        tracker: SafeUrl,
        /// What lies below.
        source: std::io::Error,
    },
    /// No answer.
    #[error("{0} did not answer in time")]
    Silent(SafeUrl),
    /// It has answered with words of its own.
    #[error("{tracker} refuses to be scraped: {words}")]
    Refused {
        /// Who was asked.
        tracker: SafeUrl,
        /// Its words; at most 200 characters, none that a terminal would act on.
        words: String,
    },
    /// The answer is none to a scrape.
    #[error("{0} gives an answer that cannot be read")]
    Malformed(SafeUrl),
}

/// What one tracker has told.
#[derive(Debug, Default)]
pub struct Scraped {
    /// What was learnt, in the order of the question. A torrent that the tracker does not know has a swarm of zeros.
    pub swarms: Vec<(SwarmHash, Swarm)>,
    /// Why it is not all: what comes after the first failure was not asked any more.
    pub error: Option<Error>,
}

/// Asks `tracker` about these torrents. Takes some 10 s where it does not answer, and at most 50 s
/// where it does.
///
/// `http` decides which addresses may be asked: [`Http::trusting`] the tracker, where the user has named it himself.
pub async fn scrape(http: &Http, tracker: &Url, hashes: &[SwarmHash]) -> Scraped {
    let mut scraped = Scraped::default();
    let deadline = Instant::now() + TIME_LIMIT;
    let asked = ask(http, tracker, hashes, &mut scraped.swarms);
    let outcome = timeout_at(deadline, asked).await;
    scraped.error = outcome.unwrap_or_else(|_| Err(Error::Silent(tracker.clone().into()))).err();
    scraped
}

async fn ask(
    http: &Http,
    tracker: &Url,
    hashes: &[SwarmHash],
    swarms: &mut Vec<(SwarmHash, Swarm)>,
) -> Result<(), Error> {
    match tracker.scheme() {
        "http" | "https" => http::scrape(http, tracker, hashes, swarms).await,
        "udp" => udp::scrape(http, tracker, hashes, swarms).await,
        _ => Err(Error::Scheme(tracker.clone().into())),
    }
}

/// What a tracker says in words, fit to be shown.
fn refused(tracker: &Url, words: &[u8]) -> Error {
    let words = String::from_utf8_lossy(words);
    let words = words.trim().chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    Error::Refused { tracker: tracker.clone().into(), words: words.take(200).collect() }
}

#[cfg(test)]
mod tests;
