//! Media types: what a feed claims, what an extension suggests, and what the first bytes prove. Only the bytes
//! are evidence: in real feeds type and extension disagree, or the type is missing, in more than one of a
//! hundred enclosures.

mod frames;
mod sniff;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use sniff::{SNIFF_LENGTH, Sniffed, sniff};

/// The broad kind of a media file: what `media:` in a selection speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// A still picture.
    Image,
    /// A document: PDF, EPUB.
    Document,
}

/// One format: its kind, its extensions and its media types, the preferred one first.
struct Format {
    kind: MediaKind,
    extensions: &'static [&'static str],
    types: &'static [&'static str],
}

const fn format(
    kind: MediaKind,
    extensions: &'static [&'static str],
    types: &'static [&'static str],
) -> Format {
    Format { kind, extensions, types }
}

use MediaKind::{Audio, Document, Image, Video};

/// The formats that podcasts use, or have used. Types beyond the registered ones are those of real feeds.
const FORMATS: &[Format] = &[
    format(
        Audio,
        &["mp3"],
        &[
            "audio/mpeg",
            "audio/mp3",
            "audio/x-mp3",
            "x-audio/mp3",
            "audio/mpeg3",
            "audio/x-mpeg-3",
            "audio/x-mpeg",
            "audio/mpg",
            "audio/x-mpg",
        ],
    ),
    format(Audio, &["m4a"], &["audio/mp4", "audio/x-m4a", "audio/m4a", "audio/mp4a-latm", "audio/x-mp4"]),
    format(Audio, &["m4b"], &["audio/m4b", "audio/x-m4b"]),
    format(Audio, &["aac"], &["audio/aac", "audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts"]),
    format(Audio, &["opus"], &["audio/opus", "audio/ogg; codecs=opus"]),
    format(Audio, &["ogg", "oga", "spx"], &["audio/ogg", "application/ogg", "audio/x-ogg", "audio/vorbis"]),
    format(Audio, &["flac"], &["audio/flac", "audio/x-flac"]),
    format(Audio, &["wav"], &["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"]),
    format(Audio, &["aiff", "aif"], &["audio/aiff", "audio/x-aiff"]),
    format(Audio, &["wma"], &["audio/x-ms-wma"]),
    format(Audio, &["amr"], &["audio/amr"]),
    format(Audio, &["mka"], &["audio/x-matroska", "audio/matroska"]),
    format(Audio, &["weba"], &["audio/webm"]),
    format(Audio, &["caf"], &["audio/x-caf"]),
    format(Audio, &["wv"], &["audio/x-wavpack"]),
    format(Audio, &["mid", "midi"], &["audio/midi"]),
    format(Video, &["mp4"], &["video/mp4", "application/mp4", "video/mpeg4"]),
    format(Video, &["m4v"], &["video/x-m4v", "video/m4v"]),
    format(Video, &["mov", "qt"], &["video/quicktime"]),
    format(Video, &["webm"], &["video/webm"]),
    format(Video, &["mkv"], &["video/x-matroska", "video/matroska"]),
    format(Video, &["ogv"], &["video/ogg", "video/x-ogg"]),
    format(Video, &["mpg", "mpeg"], &["video/mpeg", "video/mpg"]),
    format(Video, &["ts"], &["video/mp2t"]),
    format(Video, &["avi"], &["video/x-msvideo", "video/avi", "video/msvideo"]),
    format(Video, &["wmv", "asf"], &["video/x-ms-wmv", "video/x-ms-asf", "application/vnd.ms-asf"]),
    format(Video, &["3gp", "3g2"], &["video/3gpp", "video/3gpp2"]),
    format(Video, &["flv"], &["video/x-flv"]),
    format(Image, &["jpg", "jpeg"], &["image/jpeg", "image/jpg"]),
    format(Image, &["png"], &["image/png"]),
    format(Image, &["gif"], &["image/gif"]),
    format(Image, &["webp"], &["image/webp"]),
    format(Image, &["avif"], &["image/avif"]),
    format(Image, &["heic", "heif"], &["image/heif", "image/heic"]),
    format(Image, &["tif", "tiff"], &["image/tiff"]),
    format(Image, &["bmp"], &["image/bmp"]),
    format(Document, &["pdf"], &["application/pdf", "application/x-pdf"]),
    format(Document, &["epub"], &["application/epub+zip", "application/x-epub+zip"]),
    format(Document, &["mobi"], &["application/x-mobipocket-ebook"]),
];

