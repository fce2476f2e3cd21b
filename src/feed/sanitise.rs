//! Third step of reading: damaged markup becomes text that can be kept.
//!
//! Works on the pieces that are kept (a title, an attribute), not on the whole document: the pull pass
//! tolerates what is wrong in between, and nobody else sees it. Never fails; what cannot be understood stays
//! as written. Entities that a document declares itself are not expanded, so there is nothing to bomb with.

use std::borrow::Cow;

use quick_xml::escape::resolve_html5_entity;

/// The longest name that is looked up; HTML's longest is 31 letters.
const LONGEST_ENTITY: usize = 32;

/// Adds text, without the characters that XML 1.0 (section 2.2) forbids.
pub(super) fn push_text(out: &mut String, text: &str) {
    if text.bytes().all(is_allowed) {
        out.push_str(text);
    } else {
        out.extend(text.chars().filter(|&c| is_xml_char(c)));
    }
}

/// Whether no forbidden character has this byte: U+FFFE and U+FFFF begin with 0xef. Some allowed ones have another.
fn is_allowed(byte: u8) -> bool {
    byte >= 0x20 && byte != 0xef
}

/// Adds what `&name;` stands for; an unknown one stays as it is written.
pub(super) fn push_reference(out: &mut String, name: &str) {
    if let Some(number) = name.strip_prefix('#') {
        match character(number) {
            Some(c) if is_xml_char(c) => out.push(c),
            Some(_) => {}
            None => push_literally(out, name),
        }
    } else if let Some(text) = known_entity(name) {
        out.push_str(text);
    } else {
        push_literally(out, name);
    }
}

/// Text with its references resolved and forbidden characters removed.
pub(super) fn unescape(raw: &str) -> Cow<'_, str> {
    if raw.bytes().all(|byte| is_allowed(byte) && byte != b'&') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((text, after)) = rest.split_once('&') {
        push_text(&mut out, text);
        rest = match reference(after) {
            Some((name, after)) => {
                push_reference(&mut out, name);
                after
            }
            None => {
                out.push('&');
                after
            }
        };
    }
    push_text(&mut out, rest);
    Cow::Owned(out)
}

/// Runs of white space as one space, none at the ends.
pub(super) fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The beginning of a text, cut at a character's end.
pub(super) fn at_most(text: &str, length: usize) -> &str {
    &text[..text.floor_char_boundary(length)]
}

/// The text of an HTML fragment: tags go (those that break a line leave a space), references are resolved.
pub(super) fn plain_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    // Behind the last `>` no tag ends, and none is looked for.
    let (mut rest, tail) = html.split_at(html.rfind('>').map_or(0, |at| at + 1));
    while let Some((text, after)) = rest.split_once('<') {
        out.push_str(text);
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        if is_tag {
            let (tag, after) = after.split_once('>').unwrap_or((after, ""));
            if breaks_the_line(tag) {
                out.push(' ');
            }
            rest = after;
        } else {
            out.push('<');
            rest = after;
        }
    }
    out.push_str(rest);
    out.push_str(tail);
    unescape(&out).into_owned()
}

/// Whether browsers begin a new line at this tag, given without its angle brackets.
fn breaks_the_line(tag: &str) -> bool {
    let name = tag.trim_start_matches('/');
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let breaking =
        ["p", "br", "div", "li", "ul", "ol", "tr", "td", "hr", "h1", "h2", "h3", "h4", "blockquote"];
    breaking.iter().any(|breaking| breaking.eq_ignore_ascii_case(&name[..end]))
}

/// The name of a reference and what follows it; `None` where the `&` is just a character.
pub(super) fn reference(after_ampersand: &str) -> Option<(&str, &str)> {
    let window = after_ampersand.as_bytes().iter().take(LONGEST_ENTITY + 1);
    let end = window.clone().position(|&byte| byte == b';')?;
    let is_name = window.take(end).all(|byte| byte.is_ascii_alphanumeric() || *byte == b'#');
    (is_name && end > 0).then(|| (&after_ampersand[..end], &after_ampersand[end + 1..]))
}

/// What one of HTML's named entities stands for.
pub(super) fn known_entity(name: &str) -> Option<&'static str> {
    if name.len() > LONGEST_ENTITY { None } else { resolve_html5_entity(name) }
}

/// The character that a reference's number, without its `#`, stands for, be it allowed or not.
///
/// Numbers from 128 to 159 are windows-1252 in practice (HTML, section 13.2.5.80), and `&#X` is `&#x`.
pub(super) fn character(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    match u8::try_from(code) {
        Ok(byte @ 0x80..=0x9f) => encoding_rs::WINDOWS_1252.decode(&[byte]).0.chars().next(),
        _ => char::from_u32(code),
    }
}

fn push_literally(out: &mut String, name: &str) {
    out.push('&');
    push_text(out, name);
    out.push(';');
}

/// Whether XML 1.0 (section 2.2) allows the character.
pub(super) fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_what_they_mean() {
        let cases = [
            ("R&B & Soul; AT&T", "R&B & Soul; AT&T"),
            ("Lu&iacute;s &amp; &hellip;", "Luís & …"),
            ("&doesnotexist;", "&doesnotexist;"),
            ("a&#X41;b&#65;", "aAbA"),
            ("Two &#x2;&#11;refs", "Two refs"),
            ("&#146;", "’"),
            ("&#xD800;&#99999999999;&#;", "&#xD800;&#99999999999;&#;"),
            ("get?id=1&fmt=mp3&token=a%26b", "get?id=1&fmt=mp3&token=a%26b"),
            ("&amp;amp;", "&amp;"),
            ("tail &", "tail &"),
            ("&é;", "&é;"),
        ];
        for (raw, expected) in cases {
            assert_eq!(unescape(raw), expected, "{raw}");
        }
    }

    #[test]
    fn forbidden_characters_go_and_nothing_else() {
        assert_eq!(unescape("a\u{1}\u{b}b\tc\u{ffff}"), "ab\tc");
        let mut out = String::new();
        push_text(&mut out, "x\u{8}y\u{fffe}\u{fffd}");
        assert_eq!(out, "xy\u{fffd}");
    }

    #[test]
    fn html_gives_its_text() {
        assert_eq!(plain_text("One <b>bold</b> &amp; 1 < 2<br/>"), "One bold & 1 < 2 ");
        assert_eq!(plain_text("<P>One</P>two <pre>three</pre>"), " One two three");
        assert_eq!(plain_text("1 > 0 <open"), "1 > 0 <open");
    }
}
