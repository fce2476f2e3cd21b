//! What the site has of own files beside what it has of any: a cover, and a podcast feed of our own.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::super::copies::put;
use super::super::{Error, Pipeline};
use crate::model::{OwnFile, PublishedShow};
use crate::publish::own_feed::{self, OwnDetails};
use crate::publish::{self, Options, SiteFile};
use crate::store::{DueShow, EpisodeRecord};
use crate::{error, fs, inbox};

/// Files that are searched for a cover, the first of the show first.
const SEARCHED: usize = 20;
/// A picture that is larger is no cover.
const LARGEST_COVER: u64 = 10 << 20;

/// Where a cover comes from, in words that change when it does.
struct CoverSource {
    from: String,
    path: PathBuf,
    is_picture: bool,
}

impl Pipeline {
    /// The feed of a show of own files.
    pub(in super::super) fn own_feed(
        &self,
        show: &PublishedShow,
        files: &HashMap<String, OwnFile>,
        options: &Options,
    ) -> Option<SiteFile> {
        let email = self.inbox(&show.slug).and_then(|inbox| inbox.email.clone());
        own_feed::podcast(show, &OwnDetails { files: files.clone(), email }, options)
    }

    /// Makes the cover of a show of own files: the picture that the user names, else the first that is in a file.
    /// Says whether there is one now.
    pub(in super::super) async fn keep_own_cover(
        &self,
        show: &DueShow,
        episodes: &[EpisodeRecord],
    ) -> Result<bool, Error> {
        let copy = self.folder().cover_copy(&show.slug);
        let before = self.store.cover(show.id).await?.copied_from.filter(|_| copy.exists());
        let sources = self.cover_sources(&show.slug, episodes);
        // What a file has stays the cover as long as the file is there; what the user names comes first.
        let current = match sources.first() {
            Some(named) if named.is_picture => before.as_ref() == Some(&named.from),
            _ => sources.iter().any(|source| before.as_ref() == Some(&source.from)),
        };
        if current {
            return Ok(true);
        }
        let to = copy.clone();
        let made = tokio::task::spawn_blocking(move || {
            sources.into_iter().find(|source| match make(source, &to) {
                Ok(()) => true,
                Err(error) => {
                    tracing::debug!(path = %source.path.display(), error, "no cover");
                    false
                }
            })
        });
        // A picture that breaks its reader is none.
        let from = made.await.ok().flatten().map(|source| source.from);
        self.store.record_own_cover(show.id, from.as_deref()).await?;
        Ok(from.is_some())
    }

    /// The picture that the user names, and what changes when it does.
    pub(super) fn named_cover(&self, slug: &str) -> Option<(String, PathBuf)> {
        let path = self.inbox(slug)?.cover.clone()?;
        let state = std::fs::metadata(&path).map(|found| (found.mtime(), found.len()));
        Some((format!("own:{} {:?}", path.display(), state.ok()), path))
    }

    fn cover_sources(&self, slug: &str, episodes: &[EpisodeRecord]) -> Vec<CoverSource> {
        let named = self.named_cover(slug).map(|(from, path)| CoverSource { from, path, is_picture: true });
        // The newest episode comes first in the list.
        let files = episodes.iter().rev().flat_map(|episode| &episode.files);
        let files = files.filter_map(|file| {
            let path = file.own.as_ref()?.path.clone();
            Some(CoverSource { from: format!("own:{}", file.id.0), path, is_picture: false })
        });
        named.into_iter().chain(files.take(SEARCHED)).collect()
    }
}

/// Never the bytes as they are: a picture is made anew, as that of a publisher is.
fn make(source: &CoverSource, to: &Path) -> Result<(), String> {
    let text = |error: &(dyn std::error::Error + 'static)| error::chain(error);
    let original = match source.is_picture {
        true => fs::read(&source.path, LARGEST_COVER).map_err(|error| text(&error))?,
        false => inbox::cover(&source.path).ok_or("it has no picture")?,
    };
    let encoded = publish::reencode(&original).map_err(|error| text(&error))?;
    put(to, &encoded).map_err(|error| text(&error))
}
