//! What the first bytes of a file prove. Signatures come from the crate `infer`; this completes it where a
//! podcast needs more: containers that hold sound or pictures, streams without a signature, and plain words
//! for what is no medium at all.

use super::frames::{self, Stream};
use super::{MediaKind, MediaKind::*};

/// How many first bytes [`sniff`] should be given, when the file has that many: enough for three frames after
/// 4 KiB of junk, and for the first boxes of an MP4 file.
pub const SNIFF_LENGTH: usize = 16 * 1024;

/// The verdict on a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// A medium.
    Media {
        /// Its broad kind.
        kind: MediaKind,
        /// Its media type.
        mime: &'static str,
        /// Its usual extension, without the dot.
        extension: &'static str,
    },
    /// Anything else.
    NotMedia {
        /// What it seems to be, in words that complete "what came is ...".
        what: &'static str,
    },
}

const fn media(kind: MediaKind, mime: &'static str, extension: &'static str) -> Sniffed {
    Sniffed::Media { kind, mime, extension }
}

const fn no_media(what: &'static str) -> Sniffed {
    Sniffed::NotMedia { what }
}

/// Says what a file is by its first bytes, best [`SNIFF_LENGTH`] of them. What the feed claims plays no part.
pub fn sniff(first_bytes: &[u8]) -> Sniffed {
    if first_bytes.is_empty() {
        return no_media("an empty file");
    }
    container(first_bytes)
        .or_else(|| signature(first_bytes))
        .or_else(|| text(first_bytes))
        .or_else(|| stream(first_bytes))
        .unwrap_or_else(|| {
            let zeros = first_bytes.iter().all(|byte| *byte == 0);
            no_media(if zeros { "nothing but zero bytes" } else { "nothing known" })
        })
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Containers, in which sound, pictures and other things wear the same signature.
fn container(bytes: &[u8]) -> Option<Sniffed> {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => iso_base_media(bytes),
        [b'O', b'g', b'g', b'S', ..] => Some(ogg(bytes)),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(matroska(bytes)),
        [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, ..] => Some(asf(bytes)),
        [b'I', b'D', b'3', version, ..] if *version < 0xFF => Some(after_id3(bytes)),
        [0, 0, 1, 0xBA, ..] => Some(media(Video, "video/mpeg", "mpg")),
        [b'c', b'a', b'f', b'f', 0, ..] => Some(media(Audio, "audio/x-caf", "caf")),
        [b'w', b'v', b'p', b'k', ..] => Some(media(Audio, "audio/x-wavpack", "wv")),
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => {
            Some(media(Audio, "audio/aiff", "aiff"))
        }
        _ if transport_stream(bytes) => Some(media(Video, "video/mp2t", "ts")),
        _ => None,
    }
}

/// MP4 and its relatives (ISO 14496-12): the major brand decides, then the compatible ones, then the tracks.
/// `None` leaves picture formats (HEIF, AVIF) to the signatures.
fn iso_base_media(bytes: &[u8]) -> Option<Sniffed> {
    const M4A: Sniffed = media(Audio, "audio/mp4", "m4a");
    let size = bytes.first_chunk().map_or(0, |size| u32::from_be_bytes(*size) as usize);
    let brands = bytes.get(8..size.clamp(12, bytes.len().max(12)))?;
    let (major, rest) = brands.split_at_checked(4)?;
    match major {
        b"M4A " | b"M4P " => return Some(M4A),
        b"M4B " => return Some(media(Audio, "audio/mp4", "m4b")),
        b"M4V " | b"M4VH" | b"M4VP" => return Some(media(Video, "video/x-m4v", "m4v")),
        b"qt  " => return Some(media(Video, "video/quicktime", "mov")),
        b"heic" | b"heix" | b"mif1" | b"msf1" | b"avif" | b"avis" | b"crx " => return None,
        _ if major.starts_with(b"3g") => return Some(media(Video, "video/3gpp", "3gp")),
        _ => {}
    }
    let sound_only = contains(bytes, b"soun") && !contains(bytes, b"vide");
    let compatible_m4a = rest.chunks(4).any(|brand| brand == b"M4A ");
    Some(if sound_only || compatible_m4a { M4A } else { media(Video, "video/mp4", "mp4") })
}

/// Ogg (RFC 3533): the first packets of all streams stand in the first pages.
fn ogg(bytes: &[u8]) -> Sniffed {
    if contains(bytes, b"\x80theora") || contains(bytes, b"BBCD\0") || contains(bytes, b"OVP80") {
        media(Video, "video/ogg", "ogv")
    } else if contains(bytes, b"OpusHead") {
        media(Audio, "audio/ogg", "opus")
    } else {
        media(Audio, "audio/ogg", "ogg")
    }
}

/// Matroska and WebM: the DocType says which; codec identifiers begin with `V_` for pictures, `A_` for sound.
fn matroska(bytes: &[u8]) -> Sniffed {
    let head = &bytes[..bytes.len().min(256)];
    let sound_only =
        contains(bytes, b"\x86\x86A_") || contains(bytes, b"A_OPUS") || contains(bytes, b"A_VORBIS");
    let sound_only = sound_only && !contains(bytes, b"V_");
    match (contains(head, b"webm"), sound_only) {
        (true, true) => media(Audio, "audio/webm", "weba"),
        (true, false) => media(Video, "video/webm", "webm"),
        (false, true) => media(Audio, "audio/x-matroska", "mka"),
        (false, false) => media(Video, "video/x-matroska", "mkv"),
    }
}

