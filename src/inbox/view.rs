//! One look at everything that belongs to a show of own files: its folder, and files that are known elsewhere. What a
//! disk that is not mounted would look like is not taken for deleted files.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Refused, Seen, is_below, list, look_at};
use crate::error;
use crate::model::KnownFile;

/// So many files that are gone at once, with nothing left, were rather taken away with their disk.
const MANY: usize = 5;

/// What there is.
#[derive(Debug, Default)]
pub struct View {
    /// The files that are there.
    pub files: Vec<Seen>,
    /// Files with names that cannot be shared.
    pub refused: Vec<Refused>,
    /// Places of which nothing is known.
    pub blind: Vec<PathBuf>,
    /// What is wrong with the whole of it, and what to do.
    pub doubt: Option<String>,
}

/// Looks at a folder, and at the known files outside it.
pub fn view(folder: Option<&Path>, known: &[KnownFile]) -> View {
    let mut view = View::default();
    if let Some(folder) = folder {
        match list(folder) {
            Ok(listing) => {
                view.files = listing.files;
                view.refused = listing.refused;
                if let Some(blind) = listing.blind.first() {
                    view.doubt = Some(format!(
                        "{} cannot be looked into, or holds too much; nothing below it is taken for gone",
                        blind.display()
                    ));
                }
                view.blind = listing.blind;
            }
            Err(error) => {
                view.blind.push(folder.to_owned());
                view.doubt = Some(format!("{}; nothing of it is taken for gone", error::chain(&error)));
            }
        }
    }
    let is_inside = |path: &Path| folder.is_some_and(|folder| path.starts_with(folder));
    let outside: Vec<PathBuf> =
        known.iter().map(|known| known.path.clone()).filter(|path| !is_inside(path)).collect();
    let (seen, blind) = look_at(&outside);
    view.files.extend(seen);
    view.blind.extend(blind);
    let place_of = |path: &Path| match folder {
        Some(folder) if path.starts_with(folder) => folder.to_owned(),
        _ => path.parent().unwrap_or(Path::new("/")).to_owned(),
    };
    let mut places: BTreeMap<PathBuf, Vec<&KnownFile>> = BTreeMap::new();
    for known in known.iter().filter(|known| !known.held && !known.lost) {
        places.entry(place_of(&known.path)).or_default().push(known);
    }
    for (place, known) in places {
        if !is_below(&place, &view.blind)
            && let Some(doubt) = doubt(&place, &known, &view.files)
        {
            view.blind.push(place);
            view.doubt = Some(doubt);
        }
    }
    view
}

/// Why files that are all gone from their place may not be gone.
fn doubt(place: &Path, known: &[&KnownFile], files: &[Seen]) -> Option<String> {
    if known.iter().any(|known| files.iter().any(|seen| seen.path == known.path)) {
        return None;
    }
    let why = match std::fs::metadata(place) {
        Err(error) => format!("cannot be read ({error})"),
        Ok(now) if known.iter().all(|known| known.state.device != now.dev()) => {
            "is on another file system than before".to_owned()
        }
        Ok(_) if known.len() >= MANY && is_empty(place) => "is empty".to_owned(),
        Ok(_) => return None,
    };
    Some(format!(
        "{} {why}, and {} own files were in it: a disk that is not mounted? Nothing of them is changed. If you have \
         deleted them, `podseed takedown` takes them out of the clients",
        place.display(),
        known.len()
    ))
}

fn is_empty(place: &Path) -> bool {
    std::fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests lay out files for the module under test")]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::EnclosureId;

    fn known(folder: &Path, names: &[&str]) -> Vec<KnownFile> {
        let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
        for path in &paths {
            fs::write(path, "bytes").unwrap();
        }
        let file = |seen: Seen| KnownFile {
            id: EnclosureId(1),
            path: seen.path,
            state: seen.state,
            sha256: None,
            lost: false,
            held: false,
        };
        look_at(&paths).0.into_iter().map(file).collect()
    }

    #[test]
    fn a_single_file_that_is_gone_is_gone_and_many_at_once_with_nothing_left_are_doubted() {
        for (names, doubted) in [(&["a"][..], false), (&["a", "b", "c", "d", "e"][..], true)] {
            let folder = tempfile::tempdir().unwrap();
            let known = known(folder.path(), names);
            names.iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
            for inbox in [Some(folder.path()), None] {
                let view = view(inbox, &known);
                assert_eq!(view.doubt.is_some(), doubted, "{names:?} {inbox:?}");
                assert_eq!(is_below(&known[0].path, &view.blind), doubted);
            }
        }
    }

    #[test]
    fn a_folder_that_is_gone_or_on_another_file_system_is_doubted_whatever_was_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut known = known(folder.path(), &["a"]);
        fs::remove_file(&known[0].path).unwrap();
        known[0].state.device += 1;
        assert!(view(Some(folder.path()), &known).doubt.unwrap().contains("another file system"));
        let gone = folder.path().join("gone");
        known[0].path = gone.join("a");
        assert!(view(Some(&gone), &known).doubt.unwrap().contains("cannot read"));
        assert!(view(None, &known).doubt.unwrap().contains("cannot be read"));
    }
}
