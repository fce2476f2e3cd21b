//! `podseed share`: own files, with no feed involved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;

use super::output::{count, plain, talk};
use super::{Context, Error, Outcome, run};
use crate::config::{Config, is_slug};
use crate::pipeline::{self, Begin, ShareOrder, Shared};

/// Share own files: make torrents, hand over, publish, with no feed involved
///
/// The files stay where they are and as they are: podseed only reads them, and so should the client, which seeds them
/// from there. Each becomes an episode. If one changes later, or gets another name, the next run makes a new torrent
/// of it; if it is deleted, it is withdrawn.
#[derive(Debug, Args)]
pub(super) struct ShareArgs {
    /// Audio and video files, or folders of them with what is below
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The show that they belong to, made where there is none; `inbox:` in the configuration says on what ground it is
    /// published
    #[arg(long, value_name = "SHOW", default_value = "own")]
    show: String,
    /// The title, for a single file; else it comes from its tags, or its name
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
}

pub(super) async fn share(args: &ShareArgs, context: &Context) -> Result<Outcome, Error> {
    let config = match context.config_if_any()? {
        Some(config) => config,
        None => Arc::new(Config::ad_hoc(run::AD_HOC_FOLDER)),
    };
    let order = order(args, &config)?;
    let shared = pipeline::share(&config, order, Timestamp::now()).await?;
    tell(&shared, args, context)?;
    if shared.new + shared.known == 0 {
        return Ok(Outcome::Negative);
    }
    let slugs = BTreeSet::from([args.show.clone()]);
    let outcome = run::work_on_known(config, &slugs, Begin::Downloads, shared.new, context).await?;
    Ok(if shared.refused.is_empty() { outcome } else { Outcome::SomeFailed })
}

fn order(args: &ShareArgs, config: &Config) -> Result<ShareOrder, Error> {
    let show = &args.show;
    if !is_slug(show) {
        return Err(Error::Usage(format!(
            "\"{}\" cannot be a show; use lower-case letters, digits, `-` and `_`",
            plain(show)
        )));
    }
    if config.show(show).is_some() {
        return Err(has_feed(show));
    }
    if args.title.is_some() && (args.paths.len() > 1 || args.paths.iter().any(|path| path.is_dir())) {
        return Err(Error::Usage("--title is for a single file".to_owned()));
    }
    let title = args.title.as_deref().map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
    if title.as_deref() == Some("") {
        return Err(Error::Usage("--title is empty".to_owned()));
    }
    let paths = args.paths.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
    Ok(ShareOrder { show: show.clone(), paths, title })
}

/// As the user names it, for the configuration's `paths` do so, too: links stay links.
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let unusable = |error: std::io::Error| Error::Usage(format!("{}: {error}", path.display()));
    let is_plain = !path.components().any(|part| part == std::path::Component::ParentDir);
    if is_plain { std::path::absolute(path) } else { path.canonicalize() }.map_err(unusable)
}

fn has_feed(show: &str) -> Error {
    Error::Usage(format!("\"{show}\" is a show with a feed; name another by --show"))
}

fn tell(shared: &Shared, args: &ShareArgs, context: &Context) -> Result<(), Error> {
    if shared.taken {
        return Err(has_feed(&args.show));
    }
    shared.refused.iter().for_each(|why| talk(plain(why)));
    if !context.quiet && !context.json {
        let known = match shared.known {
            0 => String::new(),
            known => format!("; {} already", count(known, "file")),
        };
        talk(format_args!("{}: {}{known}", args.show, count(shared.new, "new episode")));
    }
    Ok(())
}
