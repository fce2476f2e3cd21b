//! In which encoding the result is written: the document's own, where every reader of XML takes it for what it
//! is; else UTF-8.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::feed::decode::{Text, same_without_header};

use super::prolog::Head;

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Encodings of one byte that readers of XML know by these names.
const SINGLE_BYTE: [&str; 26] = [
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-9",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "koi8-r",
    "koi8-u",
    "us-ascii",
];
/// Those of them in which every byte is a character.
const COMPLETE: [&str; 10] = [
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-9",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
];
/// Encodings of several bytes, of which all readers agree where each byte beyond ASCII is one of theirs.
const EXTENDED_UNIX_CODE: [&str; 3] = ["euc-jp", "euc-kr", "gb2312"];

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As the document is.
    Own { encoding: &'static Encoding, marked: bool },
    /// In UTF-8, and its declaration says so.
    Utf8,
}

/// The form for a document of these bytes.
///
/// A static file has no header: what only the header said of the encoding is lost with it.
pub(super) fn form(bytes: &[u8], decoded: &Text<'_>, content_type: Option<&str>, head: &Head<'_>) -> Form {
    let marked = Encoding::for_bom(bytes).is_some();
    let own = Form::Own { encoding: decoded.encoding, marked };
    let Ok(label) = head.declared_encoding() else { return Form::Utf8 };
    let label = label.map(str::to_ascii_lowercase);
    let keeps = !decoded.damaged
        && same_without_header(bytes, decoded, content_type)
        && agrees(bytes, decoded, label.as_deref(), marked)
        && (decoded.encoding == UTF_8 || encode(decoded.text.clone().into_owned(), own) == bytes);
    if keeps { own } else { Form::Utf8 }
}

/// Whether a reader of XML that knows nothing but the bytes takes them as we do, or at least without objection.
fn agrees(bytes: &[u8], decoded: &Text<'_>, label: Option<&str>, marked: bool) -> bool {
    let encoding = decoded.encoding;
    let is_wide = encoding == UTF_16LE || encoding == UTF_16BE;
    let Some(label) = label else { return encoding == UTF_8 || (is_wide && marked) };
    if is_wide {
        let names_it = label == "utf-16" || Encoding::for_label(label.as_bytes()) == Some(encoding);
        return marked && names_it;
    }
    if encoding == UTF_8 {
        let is_complete = COMPLETE.contains(&label) && !marked;
        let is_ascii = SINGLE_BYTE.contains(&label) && !marked && bytes.is_ascii();
        return label == "utf-8" || is_complete || is_ascii;
    }
    if Encoding::for_label(label.as_bytes()) != Some(encoding) {
        return false;
    }
    let is_core = |byte: &u8| byte.is_ascii() || *byte >= 0xa1;
    // Where windows-125x has no character, browsers see a control character and others see damage.
    let has_controls = || decoded.text.contains(|c| ('\u{80}'..='\u{9f}').contains(&c));
    (SINGLE_BYTE.contains(&label) && label != "us-ascii" && !(label.starts_with("windows") && has_controls()))
        || (EXTENDED_UNIX_CODE.contains(&label) && bytes.iter().all(is_core))
}

/// The bytes of the result.
pub(super) fn encode(text: String, form: Form) -> Vec<u8> {
    match form {
        Form::Own { encoding, marked } if encoding == UTF_16LE => wide(&text, marked, u16::to_le_bytes),
        Form::Own { encoding, marked } if encoding == UTF_16BE => wide(&text, marked, u16::to_be_bytes),
        Form::Own { encoding, marked: true } if encoding == UTF_8 => [UTF_8_MARK, text.as_bytes()].concat(),
        Form::Own { encoding, .. } if encoding != UTF_8 => encoding.encode(&text).0.into_owned(),
        Form::Own { .. } | Form::Utf8 => text.into_bytes(),
    }
}

fn wide(text: &str, marked: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = marked.then_some(0xfeff);
    mark.into_iter().chain(text.encode_utf16()).flat_map(unit).collect()
}
