//! What the site is to become: of a show, everything below its folder; of all shows, what tells of all of them.

use std::collections::HashMap;

use jiff::Timestamp;
use url::Url;

use super::publish::{Edition, Failure, Prepared};
use super::terms::is_secret;
use super::{Error, Pipeline};
use crate::feed::{self, Additions, Alternate};
use crate::model::PublishedShow;
use crate::publish::site::{self, Draft};
use crate::publish::{self, Options, SiteFile, catalogue, listing, opml, torrents_feed};
use crate::store::{EpisodeRecord, ShowFacts};
use crate::{error, fs};

/// What tells of all shows with some settings and not with others: with `base_url`, or in one language.
const SOMETIMES: [&str; 6] =
    ["404.html", "about-de.html", "about-en.html", "feeds.opml", "sitemap.xml", "torrents.xml"];

/// Changes of the site, gathered show by show.
pub(super) struct SiteDraft<'a> {
    edition: &'a Edition<'a>,
    draft: Draft,
}

impl<'a> SiteDraft<'a> {
    pub(super) fn new(edition: &'a Edition<'a>) -> Self {
        Self { edition, draft: Draft::new() }
    }

    /// The bytes that it holds in memory.
    pub(super) fn size(&self) -> usize {
        self.draft.size()
    }

    /// All changes together.
    pub(super) fn into_draft(self) -> Draft {
        self.draft
    }

    fn put(&mut self, files: impl IntoIterator<Item = SiteFile>) -> Result<(), site::Error> {
        files.into_iter().try_for_each(|file| self.draft.file(&file.path, file.bytes))
    }

    /// The catalogue of a show, and its look-up files.
    fn put_catalogue(&mut self, slug: &str, show: Option<&PublishedShow>) -> Result<(), site::Error> {
        let path = catalogue::catalogue_path(slug);
        let previous = self.edition.site.read(&path)?;
        // Several shows may have one look-up file. What cannot be read is written anew.
        let read = |path: &str| self.edition.site.read_with(&self.draft, path).ok().flatten();
        let changes = match (show, &previous) {
            (Some(show), _) => catalogue::show(show, self.edition.options, previous.as_deref(), &read),
            (None, Some(previous)) => catalogue::withdrawn(slug, previous, &read),
            (None, None) => return Ok(()),
        };
        self.put(changes.files)?;
        changes.gone.iter().try_for_each(|path| self.draft.remove(path))
    }
}

impl Pipeline {
    /// Everything below a show's folder; nothing where it is not published.
    pub(super) fn draft_show(
        &self,
        prepared: &mut Prepared<'_>,
        site: &mut SiteDraft<'_>,
    ) -> Result<(), site::Error> {
        let slug = &prepared.due.slug;
        site.draft.folder(slug)?;
        site.put_catalogue(slug, prepared.show.as_ref())?;
        let Some(show) = &prepared.show else { return Ok(()) };
        site.put(publish::show_pages(show, site.edition.options))?;
        site.put(listing::show_torrents(show, site.edition.options))?;
        let previous = site.edition.site.read(&format!("{slug}/torrents.xml"))?;
        site.put(torrents_feed::show_torrents(
            show,
            site.edition.options,
            previous.as_deref(),
            site.edition.now,
        ))?;
        site.put(prepared.podcast_feed.take())?;
        let folder = self.folder();
        for file in show.episodes.iter().flat_map(|episode| &episode.files) {
            site.draft.share(&publish::torrent_path(slug, &file.name), folder.torrent(slug, &file.name))?;
            if site.edition.options.web_seed {
                let own = prepared.own.get(&file.name).map(|own| own.path.as_path());
                let media = folder.data(slug, &file.name, own);
                let path = publish::media_path(slug, &file.name);
                // The user's own disk may be another one than the site's, and his links may lead on.
                let real = own.and_then(|own| own.canonicalize().ok());
                if let Some(real) = &real
                    && !fs::can_link(real, &self.config.data_dir)
                {
                    site.draft.copy(&path, real)?;
                } else if media.is_file() {
                    site.draft.link(&path, real.unwrap_or(media))?;
                } else {
                    self.complain(&format!("{} is gone, so the site lacks it", media.display()));
                }
            }
        }
        if show.cover {
            site.draft.copy(&format!("{slug}/cover.jpg"), folder.cover_copy(slug))?;
        }
        Ok(())
    }

