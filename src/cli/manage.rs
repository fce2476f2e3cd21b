//! `podseed why`, `retry` and `forget`: what a user asks about single episodes, and decides for them.

use clap::Args;
use jiff::Timestamp;

use super::output::{count, data, json, plain, talk, title, without_name};
use super::{Context, Error, Outcome};
use crate::pipeline::{self, Begin, DataFolder, PlacementJson};
use crate::secret::public_url;
use crate::store::{Found, Store, Story, StoryEnclosure};

/// The whole story of one episode
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// A guid, an enclosure's URL, an info hash, a file's name, or a part of the title
    episode: String,
}

/// Which episodes are meant
#[derive(Debug, Args)]
pub(super) struct EpisodesArgs {
    /// A show, or an episode by guid, enclosure URL, info hash, file name or a part of its title
    #[arg(required = true, value_name = "EPISODE|SHOW")]
    which: Vec<String>,
}

/// As many candidates are named when a text fits more than one episode.
const MOST_CANDIDATES: usize = 10;

pub(super) async fn open(context: &Context) -> Result<Store, Error> {
    Ok(Store::open_existing(&DataFolder::new(&context.config()?.data_dir).state()).await?)
}

/// The one episode that a text means.
pub(super) async fn one(store: &Store, text: &str) -> Result<Found, Error> {
    let mut found = store.find_episodes(text).await?;
    match found.len() {
        0 => Err(Error::Usage(format!(
            "no episode is known by \"{}\"; give a guid, an enclosure's URL, an info hash, a file's name or a part \
             of the title",
            plain(text)
        ))),
        1 => Ok(found.remove(0)),
        many => {
            let mut message = format!("{many} episodes fit \"{}\"; which one?", plain(text));
            for candidate in found.iter().take(MOST_CANDIDATES) {
                let guid = candidate.guid.as_deref().unwrap_or("no guid");
                message.push_str(&format!(
                    "\n  {}  {}  ({})",
                    candidate.show,
                    title(&candidate.title),
                    title(guid)
                ));
            }
            Err(Error::Usage(message))
        }
    }
}

async fn all(store: &Store, texts: &[String]) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for text in texts {
        let of_show = store.episodes_of_show(text).await?;
        match of_show.is_empty() {
            true if store.show_facts(text).await.is_ok() => {
                return Err(Error::Usage(format!(
                    "nothing is known yet of the show \"{}\": `podseed status {}` says why; `podseed run {}` reads it",
                    plain(text),
                    plain(text),
                    plain(text)
                )));
            }
            true => found.push(one(store, text).await?),
            false => found.extend(of_show),
        }
    }
    Ok(found)
}

pub(super) async fn why(args: &WhyArgs, context: &Context) -> Result<Outcome, Error> {
    let store = Store::open_existing(&context.data_folder()?.state()).await?;
    let story = store.story(&one(&store, &args.episode).await?).await?;
    let facts = store.show_facts(&story.found.show).await?;
    let basis = match story.withdrawn {
        true => Err("it was taken down".to_owned()),
        false => pipeline::basis(&facts, story.licence.as_deref()),
    };
    let publication = match &basis {
        Ok(basis) => format!("allowed, {}", pipeline::basis_text(basis)),
        Err(reason) => format!("not allowed: {reason}"),
    };
    if context.json {
        json(&story_json(&story, &publication));
    } else {
        print_story(&story, &publication);
    }
    Ok(Outcome::Done)
}

fn print_story(story: &Story, publication: &str) {
    data(format_args!("{}  ({})", title(&story.found.title), story.found.show));
    if let Some(guid) = &story.found.guid {
        data(format_args!("  guid        {}", plain(guid)));
    }
    if let Some(date) = story.date {
        data(format_args!("  published   {date}"));
    }
    if let Some(discovered) = story.discovered {
        let gone = if story.present { "" } else { "; no longer in the feed" };
        data(format_args!("  discovered  {discovered}{gone}"));
    }
    let wanted = if story.wanted { "yes" } else { "no" };
    data(format_args!("  wanted      {wanted}: {}", plain(&story.verdict)));
    data(format_args!("  site        {}", plain(publication)));
    if story.enclosures.is_empty() {
        data("  the feed announces no file for it");
    }
    story.enclosures.iter().for_each(print_enclosure);
}

