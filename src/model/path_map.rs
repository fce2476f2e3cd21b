//! Path mapping: one folder, seen from two machines.

use std::path::{Path, PathBuf};

/// Which of our folders a client knows under which path. The longest entry that holds a folder decides; a folder
/// without one has the same path at the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathMap(Vec<(PathBuf, String)>);

impl PathMap {
    /// From pairs of our path and the client's path.
    pub fn new(mut entries: Vec<(PathBuf, String)>) -> Self {
        entries.sort_by_key(|(ours, _)| std::cmp::Reverse(ours.components().count()));
        Self(entries)
    }

    /// The client's path of our folder. The client's separators are taken from its side of the entry, so that a
    /// Windows client gets backslashes.
    pub fn to_client(&self, folder: &Path) -> String {
        for (ours, theirs) in &self.0 {
            if let Ok(rest) = folder.strip_prefix(ours) {
                let separator = if theirs.contains('\\') && !theirs.contains('/') { '\\' } else { '/' };
                let mut path = theirs.trim_end_matches(['/', '\\']).to_owned();
                for part in rest.components() {
                    path.push(separator);
                    path.push_str(&part.as_os_str().to_string_lossy());
                }
                return if path.is_empty() { theirs.clone() } else { path };
            }
        }
        folder.to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_entry_decides_and_whole_components_count() {
        let map = PathMap::new(vec![
            ("/srv".into(), "/mnt/all".into()),
            ("/srv/podseed/media".into(), "/downloads/".into()),
            ("/win".into(), "D:\\pods".into()),
        ]);
        let cases = [
            ("/srv/podseed/media/show", "/downloads/show"),
            ("/srv/podseed/media", "/downloads"),
            ("/srv/podseed/mediathek", "/mnt/all/podseed/mediathek"),
            ("/win/a/b", "D:\\pods\\a\\b"),
            ("/home/x", "/home/x"),
        ];
        for (ours, theirs) in cases {
            assert_eq!(map.to_client(Path::new(ours)), theirs, "{ours}");
        }
    }
}
