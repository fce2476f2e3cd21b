//! The site: a folder of static files that is never seen half built.
//!
//! There are two trees, the live one and its twin beside it (`.NAME.twin`), which hold the same files, as hard links
//! of one another, whenever nothing is being published. To publish, the twin gets the changes, the two change
//! places in one step, and what was live gets them, too. So a publication costs what it changes, and not what there
//! is.
//!
//! What readers may rely on:
//! - Each file that is opened by its path is complete and of the newest generation at that moment. Who opens two,
//!   one after the other, may get the second from a newer generation than the first, never from an older one. So
//!   what refers to another file is found with it or with a newer one.
//! - Who wants a set of files of one generation opens the folder, and below it (`openat`) first the mark ([`MARK`]), then
//!   the files, and the mark again: if it is the same both times, the files belong together.
//! - Who holds the folder itself, as a container's bind mount does, sees each file change by itself, and complete.
//! - What has not changed keeps its inode and its dates.
//!
//! What lies directly in the folder and is not podseed's own (`favicon.ico`, `.well-known/`) is the user's: it stays
//! in every generation, is never overwritten, and what a draft has for its place is left out. What lies deeper in
//! podseed's own folders is podseed's. One process at a time publishes a site.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::fs::tree::Below;
use crate::fs::{self, tree};

mod draft;
mod error;
mod mark;
mod swap;

pub use draft::{Draft, SitePath};
pub use error::Error;
pub use mark::MARK;

use draft::Content;
use mark::Mark;
use swap::Swap;

/// The largest file that is read from the site, in bytes.
const MAX_READ: u64 = 256 << 20;

/// A site's folder.
#[derive(Debug, Clone)]
pub struct Site {
    /// Links resolved, so that it is the folder itself that changes its place.
    live: PathBuf,
    twin: PathBuf,
    parent: PathBuf,
}

/// What a publication has done, in files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Made anew, with bytes of the draft or as copies.
    pub written: usize,
    /// Linked anew, or copied in place of that.
    pub linked: usize,
    /// Taken away.
    pub removed: usize,
    /// In the draft, and there already.
    pub unchanged: usize,
    /// Left out, because the user has something of his own in their place.
    pub kept: Vec<SitePath>,
}

impl Written {
    /// Whether the site is another one than before.
    pub fn is_changed(&self) -> bool {
        self.written + self.linked + self.removed > 0
    }
}

/// A difference between the live tree and what the draft wants.
#[derive(Debug)]
struct Change<'a> {
    path: &'a Path,
    /// `None` if it goes.
    content: Option<&'a Content>,
}

