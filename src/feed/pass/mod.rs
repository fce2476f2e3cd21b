//! Fourth step of reading: one walk over the document that finds every item and every enclosure.
//!
//! Takes what comes: unclosed and unmatched tags, undeclared prefixes, bare ampersands, a missing end.
//! Bounded in depth, in declarations and in what it reads again behind damaged markup, so time grows with the
//! length of the document and memory with what is kept. What the feed crates get to see later is what this
//! pass has written itself (see [`Fields`](super::draft::Fields)): their recursion and their copies of
//! declarations never meet the document.

mod content;
mod damage;
mod texts;
mod watch;

use quick_xml::Reader;
use quick_xml::events::Event;
use url::Url;

use crate::model::FeedKind;

pub(super) use watch::{Opened, Piece, Remark, Watch};

use super::draft::Draft;
use super::namespaces::{MOST_BINDINGS, Namespaces};
use super::resolve;
use super::tag::Tag;
use super::vocabulary::{Element, Field, Note, Vocabulary, element};

/// Elements deeper than this are passed over; the deepest real feed has 8 levels.
const DEEPEST: usize = 100;
/// So many bytes may be read again behind damaged markup, or so many times the document's length: enough for
/// a small feed that is broken all over, and linear for a hostile one.
const MOST_REREAD: usize = 16 * 1024 * 1024;
const MOST_REREAD_TIMES: usize = 4;
/// The reader remembers every open tag; it is renewed after so many, since the pass keeps its own list.
const MOST_REMEMBERED: usize = 4096;
/// As many items are listed; the largest real feed has a few thousand.
const MOST_ITEMS: usize = 50_000;

/// Walks over the document from its root element, which begins at `text`'s first byte.
pub(super) fn walk(text: &str, kind: FeedKind, base: Option<&Url>) -> Draft {
    walk_watched(text, kind, base, &mut ()).0
}

/// As [`walk`], with somebody who watches. Says also where the root element has ended, if it has.
pub(super) fn walk_watched<'a, W: Watch<'a>>(
    text: &'a str,
    kind: FeedKind,
    base: Option<&Url>,
    watch: &mut W,
) -> (Draft, Option<usize>) {
    let mut pass = Pass::new(text, kind, base, watch);
    pass.run();
    let end = pass.root_closed.then(|| pass.position());
    (pass.finish(), end)
}

/// What an open element is to us.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Show,
    /// By its index.
    Item(usize),
    Field(Field),
    Note(Note),
    AlternateEnclosure,
    /// `image` of the show.
    Image,
    /// `author` of the show.
    Person,
    Other,
}

/// What `podcast:alternateEnclosure` says of the media.
struct Alternate {
    media_type: Option<String>,
    length: Option<String>,
}

/// An open element.
struct Frame<'a> {
    tag: Tag<'a>,
    place: Place,
    namespaces: usize,
    bases: usize,
}

struct Pass<'a, 'w, W> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// Where in `text` the reader began.
    offset: usize,
    /// In bytes; see [`MOST_REREAD`].
    may_reread: usize,
    /// Start tags since the reader began.
    remembered: usize,
    /// Whether elements were too deep.
    passed_over: bool,
    /// What follows is of no interest.
    root_closed: bool,
    frames: Vec<Frame<'a>>,
    namespaces: Namespaces<'a>,
    bases: Vec<Url>,
    local: bool,
    /// The open field or note, by its index in `frames`.
    collecting: Option<usize>,
    collected: String,
    /// What each open `podcast:alternateEnclosure` says of its sources, the innermost last.
    alternates: Vec<Alternate>,
    draft: Draft,
    watch: &'w mut W,
}

