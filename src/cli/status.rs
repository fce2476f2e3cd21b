//! `podseed status`: where everything stands.

use clap::Args;

use super::output::{data, json, plain, title, without_name};
use super::{Context, Error, Outcome};
use crate::config::FeedSource;
use crate::model::StageCounts;
use crate::pipeline::{self, StatusJson, stage_counts};
use crate::store::{EnclosureStatus, EpisodeStatus, ShowStatus, Store};
use crate::units::ByteSize;

/// Every enclosure with its stage, its placements, its last error and its next attempt
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Only this show
    show: Option<String>,
}

pub(super) async fn run(args: &StatusArgs, context: &Context) -> Result<Outcome, Error> {
    let folder = context.data_folder()?;
    let store = Store::open_existing(&folder.state()).await?;
    let shows = store.status(args.show.as_deref()).await?;
    if let Some(show) = args.show.as_ref().filter(|_| shows.is_empty()) {
        return Err(Error::Usage(format!(
            "there is no show \"{show}\"; `podseed status` lists what there is"
        )));
    }
    if context.json {
        json(&StatusJson::new(&shows));
    } else {
        for show in &shows {
            let unpublished = pipeline::basis(&store.show_facts(&show.show).await?, None).err();
            print_show(show, unpublished.as_deref());
        }
        print_totals(&stage_counts(&shows));
    }
    Ok(Outcome::Done)
}

fn print_show(show: &ShowStatus, unpublished: Option<&str>) {
    data(format_args!("{}  {}", show.show, title(&show.title)));
    match (&show.error, show.last_poll) {
        (Some(error), _) if is_own(show) => data(format_args!("  {}", plain(error))),
        (None, Some(last)) if is_own(show) => data(format_args!("  own files, looked at {last}")),
        (None, None) if is_own(show) => data("  own files"),
        (Some(error), _) => {
            data(format_args!("  feed: {}", plain(error)));
            let last = show.last_poll.map(|last| format!("read {last}, ")).unwrap_or_default();
            data(format_args!("      {last}next attempt {}", next_poll(show)));
        }
        (None, Some(last)) => data(format_args!("  feed read {last}, next {}", next_poll(show))),
        (None, None) => data("  feed not read yet"),
    }
    match unpublished {
        _ if show.published => data("  on the site"),
        Some(reason) if show.last_poll.is_some() || is_own(show) => {
            data(format_args!("  not published: {}", plain(reason)));
        }
        _ => {}
    }
    for episode in &show.episodes {
        for enclosure in &episode.enclosures {
            print_enclosure(episode, enclosure);
        }
    }
    data("");
}

/// `podseed run` reads it each time, unless the publisher has asked not to come before.
fn next_poll(show: &ShowStatus) -> String {
    show.next_poll.map_or_else(|| "with the next run".to_owned(), |next| next.to_string())
}

/// Whether it has no feed.
fn is_own(show: &ShowStatus) -> bool {
    matches!(FeedSource::parse(&show.feed), FeedSource::Own(_))
}

fn print_enclosure(episode: &EpisodeStatus, enclosure: &EnclosureStatus) {
    let date = episode.date.map(|date| date.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
    let size = enclosure.length.map(|length| ByteSize(length).to_string()).unwrap_or_default();
    let former = if enclosure.replaced { "  (former version)" } else { "" };
    data(format_args!("  {:<13} {date:<10} {size:>9}  {}{former}", enclosure.stage, title(&episode.title)));
    if let Some(error) = &enclosure.error {
        data(format_args!("      {}", plain(error)));
    }
    if let Some(next) = enclosure.next_attempt {
        data(format_args!("      next attempt {next}, after {} so far", enclosure.attempts));
    }
    if let Some(path) = &enclosure.own {
        data(format_args!("      {}", plain(path)));
    }
    for placement in &enclosure.placements {
        let uploaded = match placement.uploaded_bytes {
            0 => String::new(),
            bytes => format!(", {} given", ByteSize(bytes)),
        };
        // Once the enclosure itself shows the error, it is not said twice.
        let error = placement.error.as_ref().filter(|error| enclosure.error.as_ref() != Some(error));
        let error = error
            .map(|error| format!(": {}", plain(without_name(&placement.client, error))))
            .unwrap_or_default();
        let proof = match (&placement.proof_error, placement.proven) {
            (Some(_), _) => ", unproven",
            (None, Some(_)) => ", proven",
            (None, None) => "",
        };
        data(format_args!("      {}: {}{proof}{uploaded}{error}", placement.client, placement.state));
    }
}

fn print_totals(totals: &StageCounts) {
    let parts: Vec<_> = totals.iter().map(|(stage, count)| format!("{count} {stage}")).collect();
    data(if parts.is_empty() { "nothing yet".to_owned() } else { parts.join(", ") });
}
