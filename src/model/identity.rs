//! Which item of a feed is which known episode, and which of its enclosures is which known one.
//!
//! An episode is (feed, guid), else (feed, enclosure URL). Real feeds bend this: one guid stands on two items,
//! hosts move and change every URL overnight, a counter in the query changes with each poll. The rules:
//!
//! 1. Within one guid, items and episodes are paired by an equal URL, then by a URL that differs only in scheme
//!    or query, then, if just one of each is left, with each other: the publisher moved. What is left over is new.
//! 2. Items without a guid are paired with episodes without one by an equal URL, or by one that differs only in
//!    scheme or query if the title is the same too (a query may be a counter, or name the file).
//! 3. The enclosures of a paired episode follow the same rules; left-overs of equal number are paired in order.

use std::collections::{HashMap, HashSet, VecDeque};

use url::Url;

use super::Item;

/// The form in which URLs are compared: parsed and written again (lower-case host, no default port, no fragment),
/// or the trimmed text where it is no URL. For comparison only; requests use the URL as the feed gives it.
pub fn comparable_url(url: &str) -> String {
    match Url::parse(url.trim()) {
        Ok(mut parsed) => {
            parsed.set_fragment(None);
            parsed.into()
        }
        Err(_) => url.trim().to_owned(),
    }
}

/// The URL without what changes although the file does not: scheme, port and query.
pub fn stable_part(url: &str) -> String {
    match Url::parse(url.trim()) {
        Ok(parsed) => format!("{}{}", parsed.host_str().unwrap_or_default(), parsed.path()),
        Err(_) => url.trim().to_owned(),
    }
}

/// An episode as the store knows it.
#[derive(Debug, Clone)]
pub struct KnownEpisode {
    /// The store's id.
    pub id: i64,
    /// Its guid.
    pub guid: Option<String>,
    /// Its title.
    pub title: String,
    /// The URLs of its enclosures.
    pub urls: Vec<String>,
}

/// For each item, the id of the known episode that it is; `None` for a new one. No episode is given twice.
pub fn match_items(items: &[Item], known: &[KnownEpisode]) -> Vec<Option<i64>> {
    let mut groups: HashMap<Option<&str>, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        groups.entry(item.guid.as_deref()).or_default().0.push(index);
    }
    for (index, episode) in known.iter().enumerate() {
        if let Some(group) = groups.get_mut(&episode.guid.as_deref()) {
            group.1.push(index);
        }
    }
    let mut result = vec![None; items.len()];
    for (guid, (fresh, old)) in groups {
        // What the third rule comes to wherever a feed keeps to its guids: no URL has to be looked at.
        if let (Some(_), [fresh], [old]) = (guid, fresh.as_slice(), old.as_slice()) {
            result[*fresh] = Some(known[*old].id);
            continue;
        }
        let salt = |title: &str| if guid.is_some() { String::new() } else { title.to_owned() };
        let left: Vec<_> = fresh
            .iter()
            .map(|i| Side::new(items[*i].enclosures.iter().map(|e| e.url.as_str()), salt(&items[*i].title)))
            .collect();
        let right: Vec<_> = old
            .iter()
            .map(|i| Side::new(known[*i].urls.iter().map(String::as_str), salt(&known[*i].title)))
            .collect();
        let mut pairs = pair_by_urls(&left, &right);
        if guid.is_some() {
            pair_the_last_ones(&mut pairs, right.len(), 1);
        }
        for (position, partner) in pairs.into_iter().enumerate() {
            result[fresh[position]] = partner.map(|p| known[old[p]].id);
        }
    }
    result
}

/// For each announced URL, the index in `known` of the enclosure that it is; `None` for a new one.
pub fn match_enclosures(announced: &[String], known: &[String]) -> Vec<Option<usize>> {
    let sides =
        |urls: &[String]| urls.iter().map(|url| Side::new([url.as_str()], String::new())).collect::<Vec<_>>();
    let mut pairs = pair_by_urls(&sides(announced), &sides(known));
    pair_the_last_ones(&mut pairs, known.len(), usize::MAX);
    pairs
}

/// What one entry can be recognised by.
struct Side {
    equal: Vec<String>,
    similar: Vec<String>,
}

impl Side {
    fn new<'a>(urls: impl IntoIterator<Item = &'a str>, salt: String) -> Self {
        let (equal, similar) =
            urls.into_iter().map(|url| (comparable_url(url), format!("{} {salt}", stable_part(url)))).unzip();
        Self { equal, similar }
    }
}

/// Pairs both sides by an equal URL, then by a similar one where that is unambiguous.
fn pair_by_urls(left: &[Side], right: &[Side]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; left.len()];
    pair_by_key(&mut pairs, left, right, |side| &side.equal, false);
    pair_by_key(&mut pairs, left, right, |side| &side.similar, true);
    pairs
}

