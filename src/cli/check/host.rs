//! This machine: folders, space, clock, and the programs that are run as hooks.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::Finding;
use crate::config::{Config, FeedSource};
use crate::fs;
use crate::pipeline::DataFolder;
use crate::units::ByteSize;

/// No clock that is right is earlier than this program.
const NOT_BEFORE: i64 = 1_767_225_600; // 2026-01-01

pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) {
    data_folder(config, findings);
    local_feeds(config, findings);
    hooks(config, findings);
    inboxes(config, findings);
    if Timestamp::now().as_second() < NOT_BEFORE {
        findings.push(Finding::error(
            "host.clock",
            "clock",
            format!("it says {}, which has passed long ago", Timestamp::now()),
            "set the clock, best by NTP; TLS, schedules and dates depend on it",
        ));
    }
}

/// A hook is only run when something has happened, which is late to learn that it cannot be.
fn hooks(config: &Config, findings: &mut Vec<Finding>) {
    let is_program = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    for (kind, command) in &config.notices.hooks {
        let program = command.first().map(String::as_str).unwrap_or_default();
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let is_there = match program.contains('/') {
            true => is_program(Path::new(program)),
            false => std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program))),
        };
        let place = format!("hooks.{kind}");
        findings.push(if is_there {
            Finding::ok("hook.program", place, format!("{program} can be run"))
        } else {
            let remedy =
                "name a program that podseed's user may run, by its whole path; `chmod +x` lets it be run";
            Finding::error("hook.program", place, format!("there is no program {program}"), remedy)
        });
    }
}

fn data_folder(config: &Config, findings: &mut Vec<Finding>) {
    let folder = DataFolder::new(&config.data_dir);
    let place = format!("data_dir {}", folder.root().display());
    if let Err(error) = writable(&folder.media()) {
        findings.push(Finding::error(
            "data.unwritable",
            place,
            format!("podseed cannot write there: {}", crate::error::chain(&error)),
            "create the folder and give it to the user that podseed runs as, or set another `data_dir`",
        ));
        return;
    }
    findings.push(match fs::free_space(folder.root()) {
        Ok(free) if free < config.limits.disk_free => Finding::error(
            "data.space",
            place,
            format!(
                "{} are free, and {} are to stay free",
                ByteSize(free),
                ByteSize(config.limits.disk_free)
            ),
            "make room, or lower `limits.disk_free`; until then nothing is fetched",
        ),
        Ok(free) => Finding::ok("data.space", place, format!("writable, {} free", ByteSize(free))),
        Err(error) => Finding::warning("data.space", place, error.to_string(), ""),
    });
}

/// Tries it: permissions, quotas and read-only mounts all say no only when asked.
fn writable(folder: &Path) -> Result<(), fs::Error> {
    fs::create_dir(folder)?;
    let test = folder.join(".podseed-check");
    fs::write_atomic(&test, b"")?;
    fs::remove(&test)
}

fn inboxes(config: &Config, findings: &mut Vec<Finding>) {
    for inbox in &config.inbox {
        if let Some(cover) = inbox.cover.as_ref().filter(|cover| !cover.is_file()) {
            findings.push(Finding::warning(
                "inbox.cover",
                format!("inbox.{}.cover", inbox.slug),
                format!("there is no file {}", cover.display()),
                "name a JPEG, PNG, WebP or GIF picture; until then the first picture in a file is taken",
            ));
        }
        let Some(path) = &inbox.path else { continue };
        let place = format!("inbox.{}.path", inbox.slug);
        findings.push(match std::fs::read_dir(path) {
            Ok(_) => Finding::ok("inbox.folder", place, format!("{} can be read", path.display())),
            Err(error) => Finding::error(
                "inbox.folder",
                place,
                format!("{} cannot be read: {error}", path.display()),
                "create or mount it; what was shared from it stays as it is meanwhile",
            ),
        });
    }
}

fn local_feeds(config: &Config, findings: &mut Vec<Finding>) {
    for show in &config.shows {
        if let FeedSource::File(path) = &show.feed
            && !path.is_file()
        {
            findings.push(Finding::error(
                "feed.missing",
                format!("shows.{}.feed", show.slug),
                format!("there is no file {}", path.display()),
                "correct the path; a relative one starts at the folder of the configuration",
            ));
        }
    }
}
