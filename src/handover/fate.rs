//! Torrents that a client had and has no more: has it lost them, or has the user removed them?
//!
//! Nobody can know, so this is the rule. It never lets podseed fight with a user for longer than once, and never
//! leaves a client empty that was wiped:
//!
//! 1. Nothing is left that the client had before, ours or not: it was reinstalled, or is another one. All are lost.
//! 2. One that was lost within the last month, and handed over again, and is gone again while others stay: removed.
//! 3. Most of ours are still there: removed; unless those that are gone are exactly the newest, by more than ten
//!    minutes: then the client was restored from an older backup, and they are lost.
//! 4. Most of ours are gone: lost.

use std::time::Duration;

use jiff::Timestamp;

/// What is handed over in one go is confirmed within so long; a backup lies between two such times.
const ONE_GO: Duration = Duration::from_secs(600);
/// For so long it is remembered that a torrent was lost before.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// A torrent of ours that the client had and has no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    /// When the client first confirmed it.
    pub(super) since: Option<Timestamp>,
    /// When it was last found lost.
    pub(super) lost: Option<Timestamp>,
}

/// What the client still has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// How many of ours.
    pub(super) ours: usize,
    /// When it first confirmed the newest of them.
    pub(super) newest: Option<Timestamp>,
    /// Whether anything else is there that was there before.
    pub(super) others: bool,
}

/// What has become of a torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is to be handed over again.
    Lost,
    /// The user is asked.
    Removed,
}

/// The fate of each.
pub(super) fn fates(gone: &[Gone], left: &Left, now: Timestamp) -> Vec<Fate> {
    let is_wiped = left.ours == 0 && !left.others;
    let most_stayed = left.ours > gone.len();
    let from_backup = are_the_newest(gone, left.newest);
    let removed = |gone: &Gone| {
        let again = gone.lost.is_some_and(|lost| lies_apart(lost, now).is_none_or(|time| time < REMEMBERED));
        !is_wiped && (again || most_stayed && !from_backup)
    };
    gone.iter().map(|gone| if removed(gone) { Fate::Removed } else { Fate::Lost }).collect()
}

fn are_the_newest(gone: &[Gone], newest_left: Option<Timestamp>) -> bool {
    // One that was never confirmed is newer than any.
    let oldest = gone.iter().map(|gone| gone.since.unwrap_or(Timestamp::MAX)).min();
    let apart = oldest.zip(newest_left).and_then(|(gone, left)| lies_apart(left, gone));
    apart.is_some_and(|time| time > ONE_GO)
}

/// How long after `first` `second` lies; `None` if it lies before.
fn lies_apart(first: Timestamp, second: Timestamp) -> Option<Duration> {
    Duration::try_from(second.duration_since(first)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const HOUR: i64 = 3600;

    fn at(hour: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(NOW + hour * HOUR).unwrap())
    }

    fn fate(gone: &[Gone], left: Left) -> Vec<Fate> {
        fates(gone, &left, at(0).unwrap())
    }

    #[test]
    fn most_of_what_is_gone_tells_by_what_is_left() {
        use Fate::{Lost, Removed};
        let gone = |since| Gone { since: at(since), lost: None };
        let left = |ours, newest, others| Left { ours, newest: at(newest), others };
        let cases: &[(&str, &[Gone], Left, &[Fate])] = &[
            (
                "reinstalled empty",
                &[gone(-9), gone(-5)],
                Left { ours: 0, newest: None, others: false },
                &[Lost, Lost],
            ),
            ("one of three", &[gone(-9)], left(2, -5, false), &[Removed]),
            ("two of five", &[gone(-9), gone(-1)], left(3, -5, false), &[Removed, Removed]),
            ("half", &[gone(-9), gone(-8)], left(2, -5, false), &[Lost, Lost]),
            (
                "restored from a backup of six hours ago",
                &[gone(-2), gone(-1)],
                left(9, -7, true),
                &[Lost, Lost],
            ),
            ("the newest of what was given in one go", &[gone(-7)], left(9, -7, false), &[Removed]),
            ("a single one", &[gone(-9)], Left { ours: 0, newest: None, others: false }, &[Lost]),
            (
                "a single one, beside others",
                &[gone(-9)],
                Left { ours: 0, newest: None, others: true },
                &[Lost],
            ),
            (
                "all of ours, beside another podseed's",
                &[gone(-9), gone(-8)],
                Left { ours: 0, newest: None, others: true },
                &[Lost, Lost],
            ),
        ];
        for (case, gone, left, expected) in cases {
            assert_eq!(fate(gone, *left), *expected, "{case}");
        }
    }

    #[test]
    fn nobody_is_given_the_same_torrent_twice_against_his_will() {
        let again = |lost| [Gone { since: at(-1), lost: at(lost) }];
        let beside_others = Left { ours: 0, newest: None, others: true };
        assert_eq!(fate(&again(-2), beside_others), [Fate::Removed]);
        assert_eq!(fate(&again(-2), Left { ours: 1, newest: at(-40), others: false }), [Fate::Removed]);
        assert_eq!(fate(&again(-24 * 60), beside_others), [Fate::Lost], "long ago");
        // A client that forgets everything at each start is no user.
        assert_eq!(fate(&again(-2), Left { others: false, ..beside_others }), [Fate::Lost]);
    }
}
