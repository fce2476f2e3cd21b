//! `podseed check`: what is wrong before it goes wrong, each finding with what to do.

mod clients;
mod host;
mod keep;
mod site;
mod trackers;

use clap::Args;
use serde::Serialize;

use super::output::{data, json, plain};
use super::{Context, Error, Outcome};
use crate::config::Severity;

/// Check configuration, folders, space, clock, site, clients and trackers
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Ask nobody: neither clients nor trackers
    #[arg(long)]
    offline: bool,
}

/// One thing that a check has found, good or bad.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// Stable, as `client.unreachable`.
    id: &'static str,
    severity: Level,
    /// What it is about: a key of the configuration, a folder, a client.
    place: String,
    /// What is so.
    text: String,
    /// What to do.
    #[serde(rename = "hint")]
    remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Error,
}

impl Finding {
    fn ok(id: &'static str, place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id, severity: Level::Ok, place: place.into(), text: text.into(), remedy: None }
    }

    fn warning(id: &'static str, place: impl Into<String>, text: impl Into<String>, remedy: &str) -> Self {
        Self { severity: Level::Warning, remedy: some(remedy), ..Self::ok(id, place, text) }
    }

    fn error(id: &'static str, place: impl Into<String>, text: impl Into<String>, remedy: &str) -> Self {
        Self { severity: Level::Error, remedy: some(remedy), ..Self::ok(id, place, text) }
    }
}

/// Where the text itself says what to do, there is no further remedy.
fn some(remedy: &str) -> Option<String> {
    (!remedy.is_empty()).then(|| remedy.to_owned())
}

pub(super) async fn run(args: &CheckArgs, context: &Context) -> Result<Outcome, Error> {
    let mut findings = Vec::new();
    let mut when_bad = Outcome::Negative;
    match context.config() {
        Ok(config) => {
            findings.push(Finding::ok("config.valid", "configuration", "it is valid"));
            findings.extend(config.warnings.0.iter().map(from_config));
            host::check(&config, &mut findings);
            keep::check(&config, &mut findings).await;
            site::check(&config, args.offline, &mut findings).await;
            if !args.offline {
                clients::check(&config, &mut findings).await;
                trackers::check(&config, &mut findings).await;
            }
        }
        Err(Error::Config(wrong)) => {
            findings.extend(wrong.0.iter().map(from_config));
            when_bad = Outcome::Misconfigured;
        }
        Err(error) => return Err(error),
    }
    let worst = findings.iter().any(|finding| finding.severity == Level::Error);
    if context.json {
        json(&serde_json::json!({"findings": findings}));
    } else {
        findings.iter().for_each(|finding| print(finding, context.quiet));
    }
    Ok(if worst { when_bad } else { Outcome::Done })
}

fn from_config(found: &crate::config::Finding) -> Finding {
    let severity = match found.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
    };
    let file = found.file.as_ref().map(|file| file.display().to_string());
    let line = found.line.map(|line| line.to_string());
    let key = Some(found.key.clone()).filter(|key| !key.is_empty());
    Finding {
        id: found.id,
        severity,
        place: [file, line, key].into_iter().flatten().collect::<Vec<_>>().join(":"),
        text: found.text.clone(),
        remedy: some(&found.hint),
    }
}

fn print(finding: &Finding, quiet: bool) {
    let word = match finding.severity {
        Level::Ok if quiet => return,
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    data(format_args!("{word:<8} {}: {}  [{}]", finding.place, plain(&finding.text), finding.id));
    if let Some(remedy) = &finding.remedy {
        data(format_args!("         {}", plain(remedy)));
    }
}