impl<'a, 'w, W: Watch<'a>> Pass<'a, 'w, W> {
    fn new(text: &'a str, kind: FeedKind, base: Option<&Url>, watch: &'w mut W) -> Self {
        Self {
            text,
            reader: reader(text),
            offset: 0,
            may_reread: MOST_REREAD.max(text.len().saturating_mul(MOST_REREAD_TIMES)),
            remembered: 0,
            passed_over: false,
            root_closed: false,
            frames: Vec::new(),
            namespaces: Namespaces::default(),
            bases: base.cloned().into_iter().collect(),
            local: base.is_some_and(|base| base.scheme() == "file"),
            collecting: None,
            collected: String::new(),
            alternates: Vec::new(),
            draft: Draft::new(kind, text.len()),
            watch,
        }
    }

    fn run(&mut self) {
        loop {
            let start = self.position();
            let event = self.reader.read_event();
            let raw = self.text.get(start..self.position()).unwrap_or_default();
            match event {
                Ok(Event::Eof) => break,
                Ok(Event::Start(_)) => {
                    self.remember();
                    self.start(start, raw, false);
                    self.quoted();
                }
                Ok(Event::Empty(_)) => self.start(start, raw, true),
                Ok(Event::End(_)) => self.end(raw),
                Ok(event) => self.piece(&event, raw),
                Err(error) if self.resume_after(&error) => {}
                Err(_) => break,
            }
            if self.root_closed {
                break;
            }
        }
    }

    fn piece(&mut self, event: &Event<'_>, raw: &'a str) {
        if self.is_collecting() {
            self.collect(event, raw);
        }
        let piece = match event {
            Event::Text(_) | Event::GeneralRef(_) => Piece::Text,
            Event::CData(_) => Piece::CData,
            Event::Comment(_) => Piece::Comment,
            Event::PI(_) => Piece::Instruction,
            _ => return,
        };
        self.watch.piece(piece, raw);
    }

    fn position(&self) -> usize {
        self.offset + usize::try_from(self.reader.buffer_position()).unwrap_or(self.text.len())
    }

    fn remember(&mut self) {
        self.remembered += 1;
        let position = self.position();
        if self.remembered > MOST_REMEMBERED
            && let Some(rest) = self.text.get(position..)
        {
            self.read_from(position, rest);
        }
    }

    fn read_from(&mut self, position: usize, rest: &'a str) {
        self.reader = reader(rest);
        self.offset = position;
        self.remembered = 0;
    }

    fn start(&mut self, start: usize, raw: &'a str, empty: bool) {
        let Some(tag) = Tag::parse(raw) else {
            if self.collecting.is_some() {
                self.collected.push('<');
            }
            if self.resume_at(start + 1) {
                self.watch.piece(Piece::Text, "<");
            }
            return;
        };
        let is_damaged = self.may_reread > 0 && tag.has_swallowed_markup();
        if is_damaged && self.open_damaged(start) {
            return;
        }
        self.open(raw, tag, empty, false);
    }

    fn open(&mut self, raw: &'a str, tag: Tag<'a>, empty: bool, damaged: bool) {
        if self.frames.len() >= DEEPEST && !self.make_room(&tag) {
            return;
        }
        let (namespaces, bases) = (self.namespaces.mark(), self.bases.len());
        if self.frames.is_empty() && self.draft.kind != FeedKind::Rdf {
            // Declared or not; a declaration comes after it.
            self.namespaces.declare(tag.split_name().0.as_bytes(), Vocabulary::Core);
        }
        if tag.may_declare() {
            self.declare(&tag);
        }
        let place = self.place(&tag);
        let is_item = matches!(place, Place::Item(_));
        let is_root = self.frames.is_empty();
        self.watch.open(Opened { raw, tag, empty, damaged, is_item, is_root });
        // An item in a text that nobody has closed: the text ends here, and the item has texts of its own.
        if is_item {
            self.stop_collecting();
        }
        self.frames.push(Frame { tag, place, namespaces, bases });
        if matches!(place, Place::Field(_) | Place::Note(_)) && self.collecting.is_none() {
            self.collecting = Some(self.frames.len() - 1);
            self.collected.clear();
        }
        if empty {
            self.close_innermost("");
        }
    }

    /// Items that nobody closes pile up: a new one at the limit closes them all. Anything else is passed
    /// over.
    fn make_room(&mut self, tag: &Tag<'a>) -> bool {
        let outermost = self.frames.iter().position(|frame| matches!(frame.place, Place::Item(_)));
        match outermost {
            Some(outermost) if matches!(self.element(tag), Element::Item) => {
                self.close_down_to(outermost, "");
                true
            }
            _ => {
                self.passed_over = true;
                false
            }
        }
    }

    fn declare(&mut self, tag: &Tag<'a>) {
        for (name, value) in tag.attributes() {
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) if rest.starts_with(':') => &rest[1..],
                _ if name == "xml:base" => {
                    self.bases.extend(resolve::base(&value, self.bases.last(), self.local));
                    continue;
                }
                _ => continue,
            };
            let vocabulary = self.declared_vocabulary(tag, prefix, &value);
            self.namespaces.declare(prefix.as_bytes(), vocabulary);
        }
    }

    /// The namespace of the root element, and the default one beside it, are the feed's own, whatever they
    /// are; Atom's is in an Atom document.
    fn declared_vocabulary(&self, tag: &Tag<'a>, prefix: &str, uri: &str) -> Vocabulary {
        let own = prefix.is_empty() || (prefix == tag.split_name().0 && self.draft.kind != FeedKind::Rdf);
        if self.frames.is_empty() && own { Vocabulary::Core } else { Vocabulary::of_namespace(uri) }
    }

    fn element(&self, tag: &Tag<'a>) -> Element {
        let (prefix, name) = tag.split_name();
        let vocabulary = match self.namespaces.vocabulary(prefix.as_bytes()) {
            Vocabulary::Atom if self.draft.kind == FeedKind::Atom => Vocabulary::Core,
            vocabulary => vocabulary,
        };
        element(vocabulary, name.as_bytes())
    }

    fn end(&mut self, raw: &'a str) {
        let name = raw.strip_prefix("</").and_then(|raw| raw.strip_suffix('>')).unwrap_or_default().trim();
        if let Some(opened) = self.frames.iter().rposition(|frame| frame.tag.name() == name) {
            self.close_down_to(opened, raw);
        }
    }

    /// `raw` is the end tag of the element at `index`.
    fn close_down_to(&mut self, index: usize, raw: &'a str) {
        while self.frames.len() > index + 1 {
            self.close_innermost("");
        }
        self.close_innermost(raw);
    }

    fn close_innermost(&mut self, raw: &'a str) {
        if self.collecting.is_some_and(|index| index + 1 == self.frames.len()) {
            self.stop_collecting();
        }
        let Some(frame) = self.frames.pop() else { return };
        self.watch.close(raw);
        if matches!(frame.place, Place::AlternateEnclosure) {
            self.alternates.pop();
        }
        self.root_closed = self.frames.is_empty();
        self.namespaces.leave(frame.namespaces);
        self.bases.truncate(frame.bases);
    }

    /// An item that the document's end cuts off is left out: its guid may be in the part that is missing, and
    /// with another identity it would come back as another episode.
    fn finish(mut self) -> Draft {
        if let Some(unfinished) = self.innermost_item() {
            self.draft.items.truncate(unfinished);
            self.draft.warn("the last item is incomplete and was left out");
        }
        if !self.root_closed {
            self.draft.truncated = true;
            self.draft.warn("the document ends early: what may be missing is not taken as withdrawn");
        }
        if self.passed_over {
            self.draft.warn(format!("elements nested more than {DEEPEST} deep were passed over"));
        }
        if self.namespaces.overflown() {
            self.draft.warn(format!(
                "more than {MOST_BINDINGS} namespaces are declared at once; some were ignored"
            ));
        }
        self.draft
    }
}

fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    reader
}
