//! Start tags: copied where they are well-formed, written anew where not, with single values exchanged.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::feed::pass::Opened;
use crate::feed::sanitise::unescape;

use super::mend::{Context, is_sound, is_sound_name, is_space, push_escaped, push_value, sound_name};
use super::prolog::Entities;
use super::scope::{Scope, unknown_namespace};

/// Namespaces that no prefix may be bound to (Namespaces in XML 1.0, section 3).
const RESERVED: [&str; 2] = ["http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"];

/// An attribute as it stands in a well-formed tag.
struct Attribute<'a> {
    name: &'a str,
    value: &'a str,
    /// Where the value begins in the tag.
    at: usize,
}

/// A value that takes the place of another.
pub(super) struct Exchange {
    /// The attribute's name without its prefix; the first one counts.
    pub(super) local_name: &'static str,
    pub(super) value: String,
}

/// Writes the start tag, and declares in `scope` what it declares. Gives the element's name as written.
pub(super) fn write<'a>(
    opened: &Opened<'a>,
    exchange: Option<&Exchange>,
    scope: &mut Scope<'a>,
    entities: &Entities,
    out: &mut String,
) -> Cow<'a, str> {
    let attributes = if opened.damaged { None } else { scan(opened.raw) };
    declare(opened, scope);
    let name = opened.tag.name();
    if let Some(attributes) = attributes
        && is_sound_name(name)
        && scope.allows(prefix(name))
        && are_sound(&attributes, scope, entities)
    {
        copy(opened.raw, &attributes, exchange, out);
        return Cow::Borrowed(name);
    }
    rewrite(opened, exchange, scope, entities, out)
}

/// Reads a tag as strictly as XML does, names and values apart.
fn scan(raw: &str) -> Option<Vec<Attribute<'_>>> {
    let mut attributes = Vec::new();
    let content = raw.strip_prefix('<')?.strip_suffix('>')?;
    let content = content.strip_suffix('/').unwrap_or(content);
    let mut rest = &content[content.find(is_space).unwrap_or(content.len())..];
    loop {
        let trimmed = rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Some(attributes);
        }
        if trimmed.len() == rest.len() {
            return None;
        }
        let (name, after) = trimmed.split_once('=')?;
        let name = name.trim_end_matches(is_space);
        let after = after.trim_start_matches(is_space);
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, behind) = after[1..].split_once(quote)?;
        if !is_sound_name(name) {
            return None;
        }
        // What is behind ends where the content ends, one byte (and perhaps a slash) before the tag.
        let at = 1 + content.len() - behind.len() - 1 - value.len();
        attributes.push(Attribute { name, value, at });
        rest = behind;
    }
}

fn are_sound<'a>(attributes: &[Attribute<'a>], scope: &mut Scope<'a>, entities: &Entities) -> bool {
    let sound_one = |attribute: &Attribute<'a>| {
        let is_declared = match declared_prefix(attribute.name) {
            Some(prefix) => may_be_bound(prefix, &unescape(attribute.value)),
            None => scope.allows(prefix(attribute.name)),
        };
        is_declared && is_sound(attribute.value, Context::Attribute, entities)
    };
    attributes.iter().all(sound_one) && are_distinct(attributes, scope)
}

fn are_distinct(attributes: &[Attribute<'_>], scope: &Scope<'_>) -> bool {
    if let [] | [_] = attributes {
        return true;
    }
    let mut names = HashSet::with_capacity(attributes.len());
    attributes.iter().all(|attribute| names.insert(expanded(attribute.name, scope)))
}

/// What makes an attribute the same as another: its local name, and what its prefix means.
fn expanded<'n>(name: &'n str, scope: &'n Scope<'_>) -> (Option<&'n str>, &'n str) {
    match name.split_once(':') {
        Some((prefix, local)) if prefix != "xmlns" => {
            (Some(scope.namespace(prefix).unwrap_or(prefix)), local)
        }
        _ => (None, name),
    }
}

