//! Writes the document while it is read: what is understood, in the structure in which it is understood.
//!
//! What the pass has passed over is not written. What it takes as closed is closed. So the result has exactly
//! the items that the reader sees, and a well-formed document comes out as it went in.

use std::borrow::Cow;
use std::collections::HashSet;

use url::Url;

use crate::feed::pass::{Opened, Piece, Remark, Watch};
use crate::feed::resolve;
use crate::model::{FeedKind, Role};

use super::Additions;
use super::alternates::{self, Known, Prefix};
use super::mend;
use super::prolog::Entities;
use super::scope::Scope;
use super::start_tag::{self, Exchange};

/// Readers ignore a longer base.
const LONGEST_BASE: usize = 500;

pub(super) struct Scribe<'a, 'n> {
    out: String,
    frames: Vec<Frame<'a>>,
    scope: Scope<'a>,
    /// Of the element that is about to begin.
    remarks: Remarks,
    /// Where in `out` something is put in at the end.
    insertions: Vec<(usize, String)>,
    additions: &'n Additions,
    base: Option<Url>,
    entities: &'n Entities,
    root: Root,
    /// Items that have begun.
    items: usize,
}

/// What has to be known of the root element in the end.
#[derive(Default)]
struct Root {
    /// Where declarations can be put in.
    at: usize,
    has_base: bool,
}

#[derive(Default)]
struct Remarks {
    announced: Option<(Role, String)>,
    self_link: bool,
    for_home_only: bool,
}

struct Frame<'a> {
    /// As it was written.
    name: Cow<'a, str>,
    empty: bool,
    /// Where it begins in `out`.
    start: usize,
    scope: usize,
    /// Items that had begun when it began.
    items: usize,
    /// Whether it is taken out again.
    for_home_only: bool,
    item: Option<Item>,
    /// The enclosure that it announces.
    enclosure: Option<String>,
}

/// What an item announces.
#[derive(Default)]
struct Item {
    /// It was taken down.
    left_out: bool,
    enclosures: Vec<Spot>,
    /// Announced otherwise, and there is something to add to it.
    others: Vec<String>,
    /// Sources of the publisher's own alternate enclosures, and of ours.
    known: Known,
    /// The enclosures that have ended.
    ended: HashSet<String>,
}

/// Behind an enclosure.
struct Spot {
    url: String,
    at: usize,
    prefix: Prefix,
    is_first: bool,
}

impl<'a, 'n> Scribe<'a, 'n> {
    /// Goes on in `out`.
    pub(super) fn new(
        out: String,
        additions: &'n Additions,
        base: Option<&Url>,
        entities: &'n Entities,
    ) -> Self {
        Self {
            out,
            frames: Vec::new(),
            scope: Scope::default(),
            remarks: Remarks::default(),
            insertions: Vec::new(),
            additions,
            base: base.and_then(public_base),
            entities,
            root: Root::default(),
            items: 0,
        }
    }

    /// The document up to the end of its root element. An item that the document's end cuts off is left out,
    /// as the reader does.
    pub(super) fn finish(mut self, kind: FeedKind) -> String {
        if self.root.at == 0 {
            self.out.push_str(empty_feed(kind));
            return self.out;
        }
        if let Some(unfinished) = self.frames.iter().rposition(|frame| frame.item.is_some()) {
            let start = self.frames[unfinished].start;
            self.items = self.frames[unfinished].items;
            self.out.truncate(start);
            self.insertions.retain(|&(at, _)| at <= start);
            self.frames.truncate(unfinished);
        }
        while !self.frames.is_empty() {
            self.close("");
        }
        self.declare_on_root();
        self.insertions.sort_by_key(|&(at, _)| at);
        spliced(self.out, &self.insertions)
    }

    fn declare_on_root(&mut self) {
        let mut declarations = String::new();
        let mut declare = |name: &str, value: &str| {
            declarations.push_str(name);
            declarations.push_str("=\"");
            mend::push_escaped(&mut declarations, value);
            declarations.push('"');
        };
        for (prefix, namespace) in self.scope.missing() {
            declare(&format!(" xmlns:{prefix}"), namespace);
        }
        if let Some(base) = self.base.as_ref().filter(|_| !self.root.has_base) {
            declare(" xml:base", base.as_str());
        }
        if !declarations.is_empty() {
            self.insertions.push((self.root.at, declarations));
        }
    }

