//! Who works on a data folder.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use rustix::io::Errno;

use super::{Error, open_partial};

/// The exclusive right to work on a data folder, until it is dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct DataLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl DataLock {
    /// Takes the lock of an existing folder at once, or says who has it.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("lock");
        let failed = |error: io::Error| Error::io("lock", &path, error);
        let mut file = open_partial(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let holder =
                    file.take(16).read_to_string(&mut pid).ok().and_then(|_| pid.trim().parse().ok());
                return Err(Error::Locked { path: folder.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                return Err(Error::NoLocks { path: folder.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        match writeln!(file, "{}", std::process::id()) {
            // The lock holds all the same; only nobody else can tell who has it.
            Err(error) if !matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                Err(failed(error))
            }
            _ => Ok(Self(file)),
        }
    }
}

/// NFS without its lock service, and some FUSE file systems.
fn has_no_locks(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| matches!(errno, Errno::NOLCK | Errno::NOSYS | Errno::NOTSUP | Errno::INVAL))
}
