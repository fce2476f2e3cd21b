//! One connection to a peer, message by message (BEP 3).

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use librqbit_peer_protocol::extended::PeerExtendedMessageIds;
use librqbit_peer_protocol::{Handshake, Message, MessageDeserializeError, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What peers ask for at a time.
const BLOCK: u64 = 16 << 10;
/// So many blocks are asked for ahead.
const AHEAD: usize = 16;
/// The longest message: a block with its head, or the bits of two million pieces.
const LONGEST_MESSAGE: usize = 256 << 10;
const HANDSHAKE_LENGTH: usize = 68;
/// How long a client that has begun to give may say nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Wire {
    stream: TcpStream,
    /// The message that was read last.
    frame: Vec<u8>,
}

/// What a message says to us.
enum Heard {
    Unchoked,
    Choked,
    Block { index: u32, begin: u64, bytes: Vec<u8> },
    Nothing,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, frame: Vec::new() }
    }

    /// Says which torrent this is about, and whether the answer says the same.
    pub(super) async fn greet(&mut self, info_hash: [u8; 20]) -> io::Result<bool> {
        let mut ours = Handshake::new(Default::default(), Default::default());
        // No extensions: what is not offered is not sent.
        ours.reserved = 0;
        ours.info_hash.0 = info_hash;
        ours.peer_id.0 = peer_id();
        let mut bytes = [0; HANDSHAKE_LENGTH];
        let length = ours.serialize_unchecked_len(&mut bytes);
        self.stream.write_all(&bytes[..length]).await?;
        self.stream.read_exact(&mut bytes).await?;
        let theirs = Handshake::deserialize(&bytes);
        Ok(theirs.is_ok_and(|(theirs, _)| theirs.info_hash == ours.info_hash))
    }

    /// Says that we want something, and waits until we may ask.
    pub(super) async fn until_unchoked(&mut self) -> io::Result<()> {
        self.say(&Message::Interested).await?;
        while !matches!(self.hear().await?, Heard::Unchoked) {}
        Ok(())
    }

    /// A whole piece.
    pub(super) async fn piece(&mut self, index: u32, length: u64) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        let mut missing: BTreeSet<u64> = (0..length.div_ceil(BLOCK)).map(|block| block * BLOCK).collect();
        let mut asked = BTreeSet::new();
        let mut may_ask = true;
        while !missing.is_empty() {
            if may_ask {
                self.ask(index, length, &missing, &mut asked).await?;
            }
            let heard = timeout(SILENCE, self.hear())
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
            match heard {
                Heard::Unchoked => may_ask = true,
                Heard::Choked => {
                    // What was asked for is forgotten.
                    may_ask = false;
                    asked.clear();
                }
                Heard::Block { index: of, begin, bytes } => {
                    let expected = BLOCK.min(length.saturating_sub(begin));
                    if of != index || !missing.remove(&begin) || bytes.len() as u64 != expected {
                        return Err(io::Error::other("a block comes that was not asked for"));
                    }
                    asked.remove(&begin);
                    let start = usize::try_from(begin).map_err(io::Error::other)?;
                    piece[start..start + bytes.len()].copy_from_slice(&bytes);
                }
                Heard::Nothing => {}
            }
        }
        Ok(piece)
    }

    /// Asks for the next blocks that are missing and not yet asked for.
    async fn ask(
        &mut self,
        index: u32,
        length: u64,
        missing: &BTreeSet<u64>,
        asked: &mut BTreeSet<u64>,
    ) -> io::Result<()> {
        let room = AHEAD.saturating_sub(asked.len());
        let next: Vec<u64> = missing.difference(asked).copied().take(room).collect();
        for begin in next {
            let block = u32::try_from(BLOCK.min(length - begin)).map_err(io::Error::other)?;
            let begin_in_message = u32::try_from(begin).map_err(io::Error::other)?;
            self.say(&Message::Request(Request::new(index, begin_in_message, block))).await?;
            asked.insert(begin);
        }
        Ok(())
    }

    async fn say(&mut self, message: &Message<'_>) -> io::Result<()> {
        let mut bytes = [0; 32];
        let length =
            message.serialize(&mut bytes, &PeerExtendedMessageIds::default).map_err(io::Error::other)?;
        self.stream.write_all(&bytes[..length]).await
    }

    /// The next message. One that we do not know says nothing to us.
    async fn hear(&mut self) -> io::Result<Heard> {
        let length = usize::try_from(self.stream.read_u32().await?).map_err(io::Error::other)?;
        if length > LONGEST_MESSAGE {
            return Err(io::Error::other("a message is longer than any that is known"));
        }
        self.frame.clear();
        // The crate reads the length itself.
        self.frame.extend_from_slice(&(length as u32).to_be_bytes());
        self.frame.resize(length + 4, 0);
        self.stream.read_exact(&mut self.frame[4..]).await?;
        match Message::deserialize(&self.frame, &[]) {
            Ok((Message::Unchoke, _)) => Ok(Heard::Unchoked),
            Ok((Message::Choke, _)) => Ok(Heard::Choked),
            Ok((Message::Piece(piece), _)) => {
                let (first, second) = piece.data();
                let bytes = [first, second].concat();
                Ok(Heard::Block { index: piece.index, begin: piece.begin.into(), bytes })
            }
            Ok(_) | Err(MessageDeserializeError::UnsupportedMessageId(_)) => Ok(Heard::Nothing),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// Another one for each connection, in Azureus style (BEP 20).
fn peer_id() -> [u8; 20] {
    let mut id = *b"-PO0100-000000000000";
    id[8..].fill_with(|| fastrand::alphanumeric() as u8);
    id
}
