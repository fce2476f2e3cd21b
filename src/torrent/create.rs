//! Hashes files and folders that are already there.
//!
//! Each byte is read once. What is found on disk at the beginning must still be there at the end: a file that
//! changes meanwhile is an error, not a torrent that nobody can ever complete.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::hashing::Hashing;
use super::make::ContentHashes;
use super::pieces::{Job, Manner, OnError, PieceResult, Progress, Sink, hash_all, hash_jobs, open_regular};
use super::walk::entries;
use crate::hash::{PieceHashes, PieceLength, Sha256, Sha256Hash};
use crate::model::TorrentVersion;

/// How much of a stream is read at once.
const BUFFER: usize = 256 << 10;

/// Why files do not become a torrent.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The system does not let us.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Written to while it was hashed.
    #[error("{} changed while it was being hashed; try again when nobody writes to it", .0.display())]
    Changed(PathBuf),
    /// A device, pipe or socket, or a link to a folder, which may lead in circles.
    #[error("{} is neither a file nor a folder, and cannot be part of a torrent", .0.display())]
    NoFile(PathBuf),
    /// BEP 3 and BEP 52 want names in UTF-8.
    #[error("the name of {} is not UTF-8; rename it first", .0.display())]
    NotUtf8(PathBuf),
    /// Nested deeper than clients read.
    #[error("{} lies deeper than 64 folders, which is more than clients read", .0.display())]
    TooDeep(PathBuf),
    /// The root of the file system.
    #[error("{} has no name that a torrent could have", .0.display())]
    NoName(PathBuf),
    /// No client takes a torrent without a byte.
    #[error("{} is empty: a torrent needs at least one byte", .0.display())]
    Empty(PathBuf),
}

/// The hashes of one file. `None` as piece length means [`PieceLength::auto`].
pub fn hash_file(
    path: &Path,
    version: TorrentVersion,
    piece_length: Option<PieceLength>,
) -> Result<PieceHashes, CreateError> {
    let source = Source { path: path.to_owned(), files: vec![DiskFile::new(path, Vec::new())?] };
    source.hashed(version, piece_length, &|_| {}).file()
}

/// SHA-256 of a whole file that is already there. Memory: one buffer.
pub fn sha256_file(path: &Path) -> Result<Sha256Hash, CreateError> {
    let failed = |source| read_error(path, source);
    let mut file = open_regular(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// A file or folder that is to become a torrent, as it was when it was looked at.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    /// Sorted by path, component by component; a single file has an empty path.
    files: Vec<DiskFile>,
}

impl Source {
    /// Looks at a file or folder: everything in it, hidden files too, in an order that depends on names only.
    pub fn open(path: &Path) -> Result<Self, CreateError> {
        let metadata = fs::metadata(path).map_err(|source| read_error(path, source))?;
        let files = if metadata.is_dir() {
            let open = |components: Vec<String>| {
                let file = path.join(components.iter().collect::<PathBuf>());
                DiskFile::new(&file, components)
            };
            entries(path, &mut Err)?.into_iter().map(open).collect::<Result<_, _>>()?
        } else {
            vec![DiskFile::new(path, Vec::new())?]
        };
        let source = Self { path: path.to_owned(), files };
        if source.length() == 0 { Err(CreateError::Empty(source.path)) } else { Ok(source) }
    }

    /// What the torrent is called: the last component of the path, also for `.` and `..`.
    pub fn name(&self) -> Result<String, CreateError> {
        let path = match self.path.file_name() {
            Some(_) => self.path.clone(),
            None => self.path.canonicalize().map_err(|source| read_error(&self.path, source))?,
        };
        let name = path.file_name().ok_or_else(|| CreateError::NoName(path.clone()))?;
        name.to_str().map(str::to_owned).ok_or_else(|| CreateError::NotUtf8(path.clone()))
    }

    /// Whether it becomes a torrent of several files, or of one file in a folder.
    pub fn is_folder(&self) -> bool {
        self.files.iter().any(|file| !file.components.is_empty())
    }

    /// The length of all files in bytes.
    pub fn length(&self) -> u64 {
        self.files.iter().map(|file| file.length).sum()
    }

    /// Hashes it on every core. `None` as piece length means [`PieceLength::auto`] of the length of all files.
    pub fn hash(
        self,
        version: TorrentVersion,
        piece_length: Option<PieceLength>,
        progress: Progress<'_>,
    ) -> Result<ContentHashes, CreateError> {
        self.hashed(version, piece_length, progress).contents()
    }

    fn hashed(
        self,
        version: TorrentVersion,
        piece_length: Option<PieceLength>,
        progress: Progress<'_>,
    ) -> Hashing {
        let mut hashing = Hashing::new(self, version, piece_length);
        let layout = Arc::clone(hashing.layout());
        hash_all(&layout, Manner { version, on_error: OnError::Stop, progress }, &mut hashing);
        hashing
    }

    /// Its files, sorted by path; a single file has an empty path.
    pub(super) fn files(&self) -> &[DiskFile] {
        &self.files
    }

    /// The same, when nothing else is needed any more.
    pub(super) fn into_files(self) -> Vec<DiskFile> {
        self.files
    }

    /// Where a file is. Not kept for each: there may be many.
    pub(super) fn path_of(&self, file: &DiskFile) -> PathBuf {
        let below = file.components.iter().map(OsStr::new);
        std::iter::once(self.path.as_os_str()).chain(below).collect()
    }

    /// An error if a file is not what it was.
    pub(super) fn check_unchanged(&self) -> Result<(), CreateError> {
        self.files.iter().try_for_each(|file| file.check_unchanged(&self.path_of(file)))
    }
}

/// What [`hash_each`] gives the hashes of each source to.
pub type EachDone<'a, T> = &'a (dyn Fn(T, Result<ContentHashes, CreateError>) + Sync);

/// Hashes files and folders on every core, each for a torrent of its own: as [`Source::hash`] one after the other, but
/// no core waits for the others at the end of one. The next source is asked for when the last one is nearly done. `done`
/// is called as soon as one is hashed, from several threads, and gets back what came with it.
pub fn hash_each<T: Send>(
    sources: impl Iterator<Item = (T, Source)> + Send,
    version: TorrentVersion,
    piece_length: Option<PieceLength>,
    progress: Progress<'_>,
    done: EachDone<'_, T>,
) {
    let mut jobs = sources.map(|(with, source)| {
        let hashing = Hashing::new(source, version, piece_length);
        Job { layout: Arc::clone(hashing.layout()), sink: Each { hashing, with, done } }
    });
    hash_jobs(&mut jobs, Manner { version, on_error: OnError::Stop, progress });
}

/// One of several sources.
struct Each<'a, T> {
    hashing: Hashing,
    with: T,
    done: EachDone<'a, T>,
}

