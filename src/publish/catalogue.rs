//! What the pages say, for programs: the catalogues, and one small file for each guid and enclosure URL.
//!
//! All are JSON with `"format": 1`; fields may be added to a format, and none changes its meaning. Times are RFC 3339
//! in UTC, lengths are bytes, hashes lower-case hexadecimal digits. An address of the site is absolute where the site
//! has a `base_url`, else relative to the file that it stands in.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use super::text::Link;
use super::{Options, SiteFile, encode_path, media_path, torrent_path};
use crate::model::{Basis, PublishedEpisode, PublishedFile, PublishedShow, ShowCard, Standing};

mod format;

pub use format::{
    Catalogue, CatalogueEpisode, CatalogueFile, CatalogueSeeder, Ground, Hashes, Index, IndexShow, Lookup,
    LookupEpisode, Sources,
};

/// The form of the files.
const FORMAT: u32 = 1;
const CURRENT: &str = "current";
const OFFICIAL: &str = "official";
/// A look-up file with the episodes of so many shows takes in no further one. A guid that more shows have, such as `1`,
/// says nothing, and to write them all with each of them would take the square of their number. Shows are counted and not
/// episodes, so that no single feed can keep the others out. Who was left out is not on record, and so comes in with a
/// change of its own, once another has left.
pub const FULL_LOOKUP: usize = 100;
/// Catalogues of shows and look-up files all lie one folder deep, so that relative addresses are the same in them.
const DEPTH: usize = 1;

/// The catalogue of a show and the look-up files that change with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// `SLUG/catalog.json`, and look-up files that are new or other ones than before.
    pub files: Vec<SiteFile>,
    /// Look-up files that go, since nobody has their episodes any more.
    pub gone: Vec<String>,
}

/// `catalog.json`.
pub fn index(shows: &[ShowCard], options: &Options) -> SiteFile {
    let shows = shows.iter().map(|show| index_show(show, options)).collect();
    file("catalog.json", &Index { format: FORMAT, shows })
}

