//! Trees of published files, of which two generations share what has not changed by hard links.
//!
//! So a file is never written into: it is made under another name and takes the place of the old one. What is made
//! here can be read by everybody, as a web server of another user has to. Nothing is synced before
//! [`sync_file`], [`sync_dir`] or [`sync_file_system`] is called.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use super::{Error, TEMPORARY_SUFFIX, flags, parent, rename, same_file, temporary_name};

/// The deepest nesting of folders that is walked.
pub const MAX_DEPTH: usize = 32;

/// What everybody may do with a folder, at least.
const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// Puts a file of these bytes at `path`, in place of what file is there.
pub fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, |temporary| {
        let mut file = create(temporary)?;
        file.write_all(bytes)
    })
}

/// Puts a copy of the file `source` at `path`, with its date; it may lie in another file system.
pub fn copy(source: &Path, path: &Path) -> Result<(), Error> {
    let mut from = File::open(source).map_err(|error| Error::io("read", source, error))?;
    replace(path, |temporary| {
        let mut to = create(temporary)?;
        io::copy(&mut from, &mut to)?;
        to.set_modified(from.metadata()?.modified()?)
    })
}

/// Puts the very file `source` at `path`, as a hard link. A symbolic link is linked as such.
pub fn link(source: &Path, path: &Path) -> Result<(), Error> {
    // Mostly nothing has the name yet. What else is wrong is found out once more, below.
    if fs::hard_link(source, path).is_ok() {
        return Ok(());
    }
    fs::symlink_metadata(source).map_err(|error| Error::io("link", source, error))?;
    // To rename one name of a file over another one of it does nothing and leaves both.
    if same_file(source, path) {
        return Ok(());
    }
    replace(path, |temporary| fs::hard_link(source, temporary))
}

/// Puts the file `source` at `path`: as a hard link if everybody may read it, else or where it cannot be linked as a
/// copy with its date.
pub fn share(source: &Path, path: &Path) -> Result<(), Error> {
    let is_for_all = |found: &Metadata| found.is_file() && found.mode() & FILE_MODE == FILE_MODE;
    match look(source)?.filter(is_for_all) {
        Some(_) if link(source, path).is_ok() => Ok(()),
        _ => copy(source, path),
    }
}

fn create(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().write(true).create_new(true).custom_flags(flags(OFlags::NOFOLLOW)).open(path)?;
    // Whatever the umask of a service is.
    file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

/// Lets `make` make a file under a temporary name, and gives it its own.
fn replace(path: &Path, mut make: impl FnMut(&Path) -> io::Result<()>) -> Result<(), Error> {
    let temporary = temporary_name(path);
    let made = match make(&temporary) {
        // A crash has left it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(&temporary).and_then(|()| make(&temporary))
        }
        made => made,
    };
    made.and_then(|()| rename(&temporary, path)).map_err(|error| {
        // Nothing is gained by a second error about the same disk.
        let _ = fs::remove_file(&temporary);
        Error::io("write", path, error)
    })
}

/// Makes the folder `relative` and those above it below `root`. What stands in the way and is no folder goes; a
/// symbolic link is never followed.
pub fn make_dir(root: &Path, relative: &Path) -> Result<(), Error> {
    let mut path = root.to_owned();
    for step in relative.components() {
        path.push(step);
        make_one_dir(&path)?;
    }
    Ok(())
}

fn make_one_dir(path: &Path) -> Result<(), Error> {
    match look(path)? {
        Some(found) if found.is_dir() => return Ok(()),
        Some(_) => remove(path)?,
        None => {}
    }
    let made = fs::create_dir(path).and_then(|()| {
        let mode = fs::metadata(path)?.permissions().mode();
        fs::set_permissions(path, fs::Permissions::from_mode(mode | FOLDER_MODE))
    });
    made.map_err(|error| Error::io("create", path, error))
}

/// What is at `path` itself, without following a link; `None` if nothing is.
pub fn look(path: &Path) -> Result<Option<Metadata>, Error> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::io("look at", path, error)),
    }
}

/// What is at `relative` below `root`, if every step to it is a folder and no link.
pub fn look_below(root: &Path, relative: &Path) -> Result<Option<Metadata>, Error> {
    Below::new(root).look(relative)
}

