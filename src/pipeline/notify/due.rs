//! Which troubles there are, and which of them somebody is to be told of now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Error, Pipeline};
use crate::model::{NoticeKind, Trouble};
use crate::store::{FailingFeed, TroubleRecord, Window};

/// Nobody is told of one cause more often.
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So many failed polls in a row are more than a hiccup.
const FAILED_POLLS: u64 = 3;
/// What a restart or a hand-over mends by itself is not told of.
const TO_MEND: SignedDuration = SignedDuration::from_mins(30);
/// Where nothing more of a kind has come for so long, what has come is told of; and in any case after this time.
const QUIET: SignedDuration = SignedDuration::from_mins(10);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// The longest time between two reminders of what lasts, in days.
const RARELY: i64 = 30;

/// What is to be told of a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// That it is there, or is there still.
    Trouble,
    /// That it is over.
    Recovery,
}

/// What is to be told now: of a trouble once it is sure, and as long as it lasts after a day, two, four and so on, up
/// to every thirty days; that it is over only where it was told of. One that comes and goes is told of once a day.
pub(super) fn news(record: &TroubleRecord, now: Timestamp) -> Option<News> {
    if record.ended.is_some() {
        return (record.times > 0).then_some(News::Recovery);
    }
    let to_mend = match record.trouble.kind {
        NoticeKind::Client | NoticeKind::Torrents => TO_MEND,
        _ => SignedDuration::ZERO,
    };
    let pause = match u32::try_from(record.times.saturating_sub(1)) {
        Ok(doubled @ 0..5) => DAY * 2_i32.pow(doubled),
        _ => SignedDuration::from_hours(24 * RARELY),
    };
    let is_sure = now.duration_since(record.since) >= to_mend;
    let is_time = record.told.is_none_or(|told| now.duration_since(told) >= pause);
    (is_sure && is_time).then_some(News::Trouble)
}

/// Whether what was collected is to be told of.
pub(super) fn is_over(window: Window, now: Timestamp) -> bool {
    now.duration_since(window.grew) >= QUIET || now.duration_since(window.began) >= LONGEST_WAIT
}

impl Pipeline {
    /// Brings the troubles that follow from the state up to date.
    pub(super) async fn find_troubles(&self) -> Result<(), Error> {
        let feeds = self.failing_feeds().await?;
        self.these_and_no_others(NoticeKind::Feed, &feeds).await?;
        let torrents = self.ailing_torrents().await?;
        self.these_and_no_others(NoticeKind::Torrents, &torrents).await?;
        // Of a client that has left the configuration nobody will ever say that it is well.
        let clients: BTreeSet<&str> = self.clients.keys().map(String::as_str).collect();
        for record in self.store.troubles().await? {
            if record.trouble.kind == NoticeKind::Client && !clients.contains(record.trouble.subject.as_str())
            {
                self.settle(NoticeKind::Client, &record.trouble.subject).await?;
            }
        }
        Ok(())
    }

    async fn these_and_no_others(&self, kind: NoticeKind, troubles: &[Trouble]) -> Result<(), Error> {
        let there: BTreeSet<&str> = troubles.iter().map(|trouble| trouble.subject.as_str()).collect();
        for record in self.store.troubles().await? {
            if record.trouble.kind == kind
                && record.ended.is_none()
                && !there.contains(record.trouble.subject.as_str())
            {
                self.settle(kind, &record.trouble.subject).await?;
            }
        }
        for trouble in troubles {
            self.raise(trouble).await?;
        }
        Ok(())
    }

    async fn failing_feeds(&self) -> Result<Vec<Trouble>, Error> {
        let configured: BTreeSet<&str> = self.config.shows.iter().map(|show| show.slug.as_str()).collect();
        let now = self.clock.now();
        let lasts = |feed: &FailingFeed| {
            feed.failures >= FAILED_POLLS
                || feed.last_good_poll.is_some_and(|good| now.duration_since(good) >= DAY)
        };
        let failing = self.store.failing_feeds().await?.into_iter();
        let lasting = failing.filter(|feed| configured.contains(feed.show.as_str()) && lasts(feed));
        Ok(lasting
            .map(|feed| Trouble {
                kind: NoticeKind::Feed,
                remedy: format!(
                    "open the address in a browser; if the show has moved or ended, change or remove `shows.{}`",
                    feed.show
                ),
                subject: feed.show,
                error: feed.error,
            })
            .collect())
    }

    async fn ailing_torrents(&self) -> Result<Vec<Trouble>, Error> {
        let mut by_client: BTreeMap<String, (Vec<String>, Option<String>)> = BTreeMap::new();
        for ailing in self.store.ailing_torrents().await? {
            if !self.clients.contains_key(&ailing.client) {
                continue;
            }
            let (counts, words) = by_client.entry(ailing.client).or_default();
            counts.push(format!("{} {}", ailing.count, ailing.state));
            *words = words.take().or(ailing.error);
        }
        let trouble = |(client, (counts, words)): (String, (Vec<String>, Option<String>))| {
            let words = words.map(|words| format!("; {words}")).unwrap_or_default();
            Trouble {
                kind: NoticeKind::Torrents,
                error: format!("{}{words}", counts.join(", ")),
                remedy: format!(
                    "look at them in {client}; `podseed status` shows which, `podseed retry` hands them over again, \
                     `podseed forget` lets go"
                ),
                subject: client,
            }
        };
        Ok(by_client.into_iter().map(trouble).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn record(kind: NoticeKind) -> TroubleRecord {
        let trouble = Trouble { kind, subject: String::new(), error: String::new(), remedy: String::new() };
        TroubleRecord { trouble, since: START, ended: None, told: None, times: 0 }
    }

    #[test]
    fn what_lasts_is_told_of_more_and_more_rarely() {
        let mut record = record(NoticeKind::Disk);
        let mut days = Vec::new();
        for hour in 0..24 * 120 {
            let now = START + SignedDuration::from_hours(hour);
            if news(&record, now).is_some() {
                days.push(hour / 24);
                (record.told, record.times) = (Some(now), record.times + 1);
            }
        }
        assert_eq!(days, [0, 1, 3, 7, 15, 31, 61, 91]);
    }

    #[test]
    fn what_comes_and_goes_is_told_of_once_a_day() {
        let mut record = record(NoticeKind::Client);
        assert_eq!(news(&record, START), None, "it may be a restart");
        let told = START + TO_MEND;
        assert_eq!(news(&record, told), Some(News::Trouble));
        (record.told, record.times, record.ended) = (Some(told), 1, Some(told));
        assert_eq!(news(&record, told), Some(News::Recovery));
        // Told of, it is there again.
        (record.times, record.ended, record.since) = (0, None, told);
        assert_eq!(news(&record, told + SignedDuration::from_hours(23)), None);
        assert_eq!(news(&record, told + DAY), Some(News::Trouble));
        record.ended = Some(told + SignedDuration::from_hours(1));
        assert_eq!(news(&record, told + DAY), None, "nobody was told of it this time");
    }
}
