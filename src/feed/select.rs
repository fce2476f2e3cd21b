//! Which items of a feed are wanted, which of their enclosures, and by which rule the others are not.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::media::{MediaKind, kind_of_extension, kind_of_type};
use crate::model::name::base_name;
use crate::model::{Enclosure, Item, Role, Selection};

/// What is to become of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Wanted, with at least one enclosure, each URL once.
    Wanted(Vec<Enclosure>),
    /// Not wanted; the rule in words, as `older than since: 2020-01-01`.
    Unwanted(String),
}

/// Judges every item of a feed, in the order of the items.
pub fn select(items: &[Item], selection: &Selection) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = items.iter().map(|item| judge(item, selection)).collect();
    if let Some(latest) = selection.latest {
        let wanted = newest_first(items).into_iter().filter(|&at| matches!(verdicts[at], Verdict::Wanted(_)));
        for at in wanted.skip(latest).collect::<Vec<_>>() {
            verdicts[at] = Verdict::Unwanted(format!("not among the latest {latest}"));
        }
    }
    verdicts
}

/// Whether an enclosure is a torrent of some media and not the media: by its type, its extension or its
/// scheme.
pub fn is_torrent(enclosure: &Enclosure) -> bool {
    let declared = enclosure.media_type.as_deref().unwrap_or_default();
    let declared = declared.split(';').next().unwrap_or_default().trim();
    declared.eq_ignore_ascii_case("application/x-bittorrent")
        || has_scheme(&enclosure.url, &["magnet:"])
        || extension(&enclosure.url).is_some_and(|extension| extension == "torrent")
}

/// The torrent that the publisher offers of an enclosure himself: the one named like it (`a.mp3.torrent`,
/// `a.torrent`), or the only one beside the only file; a magnet link where there is no .torrent. Whether it really
/// holds that file is seen when it is read.
pub fn official_torrent<'a>(item: &'a Item, enclosure: &Enclosure) -> Option<&'a Enclosure> {
    let offered = |schemes: &[&str]| -> Vec<&Enclosure> {
        let torrents = item.enclosures.iter().filter(|enclosure| is_torrent(enclosure));
        torrents.filter(|torrent| has_scheme(&torrent.url, schemes)).collect()
    };
    let (torrents, magnets) = (offered(&["http:", "https:"]), offered(&["magnet:"]));
    let name = base_name(&enclosure.url)?;
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let is_namesake = |torrent: &&&Enclosure| {
        let torrent = base_name(&torrent.url).unwrap_or_default();
        torrent.strip_suffix(".torrent").is_some_and(|named| named == name || named == stem)
    };
    let files: HashSet<&str> =
        item.enclosures.iter().filter(|other| !is_torrent(other)).map(|other| other.url.as_str()).collect();
    let only = |torrents: &[&'a Enclosure]| match torrents {
        [only] if files.len() == 1 => Some(*only),
        _ => None,
    };
    torrents.iter().find(is_namesake).copied().or_else(|| only(&torrents)).or_else(|| only(&magnets))
}

fn judge(item: &Item, selection: &Selection) -> Verdict {
    if item.live {
        return Verdict::Unwanted("a live stream".to_owned());
    }
    if let Some(reason) = refused_by_date(item, selection).or_else(|| refused_by_title(item, selection)) {
        return Verdict::Unwanted(reason);
    }
    let kinds: &[MediaKind] = match selection.media.as_slice() {
        [] => &[MediaKind::Audio, MediaKind::Video],
        kinds => kinds,
    };
    let enclosures = wanted_enclosures(item, kinds);
    if !enclosures.is_empty() {
        Verdict::Wanted(enclosures)
    } else if item.enclosures.is_empty() {
        Verdict::Unwanted("no enclosure".to_owned())
    } else {
        let names: Vec<&str> = kinds.iter().map(|kind| kind_name(*kind)).collect();
        Verdict::Unwanted(format!("no {} among its enclosures", names.join(" or ")))
    }
}

