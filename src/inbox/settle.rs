//! When a file is finished: nobody has it open for writing, as far as that can be seen, and two looks at it that lie
//! apart have found the same. Writers that pause for longer, on other machines, cannot be seen; what they add later
//! is found as another version.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::Seen;

/// A file that nobody has touched for so long is finished at the first look.
const OLD: Duration = Duration::from_secs(60);
/// Open files of all processes that are looked at.
const MOST_OPEN: usize = 200_000;
/// The bits of the flags of an open file that say how it is opened, and writing among them (open(2)).
const ACCESS_MODE: u32 = 0o3;

/// Whether a file is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is.
    Yes,
    /// That cannot be said yet.
    NotYet,
    /// It has changed since the last look: somebody writes to it.
    Writing,
}

/// Earlier looks at files that were not finished. Losing them costs another look.
#[derive(Debug, Default)]
pub struct Looks(HashMap<PathBuf, (Seen, Instant)>);

impl Looks {
    /// Judges a file as it is seen now. `written` are the files that somebody has open for writing; `quiet` is what
    /// has to lie between two looks that find the same.
    pub fn judge(&mut self, seen: &Seen, written: &HashSet<(u64, u64)>, quiet: Duration) -> Settled {
        let now = Instant::now();
        let is_written = written.contains(&(seen.state.device, seen.state.inode));
        if !is_written && is_old(seen) {
            self.0.remove(&seen.path);
            return Settled::Yes;
        }
        match self.0.get(&seen.path) {
            Some((last, since)) if last == seen && !is_written => {
                if now.duration_since(*since) < quiet {
                    return Settled::NotYet;
                }
                self.0.remove(&seen.path);
                Settled::Yes
            }
            last => {
                let has_changed = last.is_some_and(|(last, _)| last != seen);
                self.0.insert(seen.path.clone(), (seen.clone(), now));
                if has_changed || is_written { Settled::Writing } else { Settled::NotYet }
            }
        }
    }

    /// Forgets files that are not among these any more.
    pub fn retain(&mut self, is_there: impl Fn(&PathBuf) -> bool) {
        self.0.retain(|path, _| is_there(path));
    }
}

/// By both of its times: one of them is set at will by whoever copies a file. A time that is to come says nothing.
fn is_old(seen: &Seen) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let last = seen.state.modified.max(seen.changed);
    u64::try_from(last)
        .is_ok_and(|last| Duration::from_nanos(last).checked_add(OLD).is_some_and(|settled| settled <= now))
}

/// The files that processes of this machine have open for writing, by device and inode, as far as this user may see
/// them (proc(5)).
pub fn open_for_writing() -> HashSet<(u64, u64)> {
    let mut written = HashSet::new();
    let mut left = MOST_OPEN;
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let folder = process.path();
        let Ok(open) = std::fs::read_dir(folder.join("fd")) else { continue };
        for file in open.flatten() {
            if left == 0 {
                return written;
            }
            left -= 1;
            let Ok(metadata) = std::fs::metadata(file.path()) else { continue };
            let info = folder.join("fdinfo").join(file.file_name());
            if metadata.is_file() && std::fs::read_to_string(info).is_ok_and(|info| is_for_writing(&info)) {
                written.insert((metadata.dev(), metadata.ino()));
            }
        }
    }
    written
}

fn is_for_writing(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags
        .and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok())
        .is_some_and(|flags| flags & ACCESS_MODE != 0)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests lay out files for the module under test")]
mod tests {
    use super::*;
    use crate::inbox::look_at;

    #[tokio::test(start_paused = true)]
    async fn a_fresh_file_is_finished_once_two_looks_that_lie_apart_find_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp3");
        let quiet = Duration::from_secs(1);
        let look = || look_at(std::slice::from_ref(&path)).0.remove(0);
        let nobody = HashSet::new();
        let mut looks = Looks::default();
        std::fs::write(&path, "half").unwrap();
        assert_eq!(looks.judge(&look(), &nobody, quiet), Settled::NotYet);
        tokio::time::advance(quiet).await;
        std::fs::write(&path, "half and more").unwrap();
        assert_eq!(looks.judge(&look(), &nobody, quiet), Settled::Writing);
        tokio::time::advance(quiet / 2).await;
        assert_eq!(looks.judge(&look(), &nobody, quiet), Settled::NotYet);
        tokio::time::advance(quiet / 2).await;
        assert_eq!(looks.judge(&look(), &nobody, quiet), Settled::Yes);
    }

    #[test]
    fn a_file_that_somebody_has_open_for_writing_is_not_finished_however_old_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp3");
        let file = std::fs::File::create(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let seen = Seen { changed: 0, ..look_at(std::slice::from_ref(&path)).0.remove(0) };
        let identity = (seen.state.device, seen.state.inode);
        let quiet = Duration::ZERO;
        assert!(open_for_writing().contains(&identity));
        assert_eq!(Looks::default().judge(&seen, &open_for_writing(), quiet), Settled::Writing);
        drop(file);
        let _reader = std::fs::File::open(&path).unwrap();
        assert!(!open_for_writing().contains(&identity), "who reads does not write");
        assert_eq!(Looks::default().judge(&seen, &open_for_writing(), quiet), Settled::Yes);
    }
}
