//! Stage: a piece is fetched from a client as a stranger would, and compared with the torrent's hashes.
//!
//! One connection, one piece, and gone. Nothing is announced, nothing is kept, and what a client sends is bounded in
//! time and memory. The messages of the peer protocol (BEP 3) are those of the crate `librqbit-peer-protocol`.
//! Connections are not encrypted: a client that takes no others says so by hanging up.

mod wire;

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::hash::{PieceHash, PieceHasher};
use crate::model::{InfoHashes, PeerAddress, TorrentVersion};
use wire::Wire;

/// Until somebody answers at the address, and until he has said who he is.
const TO_ANSWER: Duration = Duration::from_secs(10);
/// Clients give their upload slots to others every ten to thirty seconds.
const TO_UNCHOKE: Duration = Duration::from_secs(60);
/// The whole of it: a piece of 1 MiB at 10 KiB a second.
const IN_ALL: Duration = Duration::from_secs(120);
/// Longer pieces are not asked for. podseed makes none, and joins no torrent that has any.
const LONGEST: u64 = 16 << 20;

/// What is to be fetched, and from whom.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where the client takes connections.
    pub peer: PeerAddress,
    /// The torrent's identity. A hybrid is asked for as v1, v2 alone by the first 20 bytes of its hash (BEP 52).
    pub info_hash: InfoHashes,
    /// The number of the piece.
    pub index: u32,
    /// Its bytes.
    pub length: u64,
    /// The torrent's piece length.
    pub piece_length: u64,
    /// Its hashes.
    pub hash: PieceHash,
    /// Whether it is all of its file.
    pub whole_file: bool,
}

/// Why a stranger gets nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers.
    #[error("strangers cannot reach {peer}")]
    Unreachable {
        /// Where.
        peer: PeerAddress,
        /// What the system says.
        source: io::Error,
    },
    /// Closed instead of an answer.
    #[error(
        "{peer} hangs up when it is greeted: it takes encrypted connections only, which podseed does not speak, or \
         does not seed this torrent"
    )]
    HungUp {
        /// Where.
        peer: PeerAddress,
    },
    /// Another program, or an answer for another torrent.
    #[error("{peer} does not answer as a BitTorrent client that has this torrent")]
    NotAPeer {
        /// Where.
        peer: PeerAddress,
    },
    /// Kept waiting.
    #[error("{peer} gives nothing to a stranger within {} s: its upload slots are taken, or its limit is too low", waited.as_secs())]
    Busy {
        /// Where.
        peer: PeerAddress,
        /// For how long.
        waited: Duration,
    },
    /// The connection breaks, or something comes that was not asked for.
    #[error("{peer} breaks off while it gives piece {index}")]
    Broken {
        /// Where.
        peer: PeerAddress,
        /// Which.
        index: u32,
        /// What happened.
        source: io::Error,
    },
    /// Other bytes.
    #[error("{peer} gives bytes of piece {index} that are not those of the torrent")]
    WrongBytes {
        /// Where.
        peer: PeerAddress,
        /// Which.
        index: u32,
    },
    /// Whoever asks for the proof has no torrent of it.
    #[error("its .torrent cannot be read, so there is nothing to compare with")]
    NoTorrent,
    /// Not asked for.
    #[error("pieces of more than 16 MiB are not fetched for a proof")]
    TooLong,
}

/// Fetches the piece and compares it. Whoever asks one client for several at a time gives them the same `greeting`:
/// Transmission 3.00 hangs up on who greets it while it answers another greeting from the same address.
pub async fn prove(order: &Order, greeting: &Mutex<()>) -> Result<(), Error> {
    if order.length > LONGEST {
        return Err(Error::TooLong);
    }
    let busy = |waited| Error::Busy { peer: order.peer.clone(), waited };
    let piece = timeout(IN_ALL, fetch(order, greeting)).await.map_err(|_| busy(IN_ALL))??;
    if is_right(order, &piece) {
        return Ok(());
    }
    Err(Error::WrongBytes { peer: order.peer.clone(), index: order.index })
}

async fn fetch(order: &Order, greeting: &Mutex<()>) -> Result<Vec<u8>, Error> {
    let mut wire = {
        let _turn = greeting.lock().await;
        meet(order).await?
    };
    let broken = |source| Error::Broken { peer: order.peer.clone(), index: order.index, source };
    match timeout(TO_UNCHOKE, wire.until_unchoked()).await {
        Ok(unchoked) => unchoked.map_err(broken)?,
        Err(_) => return Err(Error::Busy { peer: order.peer.clone(), waited: TO_UNCHOKE }),
    }
    wire.piece(order.index, order.length).await.map_err(broken)
}

/// Connects and greets.
async fn meet(order: &Order) -> Result<Wire, Error> {
    let peer = || order.peer.clone();
    let unreachable = |source| Error::Unreachable { peer: peer(), source };
    let address = (order.peer.host.as_str(), order.peer.port);
    let stream = match timeout(TO_ANSWER, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(unreachable)?,
        Err(_) => return Err(unreachable(io::ErrorKind::TimedOut.into())),
    };
    let mut wire = Wire::new(stream);
    let greeted = timeout(TO_ANSWER, wire.greet(swarm(&order.info_hash))).await;
    match greeted {
        Ok(Ok(true)) => Ok(wire),
        Ok(Err(_)) => Err(Error::HungUp { peer: peer() }),
        Ok(Ok(false)) | Err(_) => Err(Error::NotAPeer { peer: peer() }),
    }
}

/// The hash by which peers name the torrent to one another.
fn swarm(info_hash: &InfoHashes) -> [u8; 20] {
    match info_hash {
        InfoHashes::V1(v1) | InfoHashes::Hybrid(v1, _) => v1.0,
        InfoHashes::V2(v2) => v2.truncated(),
    }
}

fn is_right(order: &Order, piece: &[u8]) -> bool {
    let version = if order.hash.v1.is_some() { TorrentVersion::V1 } else { TorrentVersion::V2 };
    let mut hasher = PieceHasher::new(version, order.piece_length);
    hasher.update(piece);
    let found = hasher.finish(order.whole_file);
    match version {
        TorrentVersion::V1 => found.v1 == order.hash.v1,
        _ => order.hash.v2.is_some() && found.v2 == order.hash.v2,
    }
}

#[cfg(test)]
mod tests;
