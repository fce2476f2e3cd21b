//! What lies in a folder of own files: every file that may become an episode, with its state.
//!
//! Bounded in depth and number, and never led out of the folder: symbolic links are followed only where they stay in
//! it, and a file that has several names through them is listed once. What cannot be looked into is said, so that
//! nobody takes it for empty.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Error;
use super::title::natural;
use crate::model::{FileState, name};

/// Folders within folders.
const DEEPEST: usize = 16;
/// Entries of one inbox; beyond, nothing is believed to be gone.
const MOST: usize = 100_000;
/// What programs append to files that are not finished.
const UNFINISHED: [&str; 14] = [
    "part",
    "partial",
    "filepart",
    "tmp",
    "temp",
    "crdownload",
    "download",
    "opdownload",
    "aria2",
    "!qb",
    "!ut",
    "unfinished",
    "incomplete",
    "lock",
];
/// The names of the files with which a client proves that it sees the folder.
const TEST_FILE: &str = "podseed-test-";

/// A file as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Below the folder as it was named.
    pub path: PathBuf,
    /// Its state.
    pub state: FileState,
    /// When anything about it last changed, its times included: nanoseconds since 1970.
    pub changed: i64,
}

/// A file that could be an episode, but for its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub path: PathBuf,
    /// Why, and what to do.
    pub why: &'static str,
}

/// What lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The files, in the order in which people would put them.
    pub files: Vec<Seen>,
    /// What has a name that cannot be shared.
    pub refused: Vec<Refused>,
    /// Files and folders that could not be looked at: nothing is known of what is there or below.
    pub blind: Vec<PathBuf>,
}

/// Lists a folder, with those below it.
pub fn list(folder: &Path) -> Result<Listing, Error> {
    let root = folder.canonicalize().map_err(|source| Error::read(folder, source))?;
    let mut walk =
        Walk { root, listing: Listing::default(), folders: HashSet::new(), links: Vec::new(), left: MOST };
    walk.folder(folder, 0)?;
    Ok(walk.finish())
}

/// Looks at single files: those that are there, and those of which that cannot be said. The others are gone.
pub fn look_at(paths: &[PathBuf]) -> (Vec<Seen>, Vec<PathBuf>) {
    let (mut seen, mut blind) = (Vec::new(), Vec::new());
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => seen.push(Seen::new(path.clone(), &metadata)),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(_) => blind.push(path.clone()),
        }
    }
    (seen, blind)
}

impl Seen {
    fn new(path: PathBuf, metadata: &Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self { path, state: state(metadata), changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()) }
    }
}

/// The state of a file, of its metadata.
pub(super) fn state(metadata: &Metadata) -> FileState {
    FileState {
        size: metadata.size(),
        modified: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

/// Whether a file of this name is not finished, or none of the user's.
fn is_ignored(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    name.starts_with(['.', '~'])
        || name.ends_with('~')
        || name.starts_with(TEST_FILE)
        || extension.is_some_and(|extension| UNFINISHED.contains(&extension.as_str()))
}

struct Walk {
    root: PathBuf,
    listing: Listing,
    /// Folders that were looked into, by device and inode: links may lead in circles.
    folders: HashSet<(u64, u64)>,
    /// Files that were reached by a link; they count where nothing else leads to them.
    links: Vec<Seen>,
    left: usize,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), Error> {
        let failed = |source| Error::read(folder, source);
        let metadata = fs::metadata(folder).map_err(failed)?;
        if !self.folders.insert((metadata.dev(), metadata.ino())) {
            return Ok(());
        }
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if self.left == 0 {
                self.listing.blind.push(folder.to_owned());
                return Ok(());
            }
            self.left -= 1;
            self.entry(&entry.path(), depth);
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, depth: usize) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_ignored(&name) {
            return;
        }
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if is_link && !path.canonicalize().is_ok_and(|target| target.starts_with(&self.root)) {
            return;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                if depth >= DEEPEST || self.folder(path, depth + 1).is_err() {
                    self.listing.blind.push(path.to_owned());
                }
            }
            Ok(metadata) if metadata.is_file() && metadata.len() > 0 => self.file(path, &metadata, is_link),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(_) => self.listing.blind.push(path.to_owned()),
        }
    }

    fn file(&mut self, path: &Path, metadata: &Metadata, is_link: bool) {
        if let Some(why) = unsharable(path) {
            self.listing.refused.push(Refused { path: path.to_owned(), why });
            return;
        }
        let seen = Seen::new(path.to_owned(), metadata);
        if is_link {
            self.links.push(seen);
        } else {
            self.listing.files.push(seen);
        }
    }

    fn finish(mut self) -> Listing {
        let identity = |seen: &Seen| (seen.state.device, seen.state.inode);
        let mut known: HashSet<_> = self.listing.files.iter().map(identity).collect();
        self.links.sort_by(|one, other| one.path.cmp(&other.path));
        for seen in self.links {
            if known.insert(identity(&seen)) {
                self.listing.files.push(seen);
            }
        }
        self.listing.files.sort_by_cached_key(|seen| natural(&seen.path.to_string_lossy()));
        self.listing.refused.sort_by(|one, other| one.path.cmp(&other.path));
        self.listing
    }
}

