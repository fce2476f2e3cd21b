//! From a file that is there to a file that can become an episode.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;

use super::hash::{fill, medium};
use super::list::{state, unsharable};
use super::{Error, Refused, Seen, tags};
use crate::model::SharedFile;
use crate::model::media::SNIFF_LENGTH;

/// What has come of a file.
#[derive(Debug)]
pub enum Examined {
    /// It can be shared.
    Shared(Box<SharedFile>),
    /// It has the wrong name.
    Refused(Refused),
    /// It is no medium, cannot be read, or has changed meanwhile.
    Unusable(Error),
}

/// Reads the beginning of a file, and its tags. What panics in the reading of tags is to be caught by the caller.
pub fn examine(seen: &Seen) -> Examined {
    let path = &seen.path;
    if let Some(why) = unsharable(path) {
        return Examined::Refused(Refused { path: path.clone(), why });
    }
    match begins_with(seen) {
        Ok(media_type) => Examined::Shared(Box::new(SharedFile {
            path: path.clone(),
            state: seen.state,
            modified: timestamp(seen.state.modified),
            tags: tags::tags(path),
            media_type,
        })),
        Err(error) => Examined::Unusable(error),
    }
}

/// The picture in a file, as its tags have it: whoever shows it makes it anew.
pub fn cover(path: &Path) -> Option<Vec<u8>> {
    tags::picture(path)
}

fn begins_with(seen: &Seen) -> Result<&'static str, Error> {
    let path = &seen.path;
    let failed = |source| Error::read(path, source);
    let mut file = File::open(path).map_err(failed)?;
    if state(&file.metadata().map_err(failed)?) != seen.state {
        return Err(Error::Changed { path: path.clone() });
    }
    let mut buffer = vec![0; SNIFF_LENGTH];
    let count = fill(&mut file, &mut buffer).map_err(failed)?;
    medium(path, &buffer[..count])
}

fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default()
}
