//! `podseed takedown`: withdraws episodes or whole shows everywhere, and remembers not to come back.

use std::collections::BTreeSet;

use clap::Args;
use jiff::Timestamp;

use super::output::{count, json, talk};
use super::{Context, Error, Outcome, manage, run};
use crate::pipeline::Begin;
use crate::store::{Store, Takedown};

/// Withdraw episodes or whole shows everywhere, and remember not to come back
///
/// They leave the site at once, and the clients as soon as they answer. A client that only watches a folder cannot be
/// told: remove them there yourself. Other people's copies are out of reach.
#[derive(Debug, Args)]
pub(super) struct TakedownArgs {
    /// A show with everything that it will ever announce, or an episode by guid, enclosure URL, info hash, file name
    /// or a part of its title
    #[arg(required = true, value_name = "EPISODE|SHOW")]
    which: Vec<String>,
    /// Delete media and .torrent files as well, once the clients have let go of them
    #[arg(long, conflicts_with = "undo")]
    delete_data: bool,
    /// Take a takedown back; the next run makes, hands over and publishes them again
    #[arg(long)]
    undo: bool,
}

pub(super) async fn takedown(args: &TakedownArgs, context: &Context) -> Result<Outcome, Error> {
    let store = manage::open(context).await?;
    let takedown = find(&store, &args.which).await?;
    let slugs: BTreeSet<String> = takedown
        .shows
        .iter()
        .cloned()
        .chain(takedown.episodes.iter().map(|found| found.show.clone()))
        .collect();
    let now = Timestamp::now();
    if args.undo {
        refuse_below_a_withdrawn_show(&store, &takedown).await?;
        let readmitted = store.readmit(&takedown, now).await?;
        store.close().await;
        talk(format_args!("taken back for {}; `podseed run` takes it up again", count(readmitted, "file")));
        if context.json {
            json(&serde_json::json!({"readmitted": readmitted}));
        }
        return Ok(Outcome::Done);
    }
    let withdrawn = store.withdraw(&takedown, args.delete_data, now).await?;
    store.close().await;
    let data = if args.delete_data {
        "their data goes once the clients have let go, except copies in the folder of a client that only watches one, and \
         your own files"
    } else {
        "their data stays where it is"
    };
    talk(format_args!(
        "taking down {}: off the site and out of the clients; {data}, and no poll brings anything of it back \
         (`podseed takedown --undo` does)",
        count(withdrawn, "file")
    ));
    run::known_work(&slugs, Begin::Clients, context).await
}

async fn find(store: &Store, texts: &[String]) -> Result<Takedown, Error> {
    let shows: BTreeSet<String> = store.feeds().await?.into_iter().map(|(slug, _)| slug).collect();
    let mut takedown = Takedown::default();
    for text in texts {
        if shows.contains(text) {
            takedown.shows.push(text.clone());
        } else {
            takedown.episodes.push(manage::one(store, text).await?);
        }
    }
    Ok(takedown)
}

/// An episode alone does not come back while its show is taken down.
async fn refuse_below_a_withdrawn_show(store: &Store, undone: &Takedown) -> Result<(), Error> {
    for found in undone.episodes.iter().filter(|found| !undone.shows.contains(&found.show)) {
        if store.show_facts(&found.show).await?.withdrawn {
            let show = &found.show;
            return Err(Error::Usage(format!(
                "the whole show {show} was taken down; `podseed takedown --undo {show}` takes that back"
            )));
        }
    }
    Ok(())
}
