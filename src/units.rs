//! Ground: sizes, rates and times with their units, as people write and read them.
//!
//! A number without a unit is never accepted: it is the commonest way to be wrong by a factor of a thousand.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

const KIB: u64 = 1024;
const MIB: u64 = KIB * 1024;
const GIB: u64 = MIB * 1024;
const TIB: u64 = GIB * 1024;

/// Largest first; binary before decimal where both would do.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", TIB),
    ("TB", 1_000_000_000_000),
    ("GiB", GIB),
    ("GB", 1_000_000_000),
    ("MiB", MIB),
    ("MB", 1_000_000),
    ("KiB", KIB),
    ("KB", 1_000),
    ("B", 1),
];

/// Largest first. Months and years have no fixed length and are refused.
const TIME_UNITS: [(&str, &str, u64); 4] =
    [("day", "days", 86_400), ("h", "h", 3_600), ("min", "min", 60), ("s", "s", 1)];

const SIZE_HELP: &str = "B, KiB, MiB, GiB, TiB (or KB, MB, GB, TB)";

/// A number of bytes: `10 MiB`, `1.5 GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// Bytes per second: `2 MiB/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRate(pub u64);

/// A limit that may be absent: `unlimited`, or a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateLimit {
    /// Written `unlimited`.
    Unlimited,
    /// At most this.
    At(ByteRate),
}

/// A length of time: `30 s`, `15 min`, `1 h 30 min`, `90 days`, `2 weeks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// A text that is no size, rate or time. Each message says what can be written instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseUnitError {
    /// A number alone.
    #[error("`{text}` has no unit: write a number and one of {units}")]
    NoUnit {
        /// As written.
        text: String,
        /// What may follow the number.
        units: &'static str,
    },
    /// Not a number, or not a unit that is known here.
    #[error("`{text}` is not a {what}: write a number and one of {units}")]
    Unknown {
        /// As written.
        text: String,
        /// What was expected.
        what: &'static str,
        /// What may follow the number.
        units: &'static str,
    },
    /// `Mb` is a megabit to some and a megabyte to others.
    #[error("`{text}` may mean bits or bytes: write bytes, with one of {units}")]
    Bits {
        /// As written.
        text: String,
        /// What may follow the number.
        units: &'static str,
    },
    /// Beyond what can be counted.
    #[error("`{text}` is too large")]
    TooLarge {
        /// As written.
        text: String,
    },
}

/// Reads `NUMBER UNIT` into bytes. `what` and `units` are for the error.
fn parse_bytes(
    text: &str,
    amount: &str,
    what: &'static str,
    units: &'static str,
) -> Result<u64, ParseUnitError> {
    let text = || text.chars().take(80).collect::<String>();
    let amount = amount.trim();
    let number_ends = amount.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(amount.len());
    let (number, unit) = (&amount[..number_ends], amount[number_ends..].trim());
    if unit.is_empty() && number.parse::<f64>().is_ok() {
        return Err(ParseUnitError::NoUnit { text: text(), units });
    }
    if matches!(unit, "Kb" | "Mb" | "Gb" | "Tb") || unit.to_ascii_lowercase().contains("bit") {
        return Err(ParseUnitError::Bits { text: text(), units });
    }
    let factor =
        SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor);
    let (Some(factor), Some((whole, millionths))) = (factor, parse_decimal(number)) else {
        return Err(ParseUnitError::Unknown { text: text(), what, units });
    };
    let factor = u128::from(factor);
    whole
        .checked_mul(factor)
        .and_then(|bytes| bytes.checked_add(factor * u128::from(millionths) / 1_000_000))
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(|| ParseUnitError::TooLarge { text: text() })
}

/// `1.5` as whole part and millionths, without going through a float; more than six places are cut, and what
/// does not fit is as large as can be.
fn parse_decimal(number: &str) -> Option<(u128, u32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let millionths: String = fraction.chars().chain("000000".chars()).take(6).collect();
    Some((whole.parse().unwrap_or(u128::MAX), millionths.parse().ok()?))
}

impl FromStr for ByteSize {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_bytes(text, text, "size", SIZE_HELP).map(Self)
    }
}

impl FromStr for ByteRate {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HELP: &str = "KiB/s, MiB/s, GiB/s (or KB/s, MB/s, GB/s)";
        const WHAT: &str = "rate";
        let amount = text.trim();
        match amount.strip_suffix("/s") {
            Some(amount) => parse_bytes(text, amount, WHAT, HELP).map(Self),
            None => match parse_bytes(text, amount, WHAT, HELP) {
                Ok(_) => Err(ParseUnitError::Unknown {
                    text: amount.chars().take(80).collect(),
                    what: WHAT,
                    units: HELP,
                }),
                Err(error) => Err(error),
            },
        }
    }
}

