//! Ground: the only place that creates files and gives them names.
//!
//! Whatever appears under its final name is complete and synced, also after a power cut. All calls block for as
//! long as the disk takes; none is asynchronous.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, CWD, Mode, OFlags, RenameFlags, access, openat, renameat_with};
use rustix::io::Errno;

mod disk;
mod lock;
pub mod tree;

pub use disk::{disk_size, free_space, is_remote};
pub use lock::DataLock;

/// The end of a temporary file's name.
pub const TEMPORARY_SUFFIX: &str = ".podseed-tmp";
/// The longest part of a name that its temporary file's name repeats; the whole must stay below 255 bytes.
const TEMPORARY_STEM: usize = 200;

/// Something about a file that did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk, or what of it this user may fill, is used up.
    #[error("no space is left to write {}", path.display())]
    DiskFull {
        /// What was to be written.
        path: PathBuf,
    },
    /// Something else already has this name.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// Another process works on the data folder.
    #[error(
        "another podseed{} is working on {}; stop it, or use its status command",
        holder.map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        path.display()
    )]
    Locked {
        /// The data folder.
        path: PathBuf,
        /// The process, when it can be read.
        holder: Option<u32>,
    },
    /// The file system knows no locks.
    #[error(
        "the file system of {} has no file locks, so that two podseeds could work on it at once; put `data_dir` on a \
         disk of this machine",
        path.display()
    )]
    NoLocks {
        /// The data folder.
        path: PathBuf,
    },
    /// The path leads out of the folder that it has to stay in.
    #[error("{} lies outside {}", path.display(), root.display())]
    Outside {
        /// The path as it was given.
        path: PathBuf,
        /// Where it has to stay.
        root: PathBuf,
    },
    /// Larger than anything that is expected there.
    #[error("{} is larger than {most} bytes", path.display())]
    TooLarge {
        /// What was to be read.
        path: PathBuf,
        /// The most that is taken.
        most: u64,
    },
    /// A folder, device or pipe where a file is needed.
    #[error("{} is not a regular file", path.display())]
    NoFile {
        /// What was to be read.
        path: PathBuf,
    },
    /// Anything else that the system refuses.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// An error of the system on `path`; a full disk or quota is told apart.
    pub fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.to_owned(), source.into());
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { action, path, source },
        }
    }

    /// What the system says, in one word.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

/// Writes a small file under its final name: complete and synced, or not at all. An older one is replaced.
///
/// What a crash leaves is written over by the next attempt, for the temporary name follows from the final one. So
/// one path has one writer at a time.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = temporary_name(path);
    let written = write_synced(&temporary, bytes).and_then(|()| rename(&temporary, path));
    if let Err(error) = written {
        // Nothing is gained by a second error about the same disk.
        let _ = fs::remove_file(&temporary);
        return Err(Error::io("write", path, error));
    }
    sync_dir(parent(path))
}

/// As [`write_atomic`], and never overwrites: a name that is taken is [`Error::Exists`].
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = temporary_name(path);
    let written = write_synced(&temporary, bytes)
        .map_err(|error| Error::io("write", path, error))
        .and_then(|()| publish_no_replace(&temporary, path));
    if written.is_err() {
        // Nothing is gained by a second error about the same disk.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(flags(OFlags::NOFOLLOW))
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Hidden, in the same folder, and not ending as anything that somebody watches for.
fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let mut temporary = OsString::from(".");
    temporary.push(OsStr::from_bytes(&name[..name.len().min(TEMPORARY_STEM)]));
    temporary.push(TEMPORARY_SUFFIX);
    parent(path).join(temporary)
}

/// A folder for what nobody needs later; it goes with this value.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// In the system's place for such folders, readable for nobody else.
    pub fn new() -> Result<Self, Error> {
        tempfile::tempdir().map(Self).map_err(|error| Error::io("make", &std::env::temp_dir(), error))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Copies those of these files that are there, in this order and under these names. All stay open until the last
    /// is copied: a process that closes a file once loses all locks that it has on it (`fcntl(2)`), and SQLite's are
    /// such.
    pub fn fill(&self, files: &[(PathBuf, &str)]) -> Result<(), Error> {
        let there = |error: &io::Error| error.kind() != ErrorKind::NotFound;
        let mut open = Vec::new();
        for (path, name) in files {
            match File::open(path) {
                Ok(file) => open.push((file, path, self.path().join(name))),
                Err(error) if there(&error) => return Err(Error::io("read", path, error)),
                Err(_) => {}
            }
        }
        for (from, path, name) in &mut open {
            let to = OpenOptions::new().write(true).create_new(true).open(name);
            let copied = to.and_then(|mut to| io::copy(from, &mut to));
            copied.map_err(|error| Error::io("copy", path, error))?;
        }
        Ok(())
    }
}

/// Gives a complete file, which something else has written, its final name; what had it is replaced.
pub fn replace_synced(from: &Path, to: &Path) -> Result<(), Error> {
    let synced = File::open(from).and_then(|file| file.sync_all());
    synced.and_then(|()| rename(from, to)).map_err(|error| Error::io("give its name to", to, error))?;
    sync_dir(parent(to))
}

/// Reads a whole file of at most `most` bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let failed = |error: io::Error| Error::io("read", path, error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > most {
        true => Err(Error::TooLarge { path: path.to_owned(), most }),
        false => Ok(bytes),
    }
}

