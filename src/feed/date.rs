//! Dates as feeds write them.
//!
//! RFC 2822 and RFC 3339 by the date library; then a tolerant reader for the rest: weekdays that are wrong or
//! in another language, long or foreign month names, missing seconds, zones by name. What is ambiguous
//! (`02/03/2026`, `GMT+2`) or impossible (31 April) has no date: a wrong one would be worse than none.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::Offset;

/// A text of more bytes is no date.
const LONGEST: usize = 100;

/// From 1900 to 2200, in seconds; dates beyond are a program's idea of "none" (0001-01-01).
const PLAUSIBLE: std::ops::Range<i64> = -2_208_988_800..7_258_118_400;

static RFC_2822: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// The point in time that a date in a feed means; `None` where it cannot be told for certain.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    strict(text).or_else(|| tolerant(text)).filter(|date| PLAUSIBLE.contains(&date.as_second()))
}

/// RFC 2822 reads a zone name that it does not know as UTC (section 4.3); those are left to [`tolerant`].
fn strict(text: &str) -> Option<Timestamp> {
    if text.ends_with(|c: char| c.is_ascii_digit()) || text.ends_with("GMT") {
        RFC_2822.parse_timestamp(text).ok().or_else(|| text.parse().ok())
    } else {
        text.parse().ok()
    }
}

fn tolerant(text: &str) -> Option<Timestamp> {
    let mut parts = Parts::default();
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    for word in words {
        parts.take(word)?;
    }
    parts.timestamp()
}

/// What has been understood so far.
#[derive(Default)]
struct Parts {
    day: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
    time: Option<Time>,
    afternoon: Option<bool>,
    offset: Option<Offset>,
}

impl Parts {
    /// Understands one more word; `None` when it makes the date doubtful.
    fn take(&mut self, word: &str) -> Option<()> {
        if word.contains(':') && self.time.is_none() {
            self.take_time(word)
        } else if word.starts_with(['+', '-']) {
            self.offset = Some(numeric_offset(word)?);
            Some(())
        } else if word.starts_with(|c: char| c.is_ascii_digit()) {
            self.take_number(word)
        } else {
            self.take_name(word)
        }
    }

    fn take_time(&mut self, word: &str) -> Option<()> {
        let (clock, offset) = match word.find(['+', '-', 'Z']) {
            Some(at) if word[at..] == *"Z" => (&word[..at], Some(Offset::UTC)),
            Some(at) => (&word[..at], Some(numeric_offset(&word[at..])?)),
            None => (word, None),
        };
        self.offset = offset.or(self.offset);
        let mut fields = clock.split(['.']).next()?.split(':').map(|field| field.parse::<i8>().ok());
        let (hour, minute) = (fields.next()??, fields.next()??);
        let second = fields.next().unwrap_or(Some(0))?;
        self.time = Some(Time::new(hour, minute, second.min(59), 0).ok()?);
        fields.next().is_none().then_some(())
    }

    fn take_number(&mut self, word: &str) -> Option<()> {
        if let Some((date, time)) = word.split_once('T') {
            self.take_iso_date(date)?;
            return self.take_time(time);
        }
        if word.matches('-').count() == 2 {
            return self.take_iso_date(word);
        }
        let digits = word.trim_end_matches(['.', 's', 't', 'n', 'd', 'r', 'h']);
        let number: i16 = digits.parse().ok()?;
        if self.day.is_none() && digits.len() <= 2 {
            self.day = i8::try_from(number).ok();
        } else if self.year.is_none() && (digits.len() == 4 || digits.len() == 2) {
            self.year = Some(century(number, digits.len()));
        } else {
            return None;
        }
        Some(())
    }

    /// `2026-02-03`, and `03-Feb-2026`.
    fn take_iso_date(&mut self, word: &str) -> Option<()> {
        let mut fields = word.split('-');
        let (first, second, third) = (fields.next()?, fields.next()?, fields.next()?);
        let (year, day) = if first.len() == 4 { (first, third) } else { (third, first) };
        self.month = match month(second) {
            Some(month) => Some(month),
            None if first.len() == 4 => Some(second.parse().ok()?),
            None => return None,
        };
        self.year = Some(century(year.parse().ok()?, year.len()));
        self.day = Some(day.parse().ok()?);
        Some(())
    }

    fn take_name(&mut self, word: &str) -> Option<()> {
        if let Some(month) = month(word) {
            // The later one counts: Tuesday is "mar" in Italian and French.
            self.month = Some(month);
            return Some(());
        }
        if self.time.is_none() {
            // A weekday, right or wrong, in any language, or a word as in "3 de febrero".
            return word.chars().all(|c| c.is_alphabetic() || c == '.').then_some(());
        }
        match word.to_ascii_uppercase().as_str() {
            "AM" => self.afternoon = Some(false),
            "PM" => self.afternoon = Some(true),
            name => self.offset = Some(named_offset(name)?),
        }
        Some(())
    }

