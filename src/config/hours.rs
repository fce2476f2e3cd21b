//! The hours of the day in which files are fetched.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// From one time of the day to another, also beyond midnight, by the clocks of this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    until: Time,
}

impl Hours {
    /// From `01:00-06:00`. `None` where it says something else, or no time at all.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        let (from, until) = text.split_once('-')?;
        let (from, until) = (time(from)?, time(until)?);
        (from != until).then_some(Self { from, until })
    }

    /// Whether it is one of these hours.
    pub fn contains(&self, now: Timestamp, zone: &TimeZone) -> bool {
        let now = zone.to_datetime(now).time();
        match self.from < self.until {
            true => (self.from..self.until).contains(&now),
            false => now >= self.from || now < self.until,
        }
    }

    /// When they begin next.
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let today = zone.to_datetime(now);
        let mut begin = today.date().to_datetime(self.from);
        if begin <= today {
            begin = begin.checked_add(1.day()).unwrap_or(begin);
        }
        zone.to_timestamp(begin).unwrap_or(now)
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.until.strftime("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_the_place_and_may_pass_midnight() {
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let night = Hours::parse("01:00-06:00").unwrap();
        for (time, inside) in [
            ("2026-11-22T00:00:00Z", true),
            ("2026-11-22T04:59:59Z", true),
            ("2026-11-22T05:00:00Z", false),
            ("2026-11-21T23:59:59Z", false),
        ] {
            assert_eq!(night.contains(at(time), &berlin), inside, "{time}");
        }
        let late = Hours::parse("22:30 - 06:00").unwrap();
        for (time, inside) in [("2026-11-22T21:29:00Z", false), ("2026-11-22T21:30:00Z", true)] {
            assert_eq!(late.contains(at(time), &berlin), inside, "{time}");
        }
        assert_eq!(night.next(at("2026-11-22T12:00:00Z"), &berlin), at("2026-11-23T00:00:00Z"));
        assert_eq!(late.next(at("2026-11-22T12:00:00Z"), &berlin), at("2026-11-22T21:30:00Z"));
        for wrong in ["01:00", "1-6", "25:00-26:00", "03:00-03:00", ""] {
            assert_eq!(Hours::parse(wrong), None, "{wrong}");
        }
    }
}
