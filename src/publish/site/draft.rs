//! What a publication shall change, collected before anything is touched.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Error, MARK};
use crate::fs::{self, TEMPORARY_SUFFIX, tree};

/// The longest name of a file or folder that common file systems take, in bytes.
const MAX_STEP: usize = 255;
/// The deepest path on the site.
const MAX_STEPS: usize = 8;

/// A path on the site: relative, plain steps separated by `/`, as `show/index.html`.
///
/// Never leads out of the site and never to what the site keeps for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SitePath(String);

impl SitePath {
    /// Refuses what is empty, absolute, leads up, has control characters or steps of more than 255 bytes.
    pub fn new(path: &str) -> Result<Self, Error> {
        match objection(path) {
            Some(reason) => Err(Error::Path { path: path.chars().take(200).collect(), reason }),
            None => Ok(Self(path.to_owned())),
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a path below the site's folder.
    pub(super) fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// Its first step: the file or folder directly in the site's folder.
    pub(super) fn root(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// Whether this is `prefix` or lies below it.
    fn is_in(&self, prefix: &Self) -> bool {
        self.as_path().starts_with(prefix.as_path())
    }
}

impl Borrow<str> for SitePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SitePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn objection(path: &str) -> Option<&'static str> {
    let steps = || path.split('/');
    if path.chars().any(char::is_control) {
        Some("it has control characters")
    } else if steps().any(|step| step.is_empty() || step == "." || step == "..") {
        Some("it must be relative and lead downwards, step by step")
    } else if steps().any(|step| step.len() > MAX_STEP) {
        Some("a name in it is longer than 255 bytes")
    } else if steps().count() > MAX_STEPS {
        Some("it is nested too deeply")
    } else if steps().next() == Some(MARK) || path.ends_with(TEMPORARY_SUFFIX) {
        Some("the site keeps that name for itself")
    } else {
        None
    }
}

/// What a file of the site is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A copy of this file.
    Copy(PathBuf),
    /// This very file, as a hard link.
    Link(PathBuf),
    /// The same, or a copy where it cannot be linked or not everybody may read it.
    Shared(PathBuf),
}

impl Content {
    /// Makes the file, in place of what file is there.
    pub(super) fn put(&self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Bytes(bytes) => Ok(tree::put(path, bytes)?),
            Self::Copy(source) => Ok(tree::copy(source, path)?),
            Self::Shared(source) => Ok(tree::share(source, path)?),
            Self::Link(source) => tree::link(source, path).map_err(|error| match error.kind() {
                Some(ErrorKind::CrossesDevices | ErrorKind::PermissionDenied) => {
                    Error::NotLinkable { path: source.clone(), source: error }
                }
                _ => Error::File(error),
            }),
        }
    }
}

/// What a publication shall change. What it does not name stays as it is.
///
/// The bytes are held in memory: draft and publish a large site show by show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    pub(super) files: BTreeMap<SitePath, Content>,
    /// Where, or below which, only `files` remain.
    pub(super) cleared: BTreeSet<SitePath>,
}

impl Draft {
    /// Nothing is changed.
    pub fn new() -> Self {
        Self::default()
    }