/// The catalogue of a show and the look-up files of its episodes, as far as they changed.
///
/// `previous` is the show's catalogue as it is on the site now: only episodes that are other ones in it are looked
/// at. `read` gives a look-up file as it is now, for several shows may have one guid or URL.
pub fn show(
    show: &PublishedShow,
    options: &Options,
    previous: Option<&[u8]>,
    read: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Changes {
    let path = catalogue_path(&show.slug);
    let previous = previous.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let before = previous.map(|catalogue: Catalogue| lookups(&catalogue)).unwrap_or_default();
    let catalogue = catalogue(show, options);
    let changes = changed_lookups(&show.slug, &before, &lookups(&catalogue), read);
    let files = std::iter::once(file(path, &catalogue)).chain(changes.files).collect();
    Changes { files, gone: changes.gone }
}

/// What happens to the look-up files when a show is withdrawn; `previous` is its catalogue.
pub fn withdrawn(slug: &str, previous: &[u8], read: &dyn Fn(&str) -> Option<Vec<u8>>) -> Changes {
    let Ok(catalogue) = serde_json::from_slice::<Catalogue>(previous) else { return Changes::default() };
    changed_lookups(slug, &lookups(&catalogue), &Lookups::new(), read)
}

/// Where a show's catalogue lies on the site.
pub fn catalogue_path(slug: &str) -> String {
    format!("{slug}/catalog.json")
}

/// Where the look-up file of a guid lies on the site.
pub fn guid_path(guid: &str) -> String {
    lookup_path("by-guid", guid)
}

/// Where the look-up file of an enclosure's URL lies on the site.
pub fn enclosure_path(url: &str) -> String {
    lookup_path("by-enclosure", url)
}

fn lookup_path(folder: &str, key: &str) -> String {
    format!("{folder}/{}.json", hex::encode(digest(&SHA256, key.as_bytes())))
}

/// A show's part of the look-up files, by their paths.
type Lookups = BTreeMap<String, Vec<LookupEpisode>>;

fn lookups(catalogue: &Catalogue) -> Lookups {
    let mut lookups = Lookups::new();
    for episode in &catalogue.episodes {
        let listed = episode.files.iter().filter(|file| file.is_listed());
        let found = LookupEpisode {
            show: catalogue.show.clone(),
            guid: episode.guid.clone(),
            title: episode.title.clone(),
            files: listed.map(|file| file.sources.clone()).collect(),
        };
        if found.files.is_empty() {
            continue;
        }
        // The address of a former version leads to what replaced it.
        let urls = episode.files.iter().filter_map(|file| file.sources.url.as_deref().map(enclosure_path));
        let paths: BTreeSet<_> = episode.guid.as_deref().map(guid_path).into_iter().chain(urls).collect();
        for path in paths {
            lookups.entry(path).or_default().push(found.clone());
        }
    }
    lookups
}

/// The look-up files in which a show's part is another one than before. A part for which there is no room is left out.
fn changed_lookups(
    slug: &str,
    before: &Lookups,
    after: &Lookups,
    read: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Changes {
    let mut changes = Changes::default();
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for path in paths.into_iter().filter(|path| before.get(*path) != after.get(*path)) {
        let there = read(path).and_then(|bytes| serde_json::from_slice::<Lookup>(&bytes).ok());
        let mut episodes = there.map(|lookup| lookup.episodes).unwrap_or_default();
        let shows: BTreeSet<&str> = episodes.iter().map(|episode| episode.show.as_str()).collect();
        let is_full = shows.len() >= FULL_LOOKUP && !shows.contains(slug);
        episodes.retain(|episode| episode.show != slug);
        if !is_full {
            episodes.extend(after.get(path).into_iter().flatten().cloned());
        }
        // Stable: a show's own order stays.
        episodes.sort_by(|one, other| one.show.cmp(&other.show));
        match episodes.is_empty() {
            true => changes.gone.push(path.clone()),
            false => changes.files.push(file(path, &Lookup { format: FORMAT, episodes })),
        }
    }
    changes
}

impl CatalogueFile {
    /// Whether programs shall take it: it is of no former version.
    fn is_listed(&self) -> bool {
        matches!(self.standing.as_str(), CURRENT | OFFICIAL)
    }
}

fn index_show(show: &ShowCard, options: &Options) -> IndexShow {
    let address = |path: &str| address(&format!("{}/{path}", show.slug), 0, options);
    let feed = |path: &str| options.base_url.is_some().then(|| address(path));
    IndexShow {
        show: show.slug.clone(),
        title: show.title.clone(),
        author: show.author.clone(),
        language: show.language.clone(),
        link: show.link.as_deref().and_then(web_link),
        page: address(""),
        catalog: address("catalog.json"),
        torrents_feed: feed("torrents.xml"),
        podcast_feed: feed("podcast.xml").filter(|_| show.podcast_feed),
    }
}

fn catalogue(show: &PublishedShow, options: &Options) -> Catalogue {
    let file = |file: &PublishedFile| catalogue_file(&show.slug, file, options);
    let episode = |episode: &PublishedEpisode| CatalogueEpisode {
        guid: episode.guid.clone(),
        title: episode.title.clone(),
        date: episode.date,
        link: episode.link.as_deref().and_then(web_link),
        basis: episode.basis.as_ref().map(ground),
        files: episode.files.iter().map(file).collect(),
    };
    Catalogue {
        format: FORMAT,
        show: show.slug.clone(),
        title: show.title.clone(),
        description: show.description.clone(),
        author: show.author.clone(),
        language: show.language.clone(),
        link: show.link.as_deref().and_then(web_link),
        feed: show.feed.as_deref().and_then(web_link),
        basis: ground(&show.basis),
        episodes: show.episodes.iter().map(episode).collect(),
    }
}

fn ground(basis: &Basis) -> Ground {
    match basis {
        Basis::Licence { name, url } => {
            Ground::Licence { name: name.clone(), url: url.as_deref().and_then(web_link) }
        }
        Basis::Permission(words) => Ground::Permission(words.clone()),
    }
}

fn catalogue_file(slug: &str, file: &PublishedFile, options: &Options) -> CatalogueFile {
    let (standing, since, until, official) = match &file.standing {
        Standing::Current { since, official } => (CURRENT, *since, None, official.as_deref()),
        Standing::Official { url } => (OFFICIAL, None, None, Some(url.as_str())),
        Standing::Revised { on, until } => ("revised", Some(*on), Some(*until), None),
        Standing::Superseded { on, until } => ("superseded", Some(*on), Some(*until), None),
    };
    CatalogueFile {
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        sources: sources(slug, file, options),
        media: options.web_seed.then(|| address(&media_path(slug, &file.name), DEPTH, options)),
        torrent_length: file.torrent_length,
        published: file.published,
        standing: standing.to_owned(),
        since,
        until,
        official: official.and_then(Link::parse).map(|link| link.to_string()),
        source: file.source.to_string(),
        seeders: file
            .seeders
            .iter()
            .map(|seeder| CatalogueSeeder { client: seeder.client.clone(), verified: seeder.verified })
            .collect(),
    }
}

fn sources(slug: &str, file: &PublishedFile, options: &Options) -> Sources {
    Sources {
        url: Link::parse(&file.url).map(|_| file.url.clone()),
        torrent: address(&torrent_path(slug, &file.name), DEPTH, options),
        magnet: file.magnet.clone(),
        info_hash: Hashes {
            v1: file.info_hash.v1().map(|hash| hash.to_string()),
            v2: file.info_hash.v2().map(|hash| hash.to_string()),
        },
        length: file.length,
        sha256: file.sha256.map(hex::encode),
    }
}

/// The address of a file of the site, as it stands in one that lies so many folders deep.
fn address(path: &str, depth: usize, options: &Options) -> String {
    match options.absolute(path) {
        Some(url) => url.into(),
        None => "../".repeat(depth) + &encode_path(path),
    }
}

/// Programs follow links, too.
fn web_link(link: &str) -> Option<String> {
    Link::parse(link).map(|link| link.to_string())
}

fn file(path: impl Into<String>, content: &impl Serialize) -> SiteFile {
    // These types hold nothing that JSON cannot.
    let mut bytes = serde_json::to_vec(content).unwrap_or_default();
    bytes.push(b'\n');
    SiteFile::new(path, bytes)
}
