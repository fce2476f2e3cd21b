//! Stage: figures for the publisher, who must not lose his by offering torrents.
//!
//! [`scrape`] asks trackers, [`count`] makes gains of counters that restart, [`days`] makes days of what several
//! sources have counted, and a [`Format`] writes them. Nothing here keeps anything or knows of a listener's address.

pub mod scrape;
