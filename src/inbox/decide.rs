//! Which of the files that are there is which of those that are known. Pure; what only the bytes can tell (whether a
//! file was only touched, whether a file elsewhere is one that is gone) is left to whoever reads them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Seen;
use crate::model::{FileState, KnownFile};

/// What has become of a known file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is there as it was.
    Same(Seen),
    /// It is there as it was, under this name.
    Renamed(Seen),
    /// Something else may be there under its name; or it was touched.
    Suspect(Seen),
    /// Nothing is there.
    Gone,
    /// That cannot be said.
    Unknown,
}

/// What has become of the known files, in their order, and the files that are none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// For each known file.
    pub findings: Vec<Finding>,
    /// In the order in which they were seen.
    pub fresh: Vec<Seen>,
}

/// Matches the files by path and state, then by state alone (a file keeps it when it gets another name), then by path
/// alone. Of what lies below `blind` nothing is known.
pub fn match_up(known: &[KnownFile], seen: &[Seen], blind: &[PathBuf]) -> Matched {
    let mut open: Vec<Option<&Seen>> = seen.iter().map(Some).collect();
    let by_path: HashMap<&Path, usize> =
        seen.iter().enumerate().map(|(index, seen)| (seen.path.as_path(), index)).collect();
    let mut by_state: HashMap<FileState, Vec<usize>> = HashMap::new();
    for (index, seen) in seen.iter().enumerate() {
        by_state.entry(seen.state).or_default().push(index);
    }
    let mut findings: Vec<Option<Finding>> = vec![None; known.len()];
    for (known, finding) in known.iter().zip(&mut findings) {
        if let Some(index) =
            by_path.get(known.path.as_path()).filter(|index| seen[**index].state == known.state)
        {
            *finding = open[*index].take().cloned().map(Finding::Same);
        }
    }
    for (known, finding) in known.iter().zip(&mut findings).filter(|(_, finding)| finding.is_none()) {
        let same = by_state.get(&known.state).into_iter().flatten();
        let free = same.copied().find(|index| open[*index].is_some());
        *finding = free.and_then(|index| open[index].take()).cloned().map(Finding::Renamed);
    }
    for (known, finding) in known.iter().zip(&mut findings).filter(|(_, finding)| finding.is_none()) {
        let there = by_path.get(known.path.as_path()).and_then(|index| open[*index].take());
        *finding = Some(match there {
            Some(seen) => Finding::Suspect(seen.clone()),
            None if is_below(&known.path, blind) => Finding::Unknown,
            None => Finding::Gone,
        });
    }
    Matched {
        findings: findings.into_iter().map(|finding| finding.unwrap_or(Finding::Unknown)).collect(),
        fresh: open.into_iter().flatten().cloned().collect(),
    }
}

/// Whether a path is one of these, or below one.
pub fn is_below(path: &Path, places: &[PathBuf]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EnclosureId;

    fn state(inode: u64, size: u64) -> FileState {
        FileState { size, modified: 7, device: 1, inode }
    }

    fn known(path: &str, inode: u64) -> KnownFile {
        let state = state(inode, 10);
        KnownFile { id: EnclosureId(1), path: path.into(), state, sha256: None, lost: false, held: false }
    }

    fn seen(path: &str, inode: u64, size: u64) -> Seen {
        Seen { path: path.into(), state: state(inode, size), changed: 7 }
    }

    #[test]
    fn files_are_known_by_their_path_then_by_what_the_file_system_says_of_them() {
        let files = [seen("/i/a", 1, 10), seen("/i/new", 2, 10), seen("/i/c", 9, 11), seen("/i/x", 8, 1)];
        let before =
            [known("/i/a", 1), known("/i/b", 2), known("/i/c", 3), known("/i/d", 4), known("/i/s/e", 5)];
        let matched = match_up(&before, &files, &["/i/s".into()]);
        assert_eq!(
            matched.findings,
            [
                Finding::Same(files[0].clone()),
                Finding::Renamed(files[1].clone()),
                Finding::Suspect(files[2].clone()),
                Finding::Gone,
                Finding::Unknown
            ]
        );
        assert_eq!(matched.fresh, [files[3].clone()]);
    }

    #[test]
    fn two_files_that_change_places_are_two_renamed_files() {
        let files = [seen("/i/a", 2, 10), seen("/i/b", 1, 10)];
        let matched = match_up(&[known("/i/a", 1), known("/i/b", 2)], &files, &[]);
        assert_eq!(
            matched.findings,
            [Finding::Renamed(files[1].clone()), Finding::Renamed(files[0].clone())]
        );
        assert!(matched.fresh.is_empty());
    }
}