    fn exchange(&mut self, opened: &Opened<'a>, remarks: &Remarks) -> Option<Exchange> {
        if self.frames.is_empty() {
            return self.root_base(opened);
        }
        if remarks.self_link && !self.additions.address.is_empty() {
            return Some(Exchange { local_name: "href", value: self.additions.address.clone() });
        }
        // Without an address of its own the document may be where it was.
        self.base.as_ref()?;
        let (role, url) = remarks.announced.as_ref()?;
        let local_name = address_attribute(opened, *role);
        let is_relative = opened.tag.get(local_name).is_some_and(|raw| resolve::is_relative(&raw));
        (is_relative && is_web(url)).then(|| Exchange { local_name, value: url.clone() })
    }

    /// The base that the root element sets, if it depends on where the document is, or is none.
    fn root_base(&mut self, opened: &Opened<'a>) -> Option<Exchange> {
        let (_, own) = opened.tag.attributes().find(|(name, _)| *name == "xml:base")?;
        self.root.has_base = true;
        let outer = self.base.as_ref()?;
        let resolved = resolve::base(&own, Some(outer), false);
        let is_absolute = !own.trim().is_empty() && !resolve::is_relative(&own);
        if is_absolute && resolved.is_some() {
            return None;
        }
        let value = resolved.unwrap_or_else(|| outer.clone()).into();
        Some(Exchange { local_name: "base", value })
    }

    /// Takes note of a file of the innermost item; gives the URL back if it is an enclosure's, since what is added
    /// to that stands behind its element.
    fn announce(&mut self, role: Role, url: String) -> Option<String> {
        let has_alternates = self.additions.alternates.contains_key(&url);
        let item = self.frames.iter_mut().rev().find_map(|frame| frame.item.as_mut())?;
        item.left_out |= self.additions.without.contains(&url);
        match role {
            Role::Enclosure => return Some(url),
            Role::Alternate => item.known.note(&url),
            Role::Media | Role::AtomLink if has_alternates => item.others.push(url),
            Role::Media | Role::AtomLink => {}
        }
        None
    }

    /// An enclosure has ended: what is added to it will stand here.
    fn note_enclosure(&mut self, url: String) {
        let Some(item) = self.frames.iter_mut().rev().find_map(|frame| frame.item.as_mut()) else { return };
        let is_first = item.ended.is_empty();
        let is_new = item.ended.insert(url.clone());
        if self.additions.alternates.contains_key(&url) && is_new {
            let (at, prefix) = (self.out.len(), self.scope.podcast());
            item.enclosures.push(Spot { url, at, prefix, is_first });
        }
    }

    /// All that an item announces is known: what it has not yet is added. To a file that is announced
    /// otherwise than as an enclosure, at the item's end.
    fn settle(&mut self, mut item: Item) {
        let spots = std::mem::take(&mut item.enclosures);
        let others = std::mem::take(&mut item.others);
        for spot in &spots {
            self.add(&mut item, spot);
        }
        for url in others {
            let prefix = self.scope.podcast();
            self.add(&mut item, &Spot { url, at: self.out.len(), prefix, is_first: false });
        }
    }

    fn add(&mut self, item: &mut Item, spot: &Spot) {
        for alternate in self.additions.alternates.get(&spot.url).into_iter().flatten() {
            if !item.known.note_alternate(alternate) {
                let is_default = spot.is_first && alternate.default;
                self.scope.use_podcast(spot.prefix);
                self.insertions.push((spot.at, alternates::element(alternate, is_default, spot.prefix)));
            }
        }
    }

