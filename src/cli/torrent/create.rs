//! `podseed torrent create`.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use url::Url;

use super::{Error, Outcome, hashes_json, hashes_text, progress_bar, version_name};
use crate::cli::output::plain;
use crate::fs::{create_dir, write_atomic};
use crate::hash::PieceLength;
use crate::model::TorrentVersion;
use crate::torrent::{MetainfoRequest, Source, Torrent, files_below, make};
use crate::units::ByteSize;

/// Arguments of `torrent create`.
///
/// The result depends on the bytes, their names and these arguments alone: there is no creation date unless it is
/// asked for, so that the same command makes the same file again.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// File or folder; everything in a folder belongs to it, hidden files too
    path: PathBuf,
    /// One torrent for each file below the folder PATH, but for hidden files and .torrent files
    #[arg(long)]
    each: bool,
    /// Tracker; repeat it for further tiers, separate trackers of one tier by commas
    #[arg(long = "tracker", value_name = "URL[,URL]...", value_parser = tier)]
    trackers: Vec<Tier>,
    /// HTTP source of the data; with `/` at its end, clients append the name
    #[arg(long = "web-seed", value_name = "URL", value_parser = web_seed)]
    web_seeds: Vec<String>,
    /// Power of two from 16 KiB to 16 MiB, as `1 MiB`; by default so that there are at most 1,024 pieces
    #[arg(long, value_name = "SIZE", value_parser = piece_length)]
    piece_length: Option<PieceLength>,
    /// Format; every client takes v1
    #[arg(long, value_enum, default_value_t = Version::V1)]
    version: Version,
    /// Forbid clients to find peers other than by the trackers
    #[arg(long)]
    private: bool,
    /// Text that makes the info hash another one, as some trackers want it
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Text for people
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Creation date, as `2026-11-22`, `2026-11-22T06:00:00Z` or `now`; none by default
    #[arg(long, value_name = "DATE", value_parser = creation_date)]
    creation_date: Option<Timestamp>,
    /// The .torrent, or the folder for it; by default NAME.torrent in the current folder
    #[arg(long, short, value_name = "FILE|FOLDER")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Version {
    /// SHA-1 (BEP 3)
    V1,
    // Transmission 4.1.4 looks for pad files on disk, and renames what it takes for incomplete to `.part`.
    /// Both in one torrent; not for folders that Transmission is to seed
    Hybrid,
    /// SHA-256 (BEP 52); neither Transmission nor rTorrent takes it
    V2,
}

impl From<Version> for TorrentVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::V1 => Self::V1,
            Version::Hybrid => Self::Hybrid,
            Version::V2 => Self::V2,
        }
    }
}

/// Trackers of one tier.
#[derive(Debug, Clone)]
struct Tier(Vec<String>);

fn tier(text: &str) -> Result<Tier, String> {
    let schemes = ["udp", "http", "https", "ws", "wss"];
    text.split(',').map(|url| checked_url(url, &schemes)).collect::<Result<_, _>>().map(Tier)
}

fn web_seed(text: &str) -> Result<String, String> {
    checked_url(text, &["http", "https"])
}

/// The URL as it is written: a tracker may know its passkey in one spelling only.
fn checked_url(text: &str, schemes: &[&str]) -> Result<String, String> {
    let text = text.trim();
    match Url::parse(text) {
        Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => Ok(text.to_owned()),
        _ => Err(format!("write a URL that begins with {}://", schemes.join("://, "))),
    }
}

fn piece_length(text: &str) -> Result<PieceLength, String> {
    let size: ByteSize = text.parse().map_err(|error| format!("{error}"))?;
    PieceLength::new(size.0).map_err(|error| error.to_string())
}

fn creation_date(text: &str) -> Result<Timestamp, String> {
    if text == "now" {
        return Ok(Timestamp::now());
    }
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    let date = text.parse().ok().or_else(|| Some(day()?.timestamp()));
    date.ok_or_else(|| "write a date, as 2026-11-22 or 2026-11-22T06:00:00Z, or `now`".to_owned())
}

/// Makes the .torrent, or one for each file.
pub(super) fn create(args: &CreateArgs, json: bool, out: &mut dyn Write) -> Result<Outcome, Error> {
    if args.each {
        return create_each(args, json, out);
    }
    let source = Source::open(&args.path)?;
    if source.is_folder() && args.web_seeds.iter().any(|url| !url.ends_with('/')) {
        return Err(Error::Usage("the web seed of a folder is itself a folder and ends with `/`".to_owned()));
    }
    let file = match &args.output {
        Some(output) if !output.is_dir() => output.clone(),
        folder => folder.as_deref().unwrap_or(Path::new("")).join(file_name(&source.name()?)),
    };
    if source.is_folder() && lies_below(&file, &args.path) {
        let text =
            format!("{} would lie in the very folder that it describes; choose an --output", file.display());
        return Err(Error::Usage(text));
    }
    let bar = progress_bar(source.length());
    let made = Made::new(args, &source, &bar);
    bar.finish_and_clear();
    let made = made?;
    made.write(&file)?;
    if json {
        writeln!(out, "{}", made.json(&file))?;
    } else {
        made.print(&file, out)?;
    }
    Ok(Outcome::Done)
}

