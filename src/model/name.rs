//! The file name of an enclosure, which is also `name` in its info dictionary: by the recipe of ARCHITECTURE.md.
//!
//! Whoever follows the recipe makes the same info hash and shares the swarm, so nothing here may depend on the
//! machine, on the clock or on anything but what the feed and the bytes say. The functions are pure.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

use super::media;

/// The longest name, in bytes: 255 less what clients and `.torrent` files append, and below the 240 at which
/// libtorrent truncates.
pub const MAX_NAME: usize = 180;

/// The longest name of another's torrent that is taken: with `.torrent` and a client's own ending below 255 bytes.
const LONGEST_FOREIGN_NAME: usize = 230;

/// The longest title within a dated name, in bytes.
const MAX_TITLE: usize = 100;

/// Names (without extension) that say nothing about the episode; real hosts use them for every enclosure.
pub const GENERIC_STEMS: [&str; 16] = [
    "audio",
    "default",
    "download",
    "enclosure",
    "episode",
    "file",
    "index",
    "listen",
    "media",
    "play",
    "podcast",
    "redirect",
    "stream",
    "track",
    "untitled",
    "video",
];

/// Names that Windows keeps for devices, with any extension or none.
const DEVICE_NAMES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// What a file name is made of.
#[derive(Debug, Clone, Copy)]
pub struct NameInputs<'a> {
    /// The enclosure's URL, as the feed gives it.
    pub url: &'a str,
    /// The episode's date.
    pub date: Option<Timestamp>,
    /// The episode's title, as plain text.
    pub title: &'a str,
    /// The episode's guid.
    pub guid: Option<&'a str>,
    /// The type that the feed claims.
    pub media_type: Option<&'a str>,
    /// The extension that goes with the file's first bytes ([`media::sniff`]), when they are known.
    pub sniffed_extension: Option<&'a str>,
    /// Whether another enclosure of the feed has the same name ([`repeated_names`]).
    pub repeated: bool,
}

/// The file name by the recipe: the URL's own name where it says something, else a dated one.
///
/// Never empty, at most [`MAX_NAME`] bytes, NFC, without separators, leading dots or leading spaces.
pub fn file_name(inputs: &NameInputs<'_>) -> String {
    match base_name(inputs.url) {
        Some(name) if !inputs.repeated && !is_generic(&name) => name,
        _ => dated_name(inputs),
    }
}

/// The last path segment of a URL, percent-decoded once and made safe as a file name.
///
/// The URL is taken as it is written: it may be relative, and `..`, `%2F` and `\` are not resolved.
/// `None` if there is no segment, if nothing of it remains, or if it is no UTF-8 once decoded.
pub fn base_name(url: &str) -> Option<String> {
    let path = url.find(['?', '#']).map_or(url, |end| &url[..end]);
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => path,
    };
    let segment = path.rsplit('/').next()?;
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    Some(safe_name(&decoded, MAX_NAME)).filter(|name| !name.is_empty())
}

/// Whether a name says nothing about its episode: a word that hosts use for all of them, or no medium's extension.
pub fn is_generic(name: &str) -> bool {
    match split_extension(name) {
        (stem, Some(extension)) if media::kind_of_extension(extension).is_some() => {
            GENERIC_STEMS.contains(&stem.to_lowercase().as_str())
        }
        _ => true,
    }
}

/// `DATE TITLE ID.EXT`: for enclosures whose URL gives them no name of their own.
///
/// A missing date or title is left out. The extension is that of the bytes, else of the declared type, else of
/// the URL.
pub fn dated_name(inputs: &NameInputs<'_>) -> String {
    dated_with_id(inputs, short_id(inputs.guid.unwrap_or(inputs.url)))
}

/// The dated name of a file that no other name is left for: its ID tells this content from that of an earlier version.
pub fn dated_name_of_content(inputs: &NameInputs<'_>, sha256: &[u8; 32]) -> String {
    dated_with_id(inputs, first_digits(sha256))
}

