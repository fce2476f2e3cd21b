//! What a reading of a feed changes of what is on record. Only compares: nothing is read or written here.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::known::{EpisodeRow, Known, Link};
use super::{seconds, signed};
use crate::model::identity::{comparable_url, match_enclosures, match_items, stable_part};
use crate::model::{Enclosure, Feed, Item, Role};

/// A row that is there, or the place in a list of those that are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Row {
    Known(i64),
    New(usize),
}

/// An enclosure with another address than before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Move<'f> {
    pub(super) id: i64,
    pub(super) comparable_url: String,
    pub(super) enclosure: &'f Enclosure,
}

/// That an episode announces an enclosure, in this role and at this place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    pub(super) episode: Row,
    pub(super) enclosure: Row,
    pub(super) role: Role,
    pub(super) position: i64,
}

/// What is to be written. Where a feed is as it was, all of it is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes<'f> {
    /// Episodes not seen before, and where they stand.
    pub(super) new_episodes: Vec<(&'f Item, i64)>,
    /// Episodes that are told of in other words, at another place, or again.
    pub(super) episodes: Vec<(i64, &'f Item, i64)>,
    /// Episodes that are no longer in the feed.
    pub(super) vanished: Vec<i64>,
    /// Enclosures not seen before, by their comparable URLs.
    pub(super) new_enclosures: Vec<(String, &'f Enclosure)>,
    pub(super) moves: Vec<Move<'f>>,
    /// Enclosures of which another length is claimed now.
    pub(super) claims: Vec<(i64, i64)>,
    /// Enclosures that have moved so far that what was found out of their source no longer holds.
    pub(super) unproven: Vec<i64>,
    /// Enclosures with a reason to look whether they are still the same file.
    pub(super) hints: Vec<i64>,
    pub(super) announced: Vec<Announcement>,
    /// Announcements that the publisher has taken out of an episode.
    pub(super) taken_out: Vec<(i64, i64, Role)>,
}

impl<'f> Changes<'f> {
    /// Compares a feed with what is on record. What is absent has vanished only if all of the feed was read.
    pub(super) fn between(known: &Known, feed: &'f Feed, complete: bool) -> Self {
        let matched = match_items(&feed.items, &known.for_matching());
        let episodes: HashMap<i64, &EpisodeRow> =
            known.episodes.iter().map(|episode| (episode.id, episode)).collect();
        let before: Vec<_> = matched.iter().map(|id| id.and_then(|id| episodes.get(&id).copied())).collect();
        let top = known.episodes.iter().map(|episode| episode.position).min();
        let positions =
            positions(&before.iter().map(|row| row.map(|row| row.position)).collect::<Vec<_>>(), top);
        let comparable = |item: &Item| item.enclosures.iter().map(|e| comparable_url(&e.url)).collect();
        let urls: Vec<Vec<String>> = feed.items.iter().map(comparable).collect();
        let mut comparison = Comparison::new(known, &urls);
        for (index, item) in feed.items.iter().enumerate() {
            let episode = comparison.episode(before[index], item, positions[index]);
            comparison.enclosures(episode, item, &urls[index]);
        }
        let mut changes = comparison.changes;
        if complete {
            let there: HashSet<i64> = matched.into_iter().flatten().collect();
            let is_absent = |episode: &&EpisodeRow| episode.present && !there.contains(&episode.id);
            changes.vanished = known.episodes.iter().filter(is_absent).map(|episode| episode.id).collect();
        }
        changes
    }
}

/// Where each item stands, so that few of those which stood somewhere before have to move: what comes on top gets
/// numbers below theirs, what comes behind or between follows on its neighbour. `top` is the first place that anything
/// of the show has.
fn positions(before: &[Option<i64>], top: Option<i64>) -> Vec<i64> {
    let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let first_known = before.iter().position(Option::is_some);
    let mut next = match (first_known, top) {
        (Some(index), _) => before[index].unwrap_or_default().saturating_sub(length(index)),
        (None, Some(top)) => top.saturating_sub(length(before.len())),
        (None, None) => 0,
    };
    let place = |before: &Option<i64>| {
        let place = before.map_or(next, |before| before.max(next));
        next = place.saturating_add(1);
        place
    };
    before.iter().map(place).collect()
}

/// The comparison of one reading, item by item.
struct Comparison<'k, 'f> {
    known: &'k Known,
    changes: Changes<'f>,
    /// The comparable URLs of each item's enclosures.
    urls: &'k [Vec<String>],
    /// All of them; made when first needed.
    announced: OnceCell<HashSet<&'k str>>,
    /// The enclosure that stands under each comparable URL.
    by_url: HashMap<&'k str, Row>,
    /// The length that the feed has last claimed for each enclosure that this reading has not come to yet.
    claimed: HashMap<i64, Option<i64>>,
}

impl<'k, 'f> Comparison<'k, 'f> {
    fn new(known: &'k Known, urls: &'k [Vec<String>]) -> Self {
        let links = || known.links.values().flatten();
        let current = links().filter(|link| !link.replaced);
        Self {
            known,
            changes: Changes::default(),
            urls,
            announced: OnceCell::new(),
            by_url: current.map(|link| (link.comparable_url.as_str(), Row::Known(link.enclosure))).collect(),
            claimed: links().map(|link| (link.enclosure, link.claimed)).collect(),
        }
    }

    fn episode(&mut self, before: Option<&EpisodeRow>, item: &'f Item, position: i64) -> Row {
        let Some(before) = before else {
            self.changes.new_episodes.push((item, position));
            return Row::New(self.changes.new_episodes.len() - 1);
        };
        let is_same = before.present
            && before.position == position
            && before.title == item.title
            && before.date == item.date.map(seconds)
            && before.link == item.link
            && before.live == item.live
            && before.licence == item.licence;
        if !is_same {
            self.changes.episodes.push((before.id, item, position));
        }
        Row::Known(before.id)
    }

    /// Says which enclosure each of an item's is, and what has changed of them and of what the episode announces.
    /// `urls` are their comparable URLs.
    fn enclosures(&mut self, episode: Row, item: &'f Item, urls: &'k [String]) {
        let known = self.known;
        let links = match episode {
            Row::Known(id) => known.links.get(&id).map(Vec::as_slice).unwrap_or_default(),
            Row::New(_) => &[],
        };
        let mut partners = None;
        let mut rows: HashMap<&str, Row> = HashMap::new();
        for (url, enclosure) in urls.iter().zip(&item.enclosures) {
            if rows.contains_key(url.as_str()) {
                continue;
            }
            let row = match self.by_url.get(url.as_str()) {
                Some(row) => {
                    let row = *row;
                    self.claim(row, enclosure);
                    row
                }
                None => {
                    let partners = partners.get_or_insert_with(|| pair(item, urls, links));
                    self.unknown(url, enclosure, partners.get(url.as_str()).copied())
                }
            };
            rows.insert(url, row);
        }
        let roles = item.enclosures.iter().map(|enclosure| enclosure.role);
        self.announce(episode, links, urls.iter().map(|url| rows[url.as_str()]).zip(roles));
    }

    /// An address that was not there before: a known enclosure has moved, or there is a new one.
    fn unknown(&mut self, url: &'k str, enclosure: &'f Enclosure, partner: Option<&Link>) -> Row {
        // Where the old URL still stands elsewhere in the feed, this one is another file.
        let row = match partner.filter(|old| !self.announces(&old.url)) {
            Some(old) => {
                self.relocate(old, url, enclosure);
                Row::Known(old.enclosure)
            }
            None => {
                self.changes.new_enclosures.push((url.to_owned(), enclosure));
                Row::New(self.changes.new_enclosures.len() - 1)
            }
        };
        self.by_url.insert(url, row);
        row
    }

    fn announces(&self, url: &str) -> bool {
        let announced =
            self.announced.get_or_init(|| self.urls.iter().flatten().map(String::as_str).collect());
        announced.contains(comparable_url(url).as_str())
    }

    fn relocate(&mut self, old: &Link, url: &str, enclosure: &'f Enclosure) {
        let id = old.enclosure;
        let (before, now) = self.claims(id, enclosure);
        let other_length = before.zip(now).is_some_and(|(before, now)| before != now);
        // A token or counter in the query changes with each poll, and with it nothing of the file.
        let moved = stable_part(&old.url) != stable_part(&enclosure.url);
        if moved {
            self.changes.unproven.push(id);
        }
        if moved || other_length {
            self.changes.hints.push(id);
        }
        self.changes.moves.push(Move { id, comparable_url: url.to_owned(), enclosure });
    }

    /// The publisher announces the same address. Another length than before is a hint that the file is another one;
    /// feeds lie about lengths, so it is no more than that.
    fn claim(&mut self, row: Row, enclosure: &Enclosure) {
        let Row::Known(id) = row else { return };
        let (before, now) = self.claims(id, enclosure);
        let Some(now) = now.filter(|now| before != Some(*now)) else { return };
        self.changes.claims.push((id, now));
        if before.is_some() {
            self.changes.hints.push(id);
        }
    }

    /// The lengths that the feed gave at its last reading and gives now. Where two items announce one enclosure, the
    /// first counts: else they would take turns for ever.
    fn claims(&mut self, id: i64, enclosure: &Enclosure) -> (Option<i64>, Option<i64>) {
        match self.claimed.remove(&id) {
            Some(before) => (before, enclosure.length.map(signed)),
            None => (None, None),
        }
    }

    /// Compares what an episode announces now with what it did. What the publisher has taken out of it is not wanted
    /// any more; what is fetched of that stays.
    fn announce(&mut self, episode: Row, links: &[Link], now: impl Iterator<Item = (Row, Role)>) {
        let mut announced: HashMap<(Row, Role), i64> = HashMap::new();
        for (position, announcement) in now.enumerate() {
            announced.insert(announcement, i64::try_from(position).unwrap_or(i64::MAX));
        }
        for link in links {
            let position = announced.get(&(Row::Known(link.enclosure), link.role)).copied();
            match (episode, position) {
                (_, Some(position)) if link.present && link.position == position => {
                    announced.remove(&(Row::Known(link.enclosure), link.role));
                }
                (Row::Known(episode), None) if link.present => {
                    self.changes.taken_out.push((episode, link.enclosure, link.role));
                }
                _ => {}
            }
        }
        let mut announced: Vec<_> = announced.into_iter().collect();
        announced.sort_unstable_by_key(|(_, position)| *position);
        let rows = announced.into_iter().map(|((enclosure, role), position)| Announcement {
            episode,
            enclosure,
            role,
            position,
        });
        self.changes.announced.extend(rows);
    }
}

/// The known enclosure of an episode that stands behind each address, as far as addresses alone can tell.
fn pair<'u, 'k>(item: &Item, urls: &'u [String], links: &'k [Link]) -> HashMap<&'u str, &'k Link> {
    let mut seen = HashSet::new();
    let distinct: Vec<(&str, &str)> = urls
        .iter()
        .zip(&item.enclosures)
        .filter(|(url, _)| seen.insert(url.as_str()))
        .map(|(url, enclosure)| (url.as_str(), enclosure.url.as_str()))
        .collect();
    let mut seen = HashSet::new();
    let before: Vec<&Link> =
        links.iter().filter(|link| link.present && !link.replaced && seen.insert(link.enclosure)).collect();
    let announced: Vec<String> = distinct.iter().map(|(_, url)| (*url).to_owned()).collect();
    let old: Vec<String> = before.iter().map(|link| link.url.clone()).collect();
    let pairs = distinct.iter().zip(match_enclosures(&announced, &old));
    pairs.filter_map(|((url, _), partner)| Some((*url, before[partner?]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::feed;

    #[test]
    fn what_comes_on_top_or_behind_moves_nothing() {
        assert_eq!(positions(&[None, None], None), [0, 1]);
        assert_eq!(positions(&[None, None, Some(0), Some(1)], Some(0)), [-2, -1, 0, 1]);
        assert_eq!(positions(&[Some(3), Some(4), None], Some(0)), [3, 4, 5]);
        assert_eq!(positions(&[Some(0), None, Some(1), Some(5)], Some(0)), [0, 1, 2, 5]);
        assert_eq!(positions(&[None], Some(-7)), [-8], "nothing of the page was known");
        assert_eq!(positions(&[Some(i64::MIN), Some(i64::MAX), None], Some(0))[..2], [i64::MIN, i64::MAX]);
    }

    /// What is on record after a first reading of this feed.
    fn known(feed: &Feed) -> Known {
        let changes = Changes::between(&Known::default(), feed, true);
        let row = |row: Row| match row {
            Row::Known(id) => id,
            Row::New(index) => i64::try_from(index).unwrap(),
        };
        let mut known = Known::default();
        for (id, (item, position)) in (0..).zip(&changes.new_episodes) {
            known.episodes.push(EpisodeRow {
                id,
                guid: item.guid.clone(),
                title: item.title.clone(),
                date: item.date.map(seconds),
                link: item.link.clone(),
                live: item.live,
                licence: item.licence.clone(),
                position: *position,
                present: true,
            });
        }
        for announced in &changes.announced {
            let enclosure = row(announced.enclosure);
            let (comparable_url, written) = &changes.new_enclosures[usize::try_from(enclosure).unwrap()];
            known.links.entry(row(announced.episode)).or_default().push(Link {
                enclosure,
                role: announced.role,
                position: announced.position,
                present: true,
                url: written.url.clone(),
                comparable_url: comparable_url.clone(),
                claimed: written.length.map(signed),
                replaced: false,
            });
        }
        known
    }

    #[test]
    fn a_feed_that_is_as_it_was_changes_nothing() {
        let feed = feed(&[(Some("b"), &["http://h/2.mp3", "http://h/2.mp3"]), (None, &["http://h/1.mp3"])]);
        assert_eq!(Changes::between(&known(&feed), &feed, true), Changes::default());
    }

    #[test]
    fn one_new_episode_of_a_large_show_is_one_row_of_each_kind() {
        let guids: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        let urls: Vec<String> = guids.iter().map(|guid| format!("http://h/{guid}.mp3")).collect();
        let urls: Vec<[&str; 1]> = urls.iter().map(|url| [url.as_str()]).collect();
        let items: Vec<(Option<&str>, &[&str])> =
            guids.iter().zip(&urls).map(|(guid, urls)| (Some(guid.as_str()), urls.as_slice())).collect();
        let before = known(&feed(&items[1..]));
        let now = feed(&items);
        let changes = Changes::between(&before, &now, true);
        assert_eq!(changes.new_episodes, [(&now.items[0], -1)]);
        assert_eq!((changes.new_enclosures.len(), changes.announced.len()), (1, 1));
        let rest = Changes { new_episodes: vec![], new_enclosures: vec![], announced: vec![], ..changes };
        assert_eq!(rest, Changes::default());
    }

    #[test]
    fn a_url_that_two_items_share_is_one_new_enclosure() {
        let feed =
            feed(&[(Some("a"), &["http://h/1.mp3", "http://h/1.mp3#t=1"]), (Some("b"), &["http://h/1.mp3"])]);
        let changes = Changes::between(&Known::default(), &feed, true);
        assert_eq!(changes.new_enclosures.len(), 1);
        let rows: Vec<_> = changes.announced.iter().map(|row| (row.episode, row.enclosure)).collect();
        assert_eq!(rows, [(Row::New(0), Row::New(0)), (Row::New(1), Row::New(0))]);
    }
}