    /// What tells of all shows: index, lists, feed, catalogue. The shows of this draft count as they will be.
    pub(super) async fn draft_overview(
        &self,
        prepared: &[Prepared<'_>],
        site: &mut SiteDraft<'_>,
    ) -> Result<(), Failure> {
        let options = site.edition.options;
        let mut cards = self.store.show_cards().await?;
        cards.retain(|card| !is_drafted(prepared, &card.slug));
        cards.extend(prepared.iter().filter_map(Prepared::card));
        cards.sort_by_cached_key(|card| (card.title.to_lowercase(), card.slug.clone()));
        SOMETIMES.iter().try_for_each(|path| site.draft.remove(path))?;
        site.put(publish::assets())?;
        site.put(publish::index_pages(&cards, options))?;
        site.put([catalogue::index(&cards, options), listing::robots(options)])?;
        site.put(opml::feeds(&cards, options))?;
        site.put(listing::sitemap(cards.iter().map(|card| card.slug.as_str()), options))?;

        site.put([match options.lists_by_show {
            true => listing::torrent_lists(cards.iter().map(|card| card.slug.as_str()), options),
            false => self.list_of_all(prepared, options).await?,
        }])?;

        if options.base_url.is_some() {
            let newest = self.newest(prepared, site.edition.now).await?;
            let previous = site.edition.site.read("torrents.xml")?;
            site.put(torrents_feed::all_torrents(&newest, options, previous.as_deref(), site.edition.now))?;
        }
        Ok(())
    }

    /// The torrents of all shows, those of the draft as they will be.
    async fn list_of_all(&self, prepared: &[Prepared<'_>], options: &Options) -> Result<SiteFile, Error> {
        let mut names = self.store.published_names().await?;
        names.retain(|(slug, _)| !is_drafted(prepared, slug));
        names.extend(prepared.iter().filter_map(|prepared| prepared.show.as_ref()).flat_map(current_names));
        names.sort_unstable();
        let names = names.iter().map(|(slug, name)| (slug.as_str(), name.as_str()));
        Ok(listing::all_torrents(names, options))
    }

    /// The shows with the newest torrents: those of the draft whole, of the others the newest.
    async fn newest(&self, prepared: &[Prepared<'_>], now: Timestamp) -> Result<Vec<PublishedShow>, Failure> {
        let drafted: Vec<_> = prepared.iter().map(|prepared| prepared.due.id).collect();
        let records = self.store.newest_published(torrents_feed::NEWEST, &drafted).await?;
        let mut of_show: HashMap<_, Vec<EpisodeRecord>> = HashMap::new();
        for record in records {
            of_show.entry(record.show).or_default().push(record);
        }
        let mut shows: Vec<_> = prepared.iter().filter_map(|prepared| prepared.show.clone()).collect();
        for (id, episodes) in of_show {
            let facts = self.store.show_facts_by_id(id).await?;
            shows.extend(self.published_show(&facts, &episodes, now));
        }
        shows.sort_by(|one, other| one.slug.cmp(&other.slug));
        Ok(shows)
    }

    /// The publisher's feed with our torrents in it. Where an address in it is not for everybody, there is none.
    pub(super) async fn podcast_feed(
        &self,
        facts: &ShowFacts,
        show: &PublishedShow,
        options: &Options,
    ) -> Result<Option<SiteFile>, Error> {
        let path = format!("{}/podcast.xml", show.slug);
        let (Some(document), Some(address)) = (&facts.document, options.absolute(&path)) else {
            return Ok(None);
        };
        if self.store.addresses(facts.id).await?.iter().any(|address| is_secret(address)) {
            return Ok(None);
        }
        let copy = fs::read(&self.folder().feed_copy(&show.slug), self.config.limits.feed_size);
        let base = Url::parse(&document.url).ok();
        let without = self.store.withdrawn_urls(facts.id).await?;
        let additions = Additions { address: address.into(), alternates: alternates(show, options), without };
        let annotated = copy.map_err(|error| error::chain(&error)).and_then(|copy| {
            feed::annotate(&copy, document.content_type.as_deref(), base.as_ref(), &additions)
                .map_err(|error| error::chain(&error))
        });
        match annotated {
            Ok(bytes) => Ok(Some(SiteFile::new(path, bytes))),
            Err(error) => {
                // The next reading of the feed makes another copy.
                tracing::warn!(show = show.slug, error, "no podcast.xml");
                Ok(None)
            }
        }
    }
}

fn is_drafted(prepared: &[Prepared<'_>], slug: &str) -> bool {
    prepared.iter().any(|prepared| prepared.due.slug == slug)
}

/// The names of what is in force of a show.
fn current_names(show: &PublishedShow) -> impl Iterator<Item = (String, String)> {
    show.in_force().map(|file| (show.slug.clone(), file.name.clone()))
}

/// The torrents of each enclosure, by its URL.
fn alternates(show: &PublishedShow, options: &Options) -> HashMap<String, Vec<Alternate>> {
    let mut alternates: HashMap<String, Vec<Alternate>> = HashMap::new();
    for file in show.in_force() {
        let Some(torrent) = options.absolute(&publish::torrent_path(&show.slug, &file.name)) else {
            continue;
        };
        alternates.entry(file.url.clone()).or_default().push(Alternate {
            media_type: file.media_type.clone(),
            length: file.length,
            torrent: torrent.into(),
            magnet: file.magnet.clone(),
            sha256: file.sha256,
            default: true,
        });
    }
    alternates
}
