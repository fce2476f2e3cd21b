//! Being told of changes in folders. What has changed is not asked: every change is only a reason to look again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::Error;

#[derive(Default)]
struct Shared {
    changed: Mutex<BTreeSet<PathBuf>>,
    news: Notify,
}

/// Watches folders, with those below them.
pub struct Watch {
    watcher: RecommendedWatcher,
    shared: Arc<Shared>,
    folders: Vec<PathBuf>,
}

impl Watch {
    /// Watches nothing yet.
    pub fn new() -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let told = Arc::clone(&shared);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let changed = match event {
                Ok(event) if is_news(&event.kind) => event.paths,
                Ok(event) if !event.need_rescan() => return,
                // Something was lost: anything may have changed.
                _ => vec![PathBuf::from("/")],
            };
            told.changed.lock().unwrap_or_else(PoisonError::into_inner).extend(changed);
            told.news.notify_one();
        });
        let watcher = watcher.map_err(|source| Error::Watch { path: "/".into(), source })?;
        Ok(Self { watcher, shared, folders: Vec::new() })
    }

    /// Watches this folder as well.
    ///
    /// # Errors
    /// It is not there, or the system allows no more watches (`fs.inotify.max_user_watches`).
    pub fn add(&mut self, folder: &Path) -> Result<(), Error> {
        let failed = |source| Error::Watch { path: folder.to_owned(), source };
        self.watcher.watch(folder, RecursiveMode::Recursive).map_err(failed)?;
        self.folders.push(folder.to_owned());
        Ok(())
    }

    /// Watches it no more; that it was not watched is no error.
    pub fn remove(&mut self, folder: &Path) {
        // A folder that is gone is not watched any more anyway.
        let _ = self.watcher.unwatch(folder);
        self.folders.retain(|watched| watched != folder);
    }

    /// Waits for a change, and says in which of the folders.
    pub async fn changed(&self) -> Vec<PathBuf> {
        loop {
            self.shared.news.notified().await;
            let changed =
                std::mem::take(&mut *self.shared.changed.lock().unwrap_or_else(PoisonError::into_inner));
            let concerns = |folder: &PathBuf| {
                changed.iter().any(|path| path.starts_with(folder) || folder.starts_with(path))
            };
            let folders: Vec<_> = self.folders.iter().filter(|folder| concerns(folder)).cloned().collect();
            if !folders.is_empty() {
                return folders;
            }
        }
    }
}

/// Reading, which we do ourselves, is no news. That a file is written to is: what was shared of it is no longer there.
fn is_news(kind: &EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if *access != AccessKind::Close(AccessMode::Write))
}