impl<T: Send> Sink for Each<'_, T> {
    fn take(&mut self, piece: u64, result: PieceResult) {
        self.hashing.take(piece, result);
    }

    fn end(self) {
        (self.done)(self.with, self.hashing.contents());
    }
}

/// A file as it was found.
#[derive(Debug)]
pub(super) struct DiskFile {
    /// Below the folder; none for a file that is alone.
    pub(super) components: Vec<String>,
    /// In bytes.
    pub(super) length: u64,
    modified: Option<SystemTime>,
}

impl DiskFile {
    /// Links to files are followed: the torrent holds what they point to.
    fn new(path: &Path, components: Vec<String>) -> Result<Self, CreateError> {
        let metadata = fs::metadata(path).map_err(|source| read_error(path, source))?;
        if !metadata.is_file() {
            return Err(CreateError::NoFile(path.to_owned()));
        }
        Ok(Self { components, length: metadata.len(), modified: metadata.modified().ok() })
    }

    fn check_unchanged(&self, path: &Path) -> Result<(), CreateError> {
        let metadata = fs::metadata(path).map_err(|source| read_error(path, source))?;
        if metadata.len() == self.length && metadata.modified().ok() == self.modified {
            Ok(())
        } else {
            Err(CreateError::Changed(path.to_owned()))
        }
    }
}

pub(super) fn read_error(path: &Path, source: io::Error) -> CreateError {
    CreateError::Read { path: path.to_owned(), source }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes its own world")]
mod tests {
    use super::*;
    use crate::torrent::{MetainfoRequest, make, parse};

    fn folder(files: &[(&str, usize)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, length) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![7; *length]).unwrap();
        }
        root
    }

    #[test]
    fn files_that_change_while_they_are_hashed_make_no_torrent() {
        let change: [fn(&Path); 3] = [
            |path| fs::write(path, vec![7; 200_001]).unwrap(),
            |path| fs::write(path, vec![7; 1000]).unwrap(),
            |path| {
                let file = fs::File::options().write(true).open(path).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            },
        ];
        for change in change {
            let root = folder(&[("a", 200_000), ("b", 200_000)]);
            let last = root.path().join("b");
            let source = Source::open(root.path()).unwrap();
            let error = source.hash(TorrentVersion::V1, None, &|_| change(&last)).unwrap_err();
            assert!(matches!(&error, CreateError::Changed(path) if *path == last), "{error:?}");
        }
    }

    #[test]
    fn a_file_that_goes_while_others_are_hashed_is_named() {
        let root = folder(&[("a", 200_000), ("b", 200_000)]);
        let last = root.path().join("b");
        let source = Source::open(root.path()).unwrap();
        let error = source.hash(TorrentVersion::V1, None, &|_| drop(fs::remove_file(&last))).unwrap_err();
        assert!(matches!(&error, CreateError::Read { path, .. } if *path == last), "{error:?}");
    }

    #[test]
    fn a_folder_deeper_than_clients_read_is_refused() {
        let path = |depth: usize| format!("{}file", "d/".repeat(depth));
        assert!(Source::open(folder(&[(&path(63), 1)]).path()).is_ok());
        let error = Source::open(folder(&[(&path(64), 1)]).path()).unwrap_err();
        assert!(matches!(error, CreateError::TooDeep(_)), "{error:?}");
    }

    #[test]
    fn a_torrent_of_the_deepest_folder_is_read_again() {
        let root = folder(&[(&format!("{}file", "d/".repeat(63)), 1)]);
        for version in [TorrentVersion::V1, TorrentVersion::Hybrid, TorrentVersion::V2] {
            let hashes = Source::open(root.path()).unwrap().hash(version, None, &|_| {}).unwrap();
            let torrent = make(&MetainfoRequest::new("deep", hashes));
            let read = parse(&torrent.metainfo).unwrap();
            assert_eq!(read.files[0].path.len(), 64, "{version:?}");
        }
    }

    #[test]
    fn dots_stand_for_the_name_of_the_folder_that_they_mean() {
        let root = folder(&[("show/old/a", 1)]);
        for path in ["show", "show/", "show/.", "show/old/.."] {
            assert_eq!(Source::open(&root.path().join(path)).unwrap().name().unwrap(), "show", "{path}");
        }
    }
}
