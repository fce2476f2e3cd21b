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

/// Until a client that is away is asked again, the first time and at the longest: a daemon looks every ten seconds, so
/// who is back is noticed within a minute.
const ABSENCE: [u64; 2] = [10, 50];

/// When a client is asked again that was found to be away so often (at least once) in a row.
pub(super) fn next_call(now: Timestamp, failures: u64) -> Timestamp {
    let [first, longest] = ABSENCE;
    after(now, Duration::from_secs(first.saturating_mul(failures).min(longest)))
}

/// Days until the next look at a source that has so far always given our bytes.
const LOOKS: [u64; 4] = [1, 7, 30, 90];

/// The next look at a source after `checks` (at least one) that found our bytes, with a tenth of jitter.
pub(super) fn next_look(now: Timestamp, checks: u64, random: f64) -> Timestamp {
    let step = usize::try_from(checks.saturating_sub(1)).unwrap_or(usize::MAX).min(LOOKS.len() - 1);
    after(now, Duration::from_secs(LOOKS[step] * 24 * 3600).mul_f64(0.95 + random.clamp(0.0, 1.0) / 10.0))
}

/// So many of a show's newest episodes tell its rhythm.
pub(super) const DATES: u32 = 12;
/// What comes out closer together is one release.
const ONE_RELEASE: Duration = Duration::from_secs(3600);
/// Of a show whose episodes do not tell.
const UNKNOWN_RHYTHM: Duration = Duration::from_secs(24 * 3600);

/// How often a feed with episodes of these dates (newest first, none in the future) is read: some two dozen times
/// between two episodes, four times as often about when the next is due, and rarely once it has fallen silent.
pub(super) fn poll_interval(
    now: Timestamp,
    dates: &[Timestamp],
    bounds: std::ops::RangeInclusive<Duration>,
) -> Duration {
    let between = |later: &Timestamp, earlier: &Timestamp| {
        Duration::try_from(later.duration_since(*earlier)).unwrap_or_default()
    };
    let mut gaps: Vec<Duration> = dates.windows(2).map(|pair| between(&pair[0], &pair[1])).collect();
    gaps.retain(|gap| *gap >= ONE_RELEASE);
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(UNKNOWN_RHYTHM);
    let silent = dates.first().map_or(Duration::ZERO, |newest| between(&now, newest));
    let interval = if silent > usual * 2 {
        silent / 24
    } else if silent.abs_diff(usual) <= usual / 12 {
        usual / 96
    } else {
        usual / 24
    };
    interval.clamp(*bounds.start(), *bounds.end())
}

/// The next poll after one that brought an answer: after the interval, with a fifth of jitter so that many shows come
/// evenly, and never before the publisher asks for it. What is polled for the first time comes again any time before
/// that, so that shows which were added together part.
pub(super) fn next_poll(
    now: Timestamp,
    interval: Duration,
    asked: Option<Duration>,
    polled_before: bool,
    random: f64,
) -> Timestamp {
    let random = random.clamp(0.0, 1.0);
    let jitter = if polled_before { 0.9 + random / 5.0 } else { 0.05 + random * 0.95 };
    let wait = interval.mul_f64(jitter);
    after(now, asked.map_or(wait, |asked| wait.max(asked.mul_f64(1.0 + random / 20.0))))
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
    fn a_feed_is_read_by_its_own_rhythm() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let ago = |hours: i64| Timestamp::from_second(now.as_second() - hours * 3600).unwrap();
        let every = |first: i64, gap: i64| (0..10).map(|n| ago(first + n * gap)).collect::<Vec<_>>();
        let bounds = hours(0) + Duration::from_secs(900)..=hours(12);
        let interval = |dates: &[Timestamp]| poll_interval(now, dates, bounds.clone());
        assert_eq!(interval(&every(12, 24)), hours(1), "daily");
        assert_eq!(interval(&every(84, 168)), hours(7), "weekly");
        assert_eq!(interval(&every(168, 168)), hours(7) / 4, "weekly, and the next is due");
        assert_eq!(interval(&every(360, 720)), hours(12), "monthly: the upper bound");
        assert_eq!(interval(&every(24 * 365, 24)), hours(12), "silent for a year");
        assert_eq!(interval(&every(0, 1)), Duration::from_secs(900), "hourly: the lower bound");
        assert_eq!(interval(&[]), hours(1), "no dates at all");
        let batch: Vec<_> = [84, 84, 84, 84, 252, 252, 420].into_iter().map(ago).collect();
        assert_eq!(interval(&batch), hours(7), "several episodes at once are one release");
    }

    #[test]
    fn nobody_is_asked_before_he_wants_to_be() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let wait = |asked, polled, random| {
            next_poll(now, Duration::from_secs(3600), asked, polled, random).as_second() - now.as_second()
        };
        assert_eq!([wait(None, true, 0.0), wait(None, true, 1.0)], [3240, 3960]);
        assert_eq!([wait(None, false, 0.0), wait(None, false, 1.0)], [180, 3600]);
        let day = Some(Duration::from_secs(86_400));
        assert_eq!([wait(day, true, 0.0), wait(day, false, 1.0)], [86_400, 90_720]);
    }

    #[test]
    fn a_client_that_is_away_is_asked_within_a_minute_by_who_looks_every_ten_seconds() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let wait = |failures| next_call(now, failures).as_second() - now.as_second();
        assert_eq!([wait(1), wait(2), wait(5), wait(6), wait(u64::MAX)], [10, 20, 50, 50, 50]);
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
