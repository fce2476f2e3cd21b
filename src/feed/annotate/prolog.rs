//! What stands before the root element and behind it: kept as it is where every reader of XML takes it, left
//! out where not.
//!
//! Of document type declarations only those are kept that define nothing but short texts and name no document
//! that a reader might fetch: nothing is passed on that expands without end or reads foreign files.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::encoding::Form;
use super::mend::{is_sound_comment, is_sound_instruction, is_space};

/// The declaration of documents whose own cannot be kept.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// XML 1.0, section 2.8.
static XML_DECLARATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')"#,
        r#"(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?P<encoding>"[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?"#,
        r#"(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>$"#,
    ))
    .ok()
});

/// A document type that names one of the documents which everybody knows, or none, and perhaps has an
/// internal subset.
static DOCTYPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"^<!DOCTYPE[ \t\r\n]+[A-Za-z_][A-Za-z0-9:._-]*"#,
        r#"(?:[ \t\r\n]+(?:SYSTEM|PUBLIC[ \t\r\n]+(?:"[A-Za-z0-9 /.:-]*"|'[A-Za-z0-9 /.:-]*'))[ \t\r\n]+"#,
        r#"(?:"https?://(?:my\.netscape\.com|www\.w3\.org|www\.rssboard\.org)/[A-Za-z0-9/._-]*"|"#,
        r#"'https?://(?:my\.netscape\.com|www\.w3\.org|www\.rssboard\.org)/[A-Za-z0-9/._-]*'))?"#,
        r#"[ \t\r\n]*(?:\[(?P<subset>[^\]]*)\][ \t\r\n]*)?>$"#,
    ))
    .ok()
});

/// One short text, in which at most characters are referred to.
static ENTITY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"^[ \t\r\n]*<!ENTITY[ \t\r\n]+(?P<name>[A-Za-z][A-Za-z0-9]*)[ \t\r\n]+"#,
        r#"(?:"(?:[^&%<"]|&#[0-9]{1,6};){0,100}"|'(?:[^&%<']|&#[0-9]{1,6};){0,100}')[ \t\r\n]*>"#,
    ))
    .ok()
});

/// The entities that a document declares and that are passed on.
#[derive(Debug, Default)]
pub(super) struct Entities(HashSet<String>);

impl Entities {
    /// Whether the entity is declared.
    pub(super) fn declare(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// What stands before the root element.
pub(super) struct Head<'a> {
    declaration: Declaration<'a>,
    /// The rest of it, as far as it is kept.
    rest: String,
    entities: Entities,
}

enum Declaration<'a> {
    None,
    /// `encoding` with its quotation marks.
    Sound {
        raw: &'a str,
        encoding: Option<&'a str>,
    },
    Broken,
}

impl<'a> Head<'a> {
    /// From the text before the root element.
    pub(super) fn of(text: &'a str) -> Self {
        let trimmed = text.trim_start_matches('\u{feff}').trim_start();
        let mut head =
            Self { declaration: Declaration::None, rest: String::new(), entities: Entities::default() };
        let mut rest = text;
        if let Some(after) = trimmed.strip_prefix("<?xml")
            && after.starts_with(|c: char| c.is_whitespace() || c == '?')
        {
            let end = trimmed.find("?>").map_or(trimmed.len(), |at| at + 2);
            head.declaration = declaration(&trimmed[..end]);
            rest = &trimmed[end..];
        }
        let entities = &mut head.entities;
        let mut has_doctype = false;
        write_pieces(rest, &mut head.rest, |doctype| {
            let found = (!has_doctype).then(|| safe_entities(doctype)).flatten();
            has_doctype |= found.is_some();
            entities.0.extend(found.iter().flatten().cloned());
            found.is_some()
        });
        head
    }

    /// What the declaration says of the encoding; `Err` where it cannot be kept.
    pub(super) fn declared_encoding(&self) -> Result<Option<&'a str>, ()> {
        match self.declaration {
            Declaration::None => Ok(None),
            Declaration::Sound { encoding, .. } => Ok(encoding.map(name_of)),
            Declaration::Broken => Err(()),
        }
    }

    /// The entities that the document declares for itself.
    pub(super) fn entities(&self) -> &Entities {
        &self.entities
    }

    /// Writes what is kept.
    pub(super) fn write(&self, form: Form, out: &mut String) {
        match self.declaration {
            Declaration::None => {}
            Declaration::Sound { raw, encoding: Some(encoding) } if form == Form::Utf8 => {
                out.push_str(&raw.replacen(encoding, &encoding.replace(name_of(encoding), "UTF-8"), 1));
            }
            Declaration::Sound { raw, .. } => out.push_str(raw),
            Declaration::Broken => out.push_str(DECLARATION),
        }
        out.push_str(&self.rest);
    }
}

/// Writes what is kept of the text behind the root element.
pub(super) fn write_tail(text: &str, out: &mut String) {
    write_pieces(text, out, |_| false);
}

fn name_of(quoted: &str) -> &str {
    quoted.trim_matches(['"', '\''])
}

fn declaration(raw: &str) -> Declaration<'_> {
    match XML_DECLARATION.as_ref().and_then(|pattern| pattern.captures(raw)) {
        Some(found) => {
            Declaration::Sound { raw, encoding: found.name("encoding").map(|encoding| encoding.as_str()) }
        }
        None => Declaration::Broken,
    }
}

