//! What a file system is: how much is on it, and whose it is.

use std::path::Path;

use rustix::fs::{statfs, statvfs};

use super::Error;

/// The bytes that this user may still write on the file system of an existing path.
pub fn free_space(path: &Path) -> Result<u64, Error> {
    let space = statvfs(path).map_err(|errno| Error::io("ask for the free space of", path, errno))?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// The bytes of the file system of an existing path, free or not.
pub fn disk_size(path: &Path) -> Result<u64, Error> {
    let space = statvfs(path).map_err(|errno| Error::io("ask for the size of", path, errno))?;
    Ok(space.f_blocks.saturating_mul(space.f_frsize))
}

/// File systems on which others change files and this machine is not told (statfs(2)): NFS, SMB, SMB 2, CIFS, FUSE,
/// 9P, AFS, Ceph, Coda, NCP.
const REMOTE: [u32; 10] = [
    0x6969,
    0x517B,
    0xFE53_4D42,
    0xFF53_4D42,
    0x6573_5546,
    0x0102_1997,
    0x5346_414F,
    0x00C3_6400,
    0x7375_7245,
    0x564C,
];

/// Whether the system may not tell of all changes below this folder.
pub fn is_remote(folder: &Path) -> bool {
    // The type is a number of 32 bits, on some machines in a wider field.
    statfs(folder).is_ok_and(|found| {
        u32::try_from(i128::from(found.f_type) & 0xFFFF_FFFF).is_ok_and(|kind| REMOTE.contains(&kind))
    })
}
