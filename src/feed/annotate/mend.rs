//! Characters and references: whether they are well-formed as they stand, and what they become where not.
//!
//! What is mended reads like what was damaged: the rules are those of [`sanitise`](crate::feed::sanitise).

use std::fmt::Write as _;

use crate::feed::sanitise::{character, is_xml_char, known_entity, reference};

use super::prolog::Entities;

/// A longer name is replaced: readers have limits.
const LONGEST_NAME: usize = 1_000;

/// Where characters stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    Text,
    Attribute,
}

/// Whether characters and references may stay as they are; quotation marks are not looked at.
pub(super) fn is_sound(raw: &str, context: Context, entities: &Entities) -> bool {
    let is_plain = |byte: u8| match byte {
        b'&' | b'<' | b']' | 0xef => false,
        _ => byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r'),
    };
    raw.bytes().all(is_plain)
        || (raw.chars().all(|c| c != '<' && is_xml_char(c))
            && !(context == Context::Text && raw.contains("]]>"))
            && raw.split('&').skip(1).all(|after| stays(after, entities)))
}

/// Adds text, mended where it has to be.
pub(super) fn push_text(out: &mut String, raw: &str, entities: &Entities) {
    if is_sound(raw, Context::Text, entities) {
        out.push_str(raw);
    } else {
        push_mended(out, raw, Context::Text, entities);
    }
}

/// Adds an attribute's value, mended, for double quotes.
pub(super) fn push_value(out: &mut String, raw: &str, entities: &Entities) {
    push_mended(out, raw, Context::Attribute, entities);
}

/// Adds plain text as a value for quotes of either kind, in ASCII.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars().filter(|&c| is_xml_char(c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            ' '..='~' => out.push(c),
            _ => push_number(out, c),
        }
    }
}

/// Adds the content of a section, or the whole section, without the characters that are forbidden.
pub(super) fn push_allowed(out: &mut String, raw: &str) {
    if has_only_allowed(raw) {
        out.push_str(raw);
    } else {
        out.extend(raw.chars().filter(|&c| is_xml_char(c)));
    }
}

fn has_only_allowed(raw: &str) -> bool {
    raw.chars().all(is_xml_char)
}

fn push_mended(out: &mut String, raw: &str, context: Context, entities: &Entities) {
    let mut rest = raw;
    while let Some((text, after)) = rest.split_once('&') {
        push_characters(out, text, context);
        rest = push_reference(out, after, entities);
    }
    push_characters(out, rest, context);
}

fn push_characters(out: &mut String, text: &str, context: Context) {
    for c in text.chars().filter(|&c| is_xml_char(c)) {
        match c {
            '<' => out.push_str("&lt;"),
            '"' if context == Context::Attribute => out.push_str("&quot;"),
            '>' if out.ends_with("]]") => out.push_str("&gt;"),
            _ => out.push(c),
        }
    }
}

/// Adds what stands behind a `&`; gives what is left.
fn push_reference<'a>(out: &mut String, after: &'a str, entities: &Entities) -> &'a str {
    let Some((name, rest)) = reference(after) else {
        out.push_str("&amp;");
        return after;
    };
    if stays(after, entities) {
        let _ = write!(out, "&{name};");
        return rest;
    }
    match name.strip_prefix('#') {
        Some(number) => match character(number) {
            Some(c) if is_xml_char(c) => push_number(out, c),
            Some(_) => {}
            None => {
                let _ = write!(out, "&amp;{name};");
            }
        },
        None => match known_entity(name) {
            Some(text) => text.chars().for_each(|c| push_number(out, c)),
            None => {
                let _ = write!(out, "&amp;{name};");
            }
        },
    }
    rest
}

/// Whether the reference that begins before `after` is one that every reader of XML knows.
fn stays(after: &str, entities: &Entities) -> bool {
    let Some((name, _)) = reference(after) else { return false };
    match name.strip_prefix('#') {
        Some(number) => {
            let digits = number.strip_prefix('x').unwrap_or(number);
            let radix = if digits.len() < number.len() { 16 } else { 10 };
            !digits.is_empty()
                && digits.chars().all(|c| c.is_digit(radix))
                && u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).is_some_and(is_xml_char)
        }
        None => ["amp", "lt", "gt", "quot", "apos"].contains(&name) || entities.declare(name),
    }
}

fn push_number(out: &mut String, c: char) {
    let _ = write!(out, "&#{};", u32::from(c));
}

/// Whether a comment is one for every reader (XML 1.0, section 2.5).
pub(super) fn is_sound_comment(raw: &str) -> bool {
    let content = raw.strip_prefix("<!--").and_then(|raw| raw.strip_suffix("-->"));
    content.is_some_and(|content| {
        !content.contains("--") && !content.ends_with('-') && has_only_allowed(content)
    })
}

