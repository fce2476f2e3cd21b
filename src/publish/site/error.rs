//! Why a site cannot be published, and what to do about it.

use std::path::PathBuf;

use crate::fs;

/// Something about the site that did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path of a draft that cannot be one on the site.
    #[error("\"{}\" is no path on the site: {reason}", path.escape_debug())]
    Path {
        /// As it was given, shortened.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is something in the folder, and podseed has not put it there.
    #[error(
        "{} is not a site of podseed's and not an empty folder, so nothing is published there; set \
         publish.site_dir to a folder of its own, or move away what is in it",
        path.display()
    )]
    NotOurs {
        /// The site's folder.
        path: PathBuf,
    },
    /// A folder that files are to be written into has some already.
    #[error("{} is not empty; name a folder that is, or one that is not there yet", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The mark cannot be understood.
    #[error(
        "{} is damaged or of a newer podseed; use that version, or remove the site's folder to have it built anew",
        path.display()
    )]
    Mark {
        /// The mark.
        path: PathBuf,
    },
    /// The folder above may not be written in.
    #[error(
        "the site is built beside the old one, and podseed may not write in {}; let it, or set publish.site_dir to \
         a folder in one that it may write in",
        parent.display()
    )]
    Parent {
        /// The folder above the site's.
        parent: PathBuf,
        /// What the system says.
        source: fs::Error,
    },
    /// Something is mounted at the folder, or directly in it.
    #[error(
        "{} is a mount point or has one in it, so that a new site cannot take its place in one step; set \
         publish.site_dir to a folder in it, as {}",
        path.display(),
        path.join("www").display()
    )]
    MountPoint {
        /// The site's folder.
        path: PathBuf,
    },
    /// The file system cannot let two folders change places.
    #[error(
        "the file system of {} cannot exchange two folders in one step (network file systems mostly cannot); set \
         publish.site_dir to a folder on a local disk",
        path.display()
    )]
    NoExchange {
        /// The site's folder.
        path: PathBuf,
        /// What the system says.
        source: fs::Error,
    },
    /// A media file that the system does not let into the site as a hard link.
    #[error(
        "{} cannot be linked into the site, as publish.web_seed wants it: both have to lie in one file system, and the \
         file has to belong to podseed's user; set publish.site_dir to such a folder, or turn publish.web_seed off",
        path.display()
    )]
    NotLinkable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: fs::Error,
    },
    /// Anything else about a file.
    #[error(transparent)]
    File(#[from] fs::Error),
}
