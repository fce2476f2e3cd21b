//! `podseed run`: one pass over the shows of the configuration, or over feeds that are named for this run.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use podseed_adapters::{ClientConfig, WatchedBy};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::output::{count, data, json, plain, talk, title};
use super::progress::Lines;
use super::{Context, Error, Outcome};
use crate::config::{Config, FeedSource};
use crate::model::Selection;
use crate::pipeline::{self, Begin, DataFolder, Environment, PassOptions, Pipeline, Plan, Summary, Target};
use crate::units::{ByteSize, Span};

/// One pass: read feeds, fetch, make torrents, hand over, wait until the clients confirm, publish
///
/// For cron, add --quiet and --due. Where `podseed daemon` works on the same data folder, it does all this already, and
/// a run ends with an error.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Shows of the configuration (default: all), or feeds: addresses or files
    #[arg(value_name = "SHOW|FEED")]
    what: Vec<String>,
    /// Only the newest N episodes
    #[arg(long, value_name = "N", conflicts_with = "all")]
    latest: Option<usize>,
    /// All episodes
    #[arg(long)]
    all: bool,
    /// How long to wait for each client's confirmation
    #[arg(long, value_name = "TIME", default_value = "60 s")]
    wait: Span,
    /// Do only what is due, as the daemon does: a feed is read when its show's rhythm and its publisher's wishes say so,
    /// what has failed is tried at its next attempt, and a client that was asked within `verify_interval` is not asked
    /// again. What failed for good in an earlier run is no failure of this one
    #[arg(long)]
    due: bool,
    /// Say what would be fetched, made, handed over and published, and why, after a look at every feed; change nothing
    #[arg(long, conflicts_with = "due")]
    dry_run: bool,
}

/// Where a run without a configuration keeps everything.
pub(super) const AD_HOC_FOLDER: &str = "podseed-data";

pub(super) async fn run(args: &RunArgs, context: &Context) -> Result<Outcome, Error> {
    let config = match context.config_if_any()? {
        Some(config) => config,
        None if args.what.is_empty() => context.config()?,
        None => Arc::new(Config::ad_hoc(AD_HOC_FOLDER)),
    };
    let targets = targets(args, &config)?;
    let has_state = || DataFolder::new(&config.data_dir).state().exists();
    if targets.is_empty() && !(args.what.is_empty() && has_state()) {
        return Err(Error::Usage("the configuration has no shows; add one, or name a feed".to_owned()));
    }
    let options = PassOptions {
        wait: args.wait.0,
        patient: args.due,
        begin: Begin::Feeds,
        whole: args.what.is_empty(),
    };
    if args.dry_run {
        let plan = pipeline::plan(&config, &targets).await?;
        print_plan(&plan, context);
        let readable = plan.shows.iter().all(|show| show.error.is_none());
        return Ok(if readable { Outcome::Done } else { Outcome::SomeFailed });
    }
    let shows = if args.what.is_empty() { Shows::All(targets) } else { Shows::Targets(targets) };
    let summary = pass(Arc::clone(&config), shows, options, context).await?;
    Ok(finish(&summary, args.due, &config, context))
}

/// Works on what is known of these shows and due, without reading feeds: what `retry` and `takedown` ask for.
pub(super) async fn known_work(
    slugs: &BTreeSet<String>,
    begin: Begin,
    context: &Context,
) -> Result<Outcome, Error> {
    work_on_known(context.config()?, slugs, begin, 0, context).await
}

/// The same, with a configuration that is known already.
pub(super) async fn work_on_known(
    config: Arc<Config>,
    slugs: &BTreeSet<String>,
    begin: Begin,
    new_episodes: u64,
    context: &Context,
) -> Result<Outcome, Error> {
    let options = PassOptions { wait: Duration::from_secs(60), patient: true, begin, whole: false };
    match pass(Arc::clone(&config), Shows::Known(slugs), options, context).await {
        Err(Error::Pipeline(pipeline::Error::Folder(crate::fs::Error::Locked { holder, .. }))) => {
            let holder = holder.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            talk(format_args!("noted; another podseed is running{holder}: its next pass takes it up"));
            Ok(Outcome::Done)
        }
        other => {
            let mut summary = other?;
            summary.new_episodes += new_episodes;
            Ok(finish(&summary, false, &config, context))
        }
    }
}

/// What a pass is about.
enum Shows<'a> {
    Targets(Vec<Target>),
    /// These are all of the configuration; what was shared by command comes with them.
    All(Vec<Target>),
    /// Shows that are in the state, by slug.
    Known(&'a BTreeSet<String>),
}

