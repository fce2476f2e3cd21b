//! `podseed report`: figures for the publisher.

use std::io;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

use super::output::Stdout;
use super::{Context, Error, Outcome};
use crate::model::ReportedShow;
use crate::pipeline::DataFolder;
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
    let (form, period) = (args.form(context.json)?, args.period()?);
    let folder = DataFolder::new(&context.config()?.data_dir);
    let store = Store::open_existing(&folder.state()).await?;
    let shows = store.reported(args.show.as_deref()).await?;
    if let Some(show) = args.show.as_ref().filter(|_| shows.is_empty()) {
        return Err(Error::Usage(format!(
            "there is no show \"{show}\"; `podseed status` lists what there is"
        )));
    }
    let unwritten = |error: io::Error| Error::Failed(format!("cannot write the report: {error}"));
    let mut format = begin(form, period, io::BufWriter::new(Stdout)).map_err(unwritten)?;
    for show in &shows {
        write_show(&store, show, &period, &mut *format).await?.map_err(unwritten)?;
    }
    format.end().map_err(unwritten)?;
    Ok(Outcome::Done)
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
