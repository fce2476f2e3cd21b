//! `podseed shows add`: one feed is read, and the show written down.

use clap::Args;
use serde_json::{Value, json};
use url::Url;

use super::{Latest, Shows, feed_address, shown};
use crate::cli::output::{count, data, plain, talk, title};
use crate::cli::{Context, Error, Outcome, feed, output};
use crate::config::{Config, NewShow};
use crate::http::{Http, Options};
use crate::model::{Basis, Feed};
use crate::pipeline;
use crate::secret::public_url;

/// Add the show of a feed: reads it and writes a file into shows.d beside the configuration
#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// The feed's address; feed:// and its like are understood
    url: String,
    /// Its short name: its folder, its page, its feed [default: after its title]
    #[arg(long, value_name = "NAME")]
    slug: Option<String>,
    #[command(flatten)]
    latest: Latest,
    /// Who has allowed you to publish its torrents, and when
    #[arg(long, value_name = "TEXT")]
    permission: Option<String>,
    /// Say what would be written; change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: &AddArgs, context: &Context) -> Result<Outcome, Error> {
    let url = feed_address(&args.url)
        .map_err(|reason| Error::Usage(format!("the feed's address cannot be used: {reason}")))?;
    let (shows, config) = Shows::read(context).await?;
    refuse_known(&shows, &url)?;
    let fetched = feed::fetch_first(&url, &http(&config)?).await.map_err(feed::Error::from)?;
    let (url, moved) = match fetched.moved_to {
        Some(moved) => (moved, true),
        None => (url, false),
    };
    refuse_known(&shows, &url)?;
    let show = NewShow {
        slug: slug(args, &shows, &fetched.feed, &url)?,
        title: fetched.feed.title.clone(),
        feed: url,
        latest: args.latest.number(),
        permission: args.permission.clone().filter(|text| !text.trim().is_empty()),
    };
    if !args.dry_run {
        shows.write(&show, "add")?;
        // What was written is a configuration, or it is not there.
        if let Err(findings) = reread(context) {
            let _ = crate::fs::remove(&shows.file(&show.slug));
            return Err(Error::Config(findings));
        }
    }
    tell(&show, &fetched.feed, &shows, moved, (args.dry_run, context));
    Ok(Outcome::Done)
}

fn reread(context: &Context) -> Result<(), crate::config::Findings> {
    match Config::find(context.config_file.as_deref()) {
        Ok(path) => Config::load_to_look(&path).map(drop),
        Err(_) => Ok(()),
    }
}

fn http(config: &Config) -> Result<Http, Error> {
    let options = Options {
        contact: config.user_agent_contact.clone(),
        allow_private_addresses: config.limits.allow_private_addresses,
        ..Options::default()
    };
    Http::new(options).map_err(|error| Error::Failed(crate::error::chain(&error)))
}

fn refuse_known(shows: &Shows, url: &Url) -> Result<(), Error> {
    match shows.of_feed(url) {
        Some(place) => Err(Error::Failed(format!(
            "this feed is there already: it is the show {} in {}",
            place.slug,
            shown(&place.file)
        ))),
        None => Ok(()),
    }
}

fn slug(args: &AddArgs, shows: &Shows, feed: &Feed, url: &Url) -> Result<String, Error> {
    let Some(slug) = &args.slug else { return Ok(shows.slug_for(&feed.title, url)) };
    if !crate::config::is_slug(slug) {
        return Err(Error::Usage(format!(
            "\"{}\" cannot be a show's name: use lower-case letters, digits, - and _, at most 64, the first a letter \
             or digit",
            plain(slug)
        )));
    }
    let is_its_own = shows.slug_for(&feed.title, url) == *slug;
    if !is_its_own && (shows.taken.contains(slug) || shows.file(slug).exists()) {
        return Err(Error::Usage(format!("the name {slug} is taken; choose another by --slug")));
    }
    Ok(slug.clone())
}

fn tell(show: &NewShow, feed: &Feed, shows: &Shows, moved: bool, (dry, context): (bool, &Context)) {
    let basis = pipeline::basis_of_feed(feed, &show.feed, show.permission.as_deref());
    let file = shows.file(&show.slug);
    if context.json {
        output::json(&as_json(show, feed, &basis, &file.display().to_string(), !dry));
        return;
    }
    let episodes = count(feed.items.len() as u64, "episode");
    data(format_args!("{}  {} ({episodes} in the feed)", show.slug, title(&feed.title)));
    if moved {
        talk(format_args!("the feed has moved to {}", public_url(show.feed.as_str())));
    }
    match &basis {
        Ok(basis) => data(format_args!("  its torrents may be published, {}", pipeline::basis_text(basis))),
        Err(reason) => data(format_args!("  its torrents are seeded and not published: {}", plain(reason))),
    }
    if feed.locked {
        data("  the publisher does not want the feed taken over by another host (podcast:locked)");
    }
    if dry {
        data(format_args!("  would be written to {}", shown(&file)));
        return;
    }
    data(format_args!("  written to {}", shown(&file)));
    if !context.quiet {
        talk(format_args!(
            "Next: `podseed run {}` fetches it; a running `podseed daemon` takes it up by itself.",
            show.slug
        ));
    }
}

fn as_json(show: &NewShow, feed: &Feed, basis: &Result<Basis, String>, file: &str, written: bool) -> Value {
    json!({
        "show": show.slug,
        "title": feed.title,
        "feed": public_url(show.feed.as_str()),
        "file": file,
        "written": written,
        "episodes": feed.items.len(),
        "licence": feed.licence,
        "blocked": feed.blocked,
        "locked": feed.locked,
        "basis": basis.as_ref().ok().map(pipeline::basis_text),
        "unpublished": basis.as_ref().err(),
    })
}
