//! When to try again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// What failed so often is next tried after so long: from a minute up to a day, with a tenth of jitter so that many
/// that failed together do not come back together.
const STEPS: [u64; 6] = [60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600, 24 * 3600];

/// The next attempt after `failures` (at least one) in a row.
pub(super) fn next_attempt(now: Timestamp, failures: u64, random: f64) -> Timestamp {
    let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(STEPS.len() - 1);
    after(now, Duration::from_secs(STEPS[step]).mul_f64(0.95 + random.clamp(0.0, 1.0) / 10.0))
}

/// Days until the next look at a source that has so far always given our bytes.
const LOOKS: [u64; 4] = [1, 7, 30, 90];

/// The next look at a source after `checks` (at least one) that found our bytes, with a tenth of jitter.
pub(super) fn next_look(now: Timestamp, checks: u64, random: f64) -> Timestamp {
    let step = usize::try_from(checks.saturating_sub(1)).unwrap_or(usize::MAX).min(LOOKS.len() - 1);
    after(now, Duration::from_secs(LOOKS[step] * 24 * 3600).mul_f64(0.95 + random.clamp(0.0, 1.0) / 10.0))
}

/// A number from 0 to 1, for jitter.
pub(super) fn random() -> f64 {
    fastrand::f64()
}

/// `now` and so long, as far as the calendar goes; the next whole second, so that nobody comes too early.
pub(super) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    let exact = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
    let second = exact.map(|time| time.as_second() + i64::from(time.subsec_nanosecond() > 0));
    second.and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_a_source_become_rarer() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let days = |checks| (next_look(now, checks, 0.5).as_second() - now.as_second()) / 86_400;
        assert_eq!([days(0), days(1), days(2), days(3), days(4), days(99)], [1, 1, 7, 30, 90, 90]);
    }

    #[test]
    fn waits_grow_from_a_minute_to_a_day() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let wait = |failures| next_attempt(now, failures, 0.5).as_second() - now.as_second();
        assert_eq!([wait(1), wait(2), wait(6), wait(600)], [60, 300, 86_400, 86_400]);
        assert_eq!(after(now, Duration::MAX), Timestamp::MAX);
        assert_eq!(after(now, Duration::from_millis(1_500)).as_nanosecond(), 1_800_000_002_000_000_000);
    }
}
