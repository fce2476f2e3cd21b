//! `podseed shows export`: the configured shows as a list for podcast apps (OPML 2.0).

use clap::Args;
use serde_json::json;

use super::recorded_titles;
use crate::cli::output::{self, talk};
use crate::cli::{Context, Error, Outcome};
use crate::config::{FeedSource, Show};
use crate::opml::{self, Outline};
use crate::pipeline;

/// Print the shows of the configuration as an OPML list, for podcast apps
///
/// Addresses that are for one listener alone are left out, so that the list can be given to others.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {}

pub(super) async fn run(_: &ExportArgs, context: &Context) -> Result<Outcome, Error> {
    let config = context.config_to_look()?;
    let titles = recorded_titles(&config).await?;
    let title = |show: &Show| titles.get(&show.slug).unwrap_or(&show.slug).clone();
    let (mut listed, mut left_out) = (Vec::new(), Vec::new());
    for show in &config.shows {
        match address(show) {
            Ok(feed) => listed.push((show.slug.clone(), title(show), feed)),
            Err(reason) => left_out.push((show.slug.clone(), reason)),
        }
    }
    for (slug, reason) in &left_out {
        talk(format_args!("left out: {slug}: {reason}"));
    }
    if context.json {
        let shows =
            listed.iter().map(|(slug, title, feed)| json!({"show": slug, "title": title, "feed": feed}));
        let left_out = left_out.iter().map(|(slug, reason)| json!({"show": slug, "reason": reason}));
        let (shows, left_out): (Vec<_>, Vec<_>) = (shows.collect(), left_out.collect());
        output::json(&json!({"shows": shows, "left_out": left_out}));
        return Ok(Outcome::Done);
    }
    let outlines: Vec<_> = listed
        .into_iter()
        .map(|(_, text, xml_url)| Outline::Feed { text, xml_url, html_url: None })
        .collect();
    output::text(&String::from_utf8_lossy(&opml::write("Podcasts of podseed", &outlines)));
    Ok(Outcome::Done)
}

/// The feed's address as others may have it.
fn address(show: &Show) -> Result<String, &'static str> {
    match &show.feed {
        FeedSource::File(_) => Err("its feed is a file"),
        FeedSource::Own(_) => Err("it has no feed: its episodes are own files"),
        FeedSource::Url(url) => match pipeline::private_address(url) {
            Some(reason) => Err(reason),
            None => Ok(url.to_string()),
        },
    }
}
