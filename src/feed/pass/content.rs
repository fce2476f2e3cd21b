//! What the elements say, at the places where they mean something.
//!
//! Enclosures count anywhere inside an item, since unclosed tags around them are common; texts only as
//! children of the show or of an item, since titles and links occur inside many other elements.

use std::borrow::Cow;

use crate::feed::draft::{DraftItem, enclosure, is_yes};
use crate::feed::licences::{Licences, Statement};
use crate::feed::metadata::web_page;
use crate::feed::resolve::{Resolved, resolve};
use crate::feed::sanitise::collapse;
use crate::feed::tag::Tag;
use crate::feed::vocabulary::{Element, Fact, Field, Note};
use crate::feed::{date, frequency};
use crate::model::{FeedKind, Role};

use super::{Alternate, MOST_ITEMS, Pass, Place, Remark, Watch};

/// An attribute that is copied into every source is no longer than this.
const LONGEST_SHARED: usize = 200;

impl<'a, W: Watch<'a>> Pass<'a, '_, W> {
    /// Decides what an element is at the place where it begins, and takes what its attributes say.
    pub(super) fn place(&mut self, tag: &Tag<'a>) -> Place {
        let Some(parent) = self.frames.last().map(|frame| frame.place) else {
            self.lang(tag);
            return if self.draft.kind == FeedKind::Atom { Place::Show } else { Place::Root };
        };
        match self.element(tag) {
            Element::Channel if matches!(parent, Place::Root) => {
                self.lang(tag);
                Place::Show
            }
            Element::Item => self.new_item(tag, false),
            Element::LiveItem => self.new_item(tag, true),
            Element::Enclosure => self.enclosure(tag),
            Element::MediaContent => self.media_content(tag),
            Element::AlternateEnclosure => {
                let (media_type, length) = (short(tag, "type"), short(tag, "length"));
                self.alternates.push(Alternate { media_type, length });
                Place::AlternateEnclosure
            }
            Element::Source => self.source(tag),
            Element::AtomLink => self.link(tag, parent, Role::AtomLink),
            Element::Field(Field::Link) if tag.get("href").is_some() => {
                self.link(tag, parent, Role::Enclosure)
            }
            Element::Field(field) if matches!(parent, Place::Show | Place::Item(_)) => {
                if matches!((field, parent), (Field::NewFeedUrl, Place::Show)) {
                    self.watch.remark(Remark::IsForHomeOnly);
                }
                Place::Field(field)
            }
            Element::Note(Note::Fact(_)) if !matches!(parent, Place::Show) => Place::Other,
            Element::Note(note) if matches!(parent, Place::Show | Place::Item(_)) => Place::Note(note),
            other => self.about(other, tag, parent),
        }
    }

    /// What the show says of itself by more than a text.
    fn about(&mut self, element: Element, tag: &Tag<'a>, parent: Place) -> Place {
        match (element, parent) {
            // RSS 1.0 has it beside the channel.
            (Element::Image, Place::Show | Place::Root) => Place::Image,
            (Element::ImageUrl, Place::Image) => Place::Note(Note::Fact(Fact::ImageUrl)),
            (Element::Person, Place::Show) => Place::Person,
            (Element::PersonName, Place::Person) => Place::Note(Note::Fact(Fact::AtomAuthor)),
            (Element::ItunesImage, Place::Show) => {
                let address = tag.get("href").unwrap_or_default();
                self.image(Fact::ItunesImage, tag, &address);
                Place::Other
            }
            (Element::Notifier, Place::Show) => {
                self.watch.remark(Remark::IsForHomeOnly);
                Place::Other
            }
            _ => Place::Other,
        }
    }

    fn lang(&mut self, tag: &Tag<'a>) {
        if tag.may_declare()
            && let Some((_, lang)) = tag.attributes().find(|(name, _)| *name == "xml:lang")
        {
            self.draft.show.about.lang(&lang);
        }
    }

    fn image(&mut self, fact: Fact, tag: &Tag<'a>, address: &str) {
        if let Some(address) = self.resolve(tag, address).as_deref().and_then(web_page) {
            self.draft.show.about.note(fact, &address, false);
        }
    }