fn refused_by_date(item: &Item, selection: &Selection) -> Option<String> {
    let rules = [("since", selection.since), ("until", selection.until)];
    let (rule, bound) = rules.into_iter().find_map(|(rule, bound)| Some((rule, bound?)))?;
    let Some(day) = item.date.map(utc_day) else {
        return Some(format!("without a date that could be compared with {rule}: {bound}"));
    };
    if let Some(since) = selection.since.filter(|since| day < *since) {
        return Some(format!("older than since: {since}"));
    }
    let until = selection.until.filter(|until| day > *until)?;
    Some(format!("newer than until: {until}"))
}

fn refused_by_title(item: &Item, selection: &Selection) -> Option<String> {
    if let Some(title) = selection.title.as_ref().filter(|title| !title.is_match(&item.title)) {
        return Some(format!("its title does not match title: {title}"));
    }
    let not_title = selection.not_title.as_ref().filter(|not_title| not_title.is_match(&item.title))?;
    Some(format!("its title matches not_title: {not_title}"))
}

fn utc_day(date: Timestamp) -> Date {
    date.to_zoned(TimeZone::UTC).date()
}

/// All enclosures proper; where none of them is wanted, the first alternate one, else the first of Media RSS.
fn wanted_enclosures(item: &Item, kinds: &[MediaKind]) -> Vec<Enclosure> {
    let usable = |enclosure: &&Enclosure| {
        has_scheme(&enclosure.url, &["http:", "https:", "file:"]) && !is_torrent(enclosure)
    };
    let mut seen = HashSet::new();
    let proper: Vec<Enclosure> = item
        .enclosures
        .iter()
        .filter(|enclosure| matches!(enclosure.role, Role::Enclosure | Role::AtomLink))
        .filter(usable)
        .filter(|enclosure| claims(enclosure).may_be(kinds) && seen.insert(&enclosure.url))
        .cloned()
        .collect();
    if !proper.is_empty() {
        return proper;
    }
    let first = |role: Role| {
        let mut of_role = item.enclosures.iter().filter(|enclosure| enclosure.role == role).filter(usable);
        of_role.find(|enclosure| claims(enclosure).is_one_of(kinds))
    };
    first(Role::Alternate).or_else(|| first(Role::Media)).cloned().into_iter().collect()
}

/// What an enclosure's type and extension claim it is. They disagree often enough that either may vouch for
/// it; the first bytes of the file decide in the end.
struct Claims {
    by_type: Option<MediaKind>,
    by_extension: Option<MediaKind>,
    is_text: bool,
}

fn claims(enclosure: &Enclosure) -> Claims {
    let media_type = enclosure.media_type.as_deref().unwrap_or_default();
    Claims {
        by_type: kind_of_type(media_type),
        by_extension: extension(&enclosure.url).as_deref().and_then(kind_of_extension),
        is_text: media_type.trim().to_ascii_lowercase().starts_with("text/"),
    }
}

impl Claims {
    fn is_one_of(&self, kinds: &[MediaKind]) -> bool {
        [self.by_type, self.by_extension].into_iter().flatten().any(|kind| kinds.contains(&kind))
    }

    fn may_be(&self, kinds: &[MediaKind]) -> bool {
        let is_unknown = self.by_type.is_none() && self.by_extension.is_none() && !self.is_text;
        is_unknown || self.is_one_of(kinds)
    }
}

fn extension(url: &str) -> Option<String> {
    let name = base_name(url)?;
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
}

fn has_scheme(url: &str, schemes: &[&str]) -> bool {
    schemes
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn kind_name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
        MediaKind::Image => "image",
        MediaKind::Document => "document",
    }
}