    fn timestamp(self) -> Option<Timestamp> {
        let date = Date::new(self.year?, self.month?, self.day?).ok()?;
        let time = match (self.time, self.afternoon) {
            (Some(time), Some(afternoon)) => twelve_hours(time, afternoon)?,
            (time, _) => time.unwrap_or(Time::midnight()),
        };
        let offset = self.offset.unwrap_or(Offset::UTC);
        offset.to_timestamp(DateTime::from_parts(date, time)).ok()
    }
}

fn twelve_hours(time: Time, afternoon: bool) -> Option<Time> {
    let hour = match (time.hour(), afternoon) {
        (12, false) => 0,
        (hour @ 1..=11, true) => hour + 12,
        (hour @ 1..=12, _) => hour,
        _ => return None,
    };
    Time::new(hour, time.minute(), time.second(), 0).ok()
}

/// Two digits mean 1950 to 2049, as in RFC 2822, section 4.3.
fn century(year: i16, digits: usize) -> i16 {
    match (digits, year) {
        (2, ..50) => year + 2000,
        (2, _) => year + 1900,
        _ => year,
    }
}

fn numeric_offset(text: &str) -> Option<Offset> {
    let negative = text.starts_with('-');
    let digits: String = text[1..].chars().filter(|&c| c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    if minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Offset::from_seconds(if negative { -seconds } else { seconds }).ok()
}

/// Zone names that mean one offset where podcasts are made.
fn named_offset(name: &str) -> Option<Offset> {
    let hours = match name {
        "UTC" | "GMT" | "UT" | "Z" | "WET" => 0,
        "CET" | "MEZ" | "WEST" => 1,
        "CEST" | "MESZ" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" | "AKDT" => -8,
        "AKST" => -9,
        "HST" => -10,
        _ => return None,
    };
    Offset::from_hours(hours).ok()
}

/// The month that a name in English, German, French, Italian, Spanish, Portuguese or Dutch begins with.
fn month(name: &str) -> Option<i8> {
    const STEMS: [&[&str]; 12] = [
        &["jan", "jän", "gen", "ene"],
        &["feb", "fév", "fev"],
        &["mar", "mär", "maa", "mrt"],
        &["apr", "avr", "abr"],
        &["may", "mai", "mag", "mei"],
        &["jun", "juin", "giu"],
        &["jul", "juil", "lug"],
        &["aug", "aoû", "ago"],
        &["sep", "set"],
        &["oct", "okt", "ott", "out"],
        &["nov"],
        &["dec", "dez", "déc", "dic"],
    ];
    let name = name.trim_end_matches('.').to_lowercase();
    let index = STEMS.iter().position(|stems| stems.iter().any(|stem| name.starts_with(stem)))?;
    i8::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_mean_one_point_in_time_or_none() {
        let ten = Some("2026-02-03T10:00:00Z");
        let cases = [
            ("Tue, 03 Feb 2026 10:00:00 +0000", ten),
            ("3 Feb 2026 10:00:00 GMT", ten),
            ("Tue, 03 Feb 26 10:00:00 GMT", ten),
            ("Mon, 03 Feb 2026 10:00:00 +0000", ten),
            ("Tue, 03 Feb 2026 02:00:00 PST", ten),
            ("2026-02-03T10:00:00Z", ten),
            ("2026-02-03T12:00:00.000+02:00", ten),
            ("2026-02-03 10:00:00", ten),
            ("2026-02-03", Some("2026-02-03T00:00:00Z")),
            ("Tue, 03 Feb 2026 10:00 +0000", ten),
            ("Tue, 3 February 2026 10:00:00 +0000", ten),
            ("Di, 03 Feb 2026 10:00:00 +0000", ten),
            ("mar, 03 febbraio 2026 11:00:00 CET", ten),
            ("Tue, 03 Feb 2026 10:00:00 UTC", ten),
            ("Tue, 03 Feb 2026 12:00:00 +02:00", ten),
            ("Tue, 03 Feb 2026 12:00:00 CEST", ten),
            ("Tuesday, February 3, 2026 10:00 AM", ten),
            ("Feb 3, 2026 12:30 am", Some("2026-02-03T00:30:00Z")),
            ("Tue,  03   Feb 2026  10:00:00   +0000", ten),
            ("Tue, 03 Feb 2026 12:00:00 GMT+2", None),
            ("02/03/2026 10:00:00 AM", None),
            ("Thu, 31 Apr 2026 10:00:00 +0000", None),
            ("Tue, 03 Feb 2026 24:00:00 +0000", None),
            ("Tue, 118 Jun 2013 10:00:00 +0000", None),
            ("الأربعاء 24/04 - 03:00", None),
            ("Mon, 01 Jan 0001 00:00:00 +0000", None),
            ("martedì 3 marzo 2026", Some("2026-03-03T00:00:00Z")),
            ("Invalid Date", None),
            ("", None),
            ("-", None),
            ("+é", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|time| time.parse::<Timestamp>().unwrap());
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
