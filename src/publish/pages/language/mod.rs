//! The words of the pages: every text that is ours, in English and German, and how each writes numbers and dates.
//!
//! A language is one value with a field per text, so that a text that is missing does not compile.

mod english;
mod german;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::PageLanguage;

/// All that pages say in one language. `{}` in a text is where the fields' functions put a value.
#[derive(Debug)]
pub(super) struct Language {
    /// The language tag.
    pub code: &'static str,
    decimal_mark: &'static str,
    group_mark: &'static str,
    /// Day, month's name, year.
    date_format: fn(i8, &str, i16) -> String,
    months: [&'static str; 12],
    languages: [(&'static str, &'static str); 14],
    pub site: Site,
    pub search: Search,
    pub show: Show,
    pub file: File,
    pub about: About,
}

/// What is on every page, and on the list of all shows.
#[derive(Debug)]
pub(super) struct Site {
    pub title: &'static str,
    pub intro: &'static str,
    pub skip: &'static str,
    pub navigation: &'static str,
    pub all_shows: &'static str,
    pub about: &'static str,
    pub shows: &'static str,
    pub empty: &'static str,
    pub newest: &'static str,
    pub episodes: [&'static str; 2],
    pub lists: &'static str,
    pub plain_list: &'static str,
    pub opml: &'static str,
    pub catalogue: &'static str,
    pub promise: &'static str,
    pub privacy: &'static str,
    pub made_with: &'static str,
    pub not_found: &'static str,
    pub not_found_text: &'static str,
}

/// The controls that appear when the script runs.
#[derive(Debug)]
pub(super) struct Search {
    pub find_show: &'static str,
    pub find_episode: &'static str,
    pub language: &'static str,
    pub every_language: &'static str,
    /// `{n}` and `{all}` are put in by the script.
    pub shown: &'static str,
    pub nothing: &'static str,
    pub elsewhere: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
}

/// A show's page.
#[derive(Debug)]
pub(super) struct Show {
    pub by: &'static str,
    pub publishers_page: &'static str,
    pub publishers_feed: &'static str,
    pub licence: &'static str,
    pub permission: &'static str,
    pub subscribe: &'static str,
    pub torrent_feed: &'static str,
    pub torrent_feed_for: &'static str,
    pub podcast_feed: &'static str,
    pub podcast_feed_for: &'static str,
    pub own_feed_for: &'static str,
    pub help: &'static str,
    pub episodes: &'static str,
    pub empty: &'static str,
    pub pages: &'static str,
    pub newest: &'static str,
    pub page: &'static str,
    pub newer: &'static str,
    pub older: &'static str,
    pub to: &'static str,
}

/// One file of an episode.
#[derive(Debug)]
pub(super) struct File {
    pub torrent: &'static str,
    pub official_torrent: &'static str,
    pub magnet: &'static str,
    pub from_publisher: &'static str,
    pub from_here: &'static str,
    pub episode_page: &'static str,
    pub details: &'static str,
    pub name: &'static str,
    pub size: &'static str,
    pub bytes: &'static str,
    pub info_hash: &'static str,
    pub sha256: &'static str,
    pub seeded_by: &'static str,
    pub confirmed: &'static str,
    pub unconfirmed: &'static str,
    pub unconfirmed_only: &'static str,
    pub by_one: &'static str,
    pub by_many: &'static str,
    pub by_nobody: &'static str,
    pub published: &'static str,
    pub badge_official: &'static str,
    pub badge_former: &'static str,
    pub replaces: &'static str,
    pub official_elsewhere: &'static str,
    pub official: &'static str,
    pub offered_here: &'static str,
    pub revised: &'static str,
    pub superseded: &'static str,
    pub changes_per_request: &'static str,
    pub changed_once: &'static str,
}

/// The page that explains.
#[derive(Debug)]
pub(super) struct About {
    pub title: &'static str,
    pub contents: &'static str,
    pub other_language: &'static str,
    pub contact: &'static str,
    pub no_contact: &'static str,
    pub topics: &'static [Topic],
}

/// A section of the page that explains.
#[derive(Debug)]
pub(super) struct Topic {
    pub subject: Subject,
    pub heading: &'static str,
    pub blocks: &'static [Block],
}

/// What a section is about; also the anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    This,
    Open,
    Subscribe,
    Privacy,
    Check,
    Basis,
    Publishers,
}

impl Subject {
    /// The anchor, the same in every language.
    pub(super) fn anchor(self) -> &'static str {
        match self {
            Self::This => "this",
            Self::Open => "open",
            Self::Subscribe => "subscribe",
            Self::Privacy => "privacy",
            Self::Check => "check",
            Self::Basis => "basis",
            Self::Publishers => "publishers",
        }
    }
}