/// Pairs what shares a key; with `unique`, only by keys that stand on one open entry of each side.
fn pair_by_key(
    pairs: &mut [Option<usize>],
    left: &[Side],
    right: &[Side],
    keys: impl Fn(&Side) -> &Vec<String>,
    unique: bool,
) {
    let mut taken = vec![false; right.len()];
    pairs.iter().flatten().for_each(|index| taken[*index] = true);
    let mut by_key: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (index, side) in right.iter().enumerate().filter(|(index, _)| !taken[*index]) {
        for key in keys(side) {
            let entries = by_key.entry(key).or_default();
            if entries.back() != Some(&index) {
                entries.push_back(index);
            }
        }
    }
    let mut claims: HashMap<&str, usize> = HashMap::new();
    for (side, _) in left.iter().zip(pairs.iter()).filter(|(_, pair)| pair.is_none()) {
        keys(side).iter().for_each(|key| *claims.entry(key).or_default() += 1);
    }
    for (side, pair) in left.iter().zip(pairs.iter_mut()).filter(|(_, pair)| pair.is_none()) {
        let partner = keys(side).iter().find_map(|key| {
            let entries = by_key.get_mut(key.as_str())?;
            if unique && (entries.len() > 1 || claims.get(key.as_str()) != Some(&1)) {
                return None;
            }
            // What is taken once stays taken: nobody need look at it again.
            while entries.front().is_some_and(|index| taken[*index]) {
                entries.pop_front();
            }
            entries.front().copied()
        });
        if let Some(index) = partner {
            taken[index] = true;
            *pair = Some(index);
        }
    }
}

/// Pairs what is left over in order, if as many are left on either side and no more than `most`.
fn pair_the_last_ones(pairs: &mut [Option<usize>], right: usize, most: usize) {
    let taken: HashSet<usize> = pairs.iter().flatten().copied().collect();
    let open: Vec<usize> = (0..right).filter(|index| !taken.contains(index)).collect();
    let lonely = pairs.iter().filter(|pair| pair.is_none()).count();
    if lonely == open.len() && lonely <= most {
        for (pair, index) in pairs.iter_mut().filter(|pair| pair.is_none()).zip(open) {
            *pair = Some(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Enclosure, Role};

    fn item(guid: Option<&str>, urls: &[&str]) -> Item {
        let enclosure = |url: &&str| Enclosure {
            url: (*url).to_owned(),
            media_type: None,
            length: None,
            role: Role::Enclosure,
        };
        Item {
            guid: guid.map(str::to_owned),
            title: String::new(),
            date: None,
            link: None,
            live: false,
            enclosures: urls.iter().map(enclosure).collect(),
            licence: None,
        }
    }

    fn known(id: i64, guid: Option<&str>, urls: &[&str]) -> KnownEpisode {
        KnownEpisode {
            id,
            guid: guid.map(str::to_owned),
            title: String::new(),
            urls: urls.iter().map(|u| (*u).to_owned()).collect(),
        }
    }

    #[test]
    fn a_new_url_under_the_same_guid_is_the_same_episode() {
        let items = [item(Some("g"), &["https://new.example/x/9.mp3"])];
        assert_eq!(match_items(&items, &[known(7, Some("g"), &["http://old.example/1.mp3"])]), [Some(7)]);
    }

    #[test]
    fn two_items_with_one_guid_both_live() {
        let items = [item(Some("g"), &["https://a/1.mp3"]), item(Some("g"), &["https://a/2.mp3"])];
        assert_eq!(match_items(&items, &[]), [None, None]);
        assert_eq!(match_items(&items, &[known(1, Some("g"), &["https://a/2.mp3"])]), [None, Some(1)]);
        let both = [known(1, Some("g"), &["https://a/2.mp3"]), known(2, Some("g"), &["https://a/1.mp3"])];
        assert_eq!(match_items(&items, &both), [Some(2), Some(1)]);
    }

    #[test]
    fn without_a_guid_the_url_identifies_and_a_counter_in_the_query_does_not_matter() {
        let items = [item(None, &["https://a/1.mp3?updated=2"]), item(None, &["http://a/2.mp3"])];
        let old = [known(1, None, &["https://a/1.mp3?updated=1"]), known(2, None, &["https://a/2.mp3"])];
        assert_eq!(match_items(&items, &old), [Some(1), Some(2)]);
        assert_eq!(match_items(&[item(None, &["https://b/3.mp3"])], &old), [None]);
    }

    #[test]
    fn a_query_that_names_the_file_keeps_episodes_apart() {
        let mut items = [
            item(None, &["https://a/get.mp3?http://x/1.mp3"]),
            item(None, &["https://a/get.mp3?http://x/3.mp3"]),
        ];
        items[1].title = "Three".to_owned();
        let old = [
            known(1, None, &["https://a/get.mp3?http://x/1.mp3"]),
            known(2, None, &["https://a/get.mp3?http://x/2.mp3"]),
        ];
        assert_eq!(match_items(&items, &old), [Some(1), None]);
    }

    #[test]
    fn a_feed_that_repeats_one_item_without_end_is_matched_in_one_go() {
        let items = vec![item(Some("g"), &["https://a/1.mp3"]); 50_000];
        let old: Vec<_> = (0..50_000).map(|id| known(id, Some("g"), &["https://a/1.mp3"])).collect();
        let began = std::time::Instant::now();
        assert_eq!(match_items(&items, &old).last(), Some(&Some(49_999)));
        let elsewhere = vec![item(Some("g"), &["https://b/2.mp3"]); 50_000];
        assert_eq!(match_items(&elsewhere, &old).last(), Some(&None));
        // Comparing each with each takes far longer.
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[test]
    fn enclosures_of_a_moved_episode_are_paired_in_order() {
        let announced = ["https://new/1.m4a".to_owned(), "https://new/1.mp3".to_owned()];
        let known = ["https://old/x.m4a".to_owned(), "https://old/x.mp3".to_owned()];
        assert_eq!(match_enclosures(&announced, &known), [Some(0), Some(1)]);
        assert_eq!(match_enclosures(&announced, &known[..1]), [None, None]);
    }
}