/// Positions of the items, newest first. Feeds usually begin with the newest, so an item without a date is
/// taken to be as old as the dated one before it, else after it.
fn newest_first(items: &[Item]) -> Vec<usize> {
    let mut last = items.iter().find_map(|item| item.date);
    let dates: Vec<Option<Timestamp>> = items
        .iter()
        .map(|item| {
            last = item.date.or(last);
            last
        })
        .collect();
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(dates[at]), at));
    order
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn enclosure(url: &str, media_type: &str, role: Role) -> Enclosure {
        let media_type = Some(media_type.to_owned()).filter(|media_type| !media_type.is_empty());
        Enclosure { url: url.to_owned(), media_type, length: None, role }
    }

    fn item(title: &str, date: &str, enclosures: &[(&str, &str, Role)]) -> Item {
        Item {
            guid: None,
            title: title.to_owned(),
            date: date.parse().ok(),
            link: None,
            live: false,
            enclosures: enclosures.iter().map(|(url, kind, role)| enclosure(url, kind, *role)).collect(),
            licence: None,
        }
    }

    fn urls(verdict: &Verdict) -> Vec<&str> {
        match verdict {
            Verdict::Wanted(enclosures) => {
                enclosures.iter().map(|enclosure| enclosure.url.as_str()).collect()
            }
            Verdict::Unwanted(reason) => vec![reason],
        }
    }

    fn episode(title: &str, date: &str) -> Item {
        item(title, date, &[("https://a.test/a.mp3", "audio/mpeg", Role::Enclosure)])
    }

    fn reason(item: &Item, selection: &Selection) -> String {
        match &select(std::slice::from_ref(item), selection)[0] {
            Verdict::Unwanted(reason) => reason.clone(),
            Verdict::Wanted(_) => "wanted".to_owned(),
        }
    }

    #[test]
    fn the_latest_are_counted_among_those_that_pass_the_other_rules() {
        let items = [
            episode("one", "2020-01-01T00:00:00Z"),
            episode("two: trailer", "2020-01-04T00:00:00Z"),
            episode("three", "2020-01-03T00:00:00Z"),
            episode("four", "2020-01-02T00:00:00Z"),
        ];
        let not_title = Some(Regex::new("trailer").unwrap());
        let verdicts = select(&items, &Selection { latest: Some(2), not_title, ..Selection::default() });
        let words: Vec<_> = verdicts.iter().map(|verdict| urls(verdict)[0]).collect();
        assert_eq!(
            words,
            [
                "not among the latest 2",
                "its title matches not_title: trailer",
                "https://a.test/a.mp3",
                "https://a.test/a.mp3"
            ]
        );
    }

    #[test]
    fn items_without_a_date_are_placed_by_their_position() {
        let undated: Vec<Item> = (0..4).map(|n| episode(&n.to_string(), "")).collect();
        assert_eq!(newest_first(&undated), [0, 1, 2, 3]);
        let oldest_first = [
            episode("a", "2020-01-01T00:00:00Z"),
            episode("b", ""),
            episode("c", "2020-01-03T00:00:00Z"),
            episode("d", ""),
        ];
        assert_eq!(newest_first(&oldest_first), [2, 3, 0, 1]);
    }

    #[test]
    fn days_are_compared_in_utc_and_both_ends_belong() {
        let selection = Selection {
            since: "2020-01-02".parse().ok(),
            until: "2020-01-03".parse().ok(),
            ..Selection::default()
        };
        assert_eq!(
            reason(&episode("x", "2020-01-02T01:00:00+02:00"), &selection),
            "older than since: 2020-01-02"
        );
        assert_eq!(reason(&episode("x", "2020-01-02T00:00:00Z"), &selection), "wanted");
        assert_eq!(reason(&episode("x", "2020-01-03T23:59:59Z"), &selection), "wanted");
        assert_eq!(reason(&episode("x", "2020-01-04T00:00:00Z"), &selection), "newer than until: 2020-01-03");
        assert!(reason(&episode("x", ""), &selection).contains("without a date"));
    }

    #[test]
    fn every_enclosure_of_a_wanted_kind_is_taken_once() {
        let item = item(
            "x",
            "",
            &[
                ("https://a.test/cover.jpg", "image/jpeg", Role::Enclosure),
                ("https://a.test/a.mp3", "audio/mpeg", Role::Enclosure),
                ("https://a.test/a.mp3", "audio/mpeg", Role::AtomLink),
                ("https://a.test/a.ogg", "", Role::AtomLink),
                ("https://a.test/play?id=5", "application/octet-stream", Role::Enclosure),
                ("https://a.test/watch", "text/html", Role::Enclosure),
                ("https://a.test/a.mp3.torrent", "", Role::Enclosure),
                ("https://a.test/t/5", "application/x-bittorrent", Role::Enclosure),
                ("magnet:?xt=urn:btih:0", "audio/mpeg", Role::Enclosure),
                ("a.mp3", "audio/mpeg", Role::Enclosure),
                ("https://a.test/alternate.opus", "audio/opus", Role::Alternate),
            ],
        );
        assert_eq!(
            urls(&select(std::slice::from_ref(&item), &Selection::default())[0]),
            ["https://a.test/a.mp3", "https://a.test/a.ogg", "https://a.test/play?id=5"]
        );
        let images = Selection { media: vec![MediaKind::Image], ..Selection::default() };
        assert_eq!(urls(&select(&[item], &images)[0])[0], "https://a.test/cover.jpg");
    }

    #[test]
    fn without_an_enclosure_proper_one_alternate_or_media_content_is_taken() {
        let media = ("https://a.test/m.mp4", "video/mp4", Role::Media);
        let with_alternate = item(
            "x",
            "",
            &[
                media,
                ("magnet:?xt=urn:btih:0", "audio/opus", Role::Alternate),
                ("https://a.test/low.opus", "audio/opus", Role::Alternate),
                ("https://a.test/high.opus", "audio/opus", Role::Alternate),
            ],
        );
        let with_media = item("x", "", &[("https://a.test/t.jpg", "image/jpeg", Role::Media), media, media]);
        let verdicts = select(&[with_alternate, with_media], &Selection::default());
        assert_eq!(urls(&verdicts[0]), ["https://a.test/low.opus"]);
        assert_eq!(urls(&verdicts[1]), ["https://a.test/m.mp4"]);
    }

    #[test]
    fn the_publishers_own_torrent_is_the_namesake_or_the_only_one() {
        let mp3 = ("https://a.test/1.mp3", "audio/mpeg", Role::Enclosure);
        let ogg = ("https://a.test/1.ogg", "audio/ogg", Role::Enclosure);
        let official = |enclosures: &[(&str, &str, Role)]| {
            let item = item("x", "", enclosures);
            official_torrent(&item, &item.enclosures[0]).map(|torrent| torrent.url.clone())
        };
        let torrent = "application/x-bittorrent";
        let named = ("https://t.test/t/1.mp3.torrent", torrent, Role::Alternate);
        let unnamed = ("https://t.test/get?id=5", torrent, Role::Enclosure);
        let magnet = ("magnet:?xt=urn:btih:0", "", Role::Alternate);
        assert_eq!(official(&[mp3, ogg, unnamed, named]).as_deref(), Some(named.0));
        assert_eq!(official(&[mp3, magnet, unnamed]).as_deref(), Some(unnamed.0));
        assert_eq!(official(&[mp3, ogg, unnamed]), None);
        assert_eq!(official(&[mp3, magnet]).as_deref(), Some(magnet.0));
        assert_eq!(official(&[mp3, ogg, magnet]), None);
        assert_eq!(official(&[mp3, magnet, ("magnet:?xt=urn:btih:1", "", Role::Alternate)]), None);
        assert_eq!(official(&[mp3]), None);
    }

    #[test]
    fn the_reasons_are_in_words() {
        let selection = Selection { title: Regex::new("^CR").ok(), ..Selection::default() };
        assert_eq!(reason(&episode("AB1", ""), &selection), "its title does not match title: ^CR");
        assert_eq!(reason(&item("CR1", "", &[]), &selection), "no enclosure");
        let document = item("CR1", "", &[("https://a.test/a.pdf", "application/pdf", Role::Enclosure)]);
        assert_eq!(reason(&document, &selection), "no audio or video among its enclosures");
        assert_eq!(reason(&Item { live: true, ..episode("CR1", "") }, &selection), "a live stream");
    }
}