impl FromStr for RateLimit {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "unlimited" => Ok(Self::Unlimited),
            rate => rate.parse().map(Self::At),
        }
    }
}

impl FromStr for Span {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HELP: &str = "s, min, h, days, weeks";
        let trimmed = text.trim();
        let text = || trimmed.chars().take(80).collect::<String>();
        if trimmed.parse::<f64>().is_ok() {
            return Err(ParseUnitError::NoUnit { text: text(), units: HELP });
        }
        let unknown = || ParseUnitError::Unknown { text: text(), what: "time", units: HELP };
        let span: jiff::Span = trimmed.parse().map_err(|_| unknown())?;
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(unknown());
        }
        let span = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| unknown())?;
        span.try_into().map(Self).map_err(|_| unknown())
    }
}

/// Binary units with at most one decimal place: for people, not for reading back.
fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: u64, suffix: &str) -> fmt::Result {
    let (unit, size) = [("TiB", TIB), ("GiB", GIB), ("MiB", MIB), ("KiB", KIB)]
        .into_iter()
        // What rounds to 1024 of a unit is 1 of the next.
        .find(|(_, size)| bytes >= size - size / 2048)
        .unwrap_or(("B", 1));
    let tenths = (u128::from(bytes) * 10 + u128::from(size) / 2) / u128::from(size);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => write!(f, "{whole} {unit}{suffix}"),
        (whole, tenth) => write!(f, "{whole}.{tenth} {unit}{suffix}"),
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bytes(f, self.0, "")
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bytes(f, self.0, "/s")
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::At(rate) => rate.fmt(f),
        }
    }
}

impl fmt::Display for Span {
    /// At most the two largest units, as `1 h 30 min`; below a second, milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seconds = self.0.as_secs();
        if seconds == 0 {
            return match self.0.subsec_millis() {
                0 => f.write_str("0 s"),
                millis => write!(f, "{millis} ms"),
            };
        }
        let mut written = 0;
        for (one, many, size) in TIME_UNITS {
            let count = seconds / size;
            if count == 0 || written == 2 {
                continue;
            }
            f.write_str(if written == 0 { "" } else { " " })?;
            write!(f, "{count} {}", if count == 1 { one } else { many })?;
            seconds %= size;
            written += 1;
        }
        Ok(())
    }
}

/// The text from which the same number is read again: the largest unit that divides it.
fn exact_bytes(bytes: u64) -> String {
    let divides = |(_, size): &&(&str, u64)| bytes >= *size && bytes.is_multiple_of(*size);
    let (unit, size) = SIZE_UNITS.iter().find(divides).copied().unwrap_or(("B", 1));
    format!("{} {unit}", bytes / size)
}

fn exact_time(time: Duration) -> String {
    let seconds = time.as_secs();
    let divides = |(_, _, size): &&(&str, &str, u64)| seconds >= *size && seconds.is_multiple_of(*size);
    let (_, unit, size) = TIME_UNITS.iter().find(divides).copied().unwrap_or(("s", "s", 1));
    format!("{} {unit}", seconds / size)
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&exact_bytes(self.0))
    }
}

impl Serialize for ByteRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}/s", exact_bytes(self.0)))
    }
}

impl Serialize for RateLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unlimited => serializer.serialize_str("unlimited"),
            Self::At(rate) => rate.serialize(serializer),
        }
    }
}

impl Serialize for Span {
    /// Whole seconds; a part of a second is cut.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&exact_time(self.0))
    }
}

/// Reads a text by [`FromStr`]; a number goes the same way, so that it gets the message about its unit.
struct TextVisitor<T>(std::marker::PhantomData<T>, &'static str);

impl<T: FromStr<Err = ParseUnitError>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text such as `{}`", self.1)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

macro_rules! read_from_text {
    ($type:ident, $($example:literal),+) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                const EXAMPLES: &[&str] = &[$($example),+];
                deserializer.deserialize_any(TextVisitor(std::marker::PhantomData, EXAMPLES[0]))
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "examples": [$($example),+] })
            }
        }
    };
}

read_from_text!(ByteSize, "10 MiB", "1.5 GB");
read_from_text!(ByteRate, "2 MiB/s", "500 KB/s");
read_from_text!(RateLimit, "unlimited", "2 MiB/s");
read_from_text!(Span, "15 min", "90 days", "1 h 30 min");

#[cfg(test)]
mod tests;