impl Site {
    /// Looks at the folder, which need not be there yet; changes nothing. A symbolic link leads to the folder that it
    /// names.
    ///
    /// # Errors
    /// [`Error::NotOurs`] for a folder with something in it that is no site of podseed's, [`Error::Mark`] for a site of
    /// a newer podseed, [`Error::MountPoint`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let failed = |error| fs::Error::io("find", folder, error);
        let live = match folder.canonicalize() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                std::path::absolute(folder).map_err(failed)?
            }
            found => found.map_err(failed)?,
        };
        let (Some(parent), Some(name)) = (live.parent(), live.file_name()) else {
            return Err(Error::MountPoint { path: live });
        };
        let mut twin_name = std::ffi::OsString::from(".");
        twin_name.push(name);
        twin_name.push(".twin");
        let site = Self { twin: parent.join(twin_name), parent: parent.to_owned(), live };
        site.check_place()?;
        site.mark()?;
        Ok(site)
    }

    /// The number of publications so far that changed something; 0 for a site that has to be built from the
    /// beginning.
    pub fn generation(&self) -> Result<u64, Error> {
        Ok(self.mark()?.map_or(0, |mark| mark.generation))
    }

    /// Makes the next publication compare the twin with the live tree, file by file. That takes half a second for
    /// 100,000 files, and heals what somebody has done by hand in podseed's own folders: without it, the twin may bring
    /// back what he took away.
    pub fn recheck(&self) -> Result<(), Error> {
        match tree::look(&self.twin)? {
            Some(found) if found.is_dir() => Mark::remove(&self.twin),
            _ => Ok(()),
        }
    }

    /// The bytes of a file as it is published now; `None` if it is not there.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = SitePath::new(path)?;
        match tree::look_below(&self.live, path.as_path())? {
            Some(found) if found.is_file() => Ok(Some(fs::read(&self.live.join(path.as_path()), MAX_READ)?)),
            _ => Ok(None),
        }
    }

    /// The bytes of a file as it will be once a draft is published. Links and copies are not followed.
    pub fn read_with(&self, draft: &Draft, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let wanted = SitePath::new(path)?;
        match draft.files.get(&wanted) {
            Some(Content::Bytes(bytes)) => Ok(Some(bytes.clone())),
            None if !draft.clears(&wanted) => self.read(path),
            _ => Ok(None),
        }
    }

    /// Publishes a draft, all of it in one step, and synced; an error before that step leaves the site as it was.
    /// What is the same already is not written again, and if all of it is, nothing is done at all. May be repeated.
    pub fn publish(&self, draft: &Draft) -> Result<Written, Error> {
        self.publish_by_steps(draft, &mut || Ok(()))
    }

    /// `step` is called between any two changes on the disk; tests stop there.
    fn publish_by_steps(
        &self,
        draft: &Draft,
        step: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Written, Error> {
        let mark = self.mark()?;
        let mut written = Written::default();
        let mut comparison = Comparison::new(&self.live, mark.as_ref().map(|mark| &mark.entries));
        let goes = comparison.removals(draft)?;
        let mut changes = comparison.changes(draft, &mut written)?;
        written.removed = goes.len();
        // What goes makes room for what comes.
        changes.splice(0..0, goes.iter().map(|path| Change { path, content: None }));
        if changes.is_empty() {
            return Ok(written);
        }
        Swap { live: &self.live, twin: &self.twin, parent: &self.parent, changes: &changes, step }
            .run(mark)?;
        Ok(written)
    }

    /// The mark; `None` for a folder that is empty or not there.
    fn mark(&self) -> Result<Option<Mark>, Error> {
        let mark = Mark::read(&self.live)?;
        match tree::look(&self.live)? {
            Some(found) if mark.is_none() => match found.is_dir() && tree::entries(&self.live)?.is_empty() {
                true => Ok(None),
                false => Err(Error::NotOurs { path: self.live.clone() }),
            },
            _ => Ok(mark),
        }
    }

    fn check_place(&self) -> Result<(), Error> {
        use std::os::unix::fs::MetadataExt as _;
        match (tree::look(&self.live)?, tree::look(&self.parent)?) {
            (Some(live), Some(parent)) if live.dev() != parent.dev() => {
                Err(Error::MountPoint { path: self.live.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// Finds what a draft changes in the live tree.
struct Comparison<'a> {
    live: &'a Path,
    below: Below<'a>,
    /// `None` before the first publication.
    ours: Option<&'a BTreeSet<String>>,
    /// Of what is not ours directly in the live tree, whether it is there.
    others: HashMap<String, bool>,
}

impl<'a> Comparison<'a> {
    fn new(live: &'a Path, ours: Option<&'a BTreeSet<String>>) -> Self {
        Self { live, below: Below::new(live), ours, others: HashMap::new() }
    }

    /// Whether the user has something of his own there.
    fn is_users(&mut self, path: &SitePath) -> Result<bool, Error> {
        let root = path.root();
        if self.ours.is_some_and(|ours| ours.contains(root)) {
            return Ok(false);
        }
        if let Some(is_there) = self.others.get(root) {
            return Ok(*is_there);
        }
        let is_there = tree::look(&self.live.join(root))?.is_some();
        self.others.insert(root.to_owned(), is_there);
        Ok(is_there)
    }

    /// The files that the draft clears away.
    fn removals(&mut self, draft: &Draft) -> Result<BTreeSet<PathBuf>, Error> {
        let mut goes = BTreeSet::new();
        for cleared in &draft.cleared {
            let path = cleared.as_path();
            let there = self.below.look(path)?;
            match there {
                _ if self.is_users(cleared)? => {}
                Some(found) if found.is_dir() => {
                    let files = tree::files_below(&self.live.join(path))?;
                    goes.extend(files.iter().map(|file| path.join(file)));
                }
                Some(_) => _ = goes.insert(path.to_owned()),
                None => {}
            }
        }
        for file in draft.files.keys() {
            goes.remove(file.as_path());
        }
        Ok(goes)
    }

    /// The files of the draft that are not there as it wants them.
    fn changes<'d>(&mut self, draft: &'d Draft, written: &mut Written) -> Result<Vec<Change<'d>>, Error> {
        let mut changes = Vec::new();
        for (path, content) in &draft.files {
            if self.is_users(path)? {
                written.kept.push(path.clone());
                continue;
            }
            match content {
                _ if self.is_there(path, content)? => {
                    written.unchanged += 1;
                    continue;
                }
                Content::Link(_) | Content::Shared(_) => written.linked += 1,
                Content::Bytes(_) | Content::Copy(_) => written.written += 1,
            }
            changes.push(Change { path: path.as_path(), content: Some(content) });
        }
        Ok(changes)
    }

    fn is_there(&mut self, path: &SitePath, content: &Content) -> Result<bool, Error> {
        let Some(found) = self.below.look(path.as_path())?.filter(|found| found.is_file()) else {
            return Ok(false);
        };
        let there = self.live.join(path.as_path());
        match content {
            Content::Bytes(bytes) => {
                Ok(found.len() == bytes.len() as u64 && fs::read(&there, found.len())? == *bytes)
            }
            Content::Copy(source) | Content::Shared(source) => Ok(tree::is_copy_of(&there, source)?),
            Content::Link(source) => Ok(fs::same_file(source, &there)),
        }
    }
}

#[cfg(test)]
mod tests;
