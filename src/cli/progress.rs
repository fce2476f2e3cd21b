//! What a run shows while it works: bars on a terminal, one plain line per step elsewhere.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Context;
use super::output::{count, is_lively, plain, talk, title};
use crate::download::Progress;
use crate::model::{InfoHashes, PlacementState};
use crate::pipeline::{Event, Monitor};
use crate::units::ByteSize;

/// A monitor that talks to a person.
pub(super) struct Lines {
    quiet: bool,
    verbose: bool,
    bars: Option<MultiProgress>,
    /// Feeds that have not changed.
    unchanged: AtomicU64,
}

/// So many feeds that have not changed have a line each, unless the user wants to know more; of the others it is said at
/// the end how many they are.
const UNCHANGED: u64 = 20;

impl Lines {
    /// Bars only on a terminal and with colours allowed; with `--json` and `--quiet` neither bars nor lines, except
    /// for what goes wrong.
    pub(super) fn new(context: &Context) -> Self {
        let quiet = context.quiet || context.json;
        Self {
            quiet,
            verbose: context.verbose,
            bars: (!quiet && is_lively()).then(MultiProgress::new),
            unchanged: AtomicU64::new(0),
        }
    }

    /// Takes the bars away, and tells of what had no line.
    pub(super) fn clear(&self) {
        if let Some(bars) = &self.bars {
            // Bars that cannot be taken away stay on the screen; nothing is lost.
            let _ = bars.clear();
        }
        let silent = self.unchanged.load(Ordering::Relaxed).saturating_sub(UNCHANGED);
        if silent > 0 && !self.verbose && !self.quiet {
            talk(format_args!("{} more have not changed", count(silent, "feed")));
        }
    }

    /// Whether an event is for who wants to know more: that a client has begun to check, that feeds have not changed
    /// where these are many.
    fn is_detail(&self, event: &Event) -> bool {
        match event {
            Event::Placed { state: PlacementState::Checking, .. } => true,
            Event::Unchanged { .. } => self.unchanged.fetch_add(1, Ordering::Relaxed) >= UNCHANGED,
            _ => false,
        }
    }

    fn line(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| talk(line)),
            None => talk(line),
        }
    }
}

impl Monitor for Lines {
    fn event(&self, event: &Event) {
        if self.is_detail(event) && !self.verbose {
            return;
        }
        if is_bad(event) || !self.quiet {
            self.line(&plain(&describe(event)));
        }
    }

    fn transfer(&self, label: &str) -> Arc<dyn Progress> {
        match &self.bars {
            Some(bars) => Arc::new(Bar::new(bars, &plain(label))),
            None => Arc::new(()),
        }
    }
}

/// Whether an event is about something that went wrong.
fn is_bad(event: &Event) -> bool {
    matches!(
        event,
        Event::PollFailed { .. }
            | Event::PollWaits { .. }
            | Event::FetchFailed { .. }
            | Event::Interrupted { .. }
            | Event::NoticeFailed { .. }
            | Event::SpaceShort { .. }
            | Event::PublishFailed { .. }
            | Event::Unconfirmed { .. }
            | Event::PlaceFailed { .. }
    )
}

