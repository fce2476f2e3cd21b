//! The mark: the file by which podseed knows a folder as a site of its own, and which generation of it.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::fs::{self, tree};

/// The mark's name, directly in the site's folder.
pub const MARK: &str = ".podseed-site";
/// The form of the mark that this version writes.
const FORMAT: u32 = 1;
/// Far more than the names of all shows.
const MOST: u64 = 64 << 20;

/// What the mark says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    format: u32,
    /// Grows by one with each publication.
    pub(super) generation: u64,
    /// The files and folders directly in the site's folder that are podseed's; all others are the user's.
    pub(super) entries: BTreeSet<String>,
}

impl Mark {
    pub(super) fn new(generation: u64, entries: BTreeSet<String>) -> Self {
        Self { format: FORMAT, generation, entries }
    }

    /// The mark of a folder; `None` if it has none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(MARK);
        if tree::look(&path)?.is_none() {
            return Ok(None);
        }
        let bytes = fs::read(&path, MOST)?;
        let mark: Option<Self> = serde_json::from_slice(&bytes).ok();
        mark.filter(|mark| mark.format == FORMAT).map(Some).ok_or(Error::Mark { path })
    }

    /// Puts it into a folder; synced.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(MARK);
        let text = serde_json::to_vec(self).map_err(|_| Error::Mark { path: path.clone() })?;
        tree::put(&path, &text)?;
        tree::sync_file(&path)?;
        Ok(tree::sync_dir(folder)?)
    }

    pub(super) fn remove(folder: &Path) -> Result<(), Error> {
        fs::remove(&folder.join(MARK))?;
        Ok(tree::sync_dir(folder)?)
    }

    /// Whether two folders have one mark under two names: so they hold the same.
    pub(super) fn is_shared(one: &Path, other: &Path) -> bool {
        fs::same_file(&one.join(MARK), &other.join(MARK))
    }
}
