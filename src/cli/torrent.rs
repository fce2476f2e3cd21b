//! `podseed torrent`: makes, shows and verifies .torrent files by themselves, with no feed and no client.

mod create;
mod show;
mod verify;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

pub use create::CreateArgs;
pub use show::ShowArgs;
pub use verify::VerifyArgs;

use crate::fs;
use crate::model::{InfoHashes, TorrentVersion};
use crate::torrent::{CreateError, MAX_LENGTH, Metainfo, ParseError, parse};

/// Make, show and verify .torrent files, without feeds and clients
#[derive(Debug, Subcommand)]
pub enum TorrentCommand {
    /// Make a .torrent of a file or folder
    Create(CreateArgs),
    /// Show what a .torrent holds
    Show(ShowArgs),
    /// Compare files with a .torrent, byte by byte
    Verify(VerifyArgs),
}

/// How a command ended that could do its work.
#[derive(Debug)]
pub enum Outcome {
    /// All is well.
    Done,
    /// `verify`: the data is not what the torrent says.
    Bad,
    /// `create --each`: these files have no torrent, the others have.
    SomeFailed(Vec<Error>),
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The .torrent cannot be read from disk.
    #[error("cannot read {}", path.display())]
    Read {
        /// The .torrent.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It can be read, and is none.
    #[error("{} cannot be used as a torrent", path.display())]
    Parse {
        /// The .torrent.
        path: PathBuf,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The data cannot become a torrent.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The .torrent cannot be written.
    #[error(transparent)]
    Write(#[from] fs::Error),
    /// There is another .torrent under this name.
    #[error("{} is there already and has other content; remove it, or choose another --output", .0.display())]
    Exists(PathBuf),
    /// Arguments that do not fit together.
    #[error("{0}")]
    Usage(String),
    /// Standard output is closed.
    #[error("cannot write the result")]
    Output(#[from] io::Error),
}

/// Runs one of the commands. The result goes to `out`, as text or as one JSON document; progress goes to standard
/// error if that is a terminal.
pub fn run(command: &TorrentCommand, json: bool, out: &mut dyn Write) -> Result<Outcome, Error> {
    match command {
        TorrentCommand::Create(args) => create::create(args, json, out),
        TorrentCommand::Show(args) => show::show(args, json, out),
        TorrentCommand::Verify(args) => verify::verify(args, json, out),
    }
}

/// Reads a .torrent file; one that is too long is not read to its end.
fn read_torrent(path: &Path) -> Result<Metainfo, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    parse(&bytes).map_err(|source| Error::Parse { path: path.to_owned(), source })
}

/// A bar over so many bytes. It draws nothing where standard error is no terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    const TEMPLATE: &str =
        "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} {wide_msg}";
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}

fn version_name(version: TorrentVersion) -> &'static str {
    match version {
        TorrentVersion::V1 => "v1",
        TorrentVersion::Hybrid => "hybrid",
        TorrentVersion::V2 => "v2",
    }
}

fn hashes_json(hashes: &InfoHashes) -> Value {
    json!({ "v1": hashes.v1().map(|v1| v1.to_string()), "v2": hashes.v2().map(|v2| v2.to_string()) })
}

/// The info hashes for people: one, or both of a hybrid.
fn hashes_text(hashes: &InfoHashes) -> String {
    match hashes {
        InfoHashes::V1(v1) => v1.to_string(),
        InfoHashes::V2(v2) => v2.to_string(),
        InfoHashes::Hybrid(v1, v2) => format!("{v1} (v1), {v2} (v2)"),
    }
}

/// `1 file`, `2 files`.
fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
