//! Second step of reading: bytes become text, whatever was declared about their encoding.
//!
//! A byte order mark wins, then proof (bytes that are valid UTF-8 and not plain ASCII hardly ever are
//! anything else), then the HTTP header, then the XML declaration (RFC 7303, section 3.2, in this order),
//! then UTF-8. Bytes that are wrong in UTF-8 are read as windows-1252, one by one: a few pasted quotation
//! marks do not cost the rest of the feed its letters. A valid text is not copied.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// As far into the document as an XML declaration is looked for.
const DECLARATION_WINDOW: usize = 1024;

/// A document as text.
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    /// What the bytes are, whatever was declared.
    pub(super) encoding: &'static Encoding,
    /// Whether bytes had to be guessed or replaced.
    pub(super) damaged: bool,
}

/// Decodes a document. `content_type` is the HTTP header, if the document came by HTTP.
pub(super) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Text<'a> {
    let labelled = content_type.and_then(header_charset).or_else(|| declared(bytes));
    match marked(bytes).or(labelled) {
        Some(encoding) if encoding != UTF_8 => with(bytes, encoding),
        _ => utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
    }
}

/// Whether a document is read in the same way without its header.
pub(super) fn same_without_header(bytes: &[u8], decoded: &Text<'_>, content_type: Option<&str>) -> bool {
    let header = content_type.and_then(header_charset);
    // Proven, not labelled.
    let is_proven = decoded.encoding == UTF_8 && !decoded.damaged;
    is_proven || header.is_none() || header == declared(bytes) || marked(bytes).is_some()
}

fn with<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> Text<'a> {
    let wide = encoding == UTF_16LE || encoding == UTF_16BE;
    if !wide
        && !bytes.is_ascii()
        && let Some(text) = valid(bytes)
    {
        return Text { text, encoding: UTF_8, damaged: false };
    }
    let (text, encoding, damaged) = encoding.decode(bytes);
    Text { text, encoding, damaged }
}

/// What a byte order mark or the zero bytes beside the first `<` prove.
fn marked(bytes: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Some(encoding);
    }
    match bytes {
        [b'<', 0, ..] => Some(UTF_16LE),
        [0, b'<', ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// A claim of UTF-16 is left out: [`marked`] would have seen it.
fn labelled(label: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_label(label).filter(|encoding| *encoding != UTF_16LE && *encoding != UTF_16BE)
}

fn header_charset(content_type: &str) -> Option<&'static Encoding> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    labelled(value.trim().trim_matches(['"', '\'']).as_bytes())
}

fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let window = &bytes[..bytes.len().min(DECLARATION_WINDOW)];
    let start = find(window, b"<?xml")?;
    let declaration = &window[start..];
    let declaration = &declaration[..find(declaration, b"?>")?];
    let value = &declaration[find(declaration, b"encoding")? + b"encoding".len()..];
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    labelled(&value[..value.iter().position(|byte| byte == quote)?])
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn utf8(bytes: &[u8]) -> Text<'_> {
    if let Some(text) = valid(bytes) {
        return Text { text, encoding: UTF_8, damaged: false };
    }
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    Text { text: Cow::Owned(text), encoding: UTF_8, damaged: true }
}

/// Valid UTF-8 as it stands; several times as fast as the standard library says so.
fn valid(bytes: &[u8]) -> Option<Cow<'_, str>> {
    UTF_8.decode_without_bom_handling_and_without_replacement(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], content_type: Option<&str>) -> String {
        decode(bytes, content_type).text.into_owned()
    }

    fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn utf_16_is_known_with_and_without_a_mark() {
        for sample in ["\u{feff}<rss>é</rss>", "<rss>é</rss>"] {
            let plain = sample.trim_start_matches('\u{feff}');
            assert_eq!(text(&wide(sample, u16::to_le_bytes), None), plain);
            assert_eq!(text(&wide(sample, u16::to_be_bytes), Some("text/xml; charset=utf-8")), plain);
        }
    }

    #[test]
    fn a_claim_of_utf_16_over_plain_letters_is_ignored() {
        assert_eq!(
            text("<?xml version='1.0' encoding='UTF-16'?><rss>é</rss>".as_bytes(), None),
            "<?xml version='1.0' encoding='UTF-16'?><rss>é</rss>"
        );
    }

    #[test]
    fn the_header_wins_over_the_declaration() {
        let bytes = b"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a>\xcf</a>";
        assert!(text(bytes, Some("text/xml; Charset=\"KOI8-R\"")).ends_with("<a>о</a>"));
        assert!(text(bytes, Some("text/xml")).ends_with("<a>Ï</a>"));
    }

    #[test]
    fn valid_utf_8_beats_a_header_that_a_server_adds_to_everything() {
        assert_eq!(text("<a>Ü</a>".as_bytes(), Some("text/xml; charset=iso-8859-1")), "<a>Ü</a>");
    }

    #[test]
    fn single_bad_bytes_cost_nothing_but_themselves() {
        let decoded = decode(b"<a>caf\xc3\xa9 \x93quoted\x94</a>", None);
        assert!(decoded.damaged);
        assert_eq!(decoded.text, "<a>café “quoted”</a>");
    }

    #[test]
    fn valid_utf_8_is_not_copied() {
        assert!(matches!(decode("\u{feff}<a>é</a>".as_bytes(), None).text, Cow::Borrowed("<a>é</a>")));
    }
}
