//! Paths: how those in the file are meant, and where a client sees ours. Nothing is looked up on the disk.

use std::path::{Path, PathBuf};

use super::Variables;

/// Where a client sees our folders: our folder, and the client's name for it. The longest match wins; what
/// matches nothing is where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathMap(Vec<(PathBuf, String)>);

impl PathMap {
    /// From pairs of our folder and the client's, in any order.
    pub fn new(mut pairs: Vec<(PathBuf, String)>) -> Self {
        pairs.sort_by_key(|(ours, _)| std::cmp::Reverse(ours.components().count()));
        Self(pairs)
    }

    /// The pairs, the deepest of our folders first.
    pub fn pairs(&self) -> &[(PathBuf, String)] {
        &self.0
    }

    /// The client's path of one of our folders or files.
    ///
    /// Below a client's root that is written with `\` (Windows), the rest is, too.
    pub fn map(&self, ours: &Path) -> String {
        let matching = self.0.iter().find_map(|(root, theirs)| Some((ours.strip_prefix(root).ok()?, theirs)));
        let Some((rest, theirs)) = matching else { return ours.to_string_lossy().into_owned() };
        let separator = if theirs.contains('\\') && !theirs.contains('/') { '\\' } else { '/' };
        let mut path = theirs.clone();
        for part in rest.components() {
            if !path.ends_with(separator) {
                path.push(separator);
            }
            path.push_str(&part.as_os_str().to_string_lossy());
        }
        path
    }
}

/// A path of the file: `~/` is the home folder, a relative one starts at the file's folder. Doubled `/` and `.` go,
/// so that two spellings of one folder are seen to be one; `..` stays, because behind a link it is another folder.
pub(super) fn resolve(text: &str, base: &Path, variables: &Variables<'_>) -> PathBuf {
    let home = || variables("HOME").map(PathBuf::from);
    let path = match text.strip_prefix("~/").map(|rest| (rest, home())) {
        Some((rest, Some(home))) => home.join(rest),
        _ => base.join(text),
    };
    path.components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)], ours: &str) -> String {
        PathMap::new(pairs.iter().map(|(ours, theirs)| (ours.into(), (*theirs).to_owned())).collect())
            .map(Path::new(ours))
    }

    #[test]
    fn the_longest_of_our_folders_decides() {
        let pairs = [("/srv", "/all"), ("/srv/media/show", "/show"), ("/srv/media", "/downloads/")];
        for (ours, theirs) in [
            ("/srv/media", "/downloads/"),
            ("/srv/media/a", "/downloads/a"),
            ("/srv/media/show/x.mp3", "/show/x.mp3"),
            ("/srv/mediathek", "/all/mediathek"),
            ("/home/me", "/home/me"),
        ] {
            assert_eq!(map(&pairs, ours), theirs);
        }
    }

    #[test]
    fn a_windows_client_gets_its_own_separators() {
        assert_eq!(map(&[("/srv/media", r"D:\podcasts")], "/srv/media/show"), r"D:\podcasts\show");
        assert_eq!(map(&[("/srv/media", "D:/podcasts")], "/srv/media/show"), "D:/podcasts/show");
    }

    #[test]
    fn paths_start_at_the_files_folder_or_at_home() {
        let home = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        for (text, path) in [
            ("feed.xml", "/etc/podseed/feed.xml"),
            ("./a/./b/", "/etc/podseed/a/b"),
            ("/srv//x", "/srv/x"),
            ("~/watch", "/home/me/watch"),
            ("../x", "/etc/podseed/../x"),
            ("~other", "/etc/podseed/~other"),
        ] {
            assert_eq!(resolve(text, Path::new("/etc/podseed"), &home), Path::new(path));
        }
    }
}