/// Whether a processing instruction is one for every reader (XML 1.0, section 2.6).
pub(super) fn is_sound_instruction(raw: &str) -> bool {
    let content = raw.strip_prefix("<?").and_then(|raw| raw.strip_suffix("?>"));
    content.is_some_and(|content| {
        let target = content.split(is_space).next().unwrap_or_default();
        is_plain_name(target) && !target.eq_ignore_ascii_case("xml") && has_only_allowed(content)
    })
}

/// White space of XML (section 2.3).
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Whether a name is a qualified one (Namespaces in XML 1.0, section 4) of a reasonable length.
pub(super) fn is_sound_name(name: &str) -> bool {
    let (prefix, local) = name.split_once(':').unwrap_or(("x", name));
    name.len() <= LONGEST_NAME && is_plain_name(prefix) && is_plain_name(local)
}

/// A sound name for an unsound one: what may not stand in it becomes `_`.
pub(super) fn sound_name(name: &str) -> String {
    let name = name.strip_prefix(':').unwrap_or(name);
    let end = name.floor_char_boundary(LONGEST_NAME / 2);
    let name = &name[..end];
    match name.split_once(':') {
        Some((prefix, local)) => format!("{}:{}", sound_part(prefix), sound_part(local)),
        None => sound_part(name),
    }
}

fn sound_part(part: &str) -> String {
    let mut out = String::with_capacity(part.len() + 1);
    // With a letter, as our reader wants it.
    if !part.starts_with(|c: char| starts_name(c) && (c.is_alphabetic() || c == '_')) {
        out.push('_');
    }
    out.extend(part.chars().map(|c| if continues_name(c) { c } else { '_' }));
    out
}

fn is_plain_name(name: &str) -> bool {
    name.starts_with(starts_name) && name.chars().all(continues_name)
}

/// XML 1.0, fifth edition, section 2.3, without the colon. Expat knows the letters of the fourth edition only;
/// what it refuses, it has refused in the publisher's feed.
fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic()
        || c == '_'
        || matches!(c, '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
            | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
            | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    starts_name(c)
        || c.is_ascii_digit()
        || matches!(c, '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::sanitise::unescape;

    #[test]
    fn what_is_mended_is_sound_and_reads_like_the_damaged() {
        let none = Entities::default();
        let cases = [
            ("R&B & Soul; AT&T", "R&amp;B &amp; Soul; AT&amp;T"),
            ("Lu&iacute;s &hellip; &amp; &Uuml;", "Lu&#237;s &#8230; &amp; &#220;"),
            ("&doesnotexist; &LT;b", "&amp;doesnotexist; &#60;b"),
            ("a&#X41;&#65;&#x2;&#xD800;", "a&#65;&#65;&amp;#xD800;"),
            ("1 < 2 ]]> 3", "1 &lt; 2 ]]&gt; 3"),
            ("\u{1}a\u{ffff}\tb\u{85}", "a\tb\u{85}"),
            ("&#146; is sound", "&#146; is sound"),
            ("\"quoted\" & sound]]", "\"quoted\" &amp; sound]]"),
        ];
        for (raw, expected) in cases {
            let mut out = String::new();
            push_text(&mut out, raw, &none);
            assert_eq!(out, expected);
            assert!(is_sound(&out, Context::Text, &none), "{out}");
            assert_eq!(unescape(&out), unescape(raw), "{raw}");
        }
        let mut value = String::new();
        push_value(&mut value, "a\"b&c'<", &none);
        assert_eq!(value, "a&quot;b&amp;c'&lt;");
    }

    #[test]
    fn names_become_sound_and_no_others() {
        let cases = [
            ("item\"", "item_"),
            (":item", "item"),
            ("a:b:c", "a:b_c"),
            ("a:", "a:_"),
            ("o/p", "o_p"),
            ("x:5", "x:_5"),
            ("ü:ö", "ü:ö"),
        ];
        for (name, expected) in cases {
            assert_eq!(sound_name(name), expected);
            assert!(is_sound_name(expected));
            assert_eq!(is_sound_name(name), name == expected, "{name}");
        }
        assert!(is_sound_name(&sound_name(&"é:".repeat(9_999))));
    }

    #[test]
    fn comments_and_instructions_are_sound_or_not() {
        for raw in ["<!---->", "<!-- a - b -->", "<!-- <b>&amp; -->"] {
            assert!(is_sound_comment(raw), "{raw}");
        }
        for raw in ["<!-->", "<!--->", "<!-- a -- b -->", "<!-- a --->", "<!-- \u{2} -->"] {
            assert!(!is_sound_comment(raw), "{raw}");
        }
        for raw in ["<?php echo 1 ?>", "<?x?>", "<?xml-stylesheet href='a'?>"] {
            assert!(is_sound_instruction(raw), "{raw}");
        }
        for raw in ["<??>", "<? x?>", "<?XML version='1.0'?>", "<?5?>", "<?a \u{1}?>", "<?"] {
            assert!(!is_sound_instruction(raw), "{raw}");
        }
    }
}
