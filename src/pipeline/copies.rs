//! Our own copies of what the publisher has: his feed as he sent it, and his cover. Pages and feeds are made of them,
//! so that nobody who reads these asks anything of his server.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, HeaderValue};
use url::Url;

use super::blocking::blocking;
use super::terms::private;
use super::{Error, Pipeline, Target};
use crate::config::FeedSource;
use crate::feed::FetchedFeed;
use crate::http::{Http, Meter, Request};
use crate::model::Traffic;
use crate::store::{Document, DueShow, ShowRecord};
use crate::{error, fs, publish};

/// A cover that is larger is no cover.
const LARGEST_COVER: u64 = 10 << 20;
/// Covers are rarely changed, and often under the same address.
const COVER_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Between two attempts at one that could not be fetched, or is another one now.
const COVER_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// Nobody waits for a picture.
const PATIENCE: Duration = Duration::from_secs(5);

impl Pipeline {
    /// Whether a copy of the feed is needed and not there.
    pub(super) fn misses_document(&self, target: &Target, slug: &str) -> bool {
        self.keeps_document(target) && !self.folder().feed_copy(slug).exists()
    }

    fn keeps_document(&self, target: &Target) -> bool {
        self.lock.is_some() && private(target).is_none()
    }

    /// Keeps the feed as the publisher sent it, and lets go of its bytes. Gives what is to be recorded of our copy, where
    /// that is another one than before, or may be and died unrecorded: then the validators on record are still others.
    pub(super) async fn keep_document(
        &self,
        target: &Target,
        show: &ShowRecord,
        fetched: &mut FetchedFeed,
    ) -> Result<Option<Document>, Error> {
        let document = std::mem::take(&mut fetched.document);
        if !self.keeps_document(target) {
            return Ok(None);
        }
        let (path, most) = (self.folder().feed_copy(&show.slug), self.config.limits.feed_size);
        let keeping = move || match fs::read(&path, most).is_ok_and(|before| before == document) {
            true => Ok(false),
            false => put(&path, &document).map(|()| true),
        };
        let known = (&show.etag, &show.last_modified);
        let is_known = show.polled && known == (&fetched.validators.etag, &fetched.validators.last_modified);
        match blocking(keeping).await? {
            Ok(false) if is_known => Ok(None),
            Ok(_) => Ok(Some(Document {
                url: fetched.url.to_string(),
                content_type: fetched.content_type.clone(),
            })),
            Err(error) => {
                self.complain(&format!("{}: {}", show.slug, error::chain(&error)));
                Ok(None)
            }
        }
    }

    /// Fetches the cover of a show where there is no copy of it, or an old one; says whether there is one now. Without
    /// a cover the page is as good.
    pub(super) async fn keep_cover(&self, show: &DueShow, now: Timestamp) -> Result<bool, Error> {
        let cover = self.store.cover(show.id).await?;
        let path = self.folder().cover_copy(&show.slug);
        let has_copy = cover.copied_from.is_some() && path.exists();
        let is_current = cover.image == cover.copied_from && has_copy == cover.image.is_some();
        let pause = if is_current { COVER_AGE } else { COVER_PAUSE };
        if cover.image.is_some() && cover.checked.is_some_and(|checked| now.duration_since(checked) < pause) {
            return Ok(has_copy);
        }
        let Some(image) = &cover.image else {
            if cover.copied_from.is_some() {
                self.store.record_cover(show.id, None, Traffic::default(), now).await?;
            }
            return Ok(false);
        };
        let meter = Meter::new();
        let http = self.http_for_feed(&FeedSource::parse(&cover.feed));
        let copied = fetch_cover(&http, image, &path, &meter).await;
        let from = match &copied {
            Ok(()) => Some(image),
            Err(error) => {
                tracing::debug!(show = show.slug, error, "no cover");
                cover.copied_from.as_ref().filter(|_| has_copy)
            }
        };
        let traffic = Traffic { requests: meter.requests(), bytes: meter.bytes() };
        self.store.record_cover(show.id, from.map(String::as_str), traffic, now).await?;
        Ok(from.is_some())
    }
}

async fn fetch_cover(http: &Http, image: &str, to: &Path, meter: &Meter) -> Result<(), String> {
    let image = Url::parse(image).map_err(|error| error.to_string())?;
    let mut request = Request::document(image);
    request.headers.insert(ACCEPT, HeaderValue::from_static("image/jpeg, image/png, image/webp, image/gif"));
    request.patience = PATIENCE;
    let text = |error: &(dyn std::error::Error + 'static)| error::chain(error);
    let response = http.get(request, meter).await.map_err(|error| text(&error))?;
    let bytes = response.body.collect(LARGEST_COVER).await.map_err(|error| text(&error))?;
    let encoding = tokio::task::spawn_blocking(move || publish::reencode(&bytes));
    let encoded = encoding.await.map_err(|error| text(&error))?.map_err(|error| text(&error))?;
    put(to, &encoded).map_err(|error| text(&error))
}

pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), fs::Error> {
    fs::create_dir(path.parent().unwrap_or(path))?;
    fs::write_atomic(path, bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Config;
    use crate::feed::Validators;
    use crate::pipeline::Environment;

    fn fetched(etag: &str) -> FetchedFeed {
        let document = b"<rss><channel><title>x</title></channel></rss>".to_vec();
        FetchedFeed {
            feed: crate::feed::read(&document, None, None).unwrap(),
            document,
            content_type: None,
            url: "https://f.test/".parse().unwrap(),
            validators: Validators { etag: Some(etag.to_owned()), last_modified: None },
            moved_to: None,
            poll_after: None,
            complete: true,
            page_failed: false,
        }
    }

    #[tokio::test]
    async fn a_copy_that_was_written_and_never_recorded_is_recorded_with_the_next_poll() {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(Config::ad_hoc(folder.path().join("data")));
        let pipeline = Pipeline::open(config, Environment::new(Arc::new(()))).await.unwrap();
        let target = Target::sample();
        let keep = async |show: &ShowRecord, etag: &str| {
            pipeline.keep_document(&target, show, &mut fetched(etag)).await.unwrap().is_some()
        };
        let new = ShowRecord { slug: "s".to_owned(), ..ShowRecord::default() };
        assert!(keep(&new, "1").await);
        assert!(keep(&new, "1").await, "the process has died before it was on record");
        let read = ShowRecord { polled: true, etag: Some("1".to_owned()), ..new };
        assert!(!keep(&read, "1").await, "it is on record");
        assert!(keep(&read, "2").await, "it was there already under another mark, and may not be on record");
    }
}
