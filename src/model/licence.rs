//! What a feed's licence text means: which licence it names, and whether that one lets others share the file.
//!
//! Careful in one direction: what is not understood, contradicts itself or denies, allows nothing. Nobody is
//! asked and nothing is looked up; the text alone is judged.

mod words;

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use words::{Condition, Words};

/// A longer text is a contract, not the name of a licence.
const LONGEST_TEXT: usize = 2_000;
/// As much of an unknown text is its name, in bytes.
const LONGEST_NAME: usize = 200;

/// A licence's address, up to version and jurisdiction.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?:^|//|//www\.|^www\.|[\s("'<>=,;:](?:www\.)?)creativecommons\.org/"#,
        r"(?P<family>licenses|publicdomain)/(?P<code>[a-z+-]+)",
        r"(?:/(?P<version>[0-9]\.[0-9])(?:/(?P<place>[a-z]{2}|scotland|igo)\b)?)?",
    ))
    .ok()
});

/// What a text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    /// For people: `CC BY-NC-SA 4.0`, `All rights reserved`, or the text itself where it is not understood.
    pub name: String,
    /// The deed's canonical address, `https`; `None` where there is none or no version is named.
    pub url: Option<String>,
    /// Whether everybody may share unchanged copies without asking, at least without payment.
    pub allows_redistribution: bool,
}

/// Judges a text: an address, a slug or free text.
pub fn read(text: &str) -> Licence {
    stated(text).unwrap_or_else(|| {
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let end = name.floor_char_boundary(LONGEST_NAME);
        refusal(&name[..end])
    })
}

/// The licence, or the reservation of all rights, that a text states; `None` where it states nothing that is
/// understood.
pub fn stated(text: &str) -> Option<Licence> {
    if text.len() > LONGEST_TEXT {
        return None;
    }
    let text = text.trim().to_lowercase();
    let words = Words::of(&text);
    if words.reserve_all_rights() {
        return Some(refusal("All rights reserved"));
    }
    if words.are("pod v4v 1.0") {
        // One distributor at a time, paying applications only, revocable (Podcasting 2.0, license/v4v-4.0.md).
        return Some(refusal("POD-V4V-1.0"));
    }
    let (licence, rest) = of_address(&text).or_else(|| of_words(&words))?;
    (!rest.restricts()).then_some(licence)
}

fn refusal(name: &str) -> Licence {
    Licence { name: name.to_owned(), url: None, allows_redistribution: false }
}

/// The licence whose address stands in the text, and the words around it.
fn of_address(text: &str) -> Option<(Licence, Words<'_>)> {
    let found = ADDRESS.as_ref()?.captures(text)?;
    let group = |name| found.name(name).map(|group| group.as_str());
    let licence = match (group("family")?, group("code")?) {
        ("publicdomain", "zero") => cc0(),
        ("publicdomain", "mark") => public_domain_mark(),
        ("licenses", code) => {
            let conditions: Option<Vec<_>> = code.split('-').map(Condition::of_code).collect();
            creative_commons(&conditions?, group("version"), group("place"))?
        }
        _ => return None,
    };
    let whole = found.get(0)?;
    let end = text[whole.end()..].find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')'));
    let after = &text[whole.end() + end.unwrap_or(text.len() - whole.end())..];
    let mut rest = Words::of(&text[..whole.start()]);
    rest.append(Words::of(after));
    Some((licence, rest))
}

/// The licence that is named in words, and the words around the name.
fn of_words<'a>(words: &Words<'a>) -> Option<(Licence, Words<'a>)> {
    if words.are("public domain") {
        let licence = Licence { name: "Public domain".to_owned(), url: None, allows_redistribution: true };
        return Some((licence, Words::default()));
    }
    let zero = ["cc0", "cc 0", "cc zero", "creative commons zero", "creative commons 0"];
    if let Some(rest) = zero.iter().find_map(|name| words.without(name)) {
        return Some((cc0(), rest));
    }
    if let Some(rest) = words.without("public domain mark") {
        return Some((public_domain_mark(), rest));
    }
    let named = words.creative_commons()?;
    let licence = creative_commons(&named.conditions, named.version, named.place)?;
    Some((licence, named.rest))
}

fn cc0() -> Licence {
    Licence {
        name: "CC0 1.0".to_owned(),
        url: Some("https://creativecommons.org/publicdomain/zero/1.0/".to_owned()),
        allows_redistribution: true,
    }
}

fn public_domain_mark() -> Licence {
    Licence {
        name: "Public Domain Mark 1.0".to_owned(),
        url: Some("https://creativecommons.org/publicdomain/mark/1.0/".to_owned()),
        allows_redistribution: true,
    }
}

/// The licence with these conditions, if there is one. All of them allow unchanged copies without payment.
fn creative_commons(conditions: &[Condition], version: Option<&str>, place: Option<&str>) -> Option<Licence> {
    let has = |condition| conditions.contains(&condition);
    let is_known =
        version.is_none_or(|version| ["1.0", "2.0", "2.1", "2.5", "3.0", "4.0"].contains(&version));
    // Only version 1.0 has licences without attribution; elsewhere it is meant, and left out in writing.
    let by = has(Condition::Attribution) || version != Some("1.0");
    if conditions.is_empty() || !is_known || (has(Condition::ShareAlike) && has(Condition::NoDerivatives)) {
        return None;
    }
    let mut parts = if by { vec!["by"] } else { Vec::new() };
    parts.extend(has(Condition::NonCommercial).then_some("nc"));
    parts.extend(has(Condition::NoDerivatives).then_some("nd"));
    parts.extend(has(Condition::ShareAlike).then_some("sa"));
    // In version 1.0 the two stand the other way round.
    if version == Some("1.0") && parts.ends_with(&["nc", "nd"]) {
        let end = parts.len();
        parts.swap(end - 1, end - 2);
    }
    let code = parts.join("-");
    // The last version has no jurisdictions.
    let place = place.filter(|_| !matches!(version, None | Some("4.0")));
    let mut name = format!("CC {}", code.to_uppercase());
    let url = version.map(|version| {
        let place = place.map(|place| format!("{place}/")).unwrap_or_default();
        format!("https://creativecommons.org/licenses/{code}/{version}/{place}")
    });
    for part in [version, place.map(str::to_uppercase).as_deref()].into_iter().flatten() {
        let _ = write!(name, " {part}");
    }
    Some(Licence { name, url, allows_redistribution: true })
}

#[cfg(test)]
mod tests;
