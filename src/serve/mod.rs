//! Stage: HTTP. Gives out the site's files and tells how podseed is doing.
//!
//! There are GET and HEAD and nothing else: no request changes anything. What one listener can take from others is
//! bounded: connections, headers, the time for a request, the time without progress in an answer. No body is read. TLS,
//! HTTP/2, compression and rate limits are the work of the reverse proxy in front of it.

mod conditions;
mod connection;
mod file;
mod metrics;
mod path;
mod private;
mod router;
mod seats;
mod stall;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use crate::model::Metrics;

/// Connections that the system holds until they are accepted.
const BACKLOG: u32 = 1024;

/// What lies in the kernel is out of sight: the less it is, the sooner it shows that a slow listener takes something,
/// and 256 KiB are enough for 5 MB/s at 50 ms.
const SEND_BUFFER: u32 = 256 << 10;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; change server.listen, or stop what listens there")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Whatever has kept a fact from being told; it is logged and not sent.
pub type Unknown = Box<dyn std::error::Error + Send + Sync>;

/// A text, as much of it at a time as is to be in memory.
pub type Document = BoxStream<'static, Result<String, Unknown>>;

/// What is told besides the site. Whoever implements it looks things up cheaply: requests may come at any rate.
#[async_trait]
pub trait Facts: Send + Sync + 'static {
    /// How the process is doing; does not wait for a disk.
    async fn health(&self) -> Health;

    /// The figures for `/metrics`.
    async fn metrics(&self) -> Result<Metrics, Unknown>;

    /// The document of `podseed status --json`.
    async fn status(&self) -> Result<Document, Unknown>;
}

/// How the process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// All of its loops have made progress in their time. One that has not is hung: restart it.
    pub live: bool,
    /// The state is open, and the first round has ended.
    pub ready: bool,
}

/// What is served, to whom, and how much.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the site. It is looked up for each request, since a publication exchanges it as a whole.
    pub site_dir: PathBuf,
    /// What the reverse proxy may leave in front of each path, as `/podcasts/`; begins and ends with a slash. Paths
    /// without it are understood as well.
    pub base_path: String,
    /// The most connections at a time.
    pub connections: usize,
    /// From where `/metrics` and `/status.json` are answered, if no proxy stands between.
    pub private: Vec<IpNet>,
    /// How long it waits.
    pub patience: Patience,
}

/// How long the server waits for others.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a whole request, from the end of the last one.
    pub request: Duration,
    /// For somebody to take anything at all of an answer. Who takes little, takes it for as long as he likes.
    pub stall: Duration,
    /// For answers that are under way when the server is to stop.
    pub stop: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(15),
            stall: Duration::from_secs(90),
            stop: Duration::from_secs(3),
        }
    }
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes the address; from now on connections wait to be accepted. Port 0 is any free one. Needs the runtime.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub fn bind(listen: SocketAddr) -> Result<Self, Error> {
        let failed = |source| Error::Bind { address: listen, source };
        let socket = match listen {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let socket = socket.map_err(failed)?;
        // Else a restart would have to wait for the connections of the last process to be forgotten.
        socket.set_reuseaddr(true).map_err(failed)?;
        socket.set_send_buffer_size(SEND_BUFFER).map_err(failed)?;
        socket.bind(listen).map_err(failed)?;
        let listener = socket.listen(BACKLOG).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; then idle connections are closed, and those at work once they have ended or
    /// [`Patience::stop`] is over. May be called again, with other options: the socket stays.
    pub async fn run(&self, facts: Arc<dyn Facts>, options: Options, stop: CancellationToken) {
        connection::serve(&self.listener, facts, options, stop).await;
    }
}
