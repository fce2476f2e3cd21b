//! Being told of changes to own files, or looking time and again where nobody tells.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::{Error, Pipeline, Target};
use crate::config::FeedSource;
use crate::{error, fs, inbox};

/// What lies at least between two looks that find the same fresh file.
const QUIET: Duration = Duration::from_secs(3);
/// From a change to the look at it, so that many changes are one look.
const TO_LOOK: Duration = Duration::from_millis(500);
/// Between two looks while changes go on.
const PAUSE: Duration = Duration::from_secs(2);
/// Between two looks where nobody tells of changes.
const POLL: Duration = Duration::from_secs(30);
/// Between two looks where somebody does: files outside the folder, and what was not told.
const ANYWAY: Duration = Duration::from_secs(300);

/// A show of own files that is watched.
struct Watched {
    target: Target,
    /// The folder that is watched, and which one it is: another one in its place has to be watched anew.
    folder: Option<(PathBuf, (u64, u64))>,
    looked: Option<Instant>,
    due: Instant,
}

impl Watched {
    fn hurry(&mut self, now: Instant) {
        let earliest = self.looked.map_or(now, |looked| looked + PAUSE);
        self.due = self.due.min((now + TO_LOOK).max(earliest));
    }
}

impl Pipeline {
    /// Looks whenever something changes in a folder of own files, and from time to time anyway, until the pipeline is
    /// stopped. `looked` is told after each look.
    pub async fn watch_own(self: &Arc<Self>, looked: impl Fn()) -> Result<(), Error> {
        let mut watch = match inbox::Watch::new() {
            Ok(watch) => Some(watch),
            Err(error) => {
                self.note_error(&format!("own files are polled: {}", error::chain(&error)));
                None
            }
        };
        let mut watched: BTreeMap<String, Watched> = BTreeMap::new();
        loop {
            self.refresh_watched(&mut watched).await?;
            for show in watched.values_mut().filter(|show| show.due <= Instant::now()) {
                self.look_at_watched(show, watch.as_mut()).await?;
                looked();
            }
            // A show that is shared for the first time is found by then.
            let next = watched.values().map(|show| show.due).min();
            let next = next
                .unwrap_or_else(Instant::now)
                .min(Instant::now() + POLL)
                .max(Instant::now() + TO_LOOK / 5);
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(next) => {}
                folders = changes(watch.as_ref()) => {
                    let now = Instant::now();
                    let is_in = |show: &Watched| show.folder.as_ref().is_some_and(|(folder, _)| folders.contains(folder));
                    watched.values_mut().filter(|show| is_in(show)).for_each(|show| show.hurry(now));
                }
            }
        }
    }

    async fn refresh_watched(&self, watched: &mut BTreeMap<String, Watched>) -> Result<(), Error> {
        for target in self.own_targets().await? {
            let slug = target.slug.clone().unwrap_or_default();
            let new = || Watched { target, folder: None, looked: None, due: Instant::now() };
            watched.entry(slug).or_insert_with(new);
        }
        Ok(())
    }

    async fn look_at_watched(
        &self,
        show: &mut Watched,
        watch: Option<&mut inbox::Watch>,
    ) -> Result<(), Error> {
        // Before the look, so that nothing falls between.
        let interval = self.watch_folder(show, watch);
        let again = match self.own_show(&show.target).await? {
            Some(id) => self.look_own(id, &show.target, QUIET).await?,
            None => false,
        };
        let now = Instant::now();
        show.looked = Some(now);
        show.due = now + if again { QUIET + QUIET / 10 } else { interval };
        Ok(())
    }

    /// Sees that the folder is watched, where that is possible. Gives the time until the next look.
    fn watch_folder(&self, show: &mut Watched, watch: Option<&mut inbox::Watch>) -> Duration {
        let slug = show.target.slug.as_deref().unwrap_or_default();
        let poll = self.inbox(slug).and_then(|inbox| inbox.poll);
        let FeedSource::Own(Some(folder)) = &show.target.feed else { return POLL };
        let (None, Some(watch), false) = (poll, watch, fs::is_remote(folder)) else {
            return poll.unwrap_or(POLL);
        };
        let found = std::fs::metadata(folder).ok().map(|found| (found.dev(), found.ino()));
        if show.folder.as_ref().is_some_and(|(_, watched)| found != Some(*watched)) {
            watch.remove(folder);
            show.folder = None;
        }
        let Some(found) = found else { return POLL };
        if show.folder.is_none() {
            match watch.add(folder) {
                Ok(()) => show.folder = Some((folder.clone(), found)),
                Err(error) => {
                    let text = error::chain(&error);
                    self.warn(slug, &format!("the folder is looked into every 30 s: {text}"));
                    return POLL;
                }
            }
        }
        ANYWAY
    }
}

/// The folders in which something has changed; never, where nobody tells.
async fn changes(watch: Option<&inbox::Watch>) -> Vec<PathBuf> {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
