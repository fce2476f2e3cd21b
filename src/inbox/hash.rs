//! The hashes of a file where it is, in one reading, and only as long as it stays what it was.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::thread;

use tokio_util::sync::CancellationToken;

use super::Error;
use super::list::state;
use crate::hash::{PieceHashes, PieceLength, Sha256, Sha256Hash, StreamHasher};
use crate::model::media::{MediaKind, SNIFF_LENGTH, Sniffed, sniff};
use crate::model::{FileState, TorrentVersion};

/// Sixteen pieces of 256 KiB, which can then be hashed side by side: the recipe's for files of up to 256 MiB.
const BUFFER: usize = 4 << 20;

/// What a torrent and its feed need to know of a file.
#[derive(Debug)]
pub struct Hashed {
    /// For the metainfo.
    pub hashes: PieceHashes,
    /// Of the whole file.
    pub sha256: Sha256Hash,
    /// By its first bytes.
    pub media_type: &'static str,
}

/// Hashes a file that has to be in this state, before and after. `None` as piece length means the recipe's. Memory:
/// 4 MiB and the hashes. Told after each 4 MiB how far it is.
pub fn hash_in_place(
    path: &Path,
    expected: FileState,
    (version, piece_length): (TorrentVersion, Option<PieceLength>),
    progress: &dyn Fn(u64),
    stop: &CancellationToken,
) -> Result<Hashed, Error> {
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => Error::Changed { path: path.to_owned() },
        _ => Error::read(path, source),
    };
    let changed = || Error::Changed { path: path.to_owned() };
    let mut file = File::open(path).map_err(failed)?;
    if state(&file.metadata().map_err(failed)?) != expected {
        return Err(changed());
    }
    let mut pieces = StreamHasher::new(version, piece_length, Some(expected.size));
    let mut whole = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut media_type = None;
    loop {
        if stop.is_cancelled() {
            return Err(Error::Stopped);
        }
        let count = fill(&mut file, &mut buffer).map_err(failed)?;
        if count == 0 {
            break;
        }
        let bytes = &buffer[..count];
        if media_type.is_none() {
            media_type = Some(medium(path, bytes)?);
        }
        update_both(&mut pieces, &mut whole, bytes);
        progress(pieces.length());
    }
    // By its name once more: it may be another file's meanwhile.
    let now = std::fs::metadata(path).map_err(failed)?;
    let hashes = pieces.finish().map_err(|_| changed())?;
    match (state(&now) == expected, media_type) {
        (true, Some(media_type)) => Ok(Hashed { hashes, sha256: whole.finish(), media_type }),
        _ => Err(changed()),
    }
}

/// Hashes the same bytes in both ways, at the same time: the one takes as long as the other.
fn update_both(pieces: &mut StreamHasher, whole: &mut Sha256, bytes: &[u8]) {
    let alone = thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, || whole.update(bytes)).is_ok();
        pieces.update(bytes);
        !beside
    });
    if alone {
        whole.update(bytes);
    }
}

/// The media type of a file that begins so.
pub(super) fn medium(path: &Path, first_bytes: &[u8]) -> Result<&'static str, Error> {
    match sniff(&first_bytes[..first_bytes.len().min(SNIFF_LENGTH)]) {
        Sniffed::Media { kind: MediaKind::Audio | MediaKind::Video, mime, .. } => Ok(mime),
        // Covers and booklets lie beside recordings and are no episodes.
        Sniffed::Media { kind: MediaKind::Image, .. } => {
            Err(Error::NoMedia { path: path.to_owned(), what: "a picture" })
        }
        Sniffed::Media { kind: MediaKind::Document, .. } => {
            Err(Error::NoMedia { path: path.to_owned(), what: "a document" })
        }
        Sniffed::NotMedia { what } => Err(Error::NoMedia { path: path.to_owned(), what }),
    }
}

/// Reads until the buffer is full or the file ends.
pub(super) fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
