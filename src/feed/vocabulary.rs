//! The words of feeds: which vocabulary a namespace means, and which element a name means in it.
//!
//! Only elements that podseed reads are listed; every other one is [`Element::Other`].

use super::licences::Statement;

/// A vocabulary, known by its namespace; prefixes mean nothing where one is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// The feed's own: RSS without or in any default namespace, RSS 1.0, or Atom in an Atom document.
    Core,
    /// Atom elements inside RSS.
    Atom,
    /// Podcasting 2.0.
    Podcast,
    /// Apple's.
    Itunes,
    /// Media RSS.
    Media,
    /// Dublin Core.
    DublinCore,
    /// RSS 1.0 mod_syndication.
    Syndication,
    /// RSS 1.0 mod_enclosure.
    ModEnclosure,
    /// The Creative Commons modules of RSS 2.0 and RSS 1.0.
    CreativeCommons,
    /// Any other.
    Unknown,
}

/// Namespaces in lower case without scheme and closing slash; feeds write both in several ways.
const NAMESPACES: &[(&str, Vocabulary)] = &[
    ("www.w3.org/2005/atom", Vocabulary::Atom),
    ("purl.org/atom/ns#", Vocabulary::Atom),
    ("purl.org/rss/1.0", Vocabulary::Core),
    ("my.netscape.com/rdf/simple/0.9", Vocabulary::Core),
    ("channel.netscape.com/rdf/simple/0.9", Vocabulary::Core),
    ("backend.userland.com/rss2", Vocabulary::Core),
    ("podcastindex.org/namespace/1.0", Vocabulary::Podcast),
    ("github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md", Vocabulary::Podcast),
    ("www.itunes.com/dtds/podcast-1.0.dtd", Vocabulary::Itunes),
    ("search.yahoo.com/mrss", Vocabulary::Media),
    ("search.yahoo.com/rss", Vocabulary::Media),
    ("purl.org/dc/elements/1.1", Vocabulary::DublinCore),
    ("purl.org/dc/terms", Vocabulary::DublinCore),
    ("purl.org/rss/1.0/modules/syndication", Vocabulary::Syndication),
    ("purl.oclc.org/net/rss_2.0/enc#", Vocabulary::ModEnclosure),
    ("purl.oclc.org/net/rss_2.0/enc", Vocabulary::ModEnclosure),
    ("backend.userland.com/creativecommonsrssmodule", Vocabulary::CreativeCommons),
    ("cyber.law.harvard.edu/rss/creativecommonsrssmodule.html", Vocabulary::CreativeCommons),
    ("web.resource.org/cc", Vocabulary::CreativeCommons),
    ("creativecommons.org/ns#", Vocabulary::CreativeCommons),
];

impl Vocabulary {
    /// The vocabulary that a namespace names.
    pub(super) fn of_namespace(uri: &str) -> Self {
        let uri = uri.trim().to_ascii_lowercase();
        let uri = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")).unwrap_or(&uri);
        let uri = uri.strip_suffix('/').unwrap_or(uri);
        NAMESPACES
            .iter()
            .find(|(known, _)| *known == uri)
            .map_or(Self::Unknown, |&(_, vocabulary)| vocabulary)
    }

    /// What a prefix usually means, where a feed uses it without declaring it.
    pub(super) fn of_undeclared_prefix(prefix: &[u8]) -> Self {
        match prefix {
            b"" => Self::Core,
            b"atom" | b"a10" => Self::Atom,
            b"podcast" => Self::Podcast,
            b"itunes" => Self::Itunes,
            b"media" => Self::Media,
            b"dc" | b"dcterms" => Self::DublinCore,
            b"sy" => Self::Syndication,
            b"enc" => Self::ModEnclosure,
            b"creativeCommons" | b"cc" => Self::CreativeCommons,
            _ => Self::Unknown,
        }
    }
}

/// An element that podseed reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// `channel`.
    Channel,
    /// `item`, or `entry` of Atom.
    Item,
    /// `podcast:liveItem`.
    LiveItem,
    /// `enclosure` with `url`, or with `rdf:resource`.
    Enclosure,
    /// A link with attributes, as in Atom.
    AtomLink,
    /// `media:content`.
    MediaContent,
    /// `podcast:alternateEnclosure`.
    AlternateEnclosure,
    /// `podcast:source`.
    Source,
    /// `image` of RSS.
    Image,
    /// `url`, inside an image.
    ImageUrl,
    /// `itunes:image`.
    ItunesImage,
    /// `cloud` of RSS, or `podcast:podping`: who tells of changes.
    Notifier,
    /// `author` of Atom.
    Person,
    /// `name`, inside a person.
    PersonName,
    /// A text that one of the feed crates has a field for.
    Field(Field),
    /// A text that they have none for.
    Note(Note),
    /// Whatever else.
    Other,
}

/// Texts for the feed crates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    Link,
    /// `guid`, or `id` of Atom.
    Guid,
    /// `pubDate`, or `published` of Atom (`issued` and `created` of Atom 0.3).
    Published,
    /// `updated` of Atom (`modified` of Atom 0.3).
    Updated,
    /// `dc:date`.
    DublinCoreDate,
    Ttl,
    UpdatePeriod,
    UpdateFrequency,
    NewFeedUrl,
}

/// Texts that are read without a crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    Licence(Statement),
    Locked,
    Block,
    /// `podcast:updateFrequency`.
    Frequency,
    /// Something that the show says of itself.
    Fact(Fact),
}

