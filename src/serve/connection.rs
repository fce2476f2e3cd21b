//! Connections: accepted, seated, served, ended.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::router::{self, Peer, Shared};
use super::seats::{Place, Seat, Seats};
use super::stall::Stalling;
use super::{Facts, Options};

/// Of one request, with its path.
const MOST_HEADER_BYTES: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// Where the process has no more files to open, waiting is all that helps.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// To who finds all seats taken by others at work.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// See [`super::Server::run`].
pub(super) async fn serve(
    listener: &TcpListener,
    facts: Arc<dyn Facts>,
    options: Options,
    stop: CancellationToken,
) {
    let patience = options.patience.stop;
    let house = Arc::new(House::new(facts, options, stop.clone()));
    let connections = TaskTracker::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    // Else the end of a small answer waits for the other side to confirm its beginning.
                    let _ = socket.set_nodelay(true);
                    house.seat(socket, peer, &connections);
                    // However many come, each gets to say what he wants before the next is let in.
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection");
                    tokio::time::sleep(AFTER_FAILED_ACCEPT).await;
                }
            },
        }
    }
    connections.close();
    if tokio::time::timeout(patience, connections.wait()).await.is_err() {
        house.closed.cancel();
        connections.wait().await;
    }
}

/// What connections share.
struct House {
    shared: Arc<Shared>,
    router: TowerToHyperService<axum::Router>,
    /// Answers under way may end.
    stop: CancellationToken,
    /// And now they may not any more.
    closed: CancellationToken,
}

impl House {
    fn new(facts: Arc<dyn Facts>, options: Options, stop: CancellationToken) -> Self {
        let seats = Seats::new(options.connections);
        let (requests, sent) = (AtomicU64::new(0), Arc::default());
        let shared = Arc::new(Shared { facts, options, seats, requests, sent });
        let router = TowerToHyperService::new(router::router(Arc::clone(&shared)));
        Self { shared, router, stop, closed: CancellationToken::new() }
    }

    fn seat(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr, connections: &TaskTracker) {
        match self.shared.seats.take() {
            Some(seat) => {
                connections.spawn(Arc::clone(self).attend(socket, peer, seat));
            }
            None => turn_away(socket),
        }
    }

    async fn attend(self: Arc<Self>, socket: TcpStream, peer: SocketAddr, seat: Seat) {
        let patience = self.shared.options.patience;
        let place = Arc::clone(&seat.place);
        let socket = Stalling::new(socket, patience.stall, Arc::clone(&self.shared.sent), Arc::clone(&place));
        let service = service_fn(|request| self.answer(request.map(Body::new), peer, &place));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.request)
            .max_headers(MOST_HEADERS)
            .max_buf_size(MOST_HEADER_BYTES)
            .serve_connection(TokioIo::new(socket), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = place.gone() => return,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = self.closed.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection has ended");
        }
        drop(seat);
    }

    async fn answer(
        &self,
        mut request: Request,
        peer: SocketAddr,
        place: &Arc<Place>,
    ) -> Result<Response, SeatGone> {
        if !place.answering() {
            return Err(SeatGone);
        }
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(peer.ip()));
        let request = router::below_base(request, &self.shared.options.base_path);
        let answer = self.router.call(request).await.unwrap_or_else(|never| match never {});
        let place = Arc::clone(place);
        Ok(answer.map(|body| Body::new(Sending { body, place })))
    }
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("somebody else has got the seat")]
struct SeatGone;

/// A body whose end, or whose being given up, the connection's place hears of.
struct Sending {
    body: Body,
    place: Arc<Place>,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.place.answered();
    }
}

/// Says that it is full, to who can still hear it.
fn turn_away(socket: TcpStream) {
    if let Err(error) = socket.try_write(FULL) {
        tracing::debug!(%error, "a connection was turned away");
    }
}
