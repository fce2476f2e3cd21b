//! For which files a rule holds.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Budget, BudgetFile, Holding, KeepRules};

/// Rules, and the files that they are about, as indices.
pub(super) struct Scope<'a> {
    /// Where the rules are written: `keep` or `shows.SLUG.keep`.
    pub(super) place: String,
    pub(super) rules: &'a KeepRules,
    pub(super) files: Vec<usize>,
}

/// The scopes of a budget, those of single shows first.
pub(super) fn scopes<'a>(files: &[BudgetFile], budget: &'a Budget) -> Vec<Scope<'a>> {
    let mut by_show: HashMap<&str, Vec<usize>> = HashMap::new();
    let counted = |file: &BudgetFile| file.holding != Holding::Foreign;
    for (index, file) in files.iter().enumerate().filter(|(_, file)| counted(file)) {
        by_show.entry(&file.show).or_default().push(index);
    }
    let all = || (0..files.len()).filter(|index| counted(&files[*index])).collect();
    let of_shows = budget.shows.iter().map(|(show, rules)| Scope {
        place: format!("shows.{show}.keep"),
        rules,
        files: by_show.get(show.as_str()).cloned().unwrap_or_default(),
    });
    let over_all = budget.all.iter().map(|rules| Scope { place: "keep".to_owned(), rules, files: all() });
    of_shows.chain(over_all).collect()
}

impl Scope<'_> {
    /// Whether the user's wish to have this file back still holds here: for as long as a new episode would be kept.
    pub(super) fn is_pinned(&self, file: &BudgetFile, now: Timestamp) -> bool {
        file.readmitted.is_some_and(|since| self.rules.max_age.is_none_or(|most| !is_older(since, most, now)))
    }

    /// The rule of age or number that does not keep a file, of each file that one does not keep.
    pub(super) fn outdated(&self, files: &[BudgetFile], now: Timestamp) -> Vec<(usize, String)> {
        let newest = self.newest(files);
        let rule = |index: usize| -> Option<String> {
            let file = &files[index];
            if self.is_pinned(file, now) {
                return None;
            }
            if let Some(latest) = self.rules.latest
                && newest.get(&file.episode).is_some_and(|rank| *rank >= latest)
            {
                return Some(format!("{}.latest: it is not among the newest {latest}", self.place));
            }
            let most = self.rules.max_age?;
            let since = file.date.min(file.discovered);
            let days = most.as_secs() / 86_400;
            is_older(since, most, now).then(|| match days {
                0 => format!("{}.max_age: it is too old", self.place),
                days => format!("{}.max_age: it is older than {days} days", self.place),
            })
        };
        self.files.iter().filter_map(|index| Some((*index, rule(*index)?))).collect()
    }

    /// The place of each episode, the newest first.
    fn newest(&self, files: &[BudgetFile]) -> HashMap<i64, usize> {
        let mut dates: HashMap<i64, Timestamp> = HashMap::new();
        for file in self.files.iter().map(|index| &files[*index]) {
            let date = dates.entry(file.episode).or_insert(file.date);
            *date = (*date).max(file.date);
        }
        let mut episodes: Vec<(i64, Timestamp)> = dates.into_iter().collect();
        // Of one date, the first in the feed is the newest, and it became known first.
        episodes.sort_unstable_by_key(|(episode, date)| (std::cmp::Reverse(*date), *episode));
        episodes.into_iter().enumerate().map(|(rank, (episode, _))| (episode, rank)).collect()
    }
}

fn is_older(since: Timestamp, most: Duration, now: Timestamp) -> bool {
    SignedDuration::try_from(most).is_ok_and(|most| now.duration_since(since) > most)
}