/// Writes white space, sound comments, sound instructions, and the document types that `takes_doctype` takes.
fn write_pieces(text: &str, out: &mut String, mut takes_doctype: impl FnMut(&str) -> bool) {
    let mut rest = text;
    while !rest.is_empty() {
        let space = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
        out.push_str(&rest[..space]);
        rest = &rest[space..];
        let length = piece(rest);
        let raw = &rest[..length];
        let is_doctype = raw.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
        if is_sound_comment(raw) || is_sound_instruction(raw) || (is_doctype && takes_doctype(raw)) {
            out.push_str(raw);
        }
        rest = &rest[length..];
    }
}

/// The length of what begins here: a comment, an instruction, a declaration, or something up to the next `<`
/// that is none of them.
fn piece(text: &str) -> usize {
    let up_to = |end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
    if text.starts_with("<!--") {
        return text[4.min(text.len())..].find("-->").map_or(text.len(), |at| at + 7);
    }
    if text.starts_with("<?") {
        return up_to("?>");
    }
    if text.starts_with("<!") {
        return doctype(text);
    }
    let after_first = text.chars().next().map_or(0, char::len_utf8);
    text[after_first..].find(['<', ' ', '\n']).map_or(text.len(), |at| at + after_first)
}

/// The length of a document type declaration with quoted texts, comments and an internal subset.
fn doctype(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut quote) = (0, 0_usize, None);
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            (None, b'<') if text[at..].starts_with("<!--") => {
                at += text[at..].find("-->").unwrap_or(bytes.len() - at);
            }
            (None, b'>') if depth == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The names of the entities that a document type declares; `None` where it is not to be passed on.
fn safe_entities(doctype: &str) -> Option<Vec<String>> {
    let found = DOCTYPE.as_ref()?.captures(doctype)?;
    let mut subset = found.name("subset").map_or("", |subset| subset.as_str());
    let mut names = Vec::new();
    while !subset.trim_matches(is_space).is_empty() {
        let entity = ENTITY.as_ref()?.captures(subset)?;
        let name = &entity["name"];
        if ["amp", "lt", "gt", "quot", "apos"].contains(&name) {
            return None;
        }
        names.push(name.to_owned());
        subset = &subset[entity[0].len()..];
    }
    doctype.chars().all(crate::feed::sanitise::is_xml_char).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let mut out = String::new();
        Head::of(text).write(Form::Utf8, &mut out);
        out
    }

    #[test]
    fn what_every_reader_takes_stays_as_it_is() {
        for text in [
            "",
            "\n  ",
            "<?xml version='1.0'?>\r\n<!-- a > b --><?xml-stylesheet href=\"a\"?>\t",
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone='yes' ?>\n<!DOCTYPE rss>",
            "<!DOCTYPE rss [<!ENTITY me \"Ada\"> <!ENTITY eacute '&#233;'>\n]>",
            "<!DOCTYPE rss PUBLIC \"-//Netscape Communications//DTD RSS 0.91//EN\" \
             \"http://my.netscape.com/publish/formats/rss-0.91.dtd\">",
        ] {
            assert_eq!(kept(text), text);
        }
    }

    #[test]
    fn junk_goes_and_the_encoding_becomes_what_it_is() {
        let cases = [
            ("\u{feff}\n <?xml version='1.0' encoding='x'?>\n", "<?xml version='1.0' encoding='UTF-8'?>\n"),
            ("<?xml version=1.0 ?>", DECLARATION),
            ("<?xml version='1.0' encoding='utf-8\"?>", DECLARATION),
            ("<?xml version='1.1'?>", DECLARATION),
            ("Warning: x in y <br />\n<b>z</b>", "   \n"),
            ("\n<!-- a -- b --><?xml version='1.0'?>", "\n"),
            ("<!doctype html>\n", "\n"),
            ("<!-- open <?x", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(kept(text).replace(' ', ""), expected.replace(' ', ""), "{text}");
        }
    }

    #[test]
    fn definitions_that_expand_or_fetch_are_not_passed_on() {
        for doctype in [
            "<!DOCTYPE rss [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]>",
            "<!DOCTYPE rss [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>",
            "<!DOCTYPE rss [<!ENTITY % p SYSTEM \"http://evil.test/\"> %p;]>",
            "<!DOCTYPE rss [<!ENTITY lt \"x\">]>",
            "<!DOCTYPE rss [<!ATTLIST a b CDATA 'c'>]>",
            "<!DOCTYPE rss SYSTEM \"http://evil.test/x.dtd\">",
            "<!DOCTYPE rss SYSTEM \"http://www.w3.org.evil.test/x.dtd\">",
            "<!DOCTYPE rss [ <!-- ' ]> --> <!ENTITY a '<x>'> ]>",
        ] {
            assert_eq!(kept(&format!("{doctype}\n")), "\n", "{doctype}");
        }
        let long = format!("<!DOCTYPE rss [<!ENTITY a \"{}\">]>", "x".repeat(101));
        assert_eq!(kept(&long), "");
        assert_eq!(kept("<!DOCTYPE rss><!DOCTYPE rss>"), "<!DOCTYPE rss>");
    }

    #[test]
    fn declared_entities_are_known() {
        let head = Head::of("<!DOCTYPE rss [<!ENTITY me \"Ada\">]>");
        assert!(head.entities().declare("me") && !head.entities().declare("you"));
    }
}
