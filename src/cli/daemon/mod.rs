//! `podseed daemon`: the same as `run`, for ever.

mod service;
mod watch;

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::log::Log;
use super::run::stop_on_signal;
use super::{Context, Error, Outcome};
use crate::config::{Config, Finding, Findings, Severity};
use crate::pipeline::{Daemon, Environment, Pipeline};
use watch::Watch;

/// The same as `run`, for ever: polls feeds by their own rhythm, fetches, seeds, looks after the clients, publishes
///
/// SIGTERM and Ctrl-C stop it within seconds and without loss. SIGHUP, and a change of the configuration, let it go on
/// under the new one; if that has errors, it says so and the former one stays in force. Its log goes to standard error;
/// with --json it is JSON lines on standard output. `podseed status`, `podseed retry` and the like work beside it.
#[derive(Debug, Args)]
pub(super) struct DaemonArgs {}

pub(super) async fn run(_args: &DaemonArgs, context: &Context) -> Result<Outcome, Error> {
    let path = context.config_path()?;
    // The watch first: what is changed while the file is read is seen.
    let mut watch = Watch::new(Config::sources_of(&path));
    let config = Config::load(&path).map_err(Error::Config)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(cannot_listen)?;
    let stop = CancellationToken::new();
    let signals = tokio::spawn(stop_on_signal(stop.clone(), || tracing::info!("stopping")));
    let environment =
        Environment { stop: stop.clone(), ..Environment::new(Arc::new(Log::new(service::alive))) };
    log_findings(&config.warnings);
    let pipeline = Pipeline::open(Arc::new(config), environment).await?;
    let mut daemon = Daemon::start(pipeline).await?;
    service::ready();
    while stop.run_until_cancelled(changed(&mut hangup, &mut watch)).await.is_some() {
        service::reloading();
        reload(&mut daemon, &path).await;
        service::ready();
    }
    service::stopping();
    daemon.stopped().await;
    signals.abort();
    tracing::info!("stopped");
    Ok(Outcome::Done)
}

fn cannot_listen(error: std::io::Error) -> Error {
    Error::Failed(format!("cannot listen to signals: {error}"))
}

/// The user has asked to load the configuration anew, or has changed it.
async fn changed(hangup: &mut Signal, watch: &mut Watch) {
    tokio::select! {
        Some(()) = hangup.recv() => {}
        () = watch.changed() => {}
    }
}

async fn reload(daemon: &mut Daemon, path: &Path) {
    let loaded = match Config::load(path) {
        Ok(config) if config.data_dir == daemon.config().data_dir => {
            log_findings(&config.warnings);
            daemon.reload(Arc::new(config)).await.map_err(|error| crate::error::chain(&error))
        }
        Ok(_) => Err("data_dir has changed, and for that the daemon has to be started anew".to_owned()),
        Err(findings) => {
            log_findings(&findings);
            Err("it has errors".to_owned())
        }
    };
    if let Err(error) = loaded {
        if let Err(error) = daemon.refused(&error).await {
            tracing::error!(error = crate::error::chain(&error), "nobody is told of it");
        }
        tracing::error!(error, "the changed configuration is not used; the former one stays in force");
    }
}

fn log_findings(findings: &Findings) {
    for finding in &findings.0 {
        let file = finding.file.as_ref().map(|file| file.display().to_string());
        let Finding { line, key, text, hint, .. } = finding;
        if finding.severity == Severity::Error {
            tracing::error!(config = file, line, key, error = text, hint, "configuration");
        } else {
            tracing::warn!(config = file, line, key, error = text, hint, "configuration");
        }
    }
}
