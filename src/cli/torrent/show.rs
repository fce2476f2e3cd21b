//! `podseed torrent show`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Error, Outcome, count, hashes_json, hashes_text, read_torrent, version_name};
use crate::cli::output::plain;
use crate::torrent::Metainfo;
use crate::units::ByteSize;

/// Arguments of `torrent show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The .torrent
    file: PathBuf,
}

/// Prints what a .torrent holds.
pub(super) fn show(args: &ShowArgs, json: bool, out: &mut dyn Write) -> Result<Outcome, Error> {
    let metainfo = read_torrent(&args.file)?;
    if json {
        writeln!(out, "{}", as_json(&metainfo))?;
    } else {
        print(&metainfo, out)?;
    }
    Ok(Outcome::Done)
}

fn as_json(metainfo: &Metainfo) -> Value {
    let file =
        |file: &crate::torrent::MetainfoFile| json!({ "path": file.display_path(), "length": file.length });
    json!({
        "name": metainfo.name,
        "length": metainfo.length(),
        "files": metainfo.data_files().map(file).collect::<Vec<_>>(),
        "piece_length": metainfo.piece_length,
        "pieces": metainfo.pieces(),
        "version": version_name(metainfo.version),
        "info_hash": hashes_json(&metainfo.info_hash),
        "private": metainfo.private,
        "announce": metainfo.trackers,
        "web_seeds": metainfo.web_seeds,
        "comment": metainfo.comment,
        "created_by": metainfo.created_by,
        "creation_date": creation_date(metainfo),
        "magnet": metainfo.magnet(),
    })
}

/// In RFC 3339; `None` also for what no calendar knows.
fn creation_date(metainfo: &Metainfo) -> Option<String> {
    let date = Timestamp::from_second(metainfo.creation_date?).ok()?;
    Some(date.to_string())
}

/// One line per fact; what the torrent does not say is left out.
fn print(metainfo: &Metainfo, out: &mut dyn Write) -> Result<(), Error> {
    let mut line = |what: &str, value: String| writeln!(out, "{what:<14}{}", plain(&value));
    line("name", metainfo.name.clone())?;
    line("length", format!("{} ({} bytes)", ByteSize(metainfo.length()), metainfo.length()))?;
    line("version", version_name(metainfo.version).to_owned())?;
    line("info hash", hashes_text(&metainfo.info_hash))?;
    line("pieces", format!("{} of {}", metainfo.pieces(), ByteSize(metainfo.piece_length)))?;
    if metainfo.private {
        line("private", "yes".to_owned())?;
    }
    for (number, tier) in (1..).zip(&metainfo.trackers) {
        line("trackers", format!("{} (tier {number})", tier.join(", ")))?;
    }
    for url in &metainfo.web_seeds {
        line("web seed", url.clone())?;
    }
    let facts = [
        ("source", metainfo.source.clone()),
        ("comment", metainfo.comment.clone()),
        ("created by", metainfo.created_by.clone()),
        ("created", creation_date(metainfo)),
        ("magnet", Some(metainfo.magnet())),
    ];
    for (what, value) in facts {
        value.map_or(Ok(()), |value| line(what, value))?;
    }
    if !metainfo.single_file {
        line("files", count(metainfo.data_files().count() as u64, "file"))?;
        for file in metainfo.data_files() {
            line("", format!("{} ({})", file.display_path(), ByteSize(file.length)))?;
        }
    }
    Ok(())
}
