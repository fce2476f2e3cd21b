//! Paths: how those in the file are meant, and where a client sees ours. Nothing is looked up on the disk.

use std::path::{Path, PathBuf};

use super::Variables;

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
