//! The command line: one file per command. Typed arguments in, an outcome out; nothing else prints.

mod check;
pub mod config;
mod daemon;
pub mod feed;
mod log;
pub mod man;
mod manage;
mod output;
mod progress;
mod report;
mod run;
mod share;
mod shows;
mod status;
mod takedown;
pub mod torrent;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgAction, CommandFactory as _, Parser, Subcommand};

use crate::config::{Config, Findings};
use crate::pipeline::DataFolder;
use crate::{pipeline, store};

/// Podcast feeds in; torrents that are really being seeded out.
#[derive(Debug, Parser)]
#[command(name = "podseed", version, max_term_width = 100)]
struct Cli {
    /// The configuration; else $PODSEED_CONFIG, ./podseed.yaml, $XDG_CONFIG_HOME/podseed/podseed.yaml,
    /// /etc/podseed/podseed.yaml
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say only what went wrong
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Say more; twice for even more
    #[arg(long, short, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Daemon(daemon::DaemonArgs),
    Status(status::StatusArgs),
    Why(manage::WhyArgs),
    Check(check::CheckArgs),
    Feed(feed::FeedArgs),
    #[command(subcommand)]
    Torrent(torrent::TorrentCommand),
    Share(share::ShareArgs),
    Report(report::ReportArgs),
    /// Try again now what has failed or waits
    Retry(manage::EpisodesArgs),
    /// Stop managing episodes: they leave the site; files and what the clients have stay
    Forget(manage::EpisodesArgs),
    Takedown(takedown::TakedownArgs),
    #[command(subcommand)]
    Shows(shows::ShowsCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print the completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

/// How a command that could be carried out has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything is done.
    Done,
    /// The answer is no: data is bad, a check has found an error.
    Negative,
    /// A check has found that the configuration cannot be used.
    Misconfigured,
    /// Done, but some items failed.
    SomeFailed,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The arguments name what does not exist or does not fit.
    #[error("{0}")]
    Usage(String),
    /// The configuration is wrong.
    #[error("the configuration has errors")]
    Config(Findings),
    /// The state cannot be read.
    #[error("cannot read the state")]
    Store(#[from] store::Error),
    /// The pass could not go on.
    #[error("the run was cut short")]
    Pipeline(#[from] pipeline::Error),
    /// A feed cannot be shown.
    #[error(transparent)]
    Feed(#[from] feed::Error),
    /// A torrent tool failed.
    #[error(transparent)]
    Torrent(#[from] torrent::Error),
    /// There is no kit.
    #[error(transparent)]
    Kit(#[from] pipeline::KitError),
    /// The command itself failed.
    #[error("{0}")]
    Failed(String),
}

/// What every command may need.
pub(crate) struct Context {
    config_file: Option<PathBuf>,
    quiet: bool,
    verbose: bool,
    json: bool,
}

impl Context {
    /// The configuration, wherever it is found.
    fn config(&self) -> Result<Arc<Config>, Error> {
        self.config_by(Config::load)
    }

    /// Where the state is. This needs no secret of the configuration.
    fn data_folder(&self) -> Result<DataFolder, Error> {
        Ok(DataFolder::new(&self.config_to_look()?.data_dir))
    }

    /// The configuration, for what asks nobody: it needs no secret.
    fn config_to_look(&self) -> Result<Arc<Config>, Error> {
        self.config_by(Config::load_to_look)
    }

    fn config_by(&self, load: impl Fn(&Path) -> Result<Config, Findings>) -> Result<Arc<Config>, Error> {
        match Config::find(self.config_file.as_deref()) {
            Ok(path) => load(&path).map(Arc::new).map_err(Error::Config),
            // What a run without a configuration has made here.
            Err(_) if Path::new(run::AD_HOC_FOLDER).is_dir() => {
                Ok(Arc::new(Config::ad_hoc(run::AD_HOC_FOLDER)))
            }
            Err(places) => Err(no_config(&places)),
        }
    }

    /// The file of the configuration.
    fn config_path(&self) -> Result<PathBuf, Error> {
        Config::find(self.config_file.as_deref()).map_err(|places| no_config(&places))
    }

    /// The configuration; `None` where there is none and none was asked for.
    fn config_if_any(&self) -> Result<Option<Arc<Config>>, Error> {
        match Config::find(self.config_file.as_deref()) {
            Ok(path) => Config::load(&path).map(|config| Some(Arc::new(config))).map_err(Error::Config),
            Err(_) => Ok(None),
        }
    }

    /// The user's contact; `None` also where there is no configuration and none was asked for.
    fn contact(&self) -> Result<Option<String>, Error> {
        match Config::find(self.config_file.as_deref()) {
            Ok(path) => {
                Config::load_to_look(&path).map(|config| config.user_agent_contact).map_err(Error::Config)
            }
            Err(_) => Ok(None),
        }
    }
}

fn no_config(places: &[PathBuf]) -> Error {
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    let places = places.join(", ");
    Error::Usage(format!(
        "there is no configuration; podseed has looked for {places}. `podseed config example` prints one"
    ))
}

/// Runs the program and gives its exit status: 0 done, 1 failed, 2 usage or configuration, 3 done but some failed.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let style = match (&cli.command, cli.json) {
        (Command::Daemon(_), true) => log::Style::Json,
        (Command::Daemon(_), false) => log::Style::Service,
        _ => log::Style::Aside,
    };
    log::start(style, cli.quiet, cli.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::talk(format_args!("error: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let context =
        Context { config_file: cli.config, quiet: cli.quiet, verbose: cli.verbose > 0, json: cli.json };
    match runtime.block_on(dispatch(cli.command, &context)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Negative) => ExitCode::FAILURE,
        Ok(Outcome::Misconfigured) => ExitCode::from(2),
        Ok(Outcome::SomeFailed) => ExitCode::from(3),
        Err(error) => report(&error, context.json),
    }
}

async fn dispatch(command: Command, context: &Context) -> Result<Outcome, Error> {
    match command {
        Command::Run(args) => run::run(&args, context).await,
        Command::Daemon(args) => daemon::run(&args, context).await,
        Command::Status(args) => status::run(&args, context).await,
        Command::Why(args) => manage::why(&args, context).await,
        Command::Check(args) => check::run(&args, context).await,
        Command::Feed(args) => feed_command(&args, context).await,
        Command::Torrent(command) => Ok(torrent(&command, context)?),
        Command::Share(args) => share::share(&args, context).await,
        Command::Report(args) => report::run(&args, context).await,
        Command::Retry(args) => manage::retry(&args, context).await,
        Command::Forget(args) => manage::forget(&args, context).await,
        Command::Takedown(args) => takedown::takedown(&args, context).await,
        Command::Shows(command) => shows::run(&command, context).await,
        Command::Config(command) => {
            output::text(&command.output());
            Ok(Outcome::Done)
        }
        Command::Completions { shell } => {
            output::text(&man::completions(shell, &mut Cli::command()));
            Ok(Outcome::Done)
        }
        Command::Man => {
            output::text(&man::man(Cli::command()).map_err(|error| Error::Failed(error.to_string()))?);
            Ok(Outcome::Done)
        }
    }
}

/// A file needs no configuration; an address is asked with the user's contact, where there is one.
async fn feed_command(args: &feed::FeedArgs, context: &Context) -> Result<Outcome, Error> {
    let contact = if args.is_remote() { context.contact()? } else { None };
    let options = crate::http::Options { contact, ..crate::http::Options::default() };
    let http =
        crate::http::Http::new(options).map_err(crate::feed::FetchError::from).map_err(feed::Error::from)?;
    feed::run(args, context.json, &http, &mut output::Stdout).await?;
    Ok(Outcome::Done)
}

fn torrent(command: &torrent::TorrentCommand, context: &Context) -> Result<Outcome, torrent::Error> {
    Ok(match torrent::run(command, context.json, &mut output::Stdout)? {
        torrent::Outcome::Done => Outcome::Done,
        torrent::Outcome::Bad => Outcome::Negative,
        torrent::Outcome::SomeFailed(errors) => {
            errors
                .iter()
                .for_each(|error| output::talk(format_args!("error: {}", crate::error::chain(error))));
            Outcome::SomeFailed
        }
    })
}

/// Says what went wrong, with `--json` on standard output, too; wrong usage and configuration have their own exit
/// status.
fn report(error: &Error, json: bool) -> ExitCode {
    let (text, code) = match error {
        Error::Config(findings) => (config::findings_text(findings), 2),
        Error::Usage(_) | Error::Torrent(torrent::Error::Usage(_)) => (format!("error: {error}"), 2),
        _ => (format!("error: {}", crate::error::chain(error)), 1),
    };
    if json {
        let findings = match error {
            Error::Config(findings) => findings.0.as_slice(),
            _ => &[],
        };
        output::json(&serde_json::json!({"error": crate::error::chain(error), "findings": findings}));
    }
    output::talk(text.trim_end());
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_arguments_of_a_command_have_one_name() {
        Cli::command().debug_assert();
    }
}
