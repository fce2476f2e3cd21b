//! Which prefixes are declared where, and what the root element has to declare besides.
//!
//! Unlike [`namespaces`](crate::feed::namespaces), which asks what a prefix means to us, this keeps every
//! declaration: one that is missing, or there twice, makes a document unreadable.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::feed::vocabulary::Vocabulary;

use super::alternates::{PODCAST, Prefix};

/// As many prefixes that nobody knows are declared for a document that forgot to; others become part of the
/// name.
const MOST_UNKNOWN: usize = 32;

/// What undeclared prefixes usually mean.
const USUAL: &[(&str, &str)] = &[
    ("atom", "http://www.w3.org/2005/Atom"),
    ("a10", "http://www.w3.org/2005/Atom"),
    ("podcast", PODCAST),
    ("itunes", "http://www.itunes.com/dtds/podcast-1.0.dtd"),
    ("media", "http://search.yahoo.com/mrss/"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("sy", "http://purl.org/rss/1.0/modules/syndication/"),
    ("enc", "http://purl.oclc.org/net/rss_2.0/enc#"),
    ("creativeCommons", "http://backend.userland.com/creativeCommonsRssModule"),
    ("cc", "http://web.resource.org/cc/"),
    ("content", "http://purl.org/rss/1.0/modules/content/"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("wfw", "http://wellformedweb.org/CommentAPI/"),
    ("slash", "http://purl.org/rss/1.0/modules/slash/"),
    ("thr", "http://purl.org/syndication/thread/1.0"),
    ("fh", "http://purl.org/syndication/history/1.0"),
    ("psc", "http://podlove.org/simple-chapters"),
    ("googleplay", "http://www.google.com/schemas/play-podcasts/1.0"),
    ("feedburner", "http://rssnamespace.org/feedburner/ext/1.0"),
    ("georss", "http://www.georss.org/georss"),
    ("xlink", "http://www.w3.org/1999/xlink"),
];

/// Declarations in force, and those that are missing.
#[derive(Default)]
pub(super) struct Scope<'a> {
    /// By prefix, the innermost last.
    bound: HashMap<Cow<'a, str>, Vec<String>>,
    declared: Vec<Cow<'a, str>>,
    missing: BTreeMap<String, String>,
    unknown: usize,
}

impl<'a> Scope<'a> {
    /// To be handed to [`Scope::leave`] when the element that is about to begin has ended.
    pub(super) fn mark(&self) -> usize {
        self.declared.len()
    }

    pub(super) fn leave(&mut self, mark: usize) {
        for prefix in self.declared.drain(mark..) {
            if let Some(bound) = self.bound.get_mut(&prefix) {
                bound.pop();
            }
        }
    }

    pub(super) fn declare(&mut self, prefix: Cow<'a, str>, namespace: String) {
        self.bound.entry(prefix.clone()).or_default().push(namespace);
        self.declared.push(prefix);
    }

    /// What a prefix is bound to.
    pub(super) fn namespace(&self, prefix: &str) -> Option<&str> {
        self.bound.get(prefix)?.last().map(String::as_str)
    }

    /// Whether a name may have this prefix. One that is not declared will be, on the root element, if it can.
    pub(super) fn allows(&mut self, prefix: &str) -> bool {
        let is_there = matches!(prefix, "" | "xml")
            || self.namespace(prefix).is_some()
            || self.missing.contains_key(prefix);
        is_there || (prefix != "xmlns" && self.require(prefix))
    }

    fn require(&mut self, prefix: &str) -> bool {
        let usual = USUAL.iter().find(|(known, _)| *known == prefix);
        let namespace = match usual {
            Some((_, namespace)) => (*namespace).to_owned(),
            None if self.unknown == MOST_UNKNOWN => return false,
            None => {
                self.unknown += 1;
                unknown_namespace(prefix)
            }
        };
        self.missing.insert(prefix.to_owned(), namespace);
        true
    }

    /// How an element of Podcasting 2.0 can be named here.
    pub(super) fn podcast(&self) -> Prefix {
        match self.namespace("podcast").map(Vocabulary::of_namespace) {
            Some(Vocabulary::Podcast) => Prefix::Usual,
            Some(_) => Prefix::Taken,
            None => Prefix::Undeclared,
        }
    }

    /// An element has been named so.
    pub(super) fn use_podcast(&mut self, prefix: Prefix) {
        if prefix == Prefix::Undeclared {
            self.missing.insert("podcast".to_owned(), PODCAST.to_owned());
        }
    }

    /// Prefixes and namespaces that the root element has to declare besides its own.
    pub(super) fn missing(&self) -> impl Iterator<Item = (&str, &str)> {
        self.missing.iter().map(|(prefix, namespace)| (prefix.as_str(), namespace.as_str()))
    }
}

/// A namespace that means nothing.
pub(super) fn unknown_namespace(prefix: &str) -> String {
    format!("urn:undeclared:{prefix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_prefixes_mean_to_the_reader_what_they_meant_undeclared() {
        for (prefix, namespace) in USUAL {
            assert_eq!(
                Vocabulary::of_namespace(namespace),
                Vocabulary::of_undeclared_prefix(prefix.as_bytes()),
                "{prefix}"
            );
        }
    }

    #[test]
    fn a_prefix_that_means_something_else_is_taken_until_its_element_ends() {
        let mut scope = Scope::default();
        let mark = scope.mark();
        scope.declare("podcast".into(), "urn:x".to_owned());
        assert_eq!(scope.podcast(), Prefix::Taken);
        scope.leave(mark);
        assert_eq!((scope.missing().count(), scope.podcast()), (0, Prefix::Undeclared));
        scope.use_podcast(Prefix::Taken);
        assert_eq!(scope.missing().count(), 0);
        scope.use_podcast(Prefix::Undeclared);
        assert_eq!(scope.missing().collect::<Vec<_>>(), [("podcast", PODCAST)]);
    }

    #[test]
    fn unknown_prefixes_are_declared_up_to_a_limit() {
        let mut scope = Scope::default();
        let allowed = (0..100).filter(|n| scope.allows(&format!("p{n}"))).count();
        assert_eq!(allowed, MOST_UNKNOWN);
        assert!(
            scope.allows("itunes") && scope.allows("p1") && scope.allows("xml") && !scope.allows("xmlns")
        );
    }
}