/// Gives a complete and synced file its final name, in the same file system. Never overwrites: a name that is
/// taken is [`Error::Exists`]. May be repeated after a crash as long as `from` is there.
pub fn publish_no_replace(from: &Path, to: &Path) -> Result<(), Error> {
    let renamed = match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(errno) if has_no_flags(errno) => link_and_unlink(from, to),
        renamed => renamed.map_err(io::Error::from),
    };
    match renamed {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            // A crash between link and unlink leaves one file under both names.
            if !same_file(from, to) {
                return Err(Error::Exists { path: to.to_owned() });
            }
            remove(from)?;
        }
        renamed => renamed.map_err(|error| Error::io("give its name to", to, error))?,
    }
    if parent(from) != parent(to) {
        sync_dir(parent(from))?;
    }
    sync_dir(parent(to))
}

/// Gives a file a second name in the same file system; its bytes are there once. Never overwrites: a name that another
/// file has is [`Error::Exists`]. Twice is once.
pub fn link_no_replace(from: &Path, to: &Path) -> Result<(), Error> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !same_file(from, to) => {
            Err(Error::Exists { path: to.to_owned() })
        }
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Error::io("link", to, error)),
        _ => sync_dir(parent(to)),
    }
}

/// Whether a file can be given a second name beside `ours`, which belongs to this user: it is in the same file system,
/// and this user's, or he may write to it (`fs.protected_hardlinks`, proc_sys_fs(5)).
pub fn can_link(file: &Path, ours: &Path) -> bool {
    let (Ok(file_found), Ok(ours)) = (fs::metadata(file), fs::metadata(ours)) else { return false };
    let may_write = || access(file, Access::READ_OK | Access::WRITE_OK).is_ok();
    file_found.dev() == ours.dev() && (file_found.uid() == ours.uid() || may_write())
}

/// Opens a file that grows under a name of its own until it is complete; what is there already stays. A
/// symbolic link is refused.
pub fn open_partial(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(flags(OFlags::NOFOLLOW))
        .open(path)
        .map_err(|error| Error::io("open", path, error))
}

/// Opens a regular file for reading that really lies below `root`, wherever its links lead.
pub fn open_below(root: &Path, path: &Path) -> Result<File, Error> {
    let real_root = root.canonicalize().map_err(|error| Error::io("find", root, error))?;
    let real = path.canonicalize().map_err(|error| Error::io("find", path, error))?;
    if !real.starts_with(&real_root) {
        return Err(Error::Outside { path: path.to_owned(), root: root.to_owned() });
    }
    // Not to be kept waiting by a pipe without a writer.
    let open =
        OpenOptions::new().read(true).custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK)).open(&real);
    let file = open.map_err(|error| Error::io("read", path, error))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(Error::NoFile { path: path.to_owned() }),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// Opens the file or folder at `relative` below `root` for reading, by way of the folder that `root` is at this moment:
/// whoever exchanges that folder meanwhile changes nothing of what is found. No link below `root` is followed. `None`
/// for what is not there, is a link, or is neither file nor folder.
pub fn open_beneath(root: &Path, relative: &Path) -> Result<Option<File>, Error> {
    let failed = |errno: Errno| Error::io("open", &root.join(relative), errno);
    let step = OFlags::RDONLY | OFlags::CLOEXEC;
    // Not to be kept waiting by a pipe without a writer.
    let below = step | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut opened = match openat(CWD, root, step | OFlags::DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    for component in relative.components() {
        let Component::Normal(name) = component else { return Ok(None) };
        opened = match openat(&opened, name, below, Mode::empty()) {
            Err(errno) if is_nothing(errno) => return Ok(None),
            opened => opened.map_err(failed)?,
        };
    }
    let file = File::from(opened);
    let found = file.metadata().map_err(|error| Error::io("look at", &root.join(relative), error))?;
    Ok((found.is_file() || found.is_dir()).then_some(file))
}

/// No such name, a link, a socket, a device without a driver, or a name that cannot be.
fn is_nothing(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::NAMETOOLONG | Errno::INVAL
    )
}

/// Creates a folder and those above it.
pub fn create_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|error| Error::io("create", path, error))
}

/// Removes a file; that it is not there is no error.
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// Removes a folder with what is in it; that it is not there is no error.
pub fn remove_dir(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// `root` and below it `relative`, which may come from anywhere: no step of it leads up or to another root.
/// Judges by the text alone; see [`open_below`] for links.
pub fn join_below(root: &Path, relative: &Path) -> Result<PathBuf, Error> {
    let inside = relative.components().all(|step| matches!(step, Component::Normal(_)));
    if !inside || relative.as_os_str().is_empty() {
        return Err(Error::Outside { path: relative.to_owned(), root: root.to_owned() });
    }
    Ok(root.join(relative))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync_dir(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some network file systems know no such thing.
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Err(Error::io("sync", folder, error))
        }
        _ => Ok(()),
    }
}

/// NFS, some FUSE file systems and old kernels know no flags for a rename.
fn has_no_flags(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)
}

fn link_and_unlink(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Whether two paths are names of one file; links are not followed.
pub fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::symlink_metadata(one), fs::symlink_metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

fn flags(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "this is fs.rs")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

#[cfg(test)]
mod tests;
