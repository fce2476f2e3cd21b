//! Small disks, to be filled.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk of its own.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Mounts it over a folder.
    pub(crate) fn mount(path: PathBuf, size: &str) -> Self {
        std::fs::create_dir_all(&path).unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        let done = mount.args(["-t", "tmpfs", "-o", &options, "podseed"]).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success(),
            "this test needs a disk of its own: run it as root, or below `unshare -rm`: {said}"
        );
        Self(path)
    }

    /// Leaves so many bytes of the disk free, by a file that takes the rest.
    pub(crate) fn leave(&self, bytes: u64) {
        let ballast = self.0.join("ballast");
        let _ = std::fs::remove_file(&ballast);
        let mut left = free(&self.0).saturating_sub(bytes);
        let mut file = File::create(&ballast).unwrap();
        while left > 0 {
            let next = left.min(4096);
            if file.write_all(&vec![0; usize::try_from(next).unwrap()]).is_err() {
                break;
            }
            left -= next;
        }
    }

    /// Takes that file away.
    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Bytes that are free there.
pub(crate) fn free(path: &Path) -> u64 {
    podseed::fs::free_space(path).unwrap()
}
