//! The texts between tags: those of the open field or note are collected, as far as they are kept.

use std::io::BufRead as _;

use memchr::memmem;
use quick_xml::events::Event;

use crate::feed::sanitise::{at_most, push_reference, push_text};

use super::{Pass, Piece, Watch};

/// A longer text is cut.
const LONGEST_TEXT: usize = 64 * 1024;

const CDATA: &str = "<![CDATA[";
const CDATA_END: &str = "]]>";

impl<'a, W: Watch<'a>> Pass<'a, '_, W> {
    /// Takes a CDATA section that follows a start tag. It often holds a page, and the reader would stop at each
    /// `>` of it.
    pub(super) fn quoted(&mut self) {
        let rest = self.text.get(self.position()..).unwrap_or_default();
        // A reader that begins here has yet to look for a byte order mark.
        if self.remembered == 0 || !rest.starts_with(CDATA) {
            return;
        }
        let Some(length) = memmem::find(rest.as_bytes(), CDATA_END.as_bytes()) else { return };
        let raw = &rest[..length + CDATA_END.len()];
        self.reader.stream().consume(raw.len());
        if self.is_collecting() {
            self.collect_quoted(raw);
        }
        self.watch.piece(Piece::CData, raw);
    }

    pub(super) fn is_collecting(&self) -> bool {
        self.collecting.is_some() && self.collected.len() < LONGEST_TEXT
    }

    pub(super) fn collect(&mut self, event: &Event<'_>, raw: &str) {
        match event {
            Event::Text(_) => push_text(&mut self.collected, at_most(raw, LONGEST_TEXT)),
            Event::CData(_) => self.collect_quoted(raw),
            Event::GeneralRef(_) => {
                let name = raw.strip_prefix('&').and_then(|raw| raw.strip_suffix(';'));
                push_reference(&mut self.collected, name.unwrap_or_default());
            }
            _ => {}
        }
    }

    fn collect_quoted(&mut self, raw: &str) {
        let text = raw.strip_prefix(CDATA).and_then(|raw| raw.strip_suffix(CDATA_END));
        push_text(&mut self.collected, at_most(text.unwrap_or_default(), LONGEST_TEXT));
    }

    pub(super) fn stop_collecting(&mut self) {
        let Some(index) = self.collecting.take() else { return };
        let parent = index.checked_sub(1).and_then(|parent| self.frames.get(parent));
        if let (Some(parent), Some(frame)) = (parent, self.frames.get(index)) {
            let (parent, place, tag) = (parent.place, frame.place, frame.tag);
            self.take_collected(parent, place, &tag);
        }
    }
}