/// ASF: a stream properties object of type "video media" (its GUID) tells WMV from WMA.
fn asf(bytes: &[u8]) -> Sniffed {
    const VIDEO_MEDIA: [u8; 8] = [0xC0, 0xEF, 0x19, 0xBC, 0x4D, 0x5B, 0xCF, 0x11];
    if contains(bytes, &VIDEO_MEDIA) {
        media(Video, "video/x-ms-wmv", "wmv")
    } else {
        media(Audio, "audio/x-ms-wma", "wma")
    }
}

/// An ID3v2 tag stands before MP3, and by mistake before others. What follows decides when it is in sight.
fn after_id3(bytes: &[u8]) -> Sniffed {
    const MP3: Sniffed = media(Audio, "audio/mpeg", "mp3");
    let Some(size) = bytes.get(6..10) else { return MP3 };
    let length = size.iter().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7F));
    match bytes.get(10 + length..) {
        Some(rest) if rest.starts_with(b"fLaC") => media(Audio, "audio/flac", "flac"),
        Some(rest) if frames::find(rest) == Some(Stream::Adts) => media(Audio, "audio/aac", "aac"),
        _ => MP3,
    }
}

fn transport_stream(bytes: &[u8]) -> bool {
    [0, 188, 376].iter().all(|offset| bytes.get(*offset) == Some(&0x47))
}

fn stream(bytes: &[u8]) -> Option<Sniffed> {
    frames::find(bytes).map(|stream| match stream {
        Stream::Mpeg => media(Audio, "audio/mpeg", "mp3"),
        Stream::Adts => media(Audio, "audio/aac", "aac"),
    })
}

/// What `infer` knows by a signature; its verdicts on streams without one (`audio/mpeg`, `audio/aac`: two
/// bytes) are not evidence enough.
fn signature(bytes: &[u8]) -> Option<Sniffed> {
    let found = infer::get(bytes)?;
    let (mime, extension) = (found.mime_type(), found.extension());
    Some(match (found.matcher_type(), mime) {
        (_, "audio/mpeg" | "audio/aac" | "application/x-executable") if !bytes.starts_with(b"\x7fELF") => {
            return None;
        }
        (_, "audio/x-flac") => media(Audio, "audio/flac", "flac"),
        (_, "audio/x-wav") => media(Audio, "audio/wav", "wav"),
        (infer::MatcherType::Audio, _) => media(Audio, mime, extension),
        (infer::MatcherType::Video, _) => media(Video, mime, extension),
        (infer::MatcherType::Image, _) => media(Image, mime, extension),
        (infer::MatcherType::Book, _) | (_, "application/epub+zip" | "application/pdf") => {
            media(Document, mime, extension)
        }
        (infer::MatcherType::App, _) => no_media("a program"),
        (infer::MatcherType::Font, _) => no_media("a font"),
        (infer::MatcherType::Doc, _) | (_, "application/rtf" | "application/x-ole-storage") => {
            no_media("an office document")
        }
        (infer::MatcherType::Archive, _) => no_media("an archive"),
        (infer::MatcherType::Text | infer::MatcherType::Custom, _) => return None,
    })
}

/// Documents made of text, and bencoding, which is nearly that.
fn text(bytes: &[u8]) -> Option<Sniffed> {
    if bytes[0] == b'd' && bytes.get(1).is_some_and(u8::is_ascii_digit) && contains(bytes, b"4:info") {
        return Some(no_media("a .torrent file"));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return utf16_markup(bytes);
    }
    let text = readable(bytes)?;
    let body = without_preamble(text);
    let lower: String = body.chars().take(512).collect::<String>().to_ascii_lowercase();
    Some(no_media(match lower.as_bytes() {
        _ if is_html(&lower) => "an HTML page",
        [b'<', b'?', b'x', b'm', b'l', ..] => {
            if lower.contains("<!doctype html") || lower.contains("<html") {
                "an HTML page"
            } else {
                "XML"
            }
        }
        [b'<', b'a'..=b'z' | b'!', ..] => "XML",
        [b'{', ..] => "JSON",
        [b'[', rest @ ..] if rest.trim_ascii_start().first().is_some_and(|b| b"{[\"]".contains(b)) => "JSON",
        _ if lower.starts_with("#extm3u") || lower.starts_with("[playlist]") => "a playlist",
        _ => "text",
    }))
}

fn utf16_markup(bytes: &[u8]) -> Option<Sniffed> {
    let ascii: String = bytes[2..].iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    let body = ascii.trim_start();
    body.starts_with('<')
        .then(|| no_media(if is_html(&body.to_ascii_lowercase()) { "an HTML page" } else { "XML" }))
}

/// The bytes as text when they are UTF-8 (a cut last character aside) or an ASCII-based 8-bit encoding that
/// begins like markup, without control characters.
fn readable(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() || bytes.trim_ascii_start().starts_with(b"<") => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let control = |c: char| c.is_control() && !c.is_whitespace() && c != '\u{1b}';
    (!text.is_empty() && !text.contains(control)).then_some(text)
}

/// Byte order mark, white space and comments may stand before a document.
fn without_preamble(text: &str) -> &str {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(comment) = rest.strip_prefix("<!--") {
        match comment.find("-->") {
            Some(end) => rest = comment[end + 3..].trim_start(),
            None => break,
        }
    }
    rest
}

/// Elements with which pages really begin; the name must end there, so that `<header-list>` is XML.
fn is_html(lower: &str) -> bool {
    const STARTS: [&str; 18] = [
        "!doctype html",
        "html",
        "head",
        "body",
        "script",
        "title",
        "meta",
        "style",
        "link",
        "div",
        "p",
        "a",
        "h1",
        "table",
        "center",
        "font",
        "br",
        "iframe",
    ];
    let Some(tag) = lower.strip_prefix('<') else { return false };
    STARTS.iter().any(|start| {
        tag.strip_prefix(start).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || "/>".contains(c))
        })
    })
}

#[cfg(test)]
mod tests;