/// What a show says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    Language,
    /// `dc:language`.
    DublinCoreLanguage,
    /// `description`, or `subtitle` of Atom (`tagline` of Atom 0.3).
    Description,
    /// `itunes:summary`.
    Summary,
    /// `itunes:author`.
    Author,
    /// `name` in `author` of Atom.
    AtomAuthor,
    ManagingEditor,
    /// `dc:creator`.
    Creator,
    /// `itunes:image`.
    ItunesImage,
    /// `url` in `image` of RSS.
    ImageUrl,
    /// `logo` of Atom.
    Logo,
}

/// The element that a name means. Names are compared without regard to case: `pubdate` is common.
pub(super) fn element(vocabulary: Vocabulary, local_name: &[u8]) -> Element {
    let mut lower = [0; 20];
    let Some(name) = lower.get_mut(..local_name.len()) else { return Element::Other };
    name.copy_from_slice(local_name);
    name.make_ascii_lowercase();
    match vocabulary {
        Vocabulary::Core => core_element(name),
        Vocabulary::Atom => atom_element(name),
        Vocabulary::Podcast => podcast_element(name),
        Vocabulary::Itunes => itunes_element(name),
        Vocabulary::Media => media_element(name),
        Vocabulary::DublinCore => dublin_core_element(name),
        Vocabulary::Syndication if name == b"updateperiod" => Element::Field(Field::UpdatePeriod),
        Vocabulary::Syndication if name == b"updatefrequency" => Element::Field(Field::UpdateFrequency),
        Vocabulary::ModEnclosure if name == b"enclosure" => Element::Enclosure,
        Vocabulary::CreativeCommons if name == b"license" => licence(Statement::Element),
        _ => Element::Other,
    }
}

fn core_element(name: &[u8]) -> Element {
    match name {
        b"channel" => Element::Channel,
        b"item" | b"entry" => Element::Item,
        b"enclosure" => Element::Enclosure,
        b"title" => Element::Field(Field::Title),
        b"link" => Element::Field(Field::Link),
        b"guid" | b"id" => Element::Field(Field::Guid),
        b"pubdate" | b"published" | b"issued" | b"created" => Element::Field(Field::Published),
        b"updated" | b"modified" => Element::Field(Field::Updated),
        b"ttl" => Element::Field(Field::Ttl),
        b"language" => fact(Fact::Language),
        b"description" | b"subtitle" | b"tagline" => fact(Fact::Description),
        b"managingeditor" => fact(Fact::ManagingEditor),
        b"cloud" => Element::Notifier,
        b"image" => Element::Image,
        b"url" => Element::ImageUrl,
        b"logo" => fact(Fact::Logo),
        b"author" => Element::Person,
        b"name" => Element::PersonName,
        b"copyright" | b"rights" => licence(Statement::Copyright),
        _ => Element::Other,
    }
}

fn licence(statement: Statement) -> Element {
    Element::Note(Note::Licence(statement))
}

fn fact(fact: Fact) -> Element {
    Element::Note(Note::Fact(fact))
}

/// Of Atom inside RSS.
fn atom_element(name: &[u8]) -> Element {
    match name {
        b"link" => Element::AtomLink,
        b"author" => Element::Person,
        b"name" => Element::PersonName,
        b"rights" => licence(Statement::Copyright),
        _ => Element::Other,
    }
}

fn media_element(name: &[u8]) -> Element {
    match name {
        b"content" => Element::MediaContent,
        b"license" | b"copyright" => licence(Statement::Copyright),
        _ => Element::Other,
    }
}

fn itunes_element(name: &[u8]) -> Element {
    match name {
        b"new-feed-url" => Element::Field(Field::NewFeedUrl),
        b"summary" => fact(Fact::Summary),
        b"author" => fact(Fact::Author),
        b"image" => Element::ItunesImage,
        _ => Element::Other,
    }
}

fn dublin_core_element(name: &[u8]) -> Element {
    match name {
        b"date" => Element::Field(Field::DublinCoreDate),
        b"language" => fact(Fact::DublinCoreLanguage),
        b"creator" => fact(Fact::Creator),
        b"license" => licence(Statement::Element),
        b"rights" => licence(Statement::Copyright),
        _ => Element::Other,
    }
}

fn podcast_element(name: &[u8]) -> Element {
    match name {
        b"liveitem" => Element::LiveItem,
        b"alternateenclosure" => Element::AlternateEnclosure,
        b"source" => Element::Source,
        b"podping" => Element::Notifier,
        b"license" => licence(Statement::Podcast),
        b"locked" => Element::Note(Note::Locked),
        b"block" => Element::Note(Note::Block),
        b"updatefrequency" => Element::Note(Note::Frequency),
        _ => Element::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_known_in_every_spelling() {
        for uri in
            ["http://www.itunes.com/dtds/podcast-1.0.dtd", "http://www.itunes.com/DTDs/Podcast-1.0.dtd"]
        {
            assert_eq!(Vocabulary::of_namespace(uri), Vocabulary::Itunes);
        }
        for uri in [
            "http://search.yahoo.com/mrss",
            "http://search.yahoo.com/mrss/",
            " https://search.yahoo.com/mrss/",
        ] {
            assert_eq!(Vocabulary::of_namespace(uri), Vocabulary::Media);
        }
        assert_eq!(Vocabulary::of_namespace("http://www.w3.org/1999/xhtml"), Vocabulary::Unknown);
    }

    #[test]
    fn names_are_known_in_either_case_and_only_in_their_vocabulary() {
        assert_eq!(element(Vocabulary::Core, b"pubdate"), Element::Field(Field::Published));
        assert_eq!(element(Vocabulary::Podcast, b"alternateEnclosure"), Element::AlternateEnclosure);
        assert_eq!(element(Vocabulary::Itunes, b"title"), Element::Other);
        assert_eq!(element(Vocabulary::Core, &[b'x'; 5000]), Element::Other);
    }
}
