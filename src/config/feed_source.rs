//! Where a feed comes from: an address, a file, or nowhere, for the episodes are the user's own files.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::secret::SafeUrl;

/// What stands in the place of a feed's address where there is none.
const OWN: &str = "own:";

/// Where a feed comes from. `Debug` masks what may be secret in the URL.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum FeedSource {
    /// http or https, without user and password.
    Url(Url),
    /// A file; its enclosures may lie in its folder and below.
    File(PathBuf),
    /// There is no feed: the episodes are the user's own files, in this folder or wherever he has shared them.
    Own(Option<PathBuf>),
}

impl FeedSource {
    /// From the text that `Display` gives.
    pub fn parse(text: &str) -> Self {
        if let Some(folder) = text.strip_prefix(OWN) {
            return Self::Own(Some(folder).filter(|folder| !folder.is_empty()).map(PathBuf::from));
        }
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Self::Url(url),
            _ => Self::File(text.into()),
        }
    }
}

impl fmt::Display for FeedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::File(path) => path.display().fmt(f),
            Self::Own(folder) => write!(f, "{OWN}{}", folder.as_deref().unwrap_or(Path::new("")).display()),
        }
    }
}

impl fmt::Debug for FeedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => SafeUrl::from(url.clone()).fmt(f),
            Self::File(path) => path.fmt(f),
            Self::Own(folder) => folder.fmt(f),
        }
    }
}
