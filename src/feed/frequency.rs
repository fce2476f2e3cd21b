//! How often a feed wishes to be asked: `ttl`, mod_syndication and `podcast:updateFrequency`.

use rss::extension::syndication::{SyndicationExtension, UpdatePeriod};

use super::draft::is_yes;
use super::tag::Tag;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// A show that announces one episode a week is still asked every day: the episode shall not wait for a week.
const LONGEST: u64 = DAY;

/// `ttl`: minutes.
pub(super) fn of_ttl(ttl: &str) -> Option<u64> {
    let minutes: u64 = ttl.trim().parse().ok().filter(|&minutes| minutes > 0)?;
    Some(minutes.saturating_mul(MINUTE).min(LONGEST))
}

/// `sy:updatePeriod` divided by `sy:updateFrequency` (RSS 1.0 mod_syndication).
pub(super) fn of_syndication(syndication: &SyndicationExtension) -> Option<u64> {
    let period = match syndication.period() {
        UpdatePeriod::Hourly => HOUR,
        UpdatePeriod::Daily => DAY,
        UpdatePeriod::Weekly => WEEK,
        UpdatePeriod::Monthly => 30 * DAY,
        UpdatePeriod::Yearly => 365 * DAY,
    };
    Some((period / u64::from(syndication.frequency().max(1))).clamp(MINUTE, LONGEST))
}

/// `podcast:updateFrequency`: a recurrence rule (RFC 5545, section 3.3.10); a show that is complete is asked
/// once a week.
pub(super) fn of_podcast(tag: &Tag<'_>) -> Option<u64> {
    if tag.get("complete").is_some_and(|complete| is_yes(&complete)) {
        return Some(WEEK);
    }
    let rule = tag.get("rrule")?.to_ascii_uppercase();
    let part =
        |name: &str| rule.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let period = match part("FREQ")? {
        "HOURLY" => HOUR,
        "DAILY" => DAY,
        "WEEKLY" => WEEK,
        "MONTHLY" => 30 * DAY,
        "YEARLY" => 365 * DAY,
        _ => return None,
    };
    let interval = part("INTERVAL").and_then(|interval| interval.parse().ok()).unwrap_or(1);
    Some(period.saturating_mul(interval).clamp(HOUR, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_and_never_longer_than_a_day_unless_the_show_is_complete() {
        assert_eq!(of_ttl(" 60 "), Some(HOUR));
        assert_eq!(of_ttl("10080"), Some(DAY));
        assert_eq!(of_ttl("0"), None);
        assert_eq!(of_ttl("soon"), None);
        let podcast = |attributes: &str| of_podcast(&Tag::parse(&format!("<f {attributes}>")).unwrap());
        assert_eq!(podcast("rrule=\"FREQ=WEEKLY;BYDAY=MO\""), Some(DAY));
        assert_eq!(podcast("rrule='freq=hourly;interval=6'"), Some(6 * HOUR));
        assert_eq!(podcast("rrule='FREQ=SOMETIMES'"), None);
        assert_eq!(podcast("complete=\"true\""), Some(WEEK));
    }
}
