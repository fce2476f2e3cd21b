//! Which episodes of a show are wanted.

use jiff::civil::Date;
use regex::Regex;

use super::media::MediaKind;

/// The rules of `episodes:` in the configuration. An episode is wanted when it passes all of them; `latest`
/// counts among those that pass the others.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only the newest so many.
    pub latest: Option<usize>,
    /// Published on this day (UTC) or later.
    pub since: Option<Date>,
    /// Published on this day (UTC) or earlier.
    pub until: Option<Date>,
    /// The title matches.
    pub title: Option<Regex>,
    /// The title does not match.
    pub not_title: Option<Regex>,
    /// Only enclosures of these kinds; empty: audio and video.
    pub media: Vec<MediaKind>,
}
