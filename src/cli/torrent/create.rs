//! `podseed torrent create`.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use url::Url;

use super::{Error, Outcome, hashes_json, hashes_text, progress_bar, version_name};
use crate::cli::output::{plain, talk};
use crate::fs::{create_dir, write_atomic};
use crate::hash::PieceLength;
use crate::model::TorrentVersion;
use crate::torrent::{ContentHashes, MetainfoRequest, Source, Torrent, files_below, hash_each, make};
use crate::units::ByteSize;

/// Arguments of `torrent create`.
///
/// The result depends on the bytes, their names and these arguments alone: there is no creation date unless it is
/// asked for, so that the same command makes the same file again.
#[derive(Debug, Args)]
#[command(
    after_long_help = "PODSEED_HASH=portable|shani|avx2|avx512 in the environment forces how SHA-1 is computed, \
                             also for verify; by default as wide as the processor can."
)]
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
    let (name, length) = (source.name()?, source.length());
    let bar = progress_bar(length);
    let hashes = source.hash(args.version.into(), args.piece_length, &|bytes| bar.inc(bytes));
    bar.finish_and_clear();
    let made = Made::new(args, name, length, hashes?);
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

/// A file that cannot have a torrent does not keep the others from theirs. While this thread writes what is hashed,
/// others hash on.
fn create_each(args: &CreateArgs, json: bool, out: &mut dyn Write) -> Result<Outcome, Error> {
    if args.web_seeds.iter().any(|url| !url.ends_with('/')) {
        let text = "with --each a web seed ends with `/`, so that clients append the name of each file";
        return Err(Error::Usage(text.to_owned()));
    }
    let (files, out_of_reach) = wanted_files(&args.path)?;
    if files.is_empty() && !json {
        talk(format_args!("there is no file for a torrent below {}", plain(&args.path.to_string_lossy())));
    }
    let length = |file: &PathBuf| args.path.join(file).metadata().map_or(0, |metadata| metadata.len());
    let bar = progress_bar(files.iter().map(length).sum());
    let mut listed = Listed {
        out,
        json,
        bar: &bar,
        next: 0,
        early: BTreeMap::new(),
        made: Vec::new(),
        failed: out_of_reach,
    };
    thread::scope(|scope| {
        let (sender, hashed) = mpsc::sync_channel(WAITING);
        let (files, bar) = (&files, &bar);
        thread::Builder::new().spawn_scoped(scope, move || hash_files(args, files, bar, &sender))?;
        for Hashed { number, name, hashes } in hashed {
            let torrent = hashes.and_then(|(length, hashes)| {
                let made = Made::new(args, name, length, hashes);
                let file = made.write_below(args, &files[number])?;
                Ok((made, file))
            });
            listed.add(number, torrent)?;
        }
        Ok::<_, Error>(())
    })?;
    bar.finish_and_clear();
    listed.finish()
}

/// How many files may be hashed whose torrents are not written yet.
const WAITING: usize = 64;

/// A file that has been hashed, or cannot be.
struct Hashed {
    /// Which of the files.
    number: usize,
    name: String,
    hashes: Result<(u64, ContentHashes), Error>,
}

/// Hashes files side by side, until all are hashed or nobody wants them any more.
fn hash_files(args: &CreateArgs, files: &[PathBuf], bar: &ProgressBar, hashed: &SyncSender<Hashed>) {
    let unwanted = AtomicBool::new(false);
    let send = |number, name, hashes| {
        if hashed.send(Hashed { number, name, hashes }).is_err() {
            unwanted.store(true, Ordering::Relaxed);
        }
    };
    let sources = files.iter().enumerate().take_while(|_| !unwanted.load(Ordering::Relaxed));
    let sources = sources.filter_map(|(number, relative)| {
        bar.set_message(plain(&relative.to_string_lossy()));
        let source = Source::open(&args.path.join(relative));
        match source.and_then(|source| Ok((source.name()?, source))) {
            Ok((name, source)) => Some(((number, name, source.length()), source)),
            Err(error) => {
                send(number, String::new(), Err(error.into()));
                None
            }
        }
    });
    hash_each(
        sources,
        args.version.into(),
        args.piece_length,
        &|bytes| bar.inc(bytes),
        &|(number, name, length), hashes| {
            send(number, name, hashes.map(|hashes| (length, hashes)).map_err(Error::from));
        },
    );
}

/// What has been made so far. It is told in the order of the files, whichever is ready first.
struct Listed<'a> {
    out: &'a mut dyn Write,
    json: bool,
    bar: &'a ProgressBar,
    /// The file that is told next.
    next: usize,
    /// Those that are ready before it.
    early: BTreeMap<usize, Result<(Made, PathBuf), Error>>,
    made: Vec<Value>,
    failed: Vec<Error>,
}

impl Listed<'_> {
    fn add(&mut self, number: usize, torrent: Result<(Made, PathBuf), Error>) -> Result<(), Error> {
        self.early.insert(number, torrent);
        while let Some(torrent) = self.early.remove(&self.next) {
            self.next += 1;
            match torrent {
                Ok((made, file)) if self.json => self.made.push(made.json(&file)),
                Ok((made, file)) => self.bar.suspend(|| made.print(&file, self.out))?,
                Err(error) => self.failed.push(error),
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Outcome, Error> {
        if self.json {
            let failed: Vec<_> = self.failed.iter().map(|error| crate::error::chain(error)).collect();
            writeln!(self.out, "{}", json!({ "torrents": self.made, "failed": failed }))?;
        }
        Ok(if self.failed.is_empty() { Outcome::Done } else { Outcome::SomeFailed(self.failed) })
    }
}

/// Not the hidden ones, and not what an earlier run has made in the same folder; and why others are out of reach.
fn wanted_files(folder: &Path) -> Result<(Vec<PathBuf>, Vec<Error>), Error> {
    if !folder.is_dir() {
        return Err(Error::Usage(format!("--each needs a folder, and {} is none", folder.display())));
    }
    let hidden = |path: &Path| path.components().any(|c| c.as_os_str().as_encoded_bytes().starts_with(b"."));
    let (mut files, out_of_reach) = files_below(folder)?;
    files.retain(|path| !hidden(path) && path.extension().is_none_or(|extension| extension != "torrent"));
    Ok((files, out_of_reach.into_iter().map(Error::from).collect()))
}

/// A torrent that was made, and what is said about it.
struct Made {
    name: String,
    length: u64,
    version: TorrentVersion,
    torrent: Torrent,
}

impl Made {
    fn new(args: &CreateArgs, name: String, length: u64, hashes: ContentHashes) -> Self {
        let torrent = make(&MetainfoRequest {
            private: args.private,
            source: args.source.clone(),
            trackers: args.trackers.iter().map(|tier| tier.0.clone()).collect(),
            web_seeds: args.web_seeds.clone(),
            comment: args.comment.clone(),
            creation_date: args.creation_date.map(Timestamp::as_second),
            ..MetainfoRequest::new(name.clone(), hashes)
        });
        Self { name, length, version: args.version.into(), torrent }
    }

    /// Writes the .torrent of one file of many: below the folder `--output`, as the file lies below PATH.
    fn write_below(&self, args: &CreateArgs, relative: &Path) -> Result<PathBuf, Error> {
        let output = args.output.as_deref().unwrap_or(Path::new(""));
        let folder = output.join(relative.parent().unwrap_or(Path::new("")));
        if folder != Path::new("") {
            create_dir(&folder)?;
        }
        let file = folder.join(file_name(&self.name));
        self.write(&file)?;
        Ok(file)
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