    fn new_item(&mut self, tag: &Tag<'a>, live: bool) -> Place {
        if self.draft.items.len() == MOST_ITEMS {
            self.draft.warn(format!("the feed has more than {MOST_ITEMS} items; the rest is left out"));
            self.draft.truncated = true;
            return Place::Other;
        }
        let mut item = DraftItem { live, ..DraftItem::default() };
        if self.draft.kind == FeedKind::Rdf
            && let Some(about) = tag.get_trimmed("about")
        {
            item.fields.put(FeedKind::Rdf, Field::Guid, Some(("isPermaLink", "false")), &about);
        }
        self.draft.items.push(item);
        Place::Item(self.draft.items.len() - 1)
    }

    pub(super) fn innermost_item(&self) -> Option<usize> {
        self.frames.iter().rev().find_map(|frame| match frame.place {
            Place::Item(index) => Some(index),
            _ => None,
        })
    }

    fn enclosure(&mut self, tag: &Tag<'a>) -> Place {
        let [url, resource, media_type, length] = tag.get_all(["url", "resource", "type", "length"]);
        self.add(tag, url.or(resource), media_type, length, Role::Enclosure)
    }

    fn media_content(&mut self, tag: &Tag<'a>) -> Place {
        let [url, media_type, length] = tag.get_all(["url", "type", "fileSize"]);
        self.add(tag, url, media_type, length, Role::Media)
    }

    /// The alternate enclosure describes the media; a source of another type (a .torrent) is not that media.
    fn source(&mut self, tag: &Tag<'a>) -> Place {
        let Some(alternate) = self.alternates.last() else { return Place::Other };
        let own_type =
            tag.get_trimmed("contentType").filter(|own| Some(own) != alternate.media_type.as_ref());
        let (media_type, length) = match own_type {
            Some(own_type) => (Some(own_type), None),
            None => (alternate.media_type.clone(), alternate.length.clone()),
        };
        self.add(tag, tag.get("uri"), media_type.map(Cow::Owned), length.map(Cow::Owned), Role::Alternate)
    }

    fn add(
        &mut self,
        tag: &Tag<'a>,
        url: Option<Cow<'_, str>>,
        media_type: Option<Cow<'_, str>>,
        length: Option<Cow<'_, str>>,
        role: Role,
    ) -> Place {
        if let (Some(item), Some(url)) = (self.innermost_item(), url)
            && let Some(url) = self.resolve(tag, &url)
        {
            self.watch.remark(Remark::Announces(role, &url));
            self.draft.add_enclosure(item, enclosure(url, media_type.as_deref(), length.as_deref(), role));
        }
        Place::Other
    }

    /// A link with attributes. `role` is what it is if it is an enclosure; as [`Role::Enclosure`] it belongs
    /// to the feed's own vocabulary, and may name the page as well.
    fn link(&mut self, tag: &Tag<'a>, parent: Place, role: Role) -> Place {
        let rel = tag.get("rel").unwrap_or_default().trim().to_ascii_lowercase();
        let rel = rel.strip_prefix("http://www.iana.org/assignments/relation/").unwrap_or(&rel);
        if rel == "enclosure" {
            let [url, media_type, length] = tag.get_all(["href", "type", "length"]);
            return self.add(tag, url, media_type, length, role);
        }
        match (rel, parent) {
            ("self", Place::Show | Place::Root) => self.watch.remark(Remark::IsSelfLink),
            ("hub", Place::Show | Place::Root) => self.watch.remark(Remark::IsForHomeOnly),
            _ => {}
        }
        let is_page = role == Role::Enclosure && matches!(rel, "" | "alternate");
        let wanted = is_page || matches!(rel, "license" | "next" | "prev-archive");
        if !wanted || !matches!(parent, Place::Show | Place::Item(_)) {
            return Place::Other;
        }
        let Some(href) = tag.get("href").and_then(|href| self.resolve(tag, &href)) else {
            return Place::Other;
        };
        match (rel, parent) {
            ("license", _) => {
                if let Some(licences) = self.licences(parent) {
                    licences.state(Statement::Link, &href, None);
                }
            }
            ("next", Place::Show) => {
                self.draft.show.next.get_or_insert(href);
            }
            ("prev-archive", Place::Show) => {
                self.draft.show.previous_archive.get_or_insert(href);
            }
            ("" | "alternate", _) => self.put(parent, Field::Link, None, &href),
            _ => {}
        }
        Place::Other
    }

