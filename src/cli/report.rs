//! `podseed report`: figures for the publisher.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use url::Url;

use super::output::{Stdout, count, json, talk};
use super::{Context, Error, Outcome};
use crate::model::ReportedShow;
use crate::pipeline::{self, DataFolder};
use crate::report::{Form, Format, Period, Sums, begin, days};
use crate::store::Store;

/// Completed downloads and bytes served, for the publisher
///
/// Every pass asks the trackers how many downloads were completed (scrape) and the clients how much they have given;
/// `report` only reads what was counted, also beside a running podseed. The figures belong to the days (UTC) on which
/// they were read. They are no IAB downloads: nobody's address or program is known.
///
/// csv has one row for each media file and day. A text that a spreadsheet would take for a formula gets an apostrophe
/// in front.
///
/// json is {"note", "since", "until", "rows": [{"day", "show", "guid", "title", "date", "file", "length", "completed",
/// "served_bytes", "seeders", "leechers"}], "shows": [{"show", "title", "completed", "served_bytes", "asked":
/// {"requests", "bytes"}, "spared_bytes", "episodes": [{"guid", "title", "date", "file", "length", "completed",
/// "served_bytes", "swarm": {"seeders", "leechers", "seen"} or null}]}]}. `asked` and `spared_bytes` are of all time.
///
/// clf is the Combined Log Format of web servers: one line for each completed download, at midnight, with no address
/// (`-`): `goaccess --log-format=COMBINED --no-ip-validation`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Only this show
    show: Option<String>,
    /// How it is written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormArg>,
    /// Leave out the days before this one (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,
    /// Leave out the days after this one
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// Write no figures, but everything that the publisher needs to offer the torrents himself: into this folder,
    /// which is empty or not there yet
    #[arg(long, value_name = "DIR", conflicts_with_all = ["format", "since", "until"])]
    kit: Option<PathBuf>,
    /// Where the publisher will have the site of the kit
    #[arg(long, value_name = "URL", requires = "kit")]
    base_url: Option<Url>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormArg {
    /// For people (the default)
    Table,
    /// RFC 4180
    Csv,
    /// One document
    Json,
    /// Combined Log Format
    Clf,
}

impl ReportArgs {
    fn form(&self, json: bool) -> Result<Form, Error> {
        match (self.format, json) {
            (None | Some(FormArg::Json), true) | (Some(FormArg::Json), false) => Ok(Form::Json),
            (Some(_), true) => Err(Error::Usage("--json and another --format exclude each other".to_owned())),
            (None | Some(FormArg::Table), false) => Ok(Form::Table),
            (Some(FormArg::Csv), false) => Ok(Form::Csv),
            (Some(FormArg::Clf), false) => Ok(Form::Clf),
        }
    }

    fn period(&self) -> Result<Period, Error> {
        let period = Period { since: self.since, until: self.until };
        match (self.since, self.until) {
            (Some(since), Some(until)) if since > until => {
                Err(Error::Usage(format!("--since {since} is after --until {until}")))
            }
            _ => Ok(period),
        }
    }
}

pub(super) async fn run(args: &ReportArgs, context: &Context) -> Result<Outcome, Error> {
    if let Some(into) = &args.kit {
        return kit(args, into, context).await;
    }
    let (form, period) = (args.form(context.json)?, args.period()?);
    let folder = context.data_folder()?;
    let store = Store::open_existing(&folder.state()).await?;
    let shows = store.reported(args.show.as_deref()).await?;
    if let Some(show) = args.show.as_ref().filter(|_| shows.is_empty()) {
        return Err(unknown(show));
    }
    let unwritten = |error: io::Error| Error::Failed(format!("cannot write the report: {error}"));
    let mut format = begin(form, period, io::BufWriter::new(Stdout)).map_err(unwritten)?;
    for show in &shows {
        write_show(&store, show, &period, &mut *format).await?.map_err(unwritten)?;
    }
    format.end().map_err(unwritten)?;
    Ok(Outcome::Done)
}

async fn kit(args: &ReportArgs, into: &Path, context: &Context) -> Result<Outcome, Error> {
    let config = context.config()?;
    let store = Store::open_existing(&DataFolder::new(&config.data_dir).state()).await?;
    let known = store.feeds().await?.into_iter().map(|(slug, _)| slug);
    let slugs: Vec<String> =
        known.filter(|slug| args.show.as_ref().is_none_or(|show| show == slug)).collect();
    if let Some(show) = args.show.as_ref().filter(|_| slugs.is_empty()) {
        return Err(unknown(show));
    }
    let base_url = args.base_url.as_ref().map(|url| with_closing_slash(url.clone()));
    let files = pipeline::write_kit(&config, &slugs, base_url, into).await?;
    if context.json {
        json(&serde_json::json!({"kit": into, "files": files}));
    } else {
        talk(format_args!(
            "{} in {}; the README there says what they are for",
            count(files as u64, "file"),
            into.display()
        ));
    }
    Ok(Outcome::Done)
}

fn unknown(show: &str) -> Error {
    Error::Usage(format!("there is no show \"{show}\"; `podseed status` lists what there is"))
}

fn with_closing_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// The outer error is one of the state.
async fn write_show(
    store: &Store,
    show: &ReportedShow,
    period: &Period,
    format: &mut dyn Format,
) -> Result<io::Result<()>, Error> {
    let (mut sums, mut files) = (Sums::default(), Vec::with_capacity(show.files.len()));
    for file in &show.files {
        let mut of_file = Sums::default();
        for day in days(&store.figures(file.enclosure).await?) {
            if of_file.add(&day, period)
                && let Err(error) = format.day(show, file, &day)
            {
                return Ok(Err(error));
            }
        }
        sums.merge(&of_file);
        files.push(of_file);
    }
    Ok(format.show(show, &sums, &files))
}