/// The prefix that an attribute declares; the empty one is the default.
fn declared_prefix(name: &str) -> Option<&str> {
    match name.strip_prefix("xmlns")? {
        "" => Some(""),
        rest => rest.strip_prefix(':'),
    }
}

fn may_be_bound(prefix: &str, namespace: &str) -> bool {
    match prefix {
        "xmlns" => false,
        "xml" => namespace == RESERVED[0],
        "" => !RESERVED.contains(&namespace),
        _ => !namespace.is_empty() && !RESERVED.contains(&namespace),
    }
}

fn declare<'a>(opened: &Opened<'a>, scope: &mut Scope<'a>) {
    if !opened.tag.may_declare() {
        return;
    }
    for (name, value) in opened.tag.attributes() {
        let Some(name) = attribute_name(name) else { continue };
        let prefix = match &name {
            Cow::Borrowed(name) => declared_prefix(name).map(Cow::Borrowed),
            Cow::Owned(name) => declared_prefix(name).map(|prefix| Cow::Owned(prefix.to_owned())),
        };
        if let Some(prefix) = prefix {
            scope.declare(prefix, unescape(&value).into_owned());
        }
    }
}

/// An attribute's name in a form that is sound and means the same to our reader; `None` where there is none.
fn attribute_name(name: &str) -> Option<Cow<'_, str>> {
    if is_sound_name(name) {
        return Some(Cow::Borrowed(name));
    }
    let sound = if name == "xmlns:" { "xmlns".to_owned() } else { sound_name(name) };
    let declares = |name: &str| declared_prefix(name).is_some();
    (declares(name) == declares(&sound)).then_some(Cow::Owned(sound))
}

fn copy(raw: &str, attributes: &[Attribute<'_>], exchange: Option<&Exchange>, out: &mut String) {
    let found = exchange.and_then(|exchange| {
        let is_it = |attribute: &&Attribute<'_>| is_local(attribute.name, exchange.local_name);
        Some((exchange, attributes.iter().find(is_it)?))
    });
    let Some((exchange, attribute)) = found else { return out.push_str(raw) };
    out.push_str(&raw[..attribute.at]);
    push_escaped(out, &exchange.value);
    out.push_str(&raw[attribute.at + attribute.value.len()..]);
}

fn is_local(name: &str, local_name: &str) -> bool {
    name.rsplit(':').next().unwrap_or(name).eq_ignore_ascii_case(local_name)
}

fn rewrite<'a>(
    opened: &Opened<'a>,
    exchange: Option<&Exchange>,
    scope: &mut Scope<'a>,
    entities: &Entities,
    out: &mut String,
) -> Cow<'a, str> {
    let name = match opened.tag.name() {
        name if is_sound_name(name) => Cow::Borrowed(name),
        // As far as it makes the document a feed.
        name if opened.is_root => Cow::Owned(sound_name(name.split(['<', '/']).next().unwrap_or(name))),
        name => Cow::Owned(sound_name(name)),
    };
    let name = declarable(name, scope);
    out.push('<');
    out.push_str(&name);
    let mut exchange = exchange;
    for (name, value) in distinct_attributes(opened, scope) {
        out.push(' ');
        out.push_str(&name);
        out.push_str("=\"");
        match exchange.take_if(|exchange| is_local(&name, exchange.local_name)) {
            Some(exchange) => push_escaped(out, &exchange.value),
            None => push_value(out, &value, entities),
        }
        out.push('"');
    }
    out.push_str(if opened.empty { "/>" } else { ">" });
    name
}

/// A name with a prefix that cannot be declared becomes one without.
fn declarable<'a>(name: Cow<'a, str>, scope: &mut Scope<'_>) -> Cow<'a, str> {
    if scope.allows(prefix(&name)) { name } else { Cow::Owned(name.replace(':', "_")) }
}

