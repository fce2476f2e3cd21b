//! The hand-over kit: what is published of some shows, as a folder that their publisher can put on his own server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::{DataFolder, Environment, Error, Pipeline, published};
use crate::config::Config;
use crate::model::PublishedShow;
use crate::publish::kit::{self, KitShow};
use crate::publish::{Options, site};
use crate::store::Store;
use crate::{fs, torrent};

/// The largest cover that podseed makes, and more.
const LARGEST_COVER: u64 = 10 << 20;

/// Why there is no kit.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// The state cannot be read.
    #[error(transparent)]
    Pipeline(#[from] Error),
    /// Nothing may be published.
    #[error("nothing of it is published: {reason}")]
    Nothing {
        /// Why, of the first show.
        reason: String,
    },
    /// The folder cannot be written.
    #[error("cannot write the kit")]
    Site(#[from] site::Error),
}

/// What goes into a kit of one show.
struct Part {
    show: PublishedShow,
    podcast: Option<Vec<u8>>,
    cover: Option<Vec<u8>>,
    torrents: PathBuf,
    /// Where `torrents` is, if it is not podseed's own folder.
    _scratch: Option<fs::Scratch>,
}

/// Writes the kit of these shows into a folder that is empty or not there yet, for the address at which the publisher
/// will have it. Only reads podseed's own folder. Gives the number of files.
pub async fn write_kit(
    config: &Arc<Config>,
    slugs: &[String],
    base_url: Option<Url>,
    into: &Path,
) -> Result<usize, KitError> {
    let folder = DataFolder::new(&config.data_dir);
    let store = Store::open_existing(&folder.state()).await.map_err(Error::from)?;
    let pipeline = Pipeline::with_store(Arc::clone(config), store, None, Environment::new(Arc::new(())))?;
    let options = kit::options(base_url, &pipeline.site_options());
    let mut parts = Vec::new();
    for slug in slugs {
        parts.extend(pipeline.kit_part(slug, &options).await?);
    }
    if parts.is_empty() {
        return Err(KitError::Nothing { reason: pipeline.why_nothing(slugs).await? });
    }
    let shows: Vec<_> = parts
        .iter()
        .map(|part| KitShow {
            show: &part.show,
            podcast: part.podcast.clone(),
            cover: part.cover.clone(),
            torrents: &part.torrents,
        })
        .collect();
    Ok(kit::draft(&shows, &options, pipeline.clock.now())?.write_into(into)?)
}

impl Pipeline {
    async fn kit_part(&self, slug: &str, options: &Options) -> Result<Option<Part>, Error> {
        let mut facts = self.store.show_facts(slug).await?;
        let cover = Some(fs::read(&self.folder().cover_copy(slug), LARGEST_COVER));
        let cover = cover.filter(|_| facts.cover).and_then(Result::ok);
        facts.cover = cover.is_some();
        let episodes = self.store.publishable(facts.id).await?;
        let episodes = published::publishable(&facts, episodes, self.config.require_permission);
        let Some(mut show) = self.published_show(&facts, &episodes, self.clock.now()) else {
            return Ok(None);
        };
        // Ours is about to be his.
        for file in show.episodes.iter_mut().flat_map(|episode| &mut episode.files) {
            file.seeders.clear();
        }
        let scratch = self.without_own_seeds(&mut show)?;
        let podcast = self.podcast_feed(&facts, &show, options).await?;
        show.podcast_feed = podcast.is_some();
        let torrents =
            scratch.as_ref().map_or_else(|| self.folder().torrents(slug), |folder| folder.path().to_owned());
        Ok(Some(Part { show, podcast: podcast.map(|file| file.bytes), cover, torrents, _scratch: scratch }))
    }

    /// The torrents without the media on our own site, which will not be there for ever, in a folder that goes with
    /// the result; `None` where they name none.
    fn without_own_seeds(&self, show: &mut PublishedShow) -> Result<Option<fs::Scratch>, Error> {
        let publish = &self.config.publish;
        let Some(ours) = publish.base_url.as_ref().filter(|_| publish.web_seed) else { return Ok(None) };
        let folder = fs::Scratch::new()?;
        for file in show.episodes.iter_mut().flat_map(|episode| &mut episode.files) {
            let bytes = fs::read(&self.folder().torrent(&show.slug, &file.name), torrent::MAX_LENGTH as u64)?;
            let Ok(mut metainfo) = torrent::parse(&bytes) else { continue };
            metainfo.web_seeds.retain(|seed| !seed.starts_with(ours.as_str()));
            let edited = torrent::edit(&bytes, &metainfo.web_seeds, &metainfo.trackers).unwrap_or(bytes);
            file.magnet = metainfo.magnet();
            file.torrent_length = edited.len() as u64;
            fs::write_atomic(&folder.path().join(format!("{}.torrent", file.name)), &edited)?;
        }
        Ok(Some(folder))
    }

    async fn why_nothing(&self, slugs: &[String]) -> Result<String, Error> {
        let Some(first) = slugs.first() else { return Ok("there is no show".to_owned()) };
        let reason = super::basis(&self.store.show_facts(first).await?, None).err();
        Ok(reason.unwrap_or_else(|| "nothing of it is seeded yet".to_owned()))
    }
}