/// Why a file with this path cannot be shared whatever it holds. Its name becomes that of the torrent, and the client
/// has to find the file under it.
pub(super) fn unsharable(path: &Path) -> Option<&'static str> {
    let Some(text) = path.to_str() else {
        return Some("its path is not UTF-8, and torrents have names in UTF-8 only; rename it");
    };
    let name = text.rsplit('/').next().unwrap_or_default();
    (!name::is_safe(name)).then_some(
        "its name cannot be that of a torrent: clients change names with < > : \" \\ | ? * or control characters, names of \
         devices, names that begin with a space or end with a dot or a space, and names of more than 230 bytes; rename it",
    )
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests lay out files for the module under test")]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(listing: &Listing, folder: &Path) -> Vec<String> {
        let name = |seen: &Seen| seen.path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        listing.files.iter().map(name).collect()
    }

    fn put(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "bytes").unwrap();
    }

    #[test]
    fn unfinished_hidden_and_empty_files_are_left_out_and_subfolders_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in
            ["10.mp3", "2.mp3", "s/1.mp3", ".hidden.mp3", "a.mp3.part", "b.tmp", "c.crdownload", "~d.mp3"]
        {
            put(&root.join(name));
        }
        put(&root.join(".trash/x.mp3"));
        fs::write(root.join("empty.mp3"), "").unwrap();
        assert_eq!(names(&list(root).unwrap(), root), ["2.mp3", "10.mp3", "s/1.mp3"]);
    }

    #[test]
    fn links_are_followed_within_the_folder_only_and_no_file_is_there_twice() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = folder.path();
        put(&root.join("a.mp3"));
        put(&root.join(".annex/object"));
        put(&other.path().join("secret.mp3"));
        symlink(root.join("a.mp3"), root.join("again.mp3")).unwrap();
        symlink(root.join(".annex/object"), root.join("annexed.mp3")).unwrap();
        symlink(other.path().join("secret.mp3"), root.join("out.mp3")).unwrap();
        symlink(other.path(), root.join("outside")).unwrap();
        symlink(root, root.join("circle")).unwrap();
        symlink("nowhere", root.join("broken.mp3")).unwrap();
        assert_eq!(names(&list(root).unwrap(), root), ["a.mp3", "annexed.mp3"]);
    }

    #[test]
    fn names_that_clients_cannot_take_are_refused_with_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["what?.mp3", "con.mp3", "ok.mp3"] {
            put(&root.join(name));
        }
        put(&root.join(std::ffi::OsStr::from_bytes(b"latin\xe4.mp3")));
        let listing = list(root).unwrap();
        assert_eq!(names(&listing, root), ["ok.mp3"]);
        assert_eq!(listing.refused.len(), 3, "{listing:?}");
        assert!(listing.refused.iter().any(|refused| refused.why.contains("not UTF-8")));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_and_not_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(list(&folder.path().join("gone")), Err(Error::Read { .. })));
    }
}