/// One path after another below a root. What was found of the folder above one of them is taken to hold for the next:
/// there may be a million, and neighbours have their folder in common.
#[derive(Debug)]
pub struct Below<'r> {
    root: &'r Path,
    /// The last folder, and whether every step to it is a folder and no link.
    last: Option<(PathBuf, bool)>,
}

impl<'r> Below<'r> {
    /// Nothing is known yet.
    pub fn new(root: &'r Path) -> Self {
        Self { root, last: None }
    }

    /// What is at `relative`, if every step to it is a folder and no link.
    pub fn look(&mut self, relative: &Path) -> Result<Option<Metadata>, Error> {
        match relative.parent() {
            Some(above) if !self.is_folder(above)? => Ok(None),
            _ => look(&self.root.join(relative)),
        }
    }

    /// Makes the folder `relative`, as [`make_dir`] does.
    pub fn make_dir(&mut self, relative: &Path) -> Result<(), Error> {
        if !self.last.as_ref().is_some_and(|(last, is_folder)| *is_folder && last == relative) {
            make_dir(self.root, relative)?;
            self.last = Some((relative.to_owned(), true));
        }
        Ok(())
    }

    fn is_folder(&mut self, relative: &Path) -> Result<bool, Error> {
        if let Some((_, is_folder)) = self.last.as_ref().filter(|(last, _)| last == relative) {
            return Ok(*is_folder);
        }
        let mut is_folder = true;
        for step in relative.ancestors() {
            is_folder = is_folder && look(&self.root.join(step))?.is_some_and(|found| found.is_dir());
        }
        self.last = Some((relative.to_owned(), is_folder));
        Ok(is_folder)
    }
}

/// The names in a folder, and what they are; none if it is not there.
pub fn entries(folder: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, Error> {
    let failed = |error: io::Error| Error::io("list", folder, error);
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(failed)?,
    };
    listed
        .map(|entry| {
            let entry = entry.map_err(failed)?;
            Ok((PathBuf::from(entry.file_name()), entry.file_type().map_err(failed)?))
        })
        .collect()
}

/// All files below `folder`, with paths that begin at it.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        if relative.components().count() > MAX_DEPTH {
            return Err(too_deep(folder));
        }
        for (name, kind) in entries(&folder.join(&relative))? {
            match kind.is_dir() {
                true => open.push(relative.join(name)),
                false => files.push(relative.join(name)),
            }
        }
    }
    Ok(files)
}

/// Removes what is at `path`, a file, a link or a folder with all that is in it; that nothing is there is no error.
pub fn remove(path: &Path) -> Result<(), Error> {
    match look(path)? {
        Some(found) if found.is_dir() => super::remove_dir(path),
        Some(_) => super::remove(path),
        None => Ok(()),
    }
}

/// Removes folders that are empty, from `path` upwards, but never `root`.
pub fn prune(root: &Path, path: &Path) {
    let mut path = path;
    while path != root && path.starts_with(root) && fs::remove_dir(path).is_ok() {
        path = parent(path);
    }
}

/// Makes the folder `to` hold the same as `from`, by hard links: of what stands directly in either, only names that
/// `which` wants. What is the same already is left alone. What a crash has left under a temporary name is not taken
/// over.
pub fn mirror(from: &Path, to: &Path, which: &dyn Fn(&Path) -> bool) -> Result<(), Error> {
    mirror_level(from, to, which, MAX_DEPTH, true)
}

/// As [`mirror`], but takes nothing away.
pub fn add(from: &Path, to: &Path, which: &dyn Fn(&Path) -> bool) -> Result<(), Error> {
    mirror_level(from, to, which, MAX_DEPTH, false)
}

fn mirror_level(
    from: &Path,
    to: &Path,
    which: &dyn Fn(&Path) -> bool,
    levels: usize,
    removing: bool,
) -> Result<(), Error> {
    let Some(below) = levels.checked_sub(1) else { return Err(too_deep(from)) };
    let surplus = if removing { entries(to)? } else { Vec::new() };
    for (name, _) in surplus.into_iter().filter(|(name, _)| which(name)) {
        if is_temporary(&name) || look(&from.join(&name))?.is_none() {
            remove(&to.join(name))?;
        }
    }
    let wanted = entries(from)?.into_iter().filter(|(name, _)| which(name) && !is_temporary(name));
    for (name, kind) in wanted {
        let (from, to) = (from.join(&name), to.join(&name));
        if kind.is_dir() {
            make_one_dir(&to)?;
            adopt(&from, &to)?;
            mirror_level(&from, &to, &|_| true, below, removing)?;
        } else {
            mirror_file(&from, &to)?;
        }
    }
    Ok(())
}