fn file_name(name: &str) -> String {
    format!("{name}.torrent")
}

/// Whether a file that need not exist yet is in a folder, or in one below it.
fn lies_below(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    match (parent.canonicalize(), folder.canonicalize()) {
        (Ok(parent), Ok(folder)) => parent.starts_with(folder),
        _ => false,
    }
}

/// A file that cannot have a torrent does not keep the others from theirs.
fn create_each(args: &CreateArgs, json: bool, out: &mut dyn Write) -> Result<Outcome, Error> {
    if args.web_seeds.iter().any(|url| !url.ends_with('/')) {
        let text = "with --each a web seed ends with `/`, so that clients append the name of each file";
        return Err(Error::Usage(text.to_owned()));
    }
    let output = args.output.as_deref().unwrap_or(Path::new(""));
    let files = wanted_files(&args.path)?;
    let length = |file: &PathBuf| args.path.join(file).metadata().map_or(0, |metadata| metadata.len());
    let bar = progress_bar(files.iter().map(length).sum());
    let (mut made, mut failed) = (Vec::new(), Vec::new());
    for relative in &files {
        bar.set_message(plain(&relative.to_string_lossy()));
        match create_one(args, relative, output, &bar) {
            Ok((torrent, file)) if json => made.push(torrent.json(&file)),
            Ok((torrent, file)) => bar.suspend(|| torrent.print(&file, out))?,
            Err(error) => failed.push(error),
        }
    }
    bar.finish_and_clear();
    if json {
        let failed: Vec<_> = failed.iter().map(|error| crate::error::chain(error)).collect();
        writeln!(out, "{}", json!({ "torrents": made, "failed": failed }))?;
    }
    Ok(if failed.is_empty() { Outcome::Done } else { Outcome::SomeFailed(failed) })
}

/// Makes the torrent of one file of many; below `output` it lies as the file does below PATH.
fn create_one(
    args: &CreateArgs,
    relative: &Path,
    output: &Path,
    bar: &ProgressBar,
) -> Result<(Made, PathBuf), Error> {
    let made = Made::new(args, &Source::open(&args.path.join(relative))?, bar)?;
    let folder = output.join(relative.parent().unwrap_or(Path::new("")));
    if folder != Path::new("") {
        create_dir(&folder)?;
    }
    let file = folder.join(file_name(&made.name));
    made.write(&file)?;
    Ok((made, file))
}

/// Not the hidden ones, and not what an earlier run has made in the same folder.
fn wanted_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        return Err(Error::Usage(format!("--each needs a folder, and {} is none", folder.display())));
    }
    let hidden = |path: &Path| path.components().any(|c| c.as_os_str().as_encoded_bytes().starts_with(b"."));
    let mut files = files_below(folder)?;
    files.retain(|path| !hidden(path) && path.extension().is_none_or(|extension| extension != "torrent"));
    Ok(files)
}

/// A torrent that was made, and what is said about it.
struct Made {
    name: String,
    length: u64,
    version: TorrentVersion,
    torrent: Torrent,
}

impl Made {
    fn new(args: &CreateArgs, source: &Source, bar: &ProgressBar) -> Result<Self, Error> {
        let (name, version) = (source.name()?, args.version.into());
        let hashes = source.hash(version, args.piece_length, &|bytes| bar.inc(bytes))?;
        let torrent = make(&MetainfoRequest {
            private: args.private,
            source: args.source.clone(),
            trackers: args.trackers.iter().map(|tier| tier.0.clone()).collect(),
            web_seeds: args.web_seeds.clone(),
            comment: args.comment.clone(),
            creation_date: args.creation_date.map(Timestamp::as_second),
            ..MetainfoRequest::new(name.clone(), hashes)
        });
        Ok(Self { name, length: source.length(), version, torrent })
    }

    /// Writes the .torrent. One with the same content is left as it is, another one is never overwritten.
    fn write(&self, file: &Path) -> Result<(), Error> {
        match std::fs::read(file) {
            Ok(there) if there == self.torrent.metainfo => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(write_atomic(file, &self.torrent.metainfo)?)
            }
            _ => Err(Error::Exists(file.to_owned())),
        }
    }

    fn json(&self, file: &Path) -> Value {
        json!({
            "torrent": file.to_string_lossy(),
            "name": self.name,
            "length": self.length,
            "version": version_name(self.version),
            "info_hash": hashes_json(&self.torrent.info_hash),
            "magnet": self.torrent.magnet,
        })
    }

    fn print(&self, file: &Path, out: &mut dyn Write) -> Result<(), Error> {
        writeln!(out, "{}", plain(&file.to_string_lossy()))?;
        writeln!(out, "  info hash  {}", hashes_text(&self.torrent.info_hash))?;
        writeln!(out, "  magnet     {}", self.torrent.magnet)?;
        Ok(())
    }
}
