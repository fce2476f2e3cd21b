//! The server of a daemon. Its socket outlives a change of the configuration that leaves the address alone.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::pipeline::{Error, server_options};
use crate::serve::{Facts, Server};

/// A socket, and who answers there.
pub(super) struct Serving {
    listen: SocketAddr,
    server: Arc<Server>,
    answering: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Serving {
    /// Takes the address that the configuration names, if it is not `former`'s. `None`: nothing is to be served.
    pub(super) fn bind(config: &Config, former: Option<&Self>) -> Result<Option<Self>, Error> {
        let Some(wanted) = &config.server else { return Ok(None) };
        let kept = former.filter(|former| former.listen == wanted.listen);
        let server = match kept {
            Some(former) => Arc::clone(&former.server),
            None => Arc::new(Server::bind(wanted.listen)?),
        };
        Ok(Some(Self { listen: wanted.listen, server, answering: None }))
    }

    /// Where it listens, with the port that it got.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Begins to answer.
    pub(super) fn answer(&mut self, config: &Config, facts: Arc<dyn Facts>, stop: &CancellationToken) {
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