async fn pass(
    config: Arc<Config>,
    shows: Shows<'_>,
    options: PassOptions,
    context: &Context,
) -> Result<Summary, Error> {
    let stop = CancellationToken::new();
    let lines = Arc::new(Lines::new(context));
    let signals = tokio::spawn(stop_on_signal(stop.clone(), || {
        talk("stopping; what is under way is kept and continued by the next run");
    }));
    let monitor = Arc::clone(&lines) as Arc<dyn pipeline::Monitor>;
    let host = Environment { stop: stop.clone(), ..Environment::new(monitor) };
    let pipeline = Pipeline::open(config, host).await?;
    let summary = match shows {
        Shows::Targets(targets) => pipeline.pass(&targets, options).await,
        Shows::All(mut targets) => {
            let is_known = |own: &Target| targets.iter().any(|target| target.slug == own.slug);
            let own = pipeline.own_targets().await?.into_iter();
            let own: Vec<_> = own.filter(|own| !is_known(own)).collect();
            targets.extend(own);
            pipeline.pass(&targets, options).await
        }
        Shows::Known(slugs) => {
            let targets = pipeline.known_targets(slugs).await?;
            pipeline.pass(&targets, options).await
        }
    };
    pipeline.close().await;
    signals.abort();
    lines.clear();
    let mut summary = summary?;
    if stop.is_cancelled() {
        // Scripts must not take this for a pass that has come to its end.
        summary.errors.push("stopped by a signal before the pass had ended".to_owned());
    }
    Ok(summary)
}

/// The first signal stops the pass at safe points; the second ends the process where it is, which is safe too.
pub(super) async fn stop_on_signal(stop: CancellationToken, say: impl Fn()) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    for again in [false, true] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if again {
            std::process::exit(130);
        }
        say();
        stop.cancel();
    }
}

fn targets(args: &RunArgs, config: &Config) -> Result<Vec<Target>, Error> {
    let mut targets: Vec<Target> = match args.what.is_empty() {
        true => config.shows.iter().map(Target::from).chain(config.inbox.iter().map(Target::from)).collect(),
        false => args.what.iter().map(|what| target(what, config)).collect::<Result<_, _>>()?,
    };
    // Named twice, or once by its slug and once by its address, it is still one.
    let mut seen = HashSet::new();
    targets.retain(|target| seen.insert((target.slug.clone(), target.feed.clone())));
    for target in &mut targets {
        match (args.latest, args.all) {
            (Some(latest), _) => target.selection.latest = Some(latest),
            (None, true) => target.selection.latest = None,
            (None, false) => {}
        }
    }
    Ok(targets)
}

fn target(what: &str, config: &Config) -> Result<Target, Error> {
    if let Some(show) = config.show(what) {
        return Ok(Target::from(show));
    }
    if let Some(inbox) = config.inbox.iter().find(|inbox| inbox.slug == what) {
        return Ok(Target::from(inbox));
    }
    let feed = match FeedSource::parse(what) {
        FeedSource::File(_) | FeedSource::Own(_) => FeedSource::File(local_feed(what, config)?),
        url => url,
    };
    // By its address a show is the same show, with its own clients, rules and credentials.
    if let Some(show) = config.shows.iter().find(|show| show.feed == feed) {
        return Ok(Target::from(show));
    }
    Ok(ad_hoc(feed, config))
}

/// A feed that the configuration does not name.
fn ad_hoc(feed: FeedSource, config: &Config) -> Target {
    Target {
        slug: None,
        feed,
        selection: Selection { latest: Some(1), ..Selection::default() },
        clients: config.clients.iter().map(|client| client.name.clone()).collect(),
        auth: None,
        permission: None,
        configured: false,
        publishable: false,
    }
}

fn local_feed(what: &str, config: &Config) -> Result<PathBuf, Error> {
    std::fs::canonicalize(what).ok().filter(|path| path.is_file()).ok_or_else(|| {
        let own = config.inbox.iter().map(|inbox| inbox.slug.as_str());
        let shows: Vec<_> = config.shows.iter().map(|show| show.slug.as_str()).chain(own).collect();
        let known = if shows.is_empty() { "there are none".to_owned() } else { shows.join(", ") };
        Error::Usage(format!(
            "\"{}\" is neither a show of the configuration ({known}), nor an http(s) address, nor a file",
            plain(what)
        ))
    })
}

#[derive(Serialize)]
struct SummaryJson<'a> {
    shows: u64,
    new_episodes: u64,
    downloaded: u64,
    bytes_fetched: u64,
    torrents_made: u64,
    handed_over: u64,
    seeding: u64,
    failed: u64,
    errors: &'a [String],
}

