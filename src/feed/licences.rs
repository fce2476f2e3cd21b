//! Which of the licences that a show or an item states is the one that counts.
//!
//! Feeds state them in many elements. What was made for it is believed as it stands; a note on the copyright
//! counts only if it names a licence or keeps all rights. What the text means is judged by
//! [`model::licence`](crate::model::licence).

use crate::model::licence;

/// How a licence is stated, the most reliable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Statement {
    /// `podcast:license`.
    Podcast,
    /// `license` of the Creative Commons modules or of Dublin Core.
    Element,
    /// A link with `rel="license"` (RFC 4946).
    Link,
    /// `copyright`, `rights`, or a licence of Media RSS.
    Copyright,
}

/// A longer one is cut; none that can be understood is.
const LONGEST: usize = 4_000;

/// What has been found so far.
#[derive(Default)]
pub(super) struct Licences(Option<(Statement, String)>);

impl Licences {
    /// Takes what one element states. Where it has both a text and an address, the one that is understood
    /// counts; the text, where both or none are.
    pub(super) fn state(&mut self, statement: Statement, text: &str, address: Option<String>) {
        if self.0.as_ref().is_some_and(|&(known, _)| known <= statement) {
            return;
        }
        let understood = |text: &&str| licence::stated(text).is_some();
        let both = [text, address.as_deref().unwrap_or_default()];
        let first = both.into_iter().find(understood);
        let any = || both.into_iter().find(|text| !text.is_empty() && statement != Statement::Copyright);
        if let Some(stated) = first.or_else(any) {
            let end = stated.floor_char_boundary(LONGEST);
            self.0 = Some((statement, stated[..end].to_owned()));
        }
    }

    /// The one that counts.
    pub(super) fn stated(self) -> Option<String> {
        self.0.map(|(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(statements: &[(Statement, &str, Option<&str>)]) -> Option<String> {
        let mut licences = Licences::default();
        for (statement, text, address) in statements {
            licences.state(*statement, text, address.map(str::to_owned));
        }
        licences.stated()
    }

    #[test]
    fn the_most_reliable_statement_counts_whatever_comes_first() {
        use Statement::{Copyright, Element, Link, Podcast};
        let all =
            [(Copyright, "CC BY 1.0", None), (Link, "l", None), (Element, "e", None), (Podcast, "p", None)];
        for (count, expected) in [(1, "CC BY 1.0"), (2, "l"), (3, "e"), (4, "p")] {
            assert_eq!(stated(&all[..count]).as_deref(), Some(expected));
        }
        assert_eq!(stated(&[(Element, "one", None), (Element, "two", None)]).as_deref(), Some("one"));
    }

    #[test]
    fn of_text_and_address_the_understood_one_counts() {
        let by = "https://creativecommons.org/licenses/by/4.0/";
        let podcast = |text: &'static str, address| stated(&[(Statement::Podcast, text, address)]);
        assert_eq!(podcast("My licence", Some(by)).as_deref(), Some(by));
        assert_eq!(podcast("CC-BY-SA-4.0", Some(by)).as_deref(), Some("CC-BY-SA-4.0"));
        assert_eq!(podcast("my-slug", Some("https://a.test/l")).as_deref(), Some("my-slug"));
        assert_eq!(podcast("", Some("https://a.test/l")).as_deref(), Some("https://a.test/l"));
    }

    #[test]
    fn a_copyright_that_names_no_licence_states_none() {
        let copyright = |text: &'static str| stated(&[(Statement::Copyright, text, None)]);
        assert_eq!(copyright("© 2021 Ada"), None);
        assert_eq!(copyright("© 2021 Ada, CC BY 4.0").as_deref(), Some("© 2021 Ada, CC BY 4.0"));
        assert_eq!(copyright("All rights reserved").as_deref(), Some("All rights reserved"));
    }
}
