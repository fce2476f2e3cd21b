//! From the state to what the site shows: which episodes and files of a show may be on it, and as what.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::schedule;
use super::terms::{basis, is_secret};
use crate::model::{
    Basis, EnclosureId, PlacementState, PublishedEpisode, PublishedFile, PublishedShow, Seeder, Standing,
};
use crate::store::{EpisodeRecord, FileRecord, Replaced, ShowFacts};

/// What the site is made from, beside the records.
pub(super) struct Inputs<'a> {
    /// When files that come to the site now are published.
    pub(super) now: Timestamp,
    /// How long a replaced torrent is seeded.
    pub(super) keep_replaced: Duration,
    /// The length of a file's .torrent.
    pub(super) torrent_length: &'a dyn Fn(&str) -> u64,
}

/// The episodes that may be on the site, with those of their files that may. Where nothing is handed over without a
/// ground for the whole show, nobody would seed an item that has one of its own.
pub(super) fn publishable(
    facts: &ShowFacts,
    episodes: Vec<EpisodeRecord>,
    require_permission: bool,
) -> Vec<EpisodeRecord> {
    if require_permission && basis(facts, None).is_err() {
        return Vec::new();
    }
    let allowed = |episode: &EpisodeRecord| basis(facts, episode.licence.as_deref()).is_ok();
    let mut episodes: Vec<_> = episodes.into_iter().filter(allowed).collect();
    for episode in &mut episodes {
        episode.files.retain(|file| is_ready(file) && is_for_everybody(file));
    }
    episodes.retain(|episode| !episode.files.is_empty());
    episodes
}

/// A file comes to the site once a client has it, at once where there are no clients, and stays.
fn is_ready(file: &FileRecord) -> bool {
    let has = |state| matches!(state, PlacementState::Seeding | PlacementState::Delivered);
    file.published.is_some()
        || file.placements.is_empty()
        || file.placements.iter().any(|placement| has(placement.state))
}

/// Neither what was fetched with a credential in its address, nor a torrent that was.
fn is_for_everybody(file: &FileRecord) -> bool {
    let is_secret_torrent = file.official && file.official_url.as_deref().is_some_and(is_secret);
    // Where the user has his own file is nobody's business, and is not said.
    (file.own.is_some() || !is_secret(&file.url)) && !is_secret_torrent
}

/// The show as the site tells of it.
pub(super) fn show(
    facts: &ShowFacts,
    episodes: &[EpisodeRecord],
    inputs: &Inputs<'_>,
) -> Option<PublishedShow> {
    // Where only some items have a licence of their own, the first of them speaks for the show.
    let of_show = basis(facts, None)
        .or_else(|_| basis(facts, episodes.first().and_then(|episode| episode.licence.as_deref())))
        .ok()?;
    let since = replacements(episodes);
    let episodes: Vec<_> = episodes
        .iter()
        .filter_map(|episode| {
            let basis = basis(facts, episode.licence.as_deref()).ok()?;
            let files: Vec<_> = episode.files.iter().map(|record| file(record, &since, inputs)).collect();
            Some(published_episode(episode, basis, &of_show, files))
        })
        .collect();
    (!episodes.is_empty()).then(|| PublishedShow {
        slug: facts.slug.clone(),
        title: title(facts),
        link: facts.link.clone().filter(|link| !is_secret(link)),
        feed: Some(facts.feed.clone()).filter(|feed| feed.starts_with("http") && !is_secret(feed)),
        description: facts.description.clone(),
        author: facts.author.clone(),
        language: facts.language.clone(),
        basis: of_show,
        cover: facts.cover,
        // Known once it is made.
        podcast_feed: false,
        episodes,
    })
}

fn title(facts: &ShowFacts) -> String {
    if facts.title.is_empty() { facts.slug.clone() } else { facts.title.clone() }
}

fn published_episode(
    episode: &EpisodeRecord,
    basis: Basis,
    of_show: &Basis,
    files: Vec<PublishedFile>,
) -> PublishedEpisode {
    let first_name = || files.first().map(|file| file.name.clone()).unwrap_or_default();
    PublishedEpisode {
        guid: episode.guid.clone().filter(|guid| !is_secret(guid)),
        title: if episode.title.is_empty() { first_name() } else { episode.title.clone() },
        date: episode.date,
        link: episode.link.clone().filter(|link| !is_secret(link)),
        basis: Some(basis).filter(|basis| basis != of_show),
        files,
    }
}

