//! The bytes of an answer, at the pace that both sides allow.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use leaky_bucket::RateLimiter;
use tokio_util::bytes::Bytes;

use super::origins::Slot;
use super::{Error, Meter, Patience};
use crate::secret::SafeUrl;

/// A body that is still arriving. Dropping it frees the slot at its host.
pub struct Body {
    response: reqwest::Response,
    pace: Pace,
    meter: Meter,
    rate: Option<Arc<RateLimiter>>,
    owed: usize,
    _slot: Slot,
}

impl Body {
    pub(super) fn new(
        response: reqwest::Response,
        patience: Patience,
        meter: Meter,
        rate: Option<Arc<RateLimiter>>,
        slot: Slot,
    ) -> Self {
        let pace = Pace { patience, waited: Duration::ZERO, bytes: 0 };
        Self { response, pace, meter, rate, owed: 0, _slot: slot }
    }

    /// The next bytes as they arrive, or `None` at the proper end. A body that ends before its announced
    /// length is [`Error::Interrupted`]. May be dropped while it waits: no byte is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        // Paid afterwards, before the next: whoever stops waiting here has lost nothing.
        if let Some(rate) = &self.rate {
            rate.acquire(self.owed).await;
            self.owed = 0;
        }
        let asked = Instant::now();
        let chunk =
            self.response.chunk().await.map_err(|error| Error::receiving(self.response.url(), error))?;
        let Some(chunk) = chunk else { return Ok(None) };
        self.meter.count_bytes(chunk.len());
        if !self.pace.keeps_up(asked.elapsed(), chunk.len()) {
            return Err(Error::TooSlow { url: self.url() });
        }
        self.owed = chunk.len();
        Ok(Some(chunk))
    }

    /// The whole body, if it is at most `limit` bytes.
    pub async fn collect(mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(Error::TooLarge { url: self.url(), limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn url(&self) -> SafeUrl {
        SafeUrl::from(self.response.url().clone())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("url", &self.url()).finish_non_exhaustive()
    }
}

/// Tells a slow origin from one that only pretends to send. Counts the time spent waiting for the origin, not
/// the time that hashing, writing or our own rate limit take.
struct Pace {
    patience: Patience,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn keeps_up(&mut self, waited: Duration, bytes: usize) -> bool {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < self.patience.window {
            return true;
        }
        let enough = self.bytes >= self.patience.least_bytes;
        self.waited = Duration::ZERO;
        self.bytes = 0;
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace { patience: Patience::default(), waited: Duration::ZERO, bytes: 0 }
    }

    #[test]
    fn a_byte_every_half_minute_is_too_slow() {
        let mut pace = pace();
        let held = (0..).take_while(|_| pace.keeps_up(Duration::from_secs(30), 1)).count();
        assert_eq!(held, 3);
    }

    #[test]
    fn a_slow_line_that_keeps_sending_is_not_given_up() {
        let mut pace = pace();
        assert!((0..10_000).all(|_| pace.keeps_up(Duration::from_secs(1), 600)));
    }

    #[test]
    fn a_fast_start_does_not_excuse_a_later_drip() {
        let mut pace = pace();
        assert!(pace.keeps_up(Duration::from_secs(120), 50_000_000));
        assert!(!(0..5).all(|_| pace.keeps_up(Duration::from_secs(30), 1)));
    }
}
