//! One publication: the twin is changed, takes the place of the live tree, and the other one follows.
//!
//! A crash at any point leaves a complete live tree. The twin has a mark only while it holds the same as the live
//! tree; one without is repaired by a walk over everything before it is used again.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Change, Error, MARK, Mark};
use crate::fs::tree::Below;
use crate::fs::{self, tree};

/// Up to here files or folders are synced one by one; beyond, the whole file system at once is quicker.
const FEW: usize = 32;

/// See the module.
pub(super) struct Swap<'a> {
    pub(super) live: &'a Path,
    pub(super) twin: &'a Path,
    pub(super) parent: &'a Path,
    /// What goes stands before what comes.
    pub(super) changes: &'a [Change<'a>],
    pub(super) step: &'a mut dyn FnMut() -> Result<(), Error>,
}

impl Swap<'_> {
    /// Publishes; `old` is the mark of the live tree.
    pub(super) fn run(mut self, old: Option<Mark>) -> Result<(), Error> {
        let (generation, ours) = match old {
            Some(old) => (old.generation + 1, old.entries),
            None => (1, BTreeSet::new()),
        };
        let was_twin = self.prepare(&ours)?;
        self.change(was_twin)?;
        let mark = Mark::new(generation, self.entries(&ours)?);
        mark.write(self.twin)?;
        (self.step)()?;
        tree::exchange(self.twin, self.live).map_err(|error| self.explain(error))?;
        tree::sync_dir(self.parent)?;
        (self.step)()?;
        // The site is published. What does not work now is repaired by the next publication.
        if let Err(error) = self.follow(&ours) {
            tracing::warn!(%error, "the site's twin stays behind and is repaired by the next publication");
        }
        Ok(())
    }

    /// Makes the twin the same as the live tree, and takes its mark. Gives whether it was the same already.
    fn prepare(&mut self, ours: &BTreeSet<String>) -> Result<bool, Error> {
        let is_twin = Mark::is_shared(self.live, self.twin) && self.has_same_roots(ours)?;
        self.make_folders().map_err(|error| self.explain(error))?;
        Mark::remove(self.twin)?;
        (self.step)()?;
        tree::adopt(self.live, self.twin)?;
        // The user's part is compared each time, for he changes it when he likes.
        let is_same = |name: &Path| is_twin && name.to_str().is_some_and(|name| ours.contains(name));
        let is_wanted = |name: &Path| name != Path::new(MARK) && !is_same(name);
        tree::mirror(self.live, self.twin, &is_wanted).map_err(|error| match error.kind() {
            Some(ErrorKind::CrossesDevices) => Error::MountPoint { path: self.live.to_owned() },
            _ => Error::File(error),
        })?;
        (self.step)()?;
        Ok(is_twin)
    }

    /// Whether what is podseed's own directly in the live tree is there in the twin, and the other way round: somebody
    /// may have worked in the live one by hand.
    fn has_same_roots(&self, ours: &BTreeSet<String>) -> Result<bool, Error> {
        Ok(roots(self.live, ours)? == roots(self.twin, ours)?)
    }

    fn make_folders(&self) -> Result<(), fs::Error> {
        fs::create_dir(self.parent)?;
        for folder in [self.live, self.twin] {
            // A link in the twin's place is not followed: what it names is not the twin.
            tree::make_dir(self.parent, Path::new(folder.file_name().unwrap_or_default()))?;
        }
        Ok(())
    }

    /// Makes the changes in the twin, and brings them to the disk; and all the rest of it, if it was no twin before.
    fn change(&mut self, was_twin: bool) -> Result<(), Error> {
        let mut fresh = Vec::new();
        let mut twin = Below::new(self.twin);
        for change in self.changes {
            let path = make_room(&mut twin, self.twin, change)?;
            match change.content {
                None => remove(self.twin, &path)?,
                Some(content) => content.put(&path)?,
            }
            fresh.extend(change.content.map(|_| path));
            (self.step)()?;
        }
        if fresh.len() > FEW || !was_twin {
            tree::sync_file_system(self.twin)?;
        } else {
            fresh.iter().try_for_each(|path| tree::sync_file(path))?;
            self.sync_folders()?;
        }
        (self.step)()
    }

    /// Makes the changes in the tree that was live, by links to what is live now; `ours` is what was podseed's in it.
    fn follow(&mut self, ours: &BTreeSet<String>) -> Result<(), Error> {
        Mark::remove(self.twin)?;
        (self.step)()?;
        // What the user has put there while the site was being built.
        let is_users =
            |name: &Path| name != Path::new(MARK) && !name.to_str().is_some_and(|name| ours.contains(name));
        tree::add(self.twin, self.live, &is_users)?;
        (self.step)()?;
        let mut twin = Below::new(self.twin);
        for change in self.changes {
            let path = make_room(&mut twin, self.twin, change)?;
            match change.content {
                None => remove(self.twin, &path)?,
                Some(_) => tree::link(&self.live.join(change.path), &path)?,
            }
            (self.step)()?;
        }
        self.sync_folders()?;
        tree::link(&self.live.join(MARK), &self.twin.join(MARK))?;
        Ok(())
    }

    /// Brings the names in all folders of the twin that the changes touch to the disk.
    fn sync_folders(&self) -> Result<(), Error> {
        let touched: BTreeSet<&Path> =
            self.changes.iter().flat_map(|change| change.path.ancestors().skip(1)).collect();
        if touched.len() > FEW {
            return Ok(tree::sync_file_system(self.twin)?);
        }
        for folder in touched.into_iter().rev() {
            if tree::look_below(self.twin, folder)?.is_some() {
                tree::sync_dir(&self.twin.join(folder))?;
            }
        }
        Ok(())
    }

    /// What is podseed's own directly in the changed twin; `ours` is what was before.
    fn entries(&self, ours: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
        let coming = self.changes.iter().filter(|change| change.content.is_some());
        let coming = coming.filter_map(|change| Some(change.path.iter().next()?.to_str()?.to_owned()));
        roots(self.twin, &ours.iter().cloned().chain(coming).collect())
    }

    /// What an error about one of the two folders themselves means for the user.
    fn explain(&self, error: fs::Error) -> Error {
        let path = self.live.to_owned();
        match error.kind() {
            Some(ErrorKind::CrossesDevices | ErrorKind::ResourceBusy) => Error::MountPoint { path },
            Some(ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                Error::NoExchange { path, source: error }
            }
            Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                Error::Parent { parent: self.parent.to_owned(), source: error }
            }
            _ => Error::File(error),
        }
    }
}

/// Those of these names that stand directly in a folder: one look for all of them, for there may be thousands.
fn roots(folder: &Path, names: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
    let there = tree::entries(folder)?.into_iter();
    let there = there.filter_map(|(name, _)| name.into_os_string().into_string().ok());
    Ok(there.filter(|name| names.contains(name)).collect())
}

/// Where a change takes place, with folders above it and no folder in its way.
fn make_room(below: &mut Below<'_>, root: &Path, change: &Change<'_>) -> Result<PathBuf, Error> {
    let path = root.join(change.path);
    if change.content.is_some() {
        below.make_dir(change.path.parent().unwrap_or(Path::new("")))?;
        if tree::look(&path)?.is_some_and(|found| found.is_dir()) {
            tree::remove(&path)?;
        }
    }
    Ok(path)
}

fn remove(root: &Path, path: &Path) -> Result<(), Error> {
    tree::remove(path)?;
    tree::prune(root, path.parent().unwrap_or(root));
    Ok(())
}

#[cfg(test)]
mod tests;