/// Prints what came of a pass. Of one that comes by routine, what has failed earlier and waits for the user is no news.
fn finish(summary: &Summary, by_routine: bool, config: &Config, context: &Context) -> Outcome {
    let is_well = summary.errors.is_empty() && (by_routine || summary.failed == 0);
    if context.json {
        json(&SummaryJson {
            shows: summary.shows,
            new_episodes: summary.new_episodes,
            downloaded: summary.downloaded,
            bytes_fetched: summary.bytes_fetched,
            torrents_made: summary.torrents_made,
            handed_over: summary.handed_over,
            seeding: summary.seeding,
            failed: summary.failed,
            errors: &summary.errors,
        });
    } else if !(context.quiet && is_well) {
        print_summary(summary, is_well);
        if !context.quiet && summary.torrents_made > 0 {
            print_next_step(config);
        }
    }
    if is_well { Outcome::Done } else { Outcome::SomeFailed }
}

fn print_summary(summary: &Summary, is_well: bool) {
    let bytes = match summary.bytes_fetched {
        0 => String::new(),
        bytes => format!(" ({})", ByteSize(bytes)),
    };
    data(format_args!(
        "{}, {}; fetched {}{}, made {}; {} handed over, {} seeding, {} failed",
        count(summary.shows, "show"),
        count(summary.new_episodes, "new episode"),
        count(summary.downloaded, "file"),
        bytes,
        count(summary.torrents_made, "torrent"),
        summary.handed_over,
        summary.seeding,
        summary.failed
    ));
    if let Some(next) = summary.next_attempt {
        talk(format_args!(
            "{} to be tried again, the first at {next}; `podseed status` shows more",
            count(summary.waiting, "file")
        ));
    }
    if let Some(next) = summary.next_poll {
        talk(format_args!("no feed is due before {next}"));
    }
    if !is_well && summary.failed > 0 {
        talk(
            "what failed needs you: `podseed status` says why, `podseed retry` tries again, `podseed forget` lets go",
        );
    } else if !is_well {
        talk("not everything went well: the errors above say what, and `podseed status` how it stands");
    }
}

/// What is left for the user: where no client is there of which podseed could know that it seeds, and how to look at
/// the site.
fn print_next_step(config: &Config) {
    print_next_step_to_seeding(config);
    let site = &config.publish.site_dir;
    let page = site.join("index.html");
    if !page.is_file() {
        return;
    }
    match &config.publish.base_url {
        Some(url) => talk(format_args!("\nThe site is in {}, for {url}.", site.display())),
        None => talk(format_args!(
            "\nThe site is in {}.\nNext: open {} in a browser. For feeds as well, let a web server serve that folder, and \
             write its address into `publish.base_url`.",
            site.display(),
            page.display()
        )),
    }
}

fn print_next_step_to_seeding(config: &Config) {
    let folder = DataFolder::new(&config.data_dir);
    if config.clients.is_empty() {
        let page = config.publish.site_dir.join("index.html");
        let page = if page.exists() { format!("; the page is {}", page.display()) } else { String::new() };
        talk(format_args!(
            "\nThe torrents are in {}, what was fetched in {}; your own files are where they were{page}.\n\
             Next: open the .torrent files in your BitTorrent client and choose the folder that holds the file as the \
             place of the data;\nor name your client in a configuration (`podseed config example`), and podseed does \
             it and makes sure that it seeds.",
            folder.root().join("torrents").display(),
            folder.media().display()
        ));
    }
    let media = folder.media().join("SHOW");
    for client in &config.clients {
        if let ClientConfig::WatchDir(watch) = &client.adapter
            && watch.client == WatchedBy::Other
        {
            talk(format_args!(
                "\nThe .torrent files are in the watched folder {}.\n\
                 Next: let your BitTorrent client watch it, with {} as the place of the data; it seeds as soon as it \
                 has picked them up.",
                watch.path.display(),
                watch.data.as_ref().unwrap_or(&media).display()
            ));
        }
    }
}

fn print_plan(plan: &Plan, context: &Context) {
    if context.json {
        json(plan);
        return;
    }
    for show in &plan.shows {
        data(format_args!("{}  {}", show.show, title(&show.title)));
        if let Some(error) = &show.error {
            data(format_args!("  {}", plain(error)));
        }
        if let Some(reason) = show.unpublished.as_ref().filter(|_| show.error.is_none()) {
            data(format_args!("  would not be published: {}", plain(reason)));
        }
        if show.enclosures.is_empty() && show.error.is_none() {
            data("  nothing to do");
        }
        for enclosure in &show.enclosures {
            let length =
                enclosure.length.map(|length| format!(", about {}", ByteSize(length))).unwrap_or_default();
            data(format_args!("  {}{length}", title(&enclosure.title)));
            data(format_args!("    {}", plain(&enclosure.url)));
            data(format_args!("    why: {}", plain(&enclosure.why)));
            for step in &enclosure.steps {
                data(format_args!("    would {step}"));
            }
        }
    }
}
