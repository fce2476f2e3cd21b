//! Hashes files and folders that are already there.
//!
//! Each byte is read once. What is found on disk at the beginning must still be there at the end: a file that
//! changes meanwhile is an error, not a torrent that nobody can ever complete.

use std::fs;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::layout::{Entry, Layout, with_pads};
use super::make::{ContentHashes, FolderFile, FolderHashes};
use super::pieces::{
    Job, Manner, OnError, PieceResult, Progress, ReadError, hash_all, hash_jobs, open_regular,
};
use crate::hash::{PieceHash, PieceHashes, PieceLength, Sha256, Sha256Hash, V2Hashes, root_of_layer};
use crate::model::TorrentVersion;

/// The deepest folder: BEP 52's `file tree` needs one level of bencode per folder, and clients read 100.
const MAX_DEPTH: usize = 64;

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
    let plan = Plan::new(&source, version, piece_length);
    let pieces = plan.checked(&source, hash_all(&plan.layout, plan.manner(&|_| {})))?;
    Ok(plan.file(&source.files[0], &pieces))
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
        &self,
        version: TorrentVersion,
        piece_length: Option<PieceLength>,
        progress: Progress<'_>,
    ) -> Result<ContentHashes, CreateError> {
        let plan = Plan::new(self, version, piece_length);
        plan.contents(self, hash_all(&plan.layout, plan.manner(progress)))
    }
}

/// What [`hash_each`] gives each source to.
pub type EachDone<'a, T> = &'a (dyn Fn(T, &Source, Result<ContentHashes, CreateError>) + Sync);

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
        let plan = Plan::new(&source, version, piece_length);
        let layout = Arc::clone(&plan.layout);
        Job { layout, done: Box::new(move |pieces| done(with, &source, plan.contents(&source, pieces))) }
    });
    hash_jobs(&mut jobs, Manner { version, on_error: OnError::Stop, progress });
}

/// How a source is hashed.
struct Plan {
    version: TorrentVersion,
    piece_length: PieceLength,
    layout: Arc<Layout>,
}

impl Plan {
    fn new(source: &Source, version: TorrentVersion, piece_length: Option<PieceLength>) -> Self {
        let piece_length = piece_length.unwrap_or_else(|| PieceLength::auto(source.length()));
        let align = (version == TorrentVersion::Hybrid && source.is_folder()).then_some(piece_length.bytes());
        let files = &source.files;
        let entries = with_pads(files.iter().map(|file| file.length), align).map(|entry| match entry {
            Entry::File(index) => (Some(files[index].path.clone()), files[index].length),
            Entry::Pad(length) => (None, length),
        });
        // A hybrid aligns its files by pad files; v2 does without.
        let layout = Layout::new(entries, piece_length.bytes(), version == TorrentVersion::V2);
        let layout = Arc::new(layout);
        Self { version, piece_length, layout }
    }

    fn manner<'a>(&self, progress: Progress<'a>) -> Manner<'a> {
        Manner { version: self.version, on_error: OnError::Stop, progress }
    }

    /// What a torrent of the source consists of.
    fn contents(&self, source: &Source, pieces: Vec<PieceResult>) -> Result<ContentHashes, CreateError> {
        let pieces = self.checked(source, pieces)?;
        Ok(match source.files.as_slice() {
            [file] if file.components.is_empty() => ContentHashes::File(self.file(file, &pieces)),
            files => ContentHashes::Folder(self.folder(files, &pieces)),
        })
    }

    /// All pieces, if all of them could be read and no file has changed meanwhile.
    fn checked(&self, source: &Source, pieces: Vec<PieceResult>) -> Result<Vec<PieceHash>, CreateError> {
        let pieces = pieces.into_iter().collect::<Result<_, _>>().map_err(|error| self.failed(error))?;
        source.files.iter().try_for_each(DiskFile::check_unchanged)?;
        Ok(pieces)
    }

    fn file(&self, file: &DiskFile, pieces: &[PieceHash]) -> PieceHashes {
        let (v1, v2) = (self.v1(pieces), self.v2(pieces));
        PieceHashes { length: file.length, piece_length: self.piece_length, v1, v2 }
    }

    fn folder(&self, files: &[DiskFile], pieces: &[PieceHash]) -> FolderHashes {
        let places = self.layout.files.iter().filter(|file| file.path.is_some());
        let files = files.iter().zip(places).map(|(file, place)| FolderFile {
            path: file.components.clone(),
            length: file.length,
            v2: self.v2(own_pieces(pieces, self.layout.pieces_of(place))),
        });
        FolderHashes { piece_length: self.piece_length, files: files.collect(), v1: self.v1(pieces) }
    }

    fn failed(&self, error: ReadError) -> CreateError {
        match (&self.layout.files[error.file].path, error.source.kind()) {
            (Some(path), io::ErrorKind::UnexpectedEof) => CreateError::Changed(path.clone()),
            (path, _) => read_error(path.as_deref().unwrap_or(Path::new("")), error.source),
        }
    }

    fn v1(&self, pieces: &[PieceHash]) -> Option<Vec<[u8; 20]>> {
        (self.version != TorrentVersion::V2).then(|| pieces.iter().filter_map(|piece| piece.v1).collect())
    }

    /// The tree of a file from the hashes of its pieces.
    fn v2(&self, pieces: &[PieceHash]) -> Option<V2Hashes> {
        (self.version != TorrentVersion::V1).then(|| {
            let layer: Vec<Sha256Hash> = pieces.iter().filter_map(|piece| piece.v2).collect();
            match layer.as_slice() {
                [] => V2Hashes { pieces_root: None, layer },
                [only] => V2Hashes { pieces_root: Some(*only), layer: Vec::new() },
                _ => V2Hashes { pieces_root: root_of_layer(&layer, self.piece_length.bytes()), layer },
            }
        })
    }
}

