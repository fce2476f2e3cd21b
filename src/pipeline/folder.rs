//! Where everything is in a data folder.

use std::path::{Path, PathBuf};

/// Where things are in a data folder.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The layout below this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// The SQLite database.
    pub fn state(&self) -> PathBuf {
        self.0.join("state.db")
    }

    /// All media.
    pub fn media(&self) -> PathBuf {
        self.0.join("media")
    }

    /// The folder of one show's files.
    pub fn show_media(&self, show: &str) -> PathBuf {
        self.media().join(show)
    }

    /// The data of a file: where the user has it, if it is his own, else in the show's folder.
    pub fn data(&self, show: &str, file: &str, own: Option<&Path>) -> PathBuf {
        own.map_or_else(|| self.show_media(show).join(file), Path::to_owned)
    }

    /// The folder of one show's .torrent files.
    pub fn torrents(&self, show: &str) -> PathBuf {
        self.0.join("torrents").join(show)
    }

    /// The .torrent of a file.
    pub fn torrent(&self, show: &str, file: &str) -> PathBuf {
        self.torrents(show).join(format!("{file}.torrent"))
    }

    /// Our copy of a show's feed, as the publisher sent it.
    pub fn feed_copy(&self, show: &str) -> PathBuf {
        self.0.join("cache").join(show).join("feed")
    }

    /// Our copy of a show's cover, re-encoded.
    pub fn cover_copy(&self, show: &str) -> PathBuf {
        self.0.join("cache").join(show).join("cover.jpg")
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.0
    }
}