fn print_enclosure(enclosure: &StoryEnclosure) {
    data("");
    data(format_args!("  {}", plain(&public_url(&enclosure.status.url))));
    let stage = match (enclosure.forgotten, enclosure.wanted || enclosure.status.file.is_some()) {
        (true, _) => "forgotten, as the user asked".to_owned(),
        (false, false) => "not wanted".to_owned(),
        (false, true) => enclosure.status.stage.to_string(),
    };
    data(format_args!("    stage     {stage}"));
    if let Some(error) = &enclosure.status.error {
        data(format_args!("    error     {}", plain(error)));
    }
    if let Some(next) = enclosure.status.next_attempt {
        data(format_args!("    next      {next}"));
    }
    if enclosure.requests > 0 {
        data(format_args!(
            "    origin    {}, {} bytes",
            count(enclosure.requests, "request"),
            enclosure.bytes
        ));
    }
    if enclosure.status.magnet.is_some() {
        print_source(enclosure);
    }
    if let Some(since) = enclosure.status.published {
        data(format_args!("    on the site since {since}"));
    }
    for placement in &enclosure.status.placements {
        let error = placement.error.as_deref().map(|error| without_name(&placement.client, error));
        let error = error.map(|error| format!(": {}", plain(error))).unwrap_or_default();
        data(format_args!("    at {}: {}{error}", placement.client, placement.state));
        if let Some(error) = &placement.proof_error {
            data(format_args!("      unproven: {}", plain(error)));
        }
        if let Some(at) = placement.proven {
            data(format_args!("      proven {at}: a stranger got a piece"));
        }
    }
    for (at, text) in &enclosure.events {
        data(format_args!("    {at}  {}", plain(text)));
    }
}

fn print_source(enclosure: &StoryEnclosure) {
    let web_seed = if enclosure.web_seed { "; a web seed" } else { "" };
    let next = enclosure.next_look.map(|next| format!("; looked at again after {next}")).unwrap_or_default();
    data(format_args!("    source    {}{web_seed}{next}", enclosure.source));
    if let Some(url) = &enclosure.official_url {
        let joined = if enclosure.official { "joined" } else { "not joined" };
        data(format_args!("    official  {}; {joined}", plain(&public_url(url))));
    }
    if let Some((at, why)) = &enclosure.replaced {
        let by = if why == "official" { "by the publisher's own torrent" } else { "by a new file" };
        data(format_args!("    replaced  {at}, {by}"));
    }
}

fn story_json(story: &Story, publication: &str) -> serde_json::Value {
    let enclosures: Vec<_> = story
        .enclosures
        .iter()
        .map(|enclosure| {
            let events: Vec<_> = enclosure
                .events
                .iter()
                .map(|(at, text)| serde_json::json!({"at": at.to_string(), "text": text}))
                .collect();
            let placements: Vec<_> = enclosure.status.placements.iter().map(PlacementJson::new).collect();
            serde_json::json!({
                "url": public_url(&enclosure.status.url),
                "wanted": enclosure.wanted,
                "forgotten": enclosure.forgotten,
                "stage": enclosure.status.stage.as_str(),
                "error": enclosure.status.error,
                "attempts": enclosure.status.attempts,
                "next_attempt": enclosure.status.next_attempt.map(|time| time.to_string()),
                "placements": placements,
                "published": enclosure.status.published.map(|time| time.to_string()),
                "requests": enclosure.requests,
                "bytes": enclosure.bytes,
                "source": enclosure.source.as_str(),
                "next_look": enclosure.next_look.map(|time| time.to_string()),
                "web_seed": enclosure.web_seed,
                "official_torrent": enclosure.official_url.as_deref().map(public_url),
                "official": enclosure.official,
                "replaced": enclosure.replaced.as_ref().map(|(at, why)| serde_json::json!({"at": at.to_string(), "by": why})),
                "events": events,
            })
        })
        .collect();
    serde_json::json!({
        "show": story.found.show,
        "guid": story.found.guid,
        "title": story.found.title,
        "date": story.date.map(|time| time.to_string()),
        "discovered": story.discovered.map(|time| time.to_string()),
        "in_feed": story.present,
        "wanted": story.wanted,
        "rule": story.verdict,
        "publication": publication,
        "enclosures": enclosures,
    })
}

/// Makes everything of these episodes due, and works on it unless a running podseed will.
pub(super) async fn retry(args: &EpisodesArgs, context: &Context) -> Result<Outcome, Error> {
    let store = open(context).await?;
    let found = all(&store, &args.which).await?;
    let (folder, now) = (DataFolder::new(&context.config()?.data_dir), Timestamp::now());
    let due = store.retry(&found, now).await?;
    pipeline::fetch_missing(&store, &folder, &found, now).await?;
    store.close().await;
    if due == 0 {
        talk(
            "there is nothing to try again: everything of it is done, not wanted, or taken down (`podseed takedown \
             --undo` takes that back)",
        );
        return Ok(Outcome::Done);
    }
    super::run::known_work(&found.into_iter().map(|found| found.show).collect(), Begin::Downloads, context)
        .await
}

pub(super) async fn forget(args: &EpisodesArgs, context: &Context) -> Result<Outcome, Error> {
    let store = open(context).await?;
    let forgotten = store.forget(&all(&store, &args.which).await?, Timestamp::now()).await?;
    if context.json {
        json(&serde_json::json!({"forgotten": forgotten}));
    } else {
        talk(format_args!(
            "forgotten: {}; nothing of it is fetched, handed over, published or looked after any more. Files and \
             what the clients have stay; `podseed retry` takes it up again",
            count(forgotten, "file")
        ));
    }
    Ok(Outcome::Done)
}
