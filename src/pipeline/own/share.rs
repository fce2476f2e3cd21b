//! `podseed share`: own files that are named by the user, wherever they are, beside a daemon as well.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::blocking::blocking;
use super::super::{DataFolder, Error};
use crate::config::{Config, FeedSource};
use crate::inbox::{self, Examined, Seen};
use crate::model::SharedFile;
use crate::store::{self, OwnShow, Store};
use crate::{error, fs};

/// Files that are recorded in one transaction.
const AT_ONCE: usize = 64;

/// What is to be shared.
#[derive(Debug, Clone)]
pub struct ShareOrder {
    /// The slug of the show of own files.
    pub show: String,
    /// Files, and folders of files; absolute.
    pub paths: Vec<PathBuf>,
    /// The title, where it is one file.
    pub title: Option<String>,
}

/// What has come of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    /// New episodes.
    pub new: u64,
    /// Files that the show has already.
    pub known: u64,
    /// What cannot be shared, and why.
    pub refused: Vec<String>,
    /// There is a show with a feed of this name: nothing was shared.
    pub taken: bool,
}

/// Records own files as episodes of a show of their own. They are hashed and handed over by the next pass.
pub async fn share(config: &Config, order: ShareOrder, now: Timestamp) -> Result<Shared, Error> {
    let folder = DataFolder::new(&config.data_dir);
    let said = config.inbox.iter().find(|inbox| inbox.slug == order.show);
    let source = FeedSource::Own(said.and_then(|inbox| inbox.path.clone()));
    let mut shared = Shared::default();
    let store = open(&folder).await?;
    let show = OwnShow { slug: order.show, feed: source.to_string(), ..OwnShow::default() };
    let Some(id) = store.ensure_own_show(&show).await? else {
        return Ok(Shared { taken: true, ..shared });
    };
    let (mut files, refused) = blocking(move || collect(&order.paths)).await?;
    shared.refused = refused;
    if let (Some(title), [file]) = (order.title, files.as_mut_slice()) {
        file.tags.title = title;
    }
    for files in files.chunks(AT_ONCE) {
        let new = store.add_own(id, files, now).await?.len();
        shared.new += new as u64;
        shared.known += (files.len() - new) as u64;
    }
    store.close().await;
    Ok(shared)
}

/// The state, made where there is none, unless another podseed works on it, which has made it.
async fn open(folder: &DataFolder) -> Result<Store, Error> {
    match Store::open_existing(&folder.state()).await {
        Err(store::Error::Missing { .. } | store::Error::Older { .. }) => {
            fs::create_dir(folder.root())?;
            let _lock = fs::DataLock::take(folder.root())?;
            Ok(Store::open(&folder.state()).await?)
        }
        opened => Ok(opened?),
    }
}

/// The files that these paths mean, in the order of the paths and of their names.
fn collect(paths: &[PathBuf]) -> (Vec<SharedFile>, Vec<String>) {
    let (mut files, mut refused) = (Vec::new(), Vec::new());
    let mut seen_before = HashSet::new();
    let written = inbox::open_for_writing();
    for path in paths {
        let is_folder = path.is_dir();
        let (seen, why) = look(path, is_folder);
        refused.extend(why);
        for seen in seen {
            match take(&seen, &written) {
                Ok(file) if seen_before.insert(file.path.clone()) => files.push(file),
                Ok(_) => {}
                // What else lies in a folder is not meant.
                Err(None) if is_folder => {}
                Err(None) => refused.push(format!("{}: it is neither audio nor video", seen.path.display())),
                Err(Some(why)) => refused.push(why),
            }
        }
    }
    (files, refused)
}

fn look(path: &Path, is_folder: bool) -> (Vec<Seen>, Vec<String>) {
    if is_folder {
        return match inbox::list(path) {
            Ok(listing) => {
                let names = listing.refused.iter();
                let mut why: Vec<_> =
                    names.map(|refused| format!("{}: {}", refused.path.display(), refused.why)).collect();
                why.extend(listing.blind.iter().map(|blind| format!("{} cannot be read", blind.display())));
                if listing.files.is_empty() && why.is_empty() {
                    why.push(format!("{} holds no files", path.display()));
                }
                (listing.files, why)
            }
            Err(error) => (Vec::new(), vec![error::chain(&error)]),
        };
    }
    let (seen, _) = inbox::look_at(&[path.to_owned()]);
    match seen.first() {
        None if path.exists() => (Vec::new(), vec![format!("{} is no file", path.display())]),
        None => (Vec::new(), vec![format!("there is no file {}", path.display())]),
        Some(file) if file.state.size == 0 => (Vec::new(), vec![format!("{} is empty", path.display())]),
        Some(_) => (seen, Vec::new()),
    }
}

/// One file; without a word where it is no medium.
fn take(seen: &Seen, written: &HashSet<(u64, u64)>) -> Result<SharedFile, Option<String>> {
    let path = seen.path.display();
    if written.contains(&(seen.state.device, seen.state.inode)) {
        return Err(Some(format!("{path} is being written to; share it when it is complete")));
    }
    // Tags are hostile, and their reader is not ours.
    match catch_unwind(AssertUnwindSafe(|| inbox::examine(seen))) {
        Ok(Examined::Shared(file)) => Ok(*file),
        Ok(Examined::Refused(refused)) => Err(Some(format!("{path}: {}", refused.why))),
        Ok(Examined::Unusable(inbox::Error::NoMedia { .. })) => Err(None),
        Ok(Examined::Unusable(why)) => Err(Some(error::chain(&why))),
        Err(_) => Err(Some(format!("{path}: its tags cannot be read at all"))),
    }
}
