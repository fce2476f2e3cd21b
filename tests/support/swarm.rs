//! Others in a swarm, as far as a tracker knows.

use std::io::{Read as _, Write as _};

use podseed_adapters::InfoHashes;
use podseed_adapters::testing::Tracker;

/// Somebody at this port tells the tracker that he has all of a torrent.
pub(crate) fn announce(tracker: &Tracker, torrent: &InfoHashes, port: u16) {
    let url: url::Url = tracker.announce_url().parse().unwrap();
    let hash: String = torrent.v1().unwrap().0.iter().map(|byte| format!("%{byte:02x}")).collect();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();
    write!(
        stream,
        "GET /announce?info_hash={hash}&peer_id=-XX0001-another-peer&port={port}&uploaded=0&downloaded=0&left=0\
         &compact=1&event=started HTTP/1.0\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}
