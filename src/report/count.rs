//! How a counter that somebody else keeps becomes a gain: never twice, and never less than nothing.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Counter, Fallen, Looks, Reading};

/// How long a counter has to stay lower before it is believed that it began anew. Several trackers behind one name
/// count for themselves and are reached by turns: what falls and rises between two looks is not counted each time.
const DOUBT: SignedDuration = SignedDuration::from_hours(24);

/// What `reading` adds to what is counted, and what to remember of the counter. `looks` are those before this one.
///
/// - A counter that rises adds the difference.
/// - One that is seen for the first time, or that began anew since (a torrent was removed and added again), adds all
///   that it says, if it certainly began after the source was last looked at; where nobody was ever looked at, today.
///   What it counted before somebody looked has no day: it counts from there on.
/// - One that falls without having begun anew (a tracker that was restarted, a client restored from a backup) adds
///   nothing. If it comes back to where it was, only what is above that counts. If it stays below for a day, it did
///   begin anew: what it has risen by since it fell counts.
pub fn count(before: Option<&Counter>, reading: &Reading, looks: Looks, now: Timestamp) -> (Counter, u64) {
    let began = reading.began.max(before.and_then(|before| before.began));
    let known = before.filter(|before| reading.began.is_none() || reading.began <= before.began);
    let at_level = Counter { level: reading.value, began, fallen: None };
    let Some(known) = known else {
        let watched = looks.this.or(looks.any).unwrap_or_else(|| midnight(now));
        let is_ours = reading.began.is_some_and(|began| began >= watched);
        return (at_level, if is_ours { reading.value } else { 0 });
    };
    match known.fallen {
        None if reading.value >= known.level => (at_level, reading.value - known.level),
        None => (Counter { fallen: Some(Fallen { from: known.level, since: now }), ..at_level }, 0),
        Some(fallen) if reading.value >= fallen.from => (at_level, reading.value - fallen.from),
        Some(fallen) if reading.value < known.level => (Counter { fallen: Some(fallen), ..at_level }, 0),
        Some(fallen) if now.duration_since(fallen.since) >= DOUBT => (at_level, reading.value - known.level),
        Some(_) => (Counter { began, ..*known }, 0),
    }
}

/// The beginning of the day in UTC.
fn midnight(now: Timestamp) -> Timestamp {
    let today = now.to_zoned(TimeZone::UTC).date().to_zoned(TimeZone::UTC);
    today.map_or(now, |midnight| midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EnclosureId;

    const HOUR: i64 = 3600;
    /// 06:00 UTC.
    const NOW: i64 = 1_800_000_000 - 1_800_000_000 % 86_400 + 6 * HOUR;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn reading(value: u64, began: Option<i64>) -> Reading {
        Reading { enclosure: EnclosureId(1), value, began: began.map(at), peers: None }
    }

    /// What a source that is looked at every quarter of an hour gains, when it says this one after the other.
    fn gains(readings: &[(u64, Option<i64>)]) -> Vec<u64> {
        gains_every(HOUR / 4, readings)
    }

    fn gains_every(pause: i64, readings: &[(u64, Option<i64>)]) -> Vec<u64> {
        let (mut counter, mut last) = (None, None);
        (0..)
            .zip(readings)
            .map(|(look, (value, began))| {
                let now = at(NOW + look * pause);
                let looks = Looks { this: last, any: last };
                let (next, gain) = count(counter.as_ref(), &reading(*value, *began), looks, now);
                (counter, last) = (Some(next), Some(now));
                gain
            })
            .collect()
    }

    #[test]
    fn a_tracker_is_counted_from_where_it_was_first_seen() {
        for (values, expected) in [
            (vec![0, 1, 1, 3], vec![0, 1, 0, 2]),
            // What was completed before somebody looked has no day.
            (vec![500, 500, 501], vec![0, 0, 1]),
            // Restarted: nothing until it is where it was.
            (vec![5, 7, 0, 0, 3, 8], vec![0, 2, 0, 0, 0, 1]),
            // Two trackers behind one name, reached by turns.
            (vec![10, 4, 10, 4, 11, 5, 12], vec![0, 0, 0, 0, 1, 0, 1]),
            // It falls again.
            (vec![9, 5, 2, 4, 10], vec![0, 0, 0, 0, 1]),
        ] {
            let readings: Vec<_> = values.iter().map(|value| (*value, None)).collect();
            assert_eq!(gains(&readings), expected, "{values:?}");
        }
    }

    #[test]
    fn what_stays_lower_for_a_day_has_begun_anew() {
        let readings = [7, 0, 1, 2, 4].map(|value| (value, None));
        assert_eq!(gains_every(12 * HOUR, &readings), [0, 0, 0, 2, 2]);
        // It began in between to fall further, and what it has risen by since then counts.
        let readings = [7, 3, 0, 1, 2].map(|value| (value, None));
        assert_eq!(gains_every(12 * HOUR, &readings), [0, 0, 0, 1, 1]);
    }

    #[test]
    fn a_torrent_that_was_removed_and_added_again_counts_from_zero() {
        let (old, new) = (Some(NOW - 1), Some(NOW + HOUR / 4 + 60));
        assert_eq!(gains(&[(100, old), (150, old), (20, new), (30, new)]), [100, 50, 20, 10]);
        assert_eq!(
            gains(&[(100, old), (150, old), (170, new)]),
            [100, 50, 170],
            "also if it is ahead by then"
        );
        assert_eq!(gains(&[(100, old), (150, old), (0, new), (0, new)]), [100, 50, 0, 0]);
    }

    #[test]
    fn a_client_restored_from_a_backup_counts_nothing_twice() {
        let added = Some(NOW - 1);
        assert_eq!(gains(&[(100, added), (150, added), (120, added), (160, added)]), [100, 50, 0, 10]);
        // A backup from before the torrent was added again: the older counter is no new one.
        let older = Some(NOW - 9);
        assert_eq!(gains(&[(100, added), (150, added), (120, older), (160, added)]), [100, 50, 0, 10]);
    }

    #[test]
    fn a_counter_that_began_before_anybody_looked_is_no_gain_and_one_that_began_after_is() {
        let (yesterday, today) = (NOW - 7 * HOUR, NOW - 5 * HOUR);
        let look = |this: Option<i64>, any: Option<i64>, began: Option<i64>| {
            let looks = Looks { this: this.map(at), any: any.map(at) };
            count(None, &reading(9, began), looks, at(NOW)).1
        };
        for (this, any, began, expected) in [
            // Nobody was ever looked at: what began today is of today.
            (None, None, Some(today), 9),
            (None, None, Some(yesterday), 0),
            (None, None, None, 0),
            // Looked at before, and it was not there.
            (Some(yesterday), Some(today), Some(yesterday), 9),
            (Some(today), Some(today), Some(yesterday), 0),
            (Some(yesterday), Some(yesterday), None, 0),
            // A client under a new name brings a counter that may have been counted under its old one.
            (None, Some(today), Some(yesterday), 0),
            (None, Some(yesterday), Some(today), 9),
        ] {
            assert_eq!(look(this, any, began), expected, "{this:?} {any:?} {began:?}");
        }
    }

    #[test]
    fn another_program_under_the_same_name_is_counted_from_its_first_look_on() {
        // It was added there while the old one was still being looked at.
        let (old, other) = (Some(NOW - 1), Some(NOW + 60));
        assert_eq!(gains(&[(100, old), (150, old), (9_000, other), (9_001, other)]), [100, 50, 0, 1]);
    }
}