    fn write_end_tag(&mut self, name: &str, raw: &str) {
        let written = raw.strip_prefix("</").and_then(|raw| raw.strip_prefix(name));
        let is_sound = written
            .and_then(|rest| rest.strip_suffix('>'))
            .is_some_and(|space| space.chars().all(mend::is_space));
        if is_sound {
            self.out.push_str(raw);
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }
}

impl<'a> Watch<'a> for Scribe<'a, '_> {
    fn piece(&mut self, piece: Piece, raw: &'a str) {
        match piece {
            _ if self.frames.is_empty() => {}
            Piece::Text => mend::push_text(&mut self.out, raw, self.entities),
            Piece::CData => mend::push_allowed(&mut self.out, raw),
            Piece::Comment if mend::is_sound_comment(raw) => self.out.push_str(raw),
            Piece::Instruction if mend::is_sound_instruction(raw) => self.out.push_str(raw),
            Piece::Comment | Piece::Instruction => {}
        }
    }

    fn remark(&mut self, remark: Remark<'_>) {
        match remark {
            Remark::Announces(role, url) => self.remarks.announced = Some((role, url.to_owned())),
            Remark::IsSelfLink => self.remarks.self_link = true,
            Remark::IsForHomeOnly => self.remarks.for_home_only = true,
        }
    }

    fn open(&mut self, opened: Opened<'a>) {
        let remarks = std::mem::take(&mut self.remarks);
        let (scope, start) = (self.scope.mark(), self.out.len());
        let exchange = self.exchange(&opened, &remarks);
        let name =
            start_tag::write(&opened, exchange.as_ref(), &mut self.scope, self.entities, &mut self.out);
        if self.frames.is_empty() {
            self.root.at = self.out.len() - if opened.empty { 2 } else { 1 };
        }
        let enclosure = remarks.announced.and_then(|(role, url)| self.announce(role, url));
        self.frames.push(Frame {
            name,
            empty: opened.empty,
            start,
            scope,
            items: self.items,
            for_home_only: remarks.for_home_only,
            item: opened.is_item.then(Item::default),
            enclosure,
        });
        self.items += usize::from(opened.is_item);
    }

    fn close(&mut self, raw: &'a str) {
        let item = self.frames.last_mut().and_then(|frame| frame.item.take());
        let left_out = item.as_ref().is_some_and(|item| item.left_out);
        if let Some(item) = item.filter(|item| !item.left_out) {
            self.settle(item);
        }
        let Some(frame) = self.frames.pop() else { return };
        if !frame.empty {
            self.write_end_tag(&frame.name, raw);
        }
        // What the reader takes for an item stays, wherever it is.
        if left_out || frame.for_home_only && frame.items == self.items {
            self.out.truncate(frame.start);
            self.insertions.retain(|&(at, _)| at <= frame.start);
        }
        self.scope.leave(frame.scope);
        if let Some(url) = frame.enclosure {
            self.note_enclosure(url);
        }
    }
}

/// The attribute in which our reader finds the address of a file.
fn address_attribute(opened: &Opened<'_>, role: Role) -> &'static str {
    let is_link = opened.tag.split_name().1.eq_ignore_ascii_case("link");
    match role {
        Role::Alternate => "uri",
        _ if is_link => "href",
        _ if opened.tag.get("url").is_some() => "url",
        _ => "resource",
    }
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// The part of the document's address on which addresses in it depend. Never a local path, never credentials.
fn public_base(base: &Url) -> Option<Url> {
    let mut base = base.clone();
    base.set_query(None);
    base.set_fragment(None);
    let is_public = base.username().is_empty() && base.password().is_none();
    (is_public && is_web(base.as_str()) && base.as_str().len() <= LONGEST_BASE).then_some(base)
}

/// For a document that ends within its first tag.
fn empty_feed(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::Rss => "<rss version=\"2.0\"/>",
        FeedKind::Atom => "<feed xmlns=\"http://www.w3.org/2005/Atom\"/>",
        FeedKind::Rdf => "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"/>",
    }
}

/// The text with the insertions, which are in order.
fn spliced(text: String, insertions: &[(usize, String)]) -> String {
    if insertions.is_empty() {
        return text;
    }
    let more: usize = insertions.iter().map(|(_, insertion)| insertion.len()).sum();
    let mut out = String::with_capacity(text.len() + more);
    let mut done = 0;
    for (at, insertion) in insertions {
        out.push_str(&text[done..*at]);
        out.push_str(insertion);
        done = *at;
    }
    out.push_str(&text[done..]);
    out
}
