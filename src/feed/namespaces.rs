//! Which vocabulary a prefix means at this place of the document (Namespaces in XML 1.0).
//!
//! Bounded: a document that declares more than [`MOST_BINDINGS`] at once is read without the rest, so that no
//! look-up gets slow. The reader of quick-xml keeps scopes by counting tags; feeds leave tags open, so the
//! scopes here follow the elements that the pass keeps open.

use super::vocabulary::Vocabulary;

/// Real feeds declare about twenty.
pub(super) const MOST_BINDINGS: usize = 128;

struct Binding<'a> {
    prefix: &'a [u8],
    vocabulary: Vocabulary,
}

/// The declarations in force, innermost last.
#[derive(Default)]
pub(super) struct Namespaces<'a> {
    bindings: Vec<Binding<'a>>,
    overflown: bool,
}

impl<'a> Namespaces<'a> {
    /// To be handed to [`Namespaces::leave`] when the element that is about to begin has ended.
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Takes the declarations back that came after the mark.
    pub(super) fn leave(&mut self, mark: usize) {
        self.bindings.truncate(mark);
    }

    /// Declares a prefix; the empty one is the default.
    pub(super) fn declare(&mut self, prefix: &'a [u8], vocabulary: Vocabulary) {
        if self.bindings.len() < MOST_BINDINGS {
            self.bindings.push(Binding { prefix, vocabulary });
        } else {
            self.overflown = true;
        }
    }

    /// Whether declarations were left out.
    pub(super) fn overflown(&self) -> bool {
        self.overflown
    }

    /// What a prefix means here.
    pub(super) fn vocabulary(&self, prefix: &[u8]) -> Vocabulary {
        let declared = self.bindings.iter().rev().find(|binding| is_same(binding.prefix, prefix));
        declared.map_or_else(|| Vocabulary::of_undeclared_prefix(prefix), |binding| binding.vocabulary)
    }
}

/// Most names have no prefix. To compare nothing with nothing takes the processor as long as ten real comparisons where
/// the C library does it by vectors, for an empty slice may point to where there is no memory.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_declaration_counts_until_its_element_ends() {
        let mut namespaces = Namespaces::default();
        assert_eq!(namespaces.vocabulary(b"media"), Vocabulary::Media);
        namespaces.declare(b"media", Vocabulary::Itunes);
        let mark = namespaces.mark();
        namespaces.declare(b"media", Vocabulary::Unknown);
        assert_eq!(namespaces.vocabulary(b"media"), Vocabulary::Unknown);
        namespaces.leave(mark);
        assert_eq!(namespaces.vocabulary(b"media"), Vocabulary::Itunes);
    }

    #[test]
    fn declarations_beyond_the_limit_are_left_out() {
        let mut namespaces = Namespaces::default();
        for _ in 0..10 * MOST_BINDINGS {
            namespaces.declare(b"x", Vocabulary::Media);
        }
        assert_eq!(namespaces.mark(), MOST_BINDINGS);
        assert!(namespaces.overflown());
    }
}
