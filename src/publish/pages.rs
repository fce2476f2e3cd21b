//! The pages of the site.

use super::{Options, SiteFile};
use crate::model::{PublishedShow, ShowCard};

/// The pages of one show: `SLUG/index.html` with the newest episodes, and `SLUG/page-1.html` (the oldest hundred) and
/// so on for those that are older, so that a new episode changes one page.
pub fn show_pages(show: &PublishedShow, _options: &Options) -> Vec<SiteFile> {
    vec![SiteFile::new(format!("{}/index.html", show.slug), "")]
}

/// The pages about all shows: `index.html`, `about.html` in each language, and `404.html` where `base_url` is known.
pub fn index_pages(_shows: &[ShowCard], _options: &Options) -> Vec<SiteFile> {
    vec![SiteFile::new("index.html", "")]
}

/// What all pages use: `assets/...`.
pub fn assets() -> Vec<SiteFile> {
    Vec::new()
}
