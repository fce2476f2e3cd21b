//! What several sources have counted for one file becomes the figures of its days.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;

use crate::model::{Peers, Source, SourceDay};

/// The figures of one file on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Day {
    /// In UTC. A count belongs to the day on which it was read.
    pub day: Date,
    /// Completed downloads, by what trackers were told.
    pub completed: u64,
    /// Bytes that our clients have given to peers.
    pub served_bytes: u64,
    /// The most peers that one tracker has named at a time.
    pub peers: Peers,
}

/// One [`Day`] for each day on which something was counted, in order.
///
/// Clients add up: each has given its own bytes. Trackers do not: several hear of one download. The one that has
/// counted most up to the end of a day counts, and a day's figure is what that highest count has grown by. (Were it the
/// largest tracker of each day by itself, a download that one tracker could tell only the day after would count twice.)
pub fn days(counted: &[SourceDay]) -> Vec<Day> {
    let mut by_day: BTreeMap<Date, Vec<&SourceDay>> = BTreeMap::new();
    for figures in counted {
        by_day.entry(figures.day).or_default().push(figures);
    }
    let mut so_far: HashMap<&Source, u64> = HashMap::new();
    let mut highest = 0;
    let mut days = Vec::with_capacity(by_day.len());
    for (day, figures) in by_day {
        let mut sum = Day { day, ..Day::default() };
        for SourceDay { source, completed, uploaded, peers, .. } in figures {
            *so_far.entry(source).or_default() += completed;
            sum.served_bytes += uploaded;
            let peers = peers.unwrap_or_default();
            sum.peers.seeders = sum.peers.seeders.max(peers.seeders);
            sum.peers.leechers = sum.peers.leechers.max(peers.leechers);
        }
        let now = so_far.values().copied().max().unwrap_or_default();
        sum.completed = now - highest;
        highest = now;
        days.push(sum);
    }
    days
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn tracker(name: &str, day: i8, completed: u64) -> SourceDay {
        let peers = Some(Peers { seeders: completed + 1, leechers: 2 });
        let source = Source::Tracker(name.to_owned());
        SourceDay { day: date(2026, 11, day), source, completed, uploaded: 0, peers }
    }

    fn client(name: &str, day: i8, uploaded: u64) -> SourceDay {
        let source = Source::Client(name.to_owned());
        SourceDay { day: date(2026, 11, day), source, completed: 0, uploaded, peers: None }
    }

    fn completed(counted: &[SourceDay]) -> Vec<(i8, u64)> {
        days(counted).iter().map(|day| (day.day.day(), day.completed)).collect()
    }

    #[test]
    fn of_several_trackers_the_one_that_has_counted_most_counts() {
        let both = [tracker("a", 1, 4), tracker("b", 1, 5), tracker("a", 2, 3), tracker("b", 2, 1)];
        assert_eq!(completed(&both), [(1, 5), (2, 2)]);
    }

    #[test]
    fn a_tracker_that_tells_a_day_late_tells_nothing_twice() {
        let late = [tracker("a", 1, 10), tracker("b", 2, 12)];
        assert_eq!(completed(&late), [(1, 10), (2, 2)]);
    }

    #[test]
    fn clients_add_up_and_peers_are_the_most_that_were_named() {
        let counted = [client("nas", 3, 100), client("box", 3, 20), tracker("a", 3, 1), tracker("b", 3, 0)];
        let expected = Day {
            day: date(2026, 11, 3),
            completed: 1,
            served_bytes: 120,
            peers: Peers { seeders: 2, leechers: 2 },
        };
        assert_eq!(days(&counted), [expected]);
        assert_eq!(days(&[]), []);
    }
}