/// The line for an event.
fn describe(event: &Event) -> String {
    match event {
        Event::OwnFiles { show, new, changed, gone } => {
            format!("{show}: {}", own_files([(*new, "new"), (*changed, "changed"), (*gone, "gone")]))
        }
        Event::Upgraded { backup } => {
            format!("the state is brought up to date; what it was is kept in {}", backup.display())
        }
        Event::Polled { show, title: name, new_episodes, newly_wanted } => format!(
            "{show}: read \"{}\": {}, {} to fetch",
            title(name),
            count(*new_episodes, "new episode"),
            count(*newly_wanted, "file")
        ),
        Event::Unchanged { show } => format!("{show}: the feed has not changed"),
        Event::Warning { show, text } => format!("{show}: warning: {text}"),
        Event::ClientAway { client, error } => format!("{client}: warning: {error}"),
        Event::ClientBack { client } => format!("{client}: it answers again"),
        Event::PollFailed { show, error } => format!("{show}: error: {error}"),
        Event::PollWaits { show, until } => {
            format!("{show}: the server has asked not to be asked before {until}")
        }
        Event::Fetched { show, file, length, bytes } => fetched(show, file, *length, *bytes),
        Event::TorrentMade { show, path, info_hash } => made(show, path, info_hash),
        Event::FetchFailed { show, title: name, error, next_attempt } => {
            let next = next_attempt.map(|next| format!("; next attempt {next}")).unwrap_or_default();
            format!("{show}: error: {}: {error}{next}", title(name))
        }
        Event::Placed { show, file, client, state } => format!("{show}: {file}: {state} at {client}"),
        Event::Working { shows, clients } => {
            format!("at work: {}, {}", count(*shows as u64, "show"), count(*clients as u64, "client"))
        }
        Event::Serving { address } => format!("serving the site on {address}"),
        Event::Interrupted { task, error } => format!("error: {task}: {error}; it begins again soon"),
        Event::CutOff { tasks } => format!("cut off {}; nothing is lost", count(*tasks as u64, "task")),
        Event::NoticeFailed { error } => format!("a notice was not sent: {error}"),
        Event::Removed { show, file, client } => format!("{show}: {file}: taken out of {client}"),
        Event::Dropped { show, file, why } => format!("{show}: {file}: not kept any more: {why}"),
        Event::SpaceShort { text } => format!("warning: {text}"),
        Event::Hours { until: Some(until) } => format!("no file is fetched before {until} (limits.hours)"),
        Event::Hours { until: None } => "files are fetched now (limits.hours)".to_owned(),
        Event::SpaceAgain => "there is space again: fetching goes on".to_owned(),
        Event::Published { files, removed: 0 } => format!("site: {} written", count(*files as u64, "file")),
        Event::Published { files, removed } => {
            let [files, removed] = [files, removed].map(|number| count(*number as u64, "file"));
            format!("site: {files} written, {removed} removed")
        }
        Event::PublishFailed { error } | Event::Unconfirmed { error } => format!("error: {error}"),
        Event::PlaceFailed { show, file, error, .. } => format!("{show}: error: {file}: {error}"),
    }
}

fn own_files(numbers: [(u64, &str); 3]) -> String {
    let some = numbers.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = some.map(|(number, what)| format!("{} {what}", count(number, "own file"))).collect();
    parts.join(", ")
}

fn fetched(show: &str, file: &str, length: u64, bytes: u64) -> String {
    let is_rest = bytes > 0 && bytes < length;
    let resumed = if is_rest { format!(", {} of it now", ByteSize(bytes)) } else { String::new() };
    format!("{show}: fetched {file} ({}{resumed})", ByteSize(length))
}

fn made(show: &str, path: &Path, info_hash: &InfoHashes) -> String {
    let hash = match info_hash.v1() {
        Some(v1) => v1.to_string(),
        None => info_hash.v2().map(|v2| v2.to_string()).unwrap_or_default(),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{show}: made {name} (info hash {hash})")
}

struct Bar {
    bar: ProgressBar,
    has_total: AtomicBool,
}

impl Bar {
    fn new(bars: &MultiProgress, label: &str) -> Self {
        let bar = bars.add(ProgressBar::new_spinner());
        bar.set_style(style("{prefix:.bold} {binary_bytes} {binary_bytes_per_sec}"));
        bar.set_prefix(label.chars().take(40).collect::<String>());
        Self { bar, has_total: AtomicBool::new(false) }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Progress for Bar {
    fn advance(&self, done: u64, total: Option<u64>) {
        if let Some(total) = total
            && !self.has_total.swap(true, Ordering::Relaxed)
        {
            self.bar.set_length(total);
            self.bar.set_style(style(
                "{prefix:.bold} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} left",
            ));
        }
        self.bar.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
