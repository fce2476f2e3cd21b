//! `podseed torrent verify`.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{Error, Outcome, count, progress_bar, read_torrent};
use crate::cli::output::plain;
use crate::torrent::{BadPiece, FileReport, FileState, Mismatch, Verification, verify as compare};
use crate::units::ByteSize;

/// Arguments of `torrent verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The .torrent
    file: PathBuf,
    /// The file or folder that it describes, or the folder that holds it
    path: PathBuf,
}

/// Compares the data with the torrent and names what is bad.
pub(super) fn verify(args: &VerifyArgs, json: bool, out: &mut dyn Write) -> Result<Outcome, Error> {
    let metainfo = read_torrent(&args.file)?;
    let bar = progress_bar(metainfo.length());
    let verification = compare(&metainfo, &args.path, &|bytes| bar.inc(bytes));
    bar.finish_and_clear();
    if json {
        writeln!(out, "{}", as_json(&verification))?;
    } else {
        print(&verification, out)?;
    }
    Ok(if verification.is_good() { Outcome::Done } else { Outcome::Bad })
}

fn as_json(verification: &Verification) -> Value {
    let files = verification.files.iter().map(|file| {
        json!({
            "path": file.path,
            "length": file.length,
            "state": state_name(file),
            "bad_pieces": file.bad_pieces,
        })
    });
    json!({
        "good": verification.is_good(),
        "data": verification.data.to_string_lossy(),
        "pieces": verification.pieces,
        "bad_pieces": verification.bad.iter().map(|bad| bad.index).collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
    })
}

fn state_name(file: &FileReport) -> &'static str {
    match file.state {
        FileState::Missing => "missing",
        FileState::WrongLength(_) => "wrong_length",
        FileState::Unreadable(_) => "unreadable",
        FileState::Present if file.bad_pieces.is_empty() => "good",
        FileState::Present => "bad",
    }
}

fn print(verification: &Verification, out: &mut dyn Write) -> Result<(), Error> {
    let data = plain(&verification.data.to_string_lossy());
    let pieces = count(verification.pieces, "piece");
    if verification.is_good() {
        let length = ByteSize(verification.files.iter().map(|file| file.length).sum());
        let files = count(verification.files.len() as u64, "file");
        writeln!(out, "{data} is good: {files}, {pieces}, {length}")?;
        return Ok(());
    }
    match verification.bad.len() {
        0 => writeln!(out, "{data} is not what the torrent says, though every piece is good:")?,
        bad => writeln!(out, "{data} is bad in {bad} of {pieces}:")?,
    }
    for file in verification.files.iter().filter(|file| state_name(file) != "good") {
        writeln!(out, "  {}: {}", plain(&file.path), findings(file))?;
    }
    if shares_bad_pieces(&verification.files) {
        writeln!(out, "  (a v1 piece may hold bytes of several files: not all of those named need be bad)")?;
    }
    if verification.bad.iter().any(contradicts_itself) {
        writeln!(out, "  (the v1 and the v2 hashes of this torrent do not describe the same data)")?;
    }
    Ok(())
}

/// What is wrong with one file.
fn findings(file: &FileReport) -> String {
    let state = match &file.state {
        FileState::Present => None,
        FileState::Missing => Some("missing".to_owned()),
        FileState::WrongLength(found) => Some(format!("{found} bytes instead of {}", file.length)),
        FileState::Unreadable(error) => Some(format!("cannot be read ({error})")),
    };
    let pieces = match file.bad_pieces.len() {
        0 => None,
        1 => Some(format!("piece {}", ranges(&file.bad_pieces))),
        _ => Some(format!("pieces {}", ranges(&file.bad_pieces))),
    };
    [state, pieces].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Sorted numbers as `3, 5-9`.
fn ranges(numbers: &[u64]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b).filter_map(|run| {
        let (first, last) = (run.first()?, run.last()?);
        Some(if first == last { first.to_string() } else { format!("{first}-{last}") })
    });
    runs.collect::<Vec<_>>().join(", ")
}

fn shares_bad_pieces(files: &[FileReport]) -> bool {
    let mut seen = HashSet::new();
    files.iter().flat_map(|file| &file.bad_pieces).any(|piece| !seen.insert(piece))
}

fn contradicts_itself(bad: &BadPiece) -> bool {
    matches!(bad.mismatch, Mismatch::V1Only | Mismatch::V2Only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_pieces_are_ranges() {
        for (numbers, text) in [(&[][..], ""), (&[3], "3"), (&[3, 4], "3-4"), (&[0, 2, 3, 4, 9], "0, 2-4, 9")]
        {
            assert_eq!(ranges(numbers), text);
        }
    }
}
