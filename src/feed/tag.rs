//! One start tag as it stands in the document: name and attributes, read with HTML's tolerance.

use std::borrow::Cow;

use quick_xml::events::attributes::Attributes;

use super::sanitise::unescape;

/// A start tag without its angle brackets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    /// `name attribute="value" ...`.
    content: &'a str,
    name_len: usize,
}

impl<'a> Tag<'a> {
    /// From `<name ...>` or `<name .../>`; `None` where a `<` is just a character.
    pub(super) fn parse(raw: &'a str) -> Option<Self> {
        let content = raw.strip_prefix('<')?;
        let content = content.strip_suffix('>').unwrap_or(content);
        let content = content.strip_suffix('/').unwrap_or(content);
        let starts_a_name = |c: char| c.is_alphabetic() || c == '_' || c == ':';
        if !content.starts_with(starts_a_name) {
            return None;
        }
        let name_len = content.find(|c: char| c.is_ascii_whitespace()).unwrap_or(content.len());
        Some(Self { content, name_len })
    }

    /// The name alone.
    pub(super) fn without_attributes(&self) -> Self {
        Self { content: self.name(), name_len: self.name_len }
    }

    /// The qualified name as written.
    pub(super) fn name(&self) -> &'a str {
        &self.content[..self.name_len]
    }

    /// Prefix (empty where there is none) and local name.
    pub(super) fn split_name(&self) -> (&'a str, &'a str) {
        split(self.name())
    }

    /// Names and values as written; what cannot be read is left out.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> + use<'a> {
        let mut attributes = Attributes::html(self.content, self.name_len);
        attributes.with_checks(false);
        attributes.flatten().filter_map(|attribute| {
            let name = std::str::from_utf8(attribute.key.0).ok()?;
            let value = match attribute.value {
                Cow::Borrowed(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
                Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).ok()?),
            };
            Some((name, value))
        })
    }

    /// The value of the first attribute with this local name, whatever its prefix; names are compared without
    /// regard to case.
    pub(super) fn get(&self, local_name: &str) -> Option<Cow<'a, str>> {
        let [value] = self.get_all([local_name]);
        value
    }

    /// As [`Tag::get`], trimmed; `None` where nothing is left.
    pub(super) fn get_trimmed(&self, local_name: &str) -> Option<String> {
        let value = self.get(local_name)?;
        let trimmed = value.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// As [`Tag::get`], of several names in one walk.
    pub(super) fn get_all<const N: usize>(&self, local_names: [&str; N]) -> [Option<Cow<'a, str>>; N] {
        let mut values = [const { None }; N];
        for (name, value) in self.attributes() {
            let (_, name) = split(name);
            let wanted = local_names.iter().zip(&mut values).find(|(it, _)| it.eq_ignore_ascii_case(name));
            if let Some((_, place @ None)) = wanted {
                *place = Some(match value {
                    Cow::Borrowed(value) => unescape(value),
                    Cow::Owned(value) => Cow::Owned(unescape(&value).into_owned()),
                });
            }
        }
        values
    }

    /// Whether a quotation mark is missing, so that the tag has swallowed what follows it. A `<` alone proves
    /// nothing: people write it into values.
    pub(super) fn has_swallowed_markup(&self) -> bool {
        let attributes = &self.content[self.name_len..];
        attributes.contains('<')
            && Attributes::new(self.content, self.name_len)
                .with_checks(false)
                .any(|attribute| attribute.is_err())
    }

    /// Whether there can be a declaration (`xmlns`) or a base (`xml:base`) among the attributes.
    pub(super) fn may_declare(&self) -> bool {
        self.content[self.name_len..].contains("xml")
    }
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_however_they_are_written() {
        let tag =
            Tag::parse("<enclosure url=\"a.mp3?x=1&y\"type='audio/mpeg' LENGTH=5 rdf:resource=\" b \"/>")
                .unwrap();
        assert_eq!(tag.name(), "enclosure");
        assert_eq!(tag.get("url").as_deref(), Some("a.mp3?x=1&y"));
        assert_eq!(tag.get("type").as_deref(), Some("audio/mpeg"));
        assert_eq!(tag.get("length").as_deref(), Some("5"));
        assert_eq!(tag.get_trimmed("resource").as_deref(), Some("b"));
        assert_eq!(tag.get("missing"), None);
    }

    #[test]
    fn a_lone_angle_bracket_is_no_tag() {
        for raw in ["< 5 and >", "<>", "<5>", "<"] {
            assert!(Tag::parse(raw).is_none(), "{raw}");
        }
    }

    #[test]
    fn a_missing_quotation_mark_is_noticed_and_an_angle_bracket_in_a_value_is_none() {
        let broken = "<enclosure url=\"a.mp3 length=\"1\"/></item><item><enclosure url=\"b.mp3\"/>";
        assert!(Tag::parse(broken).unwrap().has_swallowed_markup());
        assert!(!Tag::parse("<x title=\"a <b> c\"/>").unwrap().has_swallowed_markup());
    }
}