fn file(record: &FileRecord, since: &HashMap<EnclosureId, Timestamp>, inputs: &Inputs<'_>) -> PublishedFile {
    let has = |state| matches!(state, PlacementState::Seeding | PlacementState::Delivered);
    let seeders = record.placements.iter().filter(|placement| has(placement.state)).map(|placement| Seeder {
        client: placement.client.clone(),
        verified: placement
            .confirmed
            .filter(|_| placement.state == PlacementState::Seeding)
            .map(|at| at.to_zoned(TimeZone::UTC).date()),
    });
    PublishedFile {
        name: record.name.clone(),
        url: if record.own.is_some() { String::new() } else { record.url.clone() },
        media_type: record.media_type.clone(),
        length: record.length,
        sha256: record.sha256,
        info_hash: record.info_hash,
        magnet: record.magnet.clone(),
        torrent_length: (inputs.torrent_length)(&record.name),
        published: record.published.unwrap_or(inputs.now),
        seeders: seeders.collect(),
        standing: standing(record, since, inputs.keep_replaced),
        source: record.source,
    }
}

fn standing(record: &FileRecord, since: &HashMap<EnclosureId, Timestamp>, keep: Duration) -> Standing {
    let until = |on: Timestamp| schedule::after(on, keep);
    match (record.replaced, &record.official_url) {
        (Some(Replaced { by_official: true, at, .. }), _) => {
            Standing::Superseded { on: at, until: until(at) }
        }
        (Some(Replaced { at, .. }), _) => Standing::Revised { on: at, until: until(at) },
        (None, Some(url)) if record.official => Standing::Official { url: url.clone() },
        (None, official) => {
            let official = official.clone().filter(|url| !is_secret(url));
            Standing::Current { since: since.get(&record.id).copied(), official }
        }
    }
}

/// Since when a file has taken the place of an earlier one.
fn replacements(episodes: &[EpisodeRecord]) -> HashMap<EnclosureId, Timestamp> {
    let files = episodes.iter().flat_map(|episode| &episode.files);
    let mut since = HashMap::new();
    for replaced in files.filter_map(|file| file.replaced).filter(|replaced| !replaced.by_official) {
        let latest = since.entry(replaced.by).or_insert(replaced.at);
        *latest = replaced.at.max(*latest);
    }
    since
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InfoHashV1, InfoHashes, SourceState, Stage};
    use crate::store::{ShowId, Terms};

    fn facts() -> ShowFacts {
        ShowFacts {
            id: ShowId(1),
            slug: "s".to_owned(),
            title: String::new(),
            link: Some("https://h.test/?token=s3cret".to_owned()),
            feed: "https://h.test/feed".to_owned(),
            licence: None,
            blocked: false,
            description: None,
            author: None,
            language: None,
            cover: false,
            terms: Terms { permission: Some("mine".to_owned()), private: None },
            document: None,
            withdrawn: false,
            published: false,
        }
    }

    /// What is published of one file with this address, and this torrent of the publisher's.
    fn published(url: &str, official_url: Option<&str>, official: bool) -> Option<PublishedShow> {
        let file = FileRecord {
            id: EnclosureId(1),
            url: url.to_owned(),
            name: "a.mp3".to_owned(),
            length: 1,
            media_type: "audio/mpeg".to_owned(),
            sha256: None,
            info_hash: InfoHashes::V1(InfoHashV1([1; 20])),
            magnet: "magnet:?xt=urn:btih:01".to_owned(),
            stage: Stage::TorrentReady,
            published: None,
            source: SourceState::Unknown,
            official_url: official_url.map(str::to_owned),
            official,
            replaced: None,
            placements: Vec::new(),
            own: None,
        };
        let episode = EpisodeRecord {
            id: 1,
            show: ShowId(1),
            guid: None,
            title: String::new(),
            date: None,
            link: Some("https://h.test/1?sig=s3cret".to_owned()),
            licence: None,
            files: vec![file],
        };
        let inputs =
            Inputs { now: Timestamp::UNIX_EPOCH, keep_replaced: Duration::ZERO, torrent_length: &|_| 1 };
        show(&facts(), &publishable(&facts(), vec![episode], false), &inputs)
    }

    #[test]
    fn nothing_that_is_published_has_a_credential_in_it() {
        let (plain, secret) = ("https://h.test/a.mp3", "https://h.test/a.mp3.torrent?passkey=s3cret");
        for (url, torrent, official) in [
            (plain, None, false),
            (plain, Some(secret), false),
            (plain, Some("https://h.test/a.torrent"), false),
            (plain, Some("https://h.test/a.torrent"), true),
        ] {
            let show = published(url, torrent, official).unwrap();
            assert!(!format!("{show:?}").contains("s3cret"), "{show:?}");
        }
        assert_eq!(published("https://h.test/a.mp3?token=s3cret", None, false), None);
        // His trackers are in it as he made it for whoever has the key.
        assert_eq!(published(plain, Some(secret), true), None);
    }
}
