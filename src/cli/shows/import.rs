//! `podseed shows import`: a list of feeds from a podcast app (OPML). No feed is asked: that is for the next run.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use url::Url;

use super::{Latest, Shows, feed_address, shown};
use crate::cli::output::{data, json, plain, talk, title};
use crate::cli::{Context, Error, Outcome};
use crate::config::{Config, NewShow};
use crate::error;
use crate::feed::{self, ListedFeed};
use crate::secret::public_url;

/// Add every feed of an OPML list: a file for each, in shows.d beside the configuration
///
/// What is there already stays as it is, so that a list can be imported again.
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The list, as podcast apps export it
    #[arg(value_name = "FILE.opml")]
    file: PathBuf,
    #[command(flatten)]
    latest: Latest,
    /// Say what would be written; change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What has become of a list.
#[derive(Debug, Default, Serialize)]
struct Imported {
    added: Vec<Added>,
    known: Vec<Known>,
    skipped: Vec<Skipped>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Added {
    line: usize,
    show: String,
    title: String,
    feed: String,
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct Known {
    line: usize,
    show: String,
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct Skipped {
    line: usize,
    title: String,
    reason: String,
}

pub(super) async fn run(args: &ImportArgs, context: &Context) -> Result<Outcome, Error> {
    let bytes = read(&args.file)?;
    let list = feed::read_list(&bytes)
        .map_err(|error| Error::Failed(format!("{}: {}", args.file.display(), error::chain(&error))))?;
    let (mut shows, _) = Shows::read(context).await?;
    let mut imported = Imported { warnings: list.warnings, ..Imported::default() };
    for listed in &list.feeds {
        one(listed, args, &mut shows, &mut imported)?;
    }
    // What was written has to be a configuration with all the rest.
    if let (false, Ok(path)) = (args.dry_run, Config::find(context.config_file.as_deref())) {
        Config::load_to_look(&path).map_err(Error::Config)?;
    }
    if context.json {
        json(&imported);
    } else {
        tell(&imported, args.dry_run, context);
    }
    let feeds = list.feeds.iter().filter(|listed| listed.is_feed).count();
    let is_whole = imported.added.len() + imported.known.len() == feeds && imported.warnings.is_empty();
    Ok(if is_whole { Outcome::Done } else { Outcome::SomeFailed })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error: std::io::Error| Error::Failed(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(feed::OPML_SIZE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn one(
    listed: &ListedFeed,
    args: &ImportArgs,
    shows: &mut Shows,
    imported: &mut Imported,
) -> Result<(), Error> {
    let line = listed.line;
    let url = match address(listed) {
        Ok(url) => url,
        Err(reason) => {
            imported.skipped.push(Skipped { line, title: listed.title.clone(), reason });
            return Ok(());
        }
    };
    if let Some(place) = shows.of_feed(&url) {
        imported.known.push(Known { line, show: place.slug.clone(), file: place.file.clone() });
        return Ok(());
    }
    let slug = shows.slug_for(&listed.title, &url);
    let show = NewShow {
        slug,
        title: listed.title.clone(),
        feed: url,
        latest: args.latest.number(),
        permission: None,
    };
    if !args.dry_run {
        shows.write(&show, "import")?;
    }
    shows.take(&show);
    imported.added.push(Added {
        line,
        title: listed.title.clone(),
        feed: public_url(show.feed.as_str()),
        file: shows.file(&show.slug),
        show: show.slug,
    });
    Ok(())
}

fn address(listed: &ListedFeed) -> Result<Url, String> {
    match listed {
        ListedFeed { is_feed: false, .. } => Err("is a link, and no feed".to_owned()),
        ListedFeed { address, .. } if address.is_empty() => Err("has no address".to_owned()),
        ListedFeed { address, .. } => feed_address(address),
    }
}

fn tell(imported: &Imported, dry: bool, context: &Context) {
    let would = if dry { "would be " } else { "" };
    for added in &imported.added {
        data(format_args!("line {}: {would}added {}  {}", added.line, added.show, title(&added.title)));
    }
    for known in &imported.known {
        data(format_args!("line {}: known as {} in {}", known.line, known.show, shown(&known.file)));
    }
    for skipped in &imported.skipped {
        data(format_args!("line {}: skipped {}: {}", skipped.line, title(&skipped.title), skipped.reason));
    }
    for warning in &imported.warnings {
        talk(format_args!("warning: {}", plain(warning)));
    }
    data(format_args!(
        "{} {would}added, {} known, {} skipped",
        imported.added.len(),
        imported.known.len(),
        imported.skipped.len()
    ));
    if !dry && !context.quiet && !imported.added.is_empty() {
        talk("Next: `podseed run` fetches them; a running `podseed daemon` takes them up by itself.");
    }
}
