//! The server of a daemon. Its socket outlives a change of the configuration that leaves the address alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config};
use crate::pipeline::{Error, server_options};
use crate::serve::{Facts, Server};

/// A socket, and who answers there.
pub(super) struct Serving {
    /// What the configuration says of it, and where the site is.
    settings: (config::Server, PathBuf),
    server: Arc<Server>,
    answering: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Serving {
    /// Takes the address that the configuration names, if it is not `former`'s. `None`: nothing is to be served.
    pub(super) fn bind(config: &Config, former: Option<&Self>) -> Result<Option<Self>, Error> {
        let Some(settings) = settings(config) else { return Ok(None) };
        let listen = settings.0.listen;
        let kept = former.filter(|former| former.settings.0.listen == listen);
        let server = match kept {
            Some(former) => Arc::clone(&former.server),
            None => Arc::new(Server::bind(listen)?),
        };
        Ok(Some(Self { settings, server, answering: None }))
    }

    /// Whether it answers as this configuration wants it to: then whoever is being answered is left in peace.
    pub(super) fn is_for(&self, config: &Config) -> bool {
        self.answering.is_some() && settings(config).as_ref() == Some(&self.settings)
    }

    /// Where it listens, with the port that it got.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Begins to answer, if it does not yet.
    pub(super) fn answer(&mut self, config: &Config, facts: Arc<dyn Facts>, stop: &CancellationToken) {
        if self.answering.is_some() {
            return;
        }
        let Some(options) = server_options(config) else { return };
        let (server, stop) = (Arc::clone(&self.server), stop.child_token());
        let stopped = stop.clone();
        let task = tokio::spawn(async move { server.run(facts, options, stopped).await });
        self.answering = Some((stop, task));
    }

    /// Answers no more, once what is being answered has ended or had its time.
    pub(super) async fn end(self) {
        if let Some((stop, task)) = self.answering {
            stop.cancel();
            // It ends by itself; if it has died, there is nothing left to end.
            let _ = task.await;
        }
    }
}

fn settings(config: &Config) -> Option<(config::Server, PathBuf)> {
    Some((config.server.clone()?, config.publish.site_dir.clone()))
}
