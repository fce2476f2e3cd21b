//! How the walk goes on where markup is damaged: behind a `<` that opens nothing, and after a tag that has
//! swallowed what follows it.
//!
//! Never more often than [`MOST_REREAD`](super::MOST_REREAD) allows.

use quick_xml::Error as XmlError;
use quick_xml::errors::SyntaxError;

use crate::feed::tag::Tag;

use super::{Pass, Watch};

/// What a resumption costs beside the bytes that it reads again.
const RESUMPTION: usize = 64;

impl<'a, W: Watch<'a>> Pass<'a, '_, W> {
    /// Goes on behind a `<` that opens nothing readable. What is cut off by the document's end stays cut off:
    /// to look into an unclosed comment would bring back what somebody had taken out.
    pub(super) fn resume_after(&mut self, error: &XmlError) -> bool {
        let at = self.offset + usize::try_from(self.reader.error_position()).unwrap_or(self.text.len());
        match error {
            XmlError::IllFormed(_) => true,
            XmlError::Syntax(SyntaxError::InvalidBangMarkup) => self.resume_at(at + 1),
            XmlError::Syntax(
                SyntaxError::UnclosedSingleQuotedAttributeValue
                | SyntaxError::UnclosedDoubleQuotedAttributeValue,
            ) => self.open_damaged(at),
            _ => false,
        }
    }

    /// Opens a tag that lacks a quotation mark and so has swallowed what follows: without its attributes, up
    /// to its own `>` or to the next `<`. Says whether there is more to read.
    pub(super) fn open_damaged(&mut self, start: usize) -> bool {
        let rest = self.text.get(start..).unwrap_or_default();
        let Some(end) = rest.get(1..).and_then(|rest| rest.find(['<', '>'])) else { return false };
        let end = end + 1 + usize::from(rest[end + 1..].starts_with('>'));
        if !self.resume_at(start + end) {
            return false;
        }
        if let Some(tag) = Tag::parse(&rest[..end]) {
            let raw = &rest[..end];
            self.open(raw, tag.without_attributes(), raw.ends_with("/>"), true);
        }
        true
    }

    pub(super) fn resume_at(&mut self, position: usize) -> bool {
        let Some(rest) = self.text.get(position..) else { return false };
        let reread = self.position().saturating_sub(position) + RESUMPTION;
        self.may_reread = self.may_reread.saturating_sub(reread);
        if self.may_reread == 0 {
            return false;
        }
        self.draft.warn("damaged markup was read as far as it can be understood");
        self.read_from(position, rest);
        true
    }
}
