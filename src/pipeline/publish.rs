//! Publishing: brings the site up to date with the state, and only where something of it has changed.
//!
//! What is due the state knows by itself (`shows.publish_due`). The site is changed first and the record follows, so
//! that a crash between them does the same once more, with the same result.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::monitor::Event;
use super::terms::{basis, is_secret};
use super::{Error, Pipeline};
use crate::model::{
    Basis, PlacementState, PublishedEpisode, PublishedFile, PublishedShow, Seeder, ShowCard, Standing,
};
use crate::publish::site::{self, Draft, Site, Written};
use crate::publish::{self, Options};
use crate::store::{DueShow, EpisodeRecord, FileRecord, Published, ShowFacts};
use crate::{error, fs, torrent};

/// Shows that one draft holds in memory.
const SHOWS_AT_ONCE: usize = 20;
/// Files in the feed of all shows.
const NEWEST: usize = 100;
/// The setting that remembers how the site was last written.
const SITE: &str = "site";
/// Changed when what stands on the site becomes another for the same state.
const FORMAT: u32 = 1;

/// Why the site could not be brought up to date.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Pipeline(#[from] Error),
    #[error("the site could not be written")]
    Site(#[from] site::Error),
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        Self::Pipeline(error.into())
    }
}

/// A show of a batch, as it will be on the site.
struct Prepared<'a> {
    due: &'a DueShow,
    /// `None`: it is not, or no more.
    show: Option<PublishedShow>,
    files: Vec<(crate::model::EnclosureId, Timestamp)>,
}

impl Pipeline {
    /// Brings the site up to date. That it cannot be written is a problem of its own, and none of the pass.
    pub(super) async fn publish(&self) -> Result<(), Error> {
        match self.bring_up_to_date().await {
            Ok(written) if written.is_changed() => {
                self.monitor.event(&Event::Published { files: written.written + written.linked, removed: written.removed });
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(Failure::Pipeline(error)) => Err(error),
            Err(failure) => {
                let error = error::chain(&failure);
                self.note_error(&error);
                self.monitor.event(&Event::PublishFailed { error });
                Ok(())
            }
        }
    }
}