/// One hash per piece is in memory: its index fits.
fn own_pieces(pieces: &[PieceHash], own: Range<u64>) -> &[PieceHash] {
    pieces.get(own.start as usize..own.end as usize).unwrap_or_default()
}

/// A file as it was found.
#[derive(Debug)]
struct DiskFile {
    path: PathBuf,
    components: Vec<String>,
    length: u64,
    modified: Option<SystemTime>,
}

impl DiskFile {
    /// Links to files are followed: the torrent holds what they point to.
    fn new(path: &Path, components: Vec<String>) -> Result<Self, CreateError> {
        let metadata = fs::metadata(path).map_err(|source| read_error(path, source))?;
        if !metadata.is_file() {
            return Err(CreateError::NoFile(path.to_owned()));
        }
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        Ok(Self { path: path.to_owned(), components, length, modified })
    }

    fn check_unchanged(&self) -> Result<(), CreateError> {
        let metadata = fs::metadata(&self.path).map_err(|source| read_error(&self.path, source))?;
        if metadata.len() == self.length && metadata.modified().ok() == self.modified {
            Ok(())
        } else {
            Err(CreateError::Changed(self.path.clone()))
        }
    }
}

fn read_error(path: &Path, source: io::Error) -> CreateError {
    CreateError::Read { path: path.to_owned(), source }
}

/// Everything below a folder that is no folder itself, relative to it and in the order of a torrent, and what of it is
/// out of reach. Whether each is a file that can be read shows when it is opened.
pub fn files_below(folder: &Path) -> Result<(Vec<PathBuf>, Vec<CreateError>), CreateError> {
    let mut out_of_reach = Vec::new();
    let entries = entries(folder, &mut |error| {
        out_of_reach.push(error);
        Ok(())
    })?;
    Ok((entries.iter().map(|components| components.iter().collect()).collect(), out_of_reach))
}

/// Whether to go on without what is out of reach.
type OutOfReach<'a> = &'a mut dyn FnMut(CreateError) -> Result<(), CreateError>;

/// The same, as components, sorted by them.
fn entries(folder: &Path, on_error: OutOfReach<'_>) -> Result<Vec<Vec<String>>, CreateError> {
    let mut entries = Vec::new();
    walk(folder, &mut Vec::new(), &mut entries, on_error)?;
    entries.sort_unstable();
    Ok(entries)
}

/// Collects what is below `folder`. Recurses at most [`MAX_DEPTH`] deep.
fn walk(
    folder: &Path,
    above: &mut Vec<String>,
    entries: &mut Vec<Vec<String>>,
    on_error: OutOfReach<'_>,
) -> Result<(), CreateError> {
    if above.len() == MAX_DEPTH {
        return Err(CreateError::TooDeep(folder.to_owned()));
    }
    let failed = |source| read_error(folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            on_error(CreateError::NotUtf8(path))?;
            continue;
        };
        above.push(name);
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&path, above, entries, on_error).or_else(&mut *on_error)?;
        } else {
            entries.push(above.clone());
        }
        above.pop();
    }
    Ok(())
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
    fn files_are_in_the_order_of_their_components_whatever_the_disk_says() {
        let root = folder(&[("b", 1), ("a.x", 1), ("a/z", 1), ("a/b/c", 1), ("Z", 1)]);
        let (paths, out_of_reach) = files_below(root.path()).unwrap();
        assert_eq!(paths, ["Z", "a/b/c", "a/z", "a.x", "b"].map(PathBuf::from));
        assert!(out_of_reach.is_empty());
    }

    #[test]
    fn dots_stand_for_the_name_of_the_folder_that_they_mean() {
        let root = folder(&[("show/old/a", 1)]);
        for path in ["show", "show/", "show/.", "show/old/.."] {
            assert_eq!(Source::open(&root.path().join(path)).unwrap().name().unwrap(), "show", "{path}");
        }
    }
}
