//! Notices that the configuration was changed, by whatever editor, also where the file is replaced or a link moved.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// An editor may write in several steps.
const SETTLED: Duration = Duration::from_millis(500);
/// Where nothing is told of changes (network file systems, links into other folders), it is looked so often.
const LOOK: Duration = Duration::from_secs(30);

/// Watches the files of a configuration.
pub(super) struct Watch {
    path: PathBuf,
    seen: u64,
    told: Arc<Notify>,
    /// `None` where the system cannot watch; then it is only looked now and then.
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// What stands in the files now is known.
    pub(super) fn new(path: &Path) -> Self {
        let told = Arc::new(Notify::new());
        let watcher = watcher(path, Arc::clone(&told))
            .inspect_err(|error| tracing::debug!(%error, "changes of the configuration are noticed late"));
        Self { path: path.to_owned(), seen: content(path), told, _watcher: watcher.ok() }
    }

    /// Waits until the files say something else than before.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::select! {
                () = self.told.notified() => tokio::time::sleep(SETTLED).await,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = content(&self.path);
            if std::mem::replace(&mut self.seen, now) != now {
                return;
            }
        }
    }
}

/// The folder is watched, and not the file, which most editors replace.
fn watcher(path: &Path, told: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |_| told.notify_one())?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// What stands in the files, as one number; also that one cannot be read.
fn content(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    std::fs::read(path).map_err(|error| error.kind()).hash(&mut hasher);
    hasher.finish()
}