    /// `tag`'s own `xml:base` is in force already.
    fn resolve(&mut self, tag: &Tag<'a>, url: &str) -> Option<String> {
        match resolve(url, self.bases.last(), self.local) {
            Resolved::Address(url) => Some(url),
            Resolved::Nothing => None,
            Resolved::Refused(scheme) => {
                let (_, name) = tag.split_name();
                let name: String = name.chars().take(20).collect();
                self.draft.warn(format!("{name}: an address beginning with \"{scheme}:\" was left out"));
                None
            }
        }
    }

    /// Takes the text of an element that stands at `place` in `parent`.
    pub(super) fn take_collected(&mut self, parent: Place, place: Place, tag: &Tag<'a>) {
        let text = std::mem::take(&mut self.collected);
        match place {
            Place::Field(field) => self.take_field(parent, field, tag, &text),
            Place::Note(Note::Fact(fact)) => self.take_fact(fact, tag, &text),
            Place::Note(note) => self.take_note(parent, note, tag, &collapse(&text)),
            _ => {}
        }
        self.collected = text;
    }

    fn take_field(&mut self, parent: Place, field: Field, tag: &Tag<'a>, text: &str) {
        match field {
            Field::Link | Field::NewFeedUrl => {
                if let Some(url) = self.resolve(tag, text) {
                    self.put(parent, field, None, &url);
                }
            }
            Field::Title if self.draft.kind == FeedKind::Atom => {
                self.put(parent, field, is_html(tag).then_some(("type", "html")), text);
            }
            Field::Guid => {
                let no_link =
                    tag.get("isPermaLink").is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
                self.put(parent, field, no_link.then_some(("isPermaLink", "false")), text);
            }
            Field::Published | Field::Updated if self.draft.kind == FeedKind::Atom => {
                // `atom_syndication` refuses the whole entry for a date that it cannot read.
                if let Some(date) = date::read(text) {
                    self.put(parent, field, None, &date.to_string());
                }
            }
            Field::UpdatePeriod => self.put(parent, field, None, &text.to_ascii_lowercase()),
            _ => self.put(parent, field, None, text),
        }
    }

    fn take_fact(&mut self, fact: Fact, tag: &Tag<'a>, text: &str) {
        match fact {
            Fact::ImageUrl | Fact::Logo => self.image(fact, tag, text),
            _ => {
                let is_markup = self.draft.kind != FeedKind::Atom || is_html(tag);
                self.draft.show.about.note(fact, text, is_markup);
            }
        }
    }

    fn put(&mut self, parent: Place, field: Field, attribute: Option<(&str, &str)>, text: &str) {
        let kind = self.draft.kind;
        match parent {
            Place::Show => self.draft.show.fields.put(kind, field, attribute, text),
            Place::Item(index) => {
                if let Some(item) = self.draft.items.get_mut(index) {
                    item.fields.put(kind, field, attribute, text);
                }
            }
            _ => {}
        }
    }

    fn take_note(&mut self, parent: Place, note: Note, tag: &Tag<'a>, text: &str) {
        let on_show = matches!(parent, Place::Show);
        match note {
            Note::Licence(statement) => {
                let address = ["url", "resource", "href"].iter().find_map(|name| tag.get_trimmed(name));
                if let Some(licences) = self.licences(parent) {
                    licences.state(statement, text, address);
                }
            }
            Note::Locked if on_show => self.draft.show.locked |= is_yes(text),
            Note::Block if on_show => self.draft.show.block.note(tag.get("id").as_deref(), text),
            Note::Frequency if on_show => self.draft.show.poll_interval = frequency::of_podcast(tag),
            _ => {}
        }
    }

    fn licences(&mut self, place: Place) -> Option<&mut Licences> {
        match place {
            Place::Show => Some(&mut self.draft.show.licence),
            Place::Item(index) => self.draft.items.get_mut(index).map(|item| &mut item.licence),
            _ => None,
        }
    }
}

/// Whether an Atom text says that it is HTML in letters.
fn is_html(tag: &Tag<'_>) -> bool {
    tag.get("type").is_some_and(|kind| kind.contains("html") && !kind.contains("xhtml"))
}

fn short(tag: &Tag<'_>, name: &str) -> Option<String> {
    tag.get_trimmed(name).filter(|value| value.len() <= LONGEST_SHARED)
}
