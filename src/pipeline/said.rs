//! What was said already, so that a cause is said once, however many things suffer from it and however often it is met.

use std::collections::HashMap;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

use super::lock;

/// What is still so after that time is said again.
const LASTS: SignedDuration = SignedDuration::from_hours(24);
/// Texts that are remembered; a process may live for years.
const MOST: usize = 10_000;

/// What was said, and when.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<HashMap<String, Timestamp>>);

impl Said {
    /// Notes that this is said now. Says whether it is news.
    pub(super) fn note(&self, text: &str, now: Timestamp) -> bool {
        let mut said = lock(&self.0);
        let is_fresh = |then: Timestamp| now.duration_since(then) < LASTS;
        if said.get(text).is_some_and(|then| is_fresh(*then)) {
            return false;
        }
        if said.len() >= MOST {
            said.retain(|_, then| is_fresh(*then));
        }
        if said.len() >= MOST {
            said.clear();
        }
        said.insert(text.to_owned(), now);
        true
    }

    /// Notes that a client is away, whatever the words. Says whether it is news.
    pub(super) fn note_absence(&self, client: &str, now: Timestamp) -> bool {
        self.note(&absence(client), now)
    }

    /// A client is there: if anything that was said of it, which begins with its name, is so again, that is news. Says
    /// whether its absence was told.
    pub(super) fn note_return(&self, client: &str) -> bool {
        let mut said = lock(&self.0);
        let was_told = said.contains_key(&absence(client));
        said.retain(|text, _| text.strip_prefix(client).is_none_or(|rest| !rest.starts_with(": ")));
        was_told
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }
}

fn absence(client: &str) -> String {
    format!("{client}: away")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_a_day_and_again_once_its_client_was_well() {
        let said = Said::default();
        let at = |hours: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        assert!(said.note("nas: stopped", at(0)));
        assert!(!said.note("nas: stopped", at(23)));
        assert!(said.note("nas: stopped", at(24)));
        assert!(said.note_absence("nas", at(24)));
        assert!(!said.note_absence("nas", at(25)));
        assert!(said.note_absence("nas2", at(25)));
        assert!(said.note_return("nas"));
        assert!(!said.note_return("nas"));
        assert!(said.note("nas: stopped", at(26)));
        assert!(!said.note_absence("nas2", at(26)), "another client's name begins like it");
    }

    #[test]
    fn years_of_causes_take_no_more_room_than_some() {
        let said = Said::default();
        for cause in 0..3 * MOST {
            assert!(said.note(&format!("cause {cause}"), Timestamp::UNIX_EPOCH));
        }
        assert!(lock(&said.0).len() <= MOST);
    }
}
