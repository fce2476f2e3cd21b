//! Stage: figures for the publisher, who must not lose his by offering torrents.
//!
//! [`scrape`] asks trackers, [`count`] makes gains of counters that restart, [`days`] makes days of what several
//! sources have counted, and a [`Format`] writes them. Nothing here keeps anything or knows of a listener's address.

mod count;
mod days;
mod format;
pub mod scrape;

pub use count::count;
pub use days::{Day, days};
pub use format::{Form, Format, NOTE, Period, Sums, begin};