/// A piece of running text.
#[derive(Debug)]
pub(super) enum Block {
    Paragraph(&'static str),
    Heading(&'static str),
    Steps(&'static [&'static str]),
    Points(&'static [&'static str]),
    /// What to type, by system.
    Commands(&'static [(&'static str, &'static str)]),
}

impl Language {
    /// The words of a language.
    pub(super) fn of(language: PageLanguage) -> &'static Self {
        match language {
            PageLanguage::English => &english::ENGLISH,
            PageLanguage::German => &german::GERMAN,
        }
    }

    /// `21 November 2026` (UTC); `None` before the year 1, which HTML cannot write.
    pub(super) fn date(&self, date: Date) -> Option<String> {
        let month = self.months.get(usize::try_from(date.month() - 1).ok()?)?;
        (date.year() > 0).then(|| (self.date_format)(date.day(), month, date.year()))
    }

    /// A number of bytes in decimal units, as shops and system tools give it to listeners: `54.3 MB`.
    pub(super) fn size(&self, bytes: u64) -> String {
        const UNITS: [(&str, u64); 4] =
            [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
        // What rounds to 1,000 of a unit is 1 of the next.
        let unit = UNITS.into_iter().find(|(_, size)| bytes >= size - size / 2000);
        let Some((unit, size)) = unit else { return format!("{bytes}\u{a0}B") };
        let tenths = bytes.saturating_add(size / 20) / (size / 10);
        match (tenths / 10, tenths % 10) {
            // Beyond 100 the decimal place says nothing.
            (100.., _) => format!("{}\u{a0}{unit}", self.number(bytes.saturating_add(size / 2) / size)),
            (whole, 0) => format!("{whole}\u{a0}{unit}"),
            (whole, tenth) => format!("{whole}{}{tenth}\u{a0}{unit}", self.decimal_mark),
        }
    }

    /// `12,345`.
    pub(super) fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut out = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push_str(self.group_mark);
            }
            out.push(digit);
        }
        out
    }

    /// `1 episode`, `12 episodes`.
    pub(super) fn episodes(&self, count: u64) -> String {
        let [one, many] = self.site.episodes;
        format!("{}\u{a0}{}", self.number(count), if count == 1 { one } else { many })
    }

    /// The name of the language that a tag stands for, or the tag.
    pub(super) fn language_name(&self, tag: &str) -> String {
        let primary = primary_subtag(tag);
        let known = self.languages.iter().find(|(code, _)| *code == primary);
        known.map_or(primary, |(_, name)| (*name).to_owned())
    }
}

/// `de` of `de-DE`.
pub(super) fn primary_subtag(tag: &str) -> String {
    tag.split('-').next().unwrap_or_default().to_ascii_lowercase()
}

/// The day in UTC.
pub(super) fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Puts values into the `{}` of a text, in order.
pub(super) fn fill(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for part in parts {
        out.push_str(values.next().unwrap_or(&""));
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&Language; 2] = [&english::ENGLISH, &german::GERMAN];

    #[test]
    fn sizes_are_decimal_with_one_place_where_it_says_something() {
        for (bytes, english, german) in [
            (0, "0 B", "0 B"),
            (999, "999 B", "999 B"),
            (1_000, "1 kB", "1 kB"),
            (54_321_000, "54.3 MB", "54,3 MB"),
            (99_960_000, "100 MB", "100 MB"),
            (154_321_000, "154 MB", "154 MB"),
            (999_499_999, "999 MB", "999 MB"),
            (999_500_000, "1 GB", "1 GB"),
            (1_250_000_000, "1.3 GB", "1,3 GB"),
            (u64::MAX, "18,446,744 TB", "18.446.744 TB"),
        ] {
            let sizes = ALL.map(|language| language.size(bytes).replace('\u{a0}', " "));
            assert_eq!(sizes, [english, german], "{bytes}");
        }
    }

    #[test]
    fn dates_are_written_as_each_language_writes_them() {
        let date = jiff::civil::date(2026, 3, 1);
        assert_eq!(ALL.map(|language| language.date(date).unwrap()), ["1 March 2026", "1. März 2026"]);
        assert_eq!(english::ENGLISH.date(jiff::civil::date(-4, 3, 1)), None);
    }

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!(ALL.map(|language| language.episodes(1)), ["1\u{a0}episode", "1\u{a0}Folge"]);
        assert_eq!(ALL.map(|language| language.episodes(1234)), ["1,234\u{a0}episodes", "1.234\u{a0}Folgen"]);
    }

    #[test]
    fn languages_have_names_or_keep_their_tag() {
        assert_eq!(ALL.map(|language| language.language_name("de-AT")), ["German", "Deutsch"]);
        assert_eq!(ALL.map(|language| language.language_name("gsw")), ["gsw", "gsw"]);
    }

    #[test]
    fn every_language_explains_the_same_subjects_at_the_same_length() {
        let [english, german] = ALL.map(|language| language.about.topics);
        assert_eq!(english.len(), german.len());
        for (english, german) in english.iter().zip(german) {
            assert_eq!(english.subject, german.subject);
            assert_eq!(english.blocks.len(), german.blocks.len(), "{:?}", english.subject);
        }
    }
}
