//! BEP 15: connect, then scrape, 74 info hashes a datagram.
//!
//! The standard waits 15 s, then twice as long, and so on for more than an hour. Nobody waits for a count so long: a
//! datagram that gets no answer is sent again once, and then the next address of the tracker is asked.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;
use url::Url;

use super::{Error, PATIENCE, Swarm, SwarmHash, refused};
use crate::http::Http;

/// The constant that opens a conversation.
const PROTOCOL: u64 = 0x0417_2710_1980;
const CONNECT: u32 = 0;
const SCRAPE: u32 = 2;
const ERROR: u32 = 3;
/// As many as the standard lets into one datagram.
const AT_ONCE: usize = 74;
/// Header and twelve bytes for each; an error has words instead.
const LONGEST_ANSWER: usize = 2048;
/// How long each sending waits for its answer. Two addresses that are silent stay within the patience for a tracker.
const WAITS: [Duration; 2] = [Duration::from_millis(1500), Duration::from_millis(2500)];

pub(super) async fn scrape(
    http: &Http,
    tracker: &Url,
    hashes: &[SwarmHash],
    swarms: &mut Vec<(SwarmHash, Swarm)>,
) -> Result<(), Error> {
    let conversation = timeout(PATIENCE, connect(http, tracker)).await;
    let conversation = conversation.map_err(|_| Error::Silent(tracker.clone().into()))??;
    for batch in hashes.chunks(AT_ONCE) {
        let answer = conversation.ask(SCRAPE, batch.as_flattened()).await?;
        let told: Vec<Swarm> = answer.chunks_exact(12).map(swarm).collect();
        if told.len() < batch.len() {
            return Err(Error::Malformed(tracker.clone().into()));
        }
        swarms.extend(batch.iter().copied().zip(told));
    }
    Ok(())
}

fn swarm(entry: &[u8]) -> Swarm {
    let number = |at: usize| u64::from(word(entry, at));
    Swarm { complete: number(0), downloaded: number(4), incomplete: number(8) }
}

/// The big-endian number there; 0 behind the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// Finds an address that answers: one of each family at most. Always in the same order: those of one name may be several trackers that count for
/// themselves, and a counter has to be that of yesterday.
async fn connect<'a>(http: &Http, tracker: &'a Url) -> Result<Conversation<'a>, Error> {
    let refused = |source| Error::Http { tracker: tracker.clone().into(), source: Box::new(source) };
    let mut addresses = http.addresses(tracker).await.map_err(refused)?;
    addresses.sort_unstable();
    let v4 = addresses.iter().find(|address| address.is_ipv4());
    let v6 = addresses.iter().find(|address| address.is_ipv6());
    let mut failure = Error::Silent(tracker.clone().into());
    for address in v4.into_iter().chain(v6) {
        match Conversation::open(tracker, *address).await {
            Ok(conversation) => return Ok(conversation),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// A socket that hears this one address alone, and the number under which the tracker knows it.
struct Conversation<'a> {
    tracker: &'a Url,
    socket: UdpSocket,
    id: u64,
}

impl<'a> Conversation<'a> {
    async fn open(tracker: &'a Url, address: SocketAddr) -> Result<Self, Error> {
        let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let failed = |source| Error::Socket { tracker: tracker.clone().into(), source };
        let socket = UdpSocket::bind(local).await.map_err(failed)?;
        socket.connect(address).await.map_err(failed)?;
        let mut conversation = Self { tracker, socket, id: PROTOCOL };
        let answer = conversation.ask(CONNECT, &[]).await?;
        let id = answer.first_chunk().ok_or_else(|| Error::Malformed(tracker.clone().into()))?;
        conversation.id = u64::from_be_bytes(*id);
        Ok(conversation)
    }

    /// Sends a request, and once more where nothing comes; gives what follows the head of the answer.
    async fn ask(&self, action: u32, body: &[u8]) -> Result<Vec<u8>, Error> {
        let transaction = fastrand::u32(..);
        let mut request = self.id.to_be_bytes().to_vec();
        request.extend(action.to_be_bytes());
        request.extend(transaction.to_be_bytes());
        request.extend(body);
        let failed = |source| Error::Socket { tracker: self.tracker.clone().into(), source };
        for wait in WAITS {
            self.socket.send(&request).await.map_err(failed)?;
            match timeout(wait, self.answer(action, transaction)).await {
                Ok(answer) => return answer,
                Err(_) => continue,
            }
        }
        Err(Error::Silent(self.tracker.clone().into()))
    }

    /// Waits for the answer to this very request; whatever else arrives is not listened to.
    async fn answer(&self, action: u32, transaction: u32) -> Result<Vec<u8>, Error> {
        let mut buffer = [0; LONGEST_ANSWER];
        loop {
            let received = self.socket.recv(&mut buffer).await;
            let length =
                received.map_err(|source| Error::Socket { tracker: self.tracker.clone().into(), source })?;
            let Some((head, rest)) = buffer[..length].split_at_checked(8) else { continue };
            if word(head, 4) != transaction {
                continue;
            }
            match word(head, 0) {
                ERROR => return Err(refused(self.tracker, rest)),
                told if told == action => return Ok(rest.to_vec()),
                _ => return Err(Error::Malformed(self.tracker.clone().into())),
            }
        }
    }
}