fn is_temporary(name: &Path) -> bool {
    name.as_os_str().as_bytes().ends_with(TEMPORARY_SUFFIX.as_bytes())
}

/// A file of another user may not be linked (`fs.protected_hardlinks` of Linux): it is copied then.
fn mirror_file(from: &Path, to: &Path) -> Result<(), Error> {
    let Some(source) = look(from)? else { return Ok(()) };
    match look(to)? {
        Some(there) if there.is_dir() => remove(to)?,
        Some(there) if (there.dev(), there.ino()) == (source.dev(), source.ino()) => return Ok(()),
        Some(there) if is_copy(&there, &source) => return Ok(()),
        _ => {}
    }
    match link(from, to) {
        Err(error) if error.kind() == Some(ErrorKind::PermissionDenied) && source.is_file() => {
            copy(from, to)?;
            sync_file(to)
        }
        // The user has taken it away in the meantime.
        Err(error) if error.kind() == Some(ErrorKind::NotFound) => Ok(()),
        linked => linked,
    }
}

/// Bytes of the largest file that is read to compare it with another.
const LARGEST_COMPARED: u64 = 32 << 20;

/// Whether two files have the same bytes; where length and date agree, they are taken to.
pub fn is_copy_of(path: &Path, source: &Path) -> Result<bool, Error> {
    let failed = |error: io::Error| Error::io("read", source, error);
    let original = fs::metadata(source).map_err(failed)?;
    match look(path)? {
        Some(there) if is_copy(&there, &original) => Ok(true),
        // A larger one is copied anew rather than held in memory.
        Some(there)
            if there.is_file() && there.len() == original.len() && there.len() <= LARGEST_COMPARED =>
        {
            Ok(super::read(path, there.len())? == super::read(source, there.len())?)
        }
        _ => Ok(false),
    }
}

fn is_copy(one: &Metadata, other: &Metadata) -> bool {
    let date = |file: &Metadata| (file.mtime(), file.mtime_nsec());
    one.is_file() && other.is_file() && one.len() == other.len() && date(one) == date(other)
}

/// Gives the folder `to` mode and group of `from`, as far as this user may.
pub fn adopt(from: &Path, to: &Path) -> Result<(), Error> {
    let (Some(from), Some(there)) = (look(from)?, look(to)?) else { return Ok(()) };
    if from.gid() != there.gid() {
        // Only a member of the group may; the mode still says what others may do.
        let _ = chown(to, None, Some(from.gid()));
    }
    if from.mode() != there.mode() {
        let mode = fs::Permissions::from_mode(from.mode());
        fs::set_permissions(to, mode).map_err(|error| Error::io("set the mode of", to, error))?;
    }
    Ok(())
}

/// Lets two folders change places, in one step.
///
/// The system's errors are left as they are ([`Error::kind`]): `CrossesDevices` and `ResourceBusy` for a mount point,
/// `InvalidInput` or `Unsupported` where the file system knows no such thing.
pub fn exchange(one: &Path, other: &Path) -> Result<(), Error> {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
        .map_err(|errno| Error::io("exchange", other, errno))
}

/// Brings a file's bytes to the disk.
pub fn sync_file(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| Error::io("sync", path, error))
}

/// Brings the names in a folder to the disk.
pub fn sync_dir(folder: &Path) -> Result<(), Error> {
    super::sync_dir(folder)
}

/// Brings everything of a file system to the disk.
pub fn sync_file_system(of: &Path) -> Result<(), Error> {
    let folder = File::open(of).map_err(|error| Error::io("sync", of, error))?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&folder).map_err(|errno| Error::io("sync", of, errno))?;
    #[cfg(not(target_os = "linux"))]
    {
        drop(folder);
        rustix::fs::sync();
    }
    Ok(())
}

fn too_deep(path: &Path) -> Error {
    Error::io("walk", path, io::Error::other("its folders are nested too deeply"))
}