fn of_type(media_type: &str) -> Option<&'static Format> {
    let normal = media_type.trim().to_ascii_lowercase();
    let find = |wanted: &str| FORMATS.iter().find(|format| format.types.contains(&wanted));
    // `audio/ogg; codecs=opus` is known with its parameter, all others without theirs.
    find(&normal).or_else(|| find(normal.split(';').next().unwrap_or_default().trim()))
}

/// The kind that a declared type claims. `None` for types that say nothing (`application/octet-stream`, empty)
/// and for those that are no media (`application/x-bittorrent`, `text/html`).
pub fn kind_of_type(media_type: &str) -> Option<MediaKind> {
    let known = of_type(media_type).map(|format| format.kind);
    known.or_else(|| match media_type.trim().split('/').next()?.to_ascii_lowercase().as_str() {
        "audio" => Some(Audio),
        "video" => Some(Video),
        "image" => Some(Image),
        _ => None,
    })
}

/// The kind that an extension suggests, given without its dot, in any case. `None` if it is not a medium's.
pub fn kind_of_extension(extension: &str) -> Option<MediaKind> {
    let extension = extension.to_ascii_lowercase();
    FORMATS.iter().find(|format| format.extensions.contains(&extension.as_str())).map(|format| format.kind)
}

/// The usual extension of a media type, without a dot.
pub fn extension_of_type(media_type: &str) -> Option<&'static str> {
    of_type(media_type).and_then(|format| format.extensions.first().copied())
}

/// The preferred media type of an extension: what a web server should say of such a file.
pub fn type_of_extension(extension: &str) -> Option<&'static str> {
    let extension = extension.to_ascii_lowercase();
    let format = FORMATS.iter().find(|format| format.extensions.contains(&extension.as_str()))?;
    format.types.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_of_real_feeds_are_known() {
        for (media_type, kind, extension) in [
            ("audio/mpeg", Some(Audio), Some("mp3")),
            ("Audio/MPEG; charset=utf-8", Some(Audio), Some("mp3")),
            (" x-audio/mp3 ", Some(Audio), Some("mp3")),
            ("audio/x-m4a", Some(Audio), Some("m4a")),
            ("audio/ogg", Some(Audio), Some("ogg")),
            ("audio/ogg; codecs=opus", Some(Audio), Some("opus")),
            ("audio/something-new", Some(Audio), None),
            ("video/x-m4v", Some(Video), Some("m4v")),
            ("application/pdf", Some(Document), Some("pdf")),
            ("application/octet-stream", None, None),
            ("application/x-bittorrent", None, None),
            ("text/html", None, None),
            ("", None, None),
        ] {
            assert_eq!(
                (kind_of_type(media_type), extension_of_type(media_type)),
                (kind, extension),
                "{media_type}"
            );
        }
    }

    #[test]
    fn extensions_are_known_in_any_case() {
        assert_eq!(kind_of_extension("MP3"), Some(Audio));
        assert_eq!(type_of_extension("Mp3"), Some("audio/mpeg"));
        assert_eq!(kind_of_extension("exe"), None);
        assert_eq!(kind_of_extension(""), None);
    }

    #[test]
    fn no_extension_and_no_type_stands_twice_in_the_table() {
        let mut seen = std::collections::HashSet::new();
        for format in FORMATS {
            for word in format.extensions.iter().chain(format.types) {
                assert!(seen.insert(word), "{word}");
            }
        }
    }
}
