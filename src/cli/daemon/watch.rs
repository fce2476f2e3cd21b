//! Notices that the configuration was changed, by whatever editor, also where a file is replaced or a link moved.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// An editor may write in several steps.
const SETTLED: Duration = Duration::from_millis(500);
/// Where nothing is told of changes (network file systems, links into other folders), it is looked so often.
const LOOK: Duration = Duration::from_secs(30);

/// Bytes of a file that are looked at.
const MOST: u64 = 2 << 20;

/// Watches the files of a configuration.
pub(super) struct Watch {
    /// Files, and folders of files.
    sources: Vec<PathBuf>,
    seen: u64,
    told: Arc<Notify>,
    /// `None` where the system cannot watch; then it is only looked now and then.
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// What stands in the files now is known.
    pub(super) fn new(sources: Vec<PathBuf>) -> Self {
        let told = Arc::new(Notify::new());
        let tell = Arc::clone(&told);
        let tell = move |event: notify::Result<notify::Event>| {
            // That something was lost is news as well.
            if event.map_or(true, |event| is_news(&event.kind)) {
                tell.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(tell)
            .inspect_err(|error| tracing::debug!(%error, "changes of the configuration are noticed late"));
        let mut watch = Self { seen: content(&sources), sources, told, watcher: watcher.ok() };
        watch.look_there();
        watch
    }

    /// Folders are watched, and not files, which most editors replace. One that is not there yet is in one that is.
    fn look_there(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        for source in &self.sources {
            for folder in [source.parent(), Some(source)].into_iter().flatten().filter(|path| path.is_dir()) {
                if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                    tracing::debug!(%error, "changes of the configuration are noticed late");
                }
            }
        }
    }

    /// Waits until the files say something else than before.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::select! {
                () = self.told.notified() => tokio::time::sleep(SETTLED).await,
                () = tokio::time::sleep(LOOK) => {}
            }
            self.look_there();
            let now = content(&self.sources);
            if std::mem::replace(&mut self.seen, now) != now {
                return;
            }
        }
    }
}

/// Reading is none: each look reads the files, and would be the reason for the next.
fn is_news(kind: &EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if *access != AccessKind::Close(AccessMode::Write))
}

/// What stands in the files, as one number; also that one cannot be read.
fn content(sources: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in sources.iter().flat_map(|source| files(source)) {
        file.hash(&mut hasher);
        read(&file).map_err(|error| error.kind()).hash(&mut hasher);
    }
    hasher.finish()
}

/// As far as it can be a configuration: what is no file, or is longer, is none.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if std::fs::metadata(path)?.is_file() {
        std::fs::File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The files of a folder, in their order, or the file itself.
fn files(source: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(source) else { return vec![source.to_owned()] };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, ModifyKind};

    use super::*;

    #[test]
    fn reading_the_configuration_is_no_reason_to_read_it_again() {
        for (kind, news) in [
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), false),
            (EventKind::Access(AccessKind::Open(AccessMode::Read)), false),
            (EventKind::Access(AccessKind::Close(AccessMode::Read)), false),
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), true),
            (EventKind::Modify(ModifyKind::Data(DataChange::Any)), true),
            (EventKind::Create(CreateKind::File), true),
        ] {
            assert_eq!(is_news(&kind), news, "{kind:?}");
        }
    }
}
