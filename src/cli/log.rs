//! What is logged, and how: for people who have asked for it with `-v`, and for `podseed daemon`, whose log is all that
//! anybody sees of it.

use std::fmt;
use std::sync::Arc;

use tracing::{Event as Record, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::output::{is_lively, plain};
use crate::download::Progress;
use crate::model::PlacementState;
use crate::pipeline::{Event, Monitor};

/// Whom the log is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Beside what a command prints.
    Aside,
    /// A service: one line for each step, on standard error.
    Service,
    /// The same as JSON lines on standard output.
    Json,
}

/// `-q` leaves what went wrong, `-v` shows what podseed decides, `-vv` what it does in detail; `PODSEED_LOG` overrides
/// all of them.
pub(super) fn start(style: Style, quiet: bool, verbose: u8) {
    let level = match (style, verbose) {
        // That a statement took a second, or a tag is odd, is nothing that a user could do something about.
        (Style::Aside, 0) => "warn,sqlx=error,lofty=error",
        (_, 0) if quiet => "warn,sqlx=error,lofty=error",
        (_, 0) | (Style::Aside, 1) => "warn,sqlx=error,lofty=error,podseed=info,podseed_adapters=info",
        (_, 1) | (Style::Aside, 2) => "info,podseed=debug,podseed_adapters=debug",
        _ => "debug,podseed=trace,podseed_adapters=trace",
    };
    let filter = EnvFilter::try_from_env("PODSEED_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    // A second call, as in tests, finds a subscriber installed and changes nothing.
    let _ = match style {
        Style::Aside => log.with_ansi(is_lively()).with_writer(std::io::stderr).try_init(),
        Style::Json => {
            log.json().flatten_event(true).with_target(false).with_writer(std::io::stdout).try_init()
        }
        Style::Service if goes_to_the_journal() => {
            log.with_ansi(false).with_writer(std::io::stderr).event_format(Journal::new()).try_init()
        }
        Style::Service => {
            log.with_target(false).with_ansi(is_lively()).with_writer(std::io::stderr).try_init()
        }
    };
}

/// systemd says so (systemd.exec(5), `JOURNAL_STREAM`).
fn goes_to_the_journal() -> bool {
    std::env::var_os("JOURNAL_STREAM").is_some()
}

/// Lines for systemd's journal: it knows the time itself, and takes the priority from the line's beginning
/// (sd-daemon(3)).
struct Journal(Format<tracing_subscriber::fmt::format::Full, ()>);

impl Journal {
    fn new() -> Self {
        Self(Format::default().without_time().with_level(false).with_target(false).with_ansi(false))
    }
}

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Record<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        write!(writer, "<{priority}>")?;
        self.0.format_event(context, writer, event)
    }
}

/// A monitor that logs every step, each with the same names for the same things.
pub(super) struct Log {
    /// Called every few seconds while the daemon is well.
    alive: fn(),
}

impl Log {
    pub(super) fn new(alive: fn()) -> Self {
        Self { alive }
    }
}

impl Monitor for Log {
    fn event(&self, event: &Event) {
        match event {
            Event::Polled { show, title, new_episodes, newly_wanted } => {
                tracing::info!(show, title = plain(title), new_episodes, newly_wanted, "feed read");
            }
            Event::OwnFiles { show, new, changed, gone } => {
                tracing::info!(show, new, changed, gone, "own files");
            }
            Event::Unchanged { show } => tracing::debug!(show, "feed not changed"),
            Event::Warning { show, text } => tracing::warn!(show, error = plain(text), "warning"),
            Event::PollFailed { show, error } => tracing::warn!(show, error = plain(error), "feed not read"),
            Event::PollWaits { show, until } => tracing::debug!(show, next_attempt = %until, "feed waits"),
            Event::Fetched { show, file, length, bytes } => {
                tracing::info!(show, file = plain(file), length, bytes, "downloaded");
            }
            Event::TorrentMade { show, path, info_hash } => {
                let file = path.file_stem().unwrap_or_default().to_string_lossy();
                let v1 = info_hash.v1().map(|v1| v1.to_string());
                let hash = v1.or_else(|| info_hash.v2().map(|v2| v2.to_string()));
                tracing::info!(show, file = plain(&file), info_hash = hash, "torrent made");
            }
            Event::FetchFailed { show, title, error, next_attempt: Some(next) } => {
                tracing::warn!(show, title = plain(title), error = plain(error), next_attempt = %next, "download failed");
            }
            Event::FetchFailed { show, title, error, next_attempt: None } => {
                tracing::error!(show, title = plain(title), error = plain(error), "download failed");
            }
            Event::Unconfirmed { error } => tracing::warn!(error = plain(error), "not in order"),
            Event::Placed {
                show,
                file,
                client,
                state: state @ (PlacementState::Waiting | PlacementState::Checking),
            } => {
                tracing::debug!(show, file = plain(file), client, state = state.as_str(), "placement");
            }
            Event::Placed { show, file, client, state } => {
                tracing::info!(show, file = plain(file), client, state = state.as_str(), "placement");
            }
            Event::PlaceFailed { show, file, client, error } => {
                tracing::warn!(show, file = plain(file), client, error = plain(error), "placement failed");
            }
            Event::ClientAway { client, error } => {
                tracing::warn!(client, error = plain(error), "client away");
            }
            Event::ClientBack { client } => tracing::info!(client, "client back"),
            Event::Removed { show, file, client } => {
                tracing::info!(show, file = plain(file), client, "taken out");
            }
            Event::Dropped { show, file, why } => {
                tracing::info!(show, file = plain(file), why = plain(why), "not kept any more");
            }
            Event::SpaceShort { text } => tracing::warn!(error = plain(text), "space short"),
            Event::Hours { until } => tracing::info!(until = until.map(tracing::field::display), "hours"),
            Event::SpaceAgain => tracing::info!("space again"),
            Event::NoticeFailed { error } => tracing::warn!(error = plain(error), "a notice was not sent"),
            Event::Upgraded { backup } => {
                tracing::info!(backup = %backup.display(), "state brought up to date");
            }
            Event::Published { files, removed } => tracing::info!(files, removed, "published"),
            Event::PublishFailed { error } => tracing::error!(error = plain(error), "not published"),
            Event::Working { shows, clients } => tracing::info!(shows, clients, "at work"),
            Event::Serving { address } => tracing::info!(%address, "serving"),
            Event::Interrupted { task, error } => {
                tracing::error!(task, error = plain(error), "interrupted; begins again soon");
            }
            Event::CutOff { tasks } => tracing::warn!(tasks, "cut off; nothing is lost"),
        }
    }

    fn alive(&self) {
        (self.alive)();
    }

    fn transfer(&self, _label: &str) -> Arc<dyn Progress> {
        Arc::new(())
    }
}
