//! What a run shows while it works: bars on a terminal, one plain line per step elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Context;
use super::output::{count, is_lively, plain, talk, title};
use crate::download::Progress;
use crate::model::PlacementState;
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
        let (line, bad) = describe(event);
        if let Some(line) = line.filter(|_| bad || !self.quiet) {
            self.line(&plain(&line));
        }
    }

    fn transfer(&self, label: &str) -> Arc<dyn Progress> {
        match &self.bars {
            Some(bars) => Arc::new(Bar::new(bars, &plain(label))),
            None => Arc::new(()),
        }
    }
}

/// The line for an event, and whether it is about something that went wrong.
fn describe(event: &Event) -> (Option<String>, bool) {
    let until = |next: &Option<jiff::Timestamp>| match next {
        Some(next) => format!("; next attempt {next}"),
        None => String::new(),
    };
    match event {
        Event::OwnFiles { show, new, changed, gone } => {
            let parts = [(new, "new"), (changed, "changed"), (gone, "gone")];
            let parts: Vec<_> = parts
                .iter()
                .filter(|(number, _)| **number > 0)
                .map(|(number, what)| format!("{} {what}", count(**number, "own file")))
                .collect();
            (Some(format!("{show}: {}", parts.join(", "))), false)
        }
        Event::Upgraded { backup } => (
            Some(format!("the state is brought up to date; what it was is kept in {}", backup.display())),
            false,
        ),
        Event::Polled { show, title: name, new_episodes, newly_wanted } => (
            Some(format!(
                "{show}: read \"{}\": {}, {} to fetch",
                title(name),
                count(*new_episodes, "new episode"),
                count(*newly_wanted, "file")
            )),
            false,
        ),
        Event::Unchanged { show } => (Some(format!("{show}: the feed has not changed")), false),
        Event::Warning { show, text } => (Some(format!("{show}: warning: {text}")), false),
        Event::ClientAway { client, error } => (Some(format!("{client}: warning: {error}")), false),
        Event::ClientBack { client } => (Some(format!("{client}: it answers again")), false),
        Event::PollFailed { show, error } => (Some(format!("{show}: error: {error}")), true),
        Event::PollWaits { show, until } => {
            (Some(format!("{show}: the server has asked not to be asked before {until}")), true)
        }
        Event::Fetched { show, file, length, bytes } => {
            let is_rest = *bytes > 0 && bytes < length;
            let resumed = if is_rest { format!(", {} of it now", ByteSize(*bytes)) } else { String::new() };
            (Some(format!("{show}: fetched {file} ({}{resumed})", ByteSize(*length))), false)
        }
        Event::TorrentMade { show, path, info_hash } => {
            let hash = match info_hash.v1() {
                Some(v1) => v1.to_string(),
                None => info_hash.v2().map(|v2| v2.to_string()).unwrap_or_default(),
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (Some(format!("{show}: made {name} (info hash {hash})")), false)
        }
        Event::FetchFailed { show, title: name, error, next_attempt } => {
            (Some(format!("{show}: error: {}: {error}{}", title(name), until(next_attempt))), true)
        }
        Event::Placed { show, file, client, state } => {
            (Some(format!("{show}: {file}: {state} at {client}")), false)
        }
        Event::Working { shows, clients } => (
            Some(format!("at work: {}, {}", count(*shows as u64, "show"), count(*clients as u64, "client"))),
            false,
        ),
        Event::Serving { address } => (Some(format!("serving the site on {address}")), false),
        Event::Interrupted { task, error } => {
            (Some(format!("error: {task}: {error}; it begins again soon")), true)
        }
        Event::CutOff { tasks } => {
            (Some(format!("cut off {}; nothing is lost", count(*tasks as u64, "task"))), false)
        }
        Event::NoticeFailed { error } => (Some(format!("a notice was not sent: {error}")), true),
        Event::Removed { show, file, client } => {
            (Some(format!("{show}: {file}: taken out of {client}")), false)
        }
        Event::Dropped { show, file, why } => {
            (Some(format!("{show}: {file}: not kept any more: {why}")), false)
        }
        Event::SpaceShort { text } => (Some(format!("warning: {text}")), true),
        Event::Hours { until: Some(until) } => {
            (Some(format!("no file is fetched before {until} (limits.hours)")), false)
        }
        Event::Hours { until: None } => (Some("files are fetched now (limits.hours)".to_owned()), false),
        Event::SpaceAgain => (Some("there is space again: fetching goes on".to_owned()), false),
        Event::Published { files, removed } => {
            let gone = if *removed == 0 {
                String::new()
            } else {
                format!(", {} removed", count(*removed as u64, "file"))
            };
            (Some(format!("site: {} written{gone}", count(*files as u64, "file"))), false)
        }
        Event::PublishFailed { error } => (Some(format!("error: {error}")), true),
        Event::Unconfirmed { error } => (Some(format!("error: {error}")), true),
        Event::PlaceFailed { show, file, error, .. } => {
            (Some(format!("{show}: error: {file}: {error}")), true)
        }
    }
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
