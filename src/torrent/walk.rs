//! What lies below a folder, in the order of a torrent.

use std::fs;
use std::path::{Path, PathBuf};

use super::create::{CreateError, read_error};

/// The deepest folder: BEP 52's `file tree` needs one level of bencode per folder, and clients read 100.
const MAX_DEPTH: usize = 64;

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
pub(super) type OutOfReach<'a> = &'a mut dyn FnMut(CreateError) -> Result<(), CreateError>;

/// The same, as components, sorted by them.
pub(super) fn entries(folder: &Path, on_error: OutOfReach<'_>) -> Result<Vec<Vec<String>>, CreateError> {
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

    #[test]
    fn files_are_in_the_order_of_their_components_whatever_the_disk_says() {
        let root = tempfile::tempdir().unwrap();
        for path in ["b", "a.x", "a/z", "a/b/c", "Z"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "1").unwrap();
        }
        let (paths, out_of_reach) = files_below(root.path()).unwrap();
        assert_eq!(paths, ["Z", "a/b/c", "a/z", "a.x", "b"].map(PathBuf::from));
        assert!(out_of_reach.is_empty());
    }
}