fn dated_with_id(inputs: &NameInputs<'_>, id: String) -> String {
    let date = inputs.date.map(|date| date.to_zoned(TimeZone::UTC).date().to_string()).unwrap_or_default();
    let title = safe_name(inputs.title, MAX_TITLE);
    let mut name =
        [date, title, id].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some(extension) = extension(inputs) {
        name.push('.');
        name.push_str(&extension);
    }
    name
}

fn extension(inputs: &NameInputs<'_>) -> Option<String> {
    let declared = || inputs.media_type.and_then(media::extension_of_type);
    inputs.sniffed_extension.or_else(declared).map(str::to_owned).or_else(|| {
        let name = base_name(inputs.url)?;
        let extension = split_extension(&name).1?.to_ascii_lowercase();
        media::kind_of_extension(&extension).map(|_| extension)
    })
}

/// The first 8 hexadecimal digits of SHA-256.
fn short_id(identity: &str) -> String {
    first_digits(digest(&SHA256, identity.as_bytes()).as_ref())
}

/// The first 8 hexadecimal digits of a hash.
fn first_digits(hash: &[u8]) -> String {
    hex::encode(&hash[..hash.len().min(4)])
}

/// The names that more than one enclosure of a feed would get from their URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepeatedNames(HashSet<String>);

impl RepeatedNames {
    /// Whether the name that this URL gives is one of them.
    pub fn contains_url(&self, url: &str) -> bool {
        base_name(url).is_some_and(|name| self.0.contains(&folded(&name)))
    }
}

/// Finds the names that different URLs of one feed share, in any case (file systems may not tell them apart).
/// The same URL in several items is one file and repeats nothing.
pub fn repeated_names<'a>(urls: impl IntoIterator<Item = &'a str>) -> RepeatedNames {
    let mut first_url: HashMap<String, &str> = HashMap::new();
    let mut repeated = HashSet::new();
    for url in urls {
        let Some(name) = base_name(url).map(|name| folded(&name)) else { continue };
        if *first_url.entry(name.clone()).or_insert(url) != url {
            repeated.insert(name);
        }
    }
    RepeatedNames(repeated)
}

fn folded(name: &str) -> String {
    name.to_lowercase().nfc().collect()
}

/// Makes any text safe as a file name of at most `limit` bytes, or empty if nothing remains. Transmission 3 takes spaces
/// at either end away and then looks for a file without them.
fn safe_name(text: &str, limit: usize) -> String {
    let replaced: String = text.nfc().map(|c| if is_forbidden(c) { '_' } else { c }).collect();
    let trimmed = replaced.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    let guarded = if is_device_name(trimmed) { format!("_{trimmed}") } else { trimmed.to_owned() };
    cut(&guarded, limit)
}

/// What some file system or client cannot have in a name. Marks that turn the writing direction count as
/// control characters: with them a name shows another extension than it has.
fn is_forbidden(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*')
        || c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether Windows keeps this name for a device, as `nul.mp3`.
pub fn is_device_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = ["com", "lpt"].iter().filter_map(|device| stem.strip_prefix(device));
    DEVICE_NAMES.contains(&stem.as_str())
        || numbered.into_iter().any(|number| {
            matches!(number.as_bytes(), [b'0'..=b'9']) || ["\u{b9}", "\u{b2}", "\u{b3}"].contains(&number)
        })
}

/// Whether somebody else's file name can be taken as it is: it is one name on every system, shows what it is, and
/// hides nothing. Longer than our own names may be, up to what libtorrent keeps.
pub fn is_safe(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_FOREIGN_NAME
        && !name.starts_with(['.', ' '])
        && !name.ends_with(['.', ' '])
        && !name.contains(is_forbidden)
        && !is_device_name(name)
}

/// Cuts before the extension, at a character's end.
fn cut(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let (stem, extension) = split_extension(name);
    let suffix = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
    let end = stem.floor_char_boundary(limit - suffix.len());
    let kept = if suffix.is_empty() { stem[..end].trim_end_matches(['.', ' ']) } else { &stem[..end] };
    format!("{kept}{suffix}")
}

/// An extension is at most ten ASCII letters and digits after the last dot, and something stands before it.
fn split_extension(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((stem, extension))
            if !stem.is_empty()
                && (1..=10).contains(&extension.len())
                && extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            (stem, Some(extension))
        }
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests;