/// Of attributes with the same name the first one counts, of declarations the last, as for our reader.
fn distinct_attributes<'a>(opened: &Opened<'a>, scope: &mut Scope<'a>) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut attributes: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
    let mut known = HashMap::new();
    for (name, value) in opened.tag.attributes() {
        let Some(name) = attribute_name(name) else { continue };
        let declared = declared_prefix(&name);
        let (name, value) = match declared {
            Some("xml" | "xmlns") => continue,
            Some(prefix) if !may_be_bound(prefix, &unescape(&value)) => {
                let namespace = unknown_namespace(prefix);
                (name, Cow::Owned(namespace))
            }
            Some(_) => (name, value),
            None => (declarable(name, scope), value),
        };
        let (namespace, local) = expanded(&name, scope);
        let key = (namespace.map(str::to_owned), local.to_owned());
        match known.get(&key) {
            Some(&index) if declared_prefix(&name).is_some() => attributes[index] = (name, value),
            Some(_) => {}
            None => {
                known.insert(key, attributes.len());
                attributes.push((name, value));
            }
        }
    }
    attributes
}

fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tag::Tag;

    fn written(raw: &str, exchange: Option<&Exchange>) -> String {
        let tag = Tag::parse(raw).unwrap();
        let opened =
            Opened { raw, tag, empty: raw.ends_with("/>"), damaged: false, is_item: false, is_root: false };
        let (mut out, mut scope) = (String::new(), Scope::default());
        write(&opened, exchange, &mut scope, &Entities::default(), &mut out);
        out
    }

    #[test]
    fn what_is_well_formed_stays_as_it_is() {
        for raw in [
            "<item>",
            "<item\n>",
            "<a b = 'x\"&amp;' \t c:d=\"&#38;\"/>",
            "<a xmlns='' xmlns:b='urn:b' b:c='1' c='2'>",
            "<é ü='&lt;' x=\"a>b\" />",
            "<a xml:lang='de' xmlns:xml='http://www.w3.org/XML/1998/namespace'>",
        ] {
            assert_eq!(written(raw, None), raw);
        }
    }

    #[test]
    fn what_is_not_is_written_anew() {
        let cases = [
            ("<enclosure url=a.mp3 length=5 />", "<enclosure url=\"a.mp3\" length=\"5\"/>"),
            ("<a b=\"1\"c='2'>", "<a b=\"1\" c=\"2\">"),
            ("<a b='x&y' c='\"'>", "<a b=\"x&amp;y\" c=\"&quot;\">"),
            ("<a b='1' b='2' B='3'>", "<a b=\"1\" B=\"3\">"),
            ("<a b='<i>'>", "<a b=\"&lt;i>\">"),
            ("<input disabled>", "<input disabled=\"\">"),
            ("<a xmlns:p='' xmlns:xmlns='x' p:b='1'>", "<a xmlns:p=\"urn:undeclared:p\" p:b=\"1\">"),
            ("<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'>", "<a xmlns:p=\"u\" xmlns:q=\"u\" p:x=\"1\">"),
            ("<a xmlns:p='u' xmlns:p='v'>", "<a xmlns:p=\"v\">"),
            ("<:item b='&nbsp;'>", "<item b=\"&#160;\">"),
            ("<item\" :url='x'>", "<item_ url=\"x\">"),
        ];
        for (raw, expected) in cases {
            assert_eq!(written(raw, None), expected, "{raw}");
            assert_eq!(written(expected, None), expected, "{raw}");
        }
    }

    #[test]
    fn one_value_is_exchanged_and_nothing_else() {
        let exchange = Exchange { local_name: "href", value: "https://m.test/?a&b='".to_owned() };
        let exchange = Some(&exchange);
        assert_eq!(
            written("<link  rel='self'\thref = 'https://a.test/' />", exchange),
            "<link  rel='self'\thref = 'https://m.test/?a&amp;b=&#39;' />"
        );
        assert_eq!(
            written("<link href=x rel=self>", exchange),
            "<link href=\"https://m.test/?a&amp;b=&#39;\" rel=\"self\">"
        );
        assert_eq!(written("<link rel='self'/>", exchange), "<link rel='self'/>");
    }
}
