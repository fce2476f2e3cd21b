//! What podseed itself has left lying about: unfinished files that nobody needs, and copies of shows that are gone.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use crate::model::EnclosureId;
use crate::pipeline::{Error, Pipeline};
use crate::store::Unfinished;
use crate::{download, error, fs};

const DAY: Duration = Duration::from_secs(86_400);
/// An unfinished file of what failed stays so long: the user may still mend it.
const FAILED_AGE: Duration = DAY.saturating_mul(30);
/// One that the selection does not want now: a rule may be changed back.
const UNWANTED_AGE: Duration = DAY.saturating_mul(7);

/// Between two looks: each reads the folders of all shows, and there is hardly ever anything.
const PAUSE: Duration = Duration::from_secs(3600);
/// The name of that round.
const ROUND: &str = "reclaimed";

impl Pipeline {
    /// Removes them, from time to time; at each round while the disk is full.
    pub(super) async fn reclaim_sometimes(&self) -> Result<(), Error> {
        if !self.is_short_of_space.load(Ordering::Relaxed) && self.was_made(ROUND, PAUSE).await? {
            return Ok(());
        }
        let now = self.clock.now();
        self.reclaim().await?;
        self.record_made(ROUND, now).await
    }

    /// What podseed does not know stays.
    async fn reclaim(&self) -> Result<(), Error> {
        for (show, is_gone) in self.store.slugs().await? {
            self.reclaim_unfinished(&show).await?;
            if is_gone {
                let copies = [self.folder().feed_copy(&show), self.folder().cover_copy(&show)];
                copies.iter().for_each(|copy| self.note_failure(fs::remove(copy)));
            }
        }
        Ok(())
    }

    async fn reclaim_unfinished(&self, show: &str) -> Result<(), Error> {
        let Ok(entries) = std::fs::read_dir(self.partial_folder(show)) else { return Ok(()) };
        for entry in entries.flatten() {
            // Beside each lies its record, which goes with it.
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let path = entry.path();
            let least = match self.store.unfinished(show, EnclosureId(id)).await? {
                None | Some(Unfinished::Needed) => continue,
                Some(Unfinished::Failed) => FAILED_AGE,
                Some(Unfinished::Unwanted) => UNWANTED_AGE,
                Some(Unfinished::Over) => Duration::ZERO,
            };
            if self.age(&path).is_some_and(|age| age >= least) {
                self.note_failure(download::discard(&path));
            }
        }
        Ok(())
    }

    /// How long ago a file was last written to, by our clock.
    fn age(&self, path: &Path) -> Option<Duration> {
        let modified = std::fs::symlink_metadata(path).and_then(|found| found.modified()).ok()?;
        Some(SystemTime::from(self.clock.now()).duration_since(modified).unwrap_or_default())
    }

    fn note_failure(&self, done: Result<(), fs::Error>) {
        if let Err(error) = done {
            self.complain(&error::chain(&error));
        }
    }
}