    /// A file of these bytes.
    pub fn file(&mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Result<(), Error> {
        let mut bytes = bytes.into();
        // All of a draft is in memory together, and what has grown piece by piece may take twice what it needs.
        bytes.shrink_to_fit();
        self.put(path, Content::Bytes(bytes))
    }

    /// A copy of a file, read when it is published.
    pub fn copy(&mut self, path: &str, source: impl Into<PathBuf>) -> Result<(), Error> {
        self.put(path, Content::Copy(source.into()))
    }

    /// A hard link to a file, which takes no space; it has to lie in the site's file system.
    pub fn link(&mut self, path: &str, source: impl Into<PathBuf>) -> Result<(), Error> {
        self.put(path, Content::Link(source.into()))
    }

    /// A hard link to a file that only ever changes by being replaced; a copy where it lies in another file system, or
    /// not everybody may read it.
    pub fn share(&mut self, path: &str, source: impl Into<PathBuf>) -> Result<(), Error> {
        self.put(path, Content::Shared(source.into()))
    }

    /// A folder holds what this draft names for it, before or after this, and nothing else: what podseed has put there
    /// before goes.
    pub fn folder(&mut self, path: &str) -> Result<(), Error> {
        self.cleared.insert(SitePath::new(path)?);
        Ok(())
    }

    /// A file, or a folder with all that is in it, goes, and what this draft has had for it so far.
    pub fn remove(&mut self, path: &str) -> Result<(), Error> {
        let path = SitePath::new(path)?;
        let below = self.files.range(path.clone()..).take_while(|(file, _)| file.0.starts_with(&path.0));
        let gone: Vec<_> = below.map(|(file, _)| file).filter(|file| file.is_in(&path)).cloned().collect();
        for file in gone {
            self.files.remove(&file);
        }
        self.cleared.insert(path);
        Ok(())
    }

    /// Puts the files into a folder of their own, which need not be there yet and must be empty, and gives their number.
    pub fn write_into(&self, folder: &Path) -> Result<usize, Error> {
        fs::create_dir(folder)?;
        if !tree::entries(folder)?.is_empty() {
            return Err(Error::NotEmpty { path: folder.to_owned() });
        }
        for (path, content) in &self.files {
            tree::make_dir(folder, path.as_path().parent().unwrap_or(Path::new("")))?;
            content.put(&folder.join(path.as_path()))?;
        }
        tree::sync_file_system(folder)?;
        Ok(self.files.len())
    }

    /// Whether what is at `path` now goes, unless the draft has something for it.
    pub(super) fn clears(&self, path: &SitePath) -> bool {
        let above = path.0.match_indices('/').map(|(end, _)| &path.0[..end]);
        above.chain([path.as_str()]).any(|path| self.cleared.contains(path))
    }

    /// The bytes that it holds in memory.
    pub fn size(&self) -> usize {
        let bytes = |content: &Content| if let Content::Bytes(bytes) = content { bytes.len() } else { 0 };
        self.files.values().map(bytes).sum()
    }

    fn put(&mut self, path: &str, content: Content) -> Result<(), Error> {
        self.files.insert(SitePath::new(path)?, content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_a_path_and_what_lies_below_it_and_not_what_begins_like_it() {
        let mut draft = Draft::new();
        for path in ["a", "a b", "a/b", "a/b/c", "a/bc", "a.b", "ab"] {
            draft.file(path, "").unwrap();
        }
        draft.remove("a/b").unwrap();
        let left = |draft: &Draft| draft.files.keys().map(SitePath::to_string).collect::<Vec<_>>();
        assert_eq!(left(&draft), ["a", "a b", "a.b", "a/bc", "ab"]);
        draft.remove("a").unwrap();
        assert_eq!(left(&draft), ["a b", "a.b", "ab"]);
        for (path, clears) in [("a", true), ("a/x/y", true), ("a b", false), ("ab/a", false), ("b/a", false)]
        {
            assert_eq!(draft.clears(&SitePath::new(path).unwrap()), clears, "{path}");
        }
    }

    #[test]
    fn paths_never_lead_out_of_the_site() {
        let long = "x".repeat(256);
        let deep = ["d"; 9].join("/");
        let hostile = [
            "",
            "/",
            "/etc/passwd",
            ".",
            "..",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/",
            "a\0b",
            "a\nb",
            "a/\u{7f}",
            "\u{85}",
            MARK,
            ".podseed-site/x",
            "a/.x.podseed-tmp",
            &long,
            &deep,
        ];
        for path in hostile {
            assert!(matches!(SitePath::new(path), Err(Error::Path { .. })), "{path:?}");
            let mut draft = Draft::new();
            assert!(
                draft.file(path, "").is_err()
                    && draft.remove(path).is_err()
                    && draft.copy(path, "x").is_err()
            );
            assert!(draft.link(path, "x").is_err() && draft.share(path, "x").is_err());
            assert!(draft.folder(path).is_err());
            assert_eq!(draft, Draft::new());
        }
        for path in [
            "a",
            "a/b.html",
            "a/...",
            "ä/名前 – \u{202e}gpj.mp3.torrent",
            "a/.podseed-site",
            "a\\b",
            &long[1..],
        ] {
            assert_eq!(SitePath::new(path).unwrap().as_str(), path);
        }
    }
}
