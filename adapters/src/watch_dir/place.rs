//! Puts files where another program looks for them: the one place of this package that creates files.
//!
//! Nothing appears under its final name before it is complete and synced, and nothing that is there
//! already is ever replaced. The original stays where it is.
#![expect(clippy::disallowed_methods, reason = "the one place of this package that creates files")]

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::{Error, ErrorKind};

/// Larger than any .torrent that a client would take.
const TORRENT_LIMIT: u64 = 64 << 20;

/// A folder given with `{show}` in it: what lies before must exist, what follows is ours to make.
pub(super) struct Folder {
    base: PathBuf,
    /// The folder for the show.
    pub(super) path: PathBuf,
}

impl Folder {
    /// Fills in the show. Its slug becomes part of a path and must not lead out of it.
    pub(super) fn new(template: &Path, show: &str) -> Result<Self, Error> {
        if show.contains(['/', '\0']) || show.starts_with('.') {
            return Err(path_error(format!("\"{show}\" is no name for a folder")));
        }
        let fixed: PathBuf = template.components().take_while(|part| !mentions_show(*part)).collect();
        let path = template.components().map(|part| filled_in(part, show)).collect();
        Ok(Self { base: fixed, path })
    }

    /// Fails unless the part that the user has to provide is there. A missing one is an unmounted disk
    /// more often than a folder to be made.
    pub(super) fn check(&self) -> Result<(), Error> {
        let base = self.base.display();
        match std::fs::metadata(&self.base) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(path_error(format!("{base} is no folder"))),
            Err(error) => {
                return Err(path_error(format!("the folder {base} is not there"))
                    .hint("create it, or mount the disk that it is on; podseed does not make it")
                    .source(error));
            }
        }
        rustix::fs::access(&self.base, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
            .map_err(|error| path_error(format!("podseed may not write to the folder {base}")).source(error))
    }

    /// Checks the part of the user and makes ours.
    pub(super) fn make(&self) -> Result<(), Error> {
        self.check()?;
        make_folder(&self.path)
    }
}

fn mentions_show(part: Component<'_>) -> bool {
    part.as_os_str().to_string_lossy().contains("{show}")
}

fn filled_in(part: Component<'_>, show: &str) -> PathBuf {
    match part.as_os_str().to_str() {
        Some(text) => PathBuf::from(text.replace("{show}", show)),
        None => PathBuf::from(part.as_os_str()),
    }
}

/// Makes a folder and those above it; one that exists is fine.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path)
        .map_err(|error| path_error(format!("cannot make the folder {}", path.display())).source(error))
}

/// Makes the data appear at `target`: as a hard link, else as a reflink, else as a copy. The same bytes
/// there already are fine, other bytes are an error. `temporary` is a name of ours beside the target.
pub(super) fn data(source: &Path, target: &Path, temporary: &str) -> Result<(), Error> {
    let unreadable = |error: io::Error| path_error(format!("cannot read {}", source.display())).source(error);
    // A link to a symbolic link would be one.
    let source = &source.canonicalize().map_err(unreadable)?;
    let original = std::fs::metadata(source).map_err(unreadable)?;
    if !original.is_file() {
        return Err(Error::new(ErrorKind::Unsupported, format!("{} is no single file", source.display()))
            .hint("a watched folder can be given single files only"));
    }
    match std::fs::hard_link(source, target) {
        Ok(()) => return sync_folder_of(target),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // Another file system, one without links, or too many of them.
        Err(_) => match copy(source, &original, target, temporary) {
            Ok(()) => return sync_folder_of(target),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let message = format!("cannot copy {} to {}", source.display(), target.display());
                return Err(path_error(message).source(error));
            }
        },
    }
    match same_content(source, &original, target) {
        Ok(true) => Ok(()),
        Ok(false) => Err(path_error(format!(
            "{} is there already and differs from {}",
            target.display(),
            source.display()
        ))
        .hint("move it away, or use {show} in this client's data folder")),
        Err(error) => {
            Err(path_error(format!("cannot compare {} with {}", target.display(), source.display()))
                .source(error))
        }
    }
}

/// The copy has the date of its original: clients take old files for finished ones.
fn copy(source: &Path, original: &Metadata, target: &Path, temporary: &str) -> io::Result<()> {
    // Before the work, not only after it.
    if target.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    written(target, temporary, |file| {
        let mut source = File::open(source)?;
        if !reflink(&source, file) {
            io::copy(&mut source, file)?;
        }
        file.set_modified(original.modified()?)
    })
}

#[cfg(target_os = "linux")]
fn reflink(source: &File, target: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn reflink(_source: &File, _target: &File) -> bool {
    false
}

fn same_content(source: &Path, original: &Metadata, target: &Path) -> io::Result<bool> {
    let other = std::fs::metadata(target)?;
    if (original.dev(), original.ino()) == (other.dev(), other.ino()) {
        return Ok(true);
    }
    if !other.is_file() || original.len() != other.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (BufReader::new(File::open(source)?), BufReader::new(File::open(target)?));
    let (mut ours, mut theirs) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = left.read(&mut ours)?;
        if count == 0 {
            return Ok(right.read(&mut theirs[..1])? == 0);
        }
        right.read_exact(&mut theirs[..count])?;
        if ours[..count] != theirs[..count] {
            return Ok(false);
        }
    }
}

/// Makes a .torrent appear, complete. One that is there already is an error.
pub(super) fn torrent(bytes: &[u8], target: &Path) -> Result<(), Error> {
    let name = target.file_name().unwrap_or(OsStr::new("torrent")).to_string_lossy();
    // Not ending in .torrent: Transmission takes even hidden files that do.
    let outcome = written(target, &format!(".{name}.tmp"), |file| file.write_all(bytes));
    match outcome {
        Ok(()) => sync_folder_of(target),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(path_error(format!("another torrent lies at {}", target.display()))
                .hint("let the client take it first, or use {show} in this client's path"))
        }
        Err(error) => Err(path_error(format!("cannot write {}", target.display())).source(error)),
    }
}

/// Leaves a mark of no content.
pub(super) fn mark(path: &Path) -> Result<(), Error> {
    File::create(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| path_error(format!("cannot write {}", path.display())).source(error))
}

/// Removes a file; one that is gone is fine.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(path_error(format!("cannot remove {}", path.display())).source(error)),
    }
}

/// The content of a file of moderate size; `None` where there is none that can be read.
pub(super) fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let count = File::open(path).ok()?.take(TORRENT_LIMIT).read_to_end(&mut bytes).ok()?;
    (count > 0).then_some(bytes)
}

/// Writes beside the target, syncs, and gives the final name if nobody else has it.
fn written(
    target: &Path,
    temporary: &str,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = target.with_file_name(temporary);
    // What an earlier attempt may have left when the process died.
    let mut file = File::options().write(true).create(true).truncate(true).open(&temporary)?;
    let outcome = write(&mut file).and_then(|()| file.sync_all()).and_then(|()| name(&temporary, target));
    if outcome.is_err() {
        // The first error is the one that matters.
        let _ = std::fs::remove_file(&temporary);
    }
    outcome
}

/// Renames without replacing.
fn name(temporary: &Path, target: &Path) -> io::Result<()> {
    match renameat_with(CWD, temporary, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::EXIST) => Err(io::ErrorKind::AlreadyExists.into()),
        // Network and FUSE file systems that cannot do it in one step.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            if target.symlink_metadata().is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(temporary, target)
        }
        Err(error) => Err(error.into()),
    }
}

fn sync_folder_of(path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| path_error(format!("cannot sync the folder {}", folder.display())).source(error))
}

pub(super) fn path_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Path, message)
}
