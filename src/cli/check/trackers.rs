//! The trackers: whether each answers. None of them is told of a torrent.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::{join_all, select_ok};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::Finding;
use crate::config::Config;
use crate::secret::public_url;

const PATIENCE: Duration = Duration::from_secs(5);
/// The constant that opens a conversation with a UDP tracker (BEP 15).
const UDP_PROTOCOL: u64 = 0x0417_2710_1980;

pub(super) async fn check(config: &Config, findings: &mut Vec<Finding>) {
    let trackers = config.torrent.trackers.iter().flatten();
    findings.extend(join_all(trackers.map(|tracker| ask(tracker))).await);
}

async fn ask(tracker: &str) -> Finding {
    let place = format!("torrent.trackers: {}", public_url(tracker));
    match timeout(PATIENCE, answers(tracker)).await {
        Ok(Ok(())) => Finding::ok("tracker.reached", place, "it answers"),
        Ok(Err(why)) => silent(place, &why),
        Err(_) => silent(place, &format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

fn silent(place: String, why: &str) -> Finding {
    Finding::warning(
        "tracker.silent",
        place,
        format!("it cannot be reached: {why}"),
        "peers still find each other by DHT and peer exchange; a dead tracker is better removed",
    )
}

async fn answers(tracker: &str) -> Result<(), String> {
    let url = Url::parse(tracker).map_err(|error| error.to_string())?;
    // An IPv6 address stands in brackets in a URL, and nowhere else.
    let host = url.host_str().ok_or("there is no host in it")?.trim_matches(['[', ']']);
    let port = url.port_or_known_default().ok_or("there is no port in it")?;
    if url.scheme() == "udp" {
        return udp(host, port).await.map_err(|error| error.to_string());
    }
    TcpStream::connect((host, port)).await.map(drop).map_err(|error| error.to_string())
}

/// Asks all addresses of the host at once, for a machine may have no way to some of them.
async fn udp(host: &str, port: u16) -> std::io::Result<()> {
    let asked: Vec<_> = lookup_host((host, port)).await?.map(|address| Box::pin(ask_udp(address))).collect();
    if asked.is_empty() {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    select_ok(asked).await.map(drop)
}

/// Asks for a connection id, which every UDP tracker gives to anybody.
async fn ask_udp(address: SocketAddr) -> std::io::Result<()> {
    let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(address).await?;
    let mut request = [0; 16];
    request[..8].copy_from_slice(&UDP_PROTOCOL.to_be_bytes());
    request[12..].copy_from_slice(b"psed");
    socket.send(&request).await?;
    let mut answer = [0; 16];
    socket.recv(&mut answer).await?;
    match answer[4..8] == request[12..] {
        true => Ok(()),
        false => Err(std::io::Error::other("something other than a tracker answered")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tracker_is_found_at_an_ipv6_address_and_at_any_address_of_its_host() {
        for (local, host) in [("[::1]:0", "[::1]"), ("127.0.0.1:0", "localhost")] {
            // A machine without IPv6 has nothing to test there.
            let Ok(socket) = UdpSocket::bind(local).await else { continue };
            let port = socket.local_addr().unwrap().port();
            let tracker = tokio::spawn(async move {
                let mut request = [0; 16];
                let (_, from) = socket.recv_from(&mut request).await.unwrap();
                request.copy_within(12..16, 4);
                socket.send_to(&request, from).await.unwrap();
            });
            let found = ask(&format!("udp://{host}:{port}/announce?passkey=s3cret")).await;
            tracker.abort();
            assert_eq!(found.id, "tracker.reached", "{}", found.text);
            assert!(!found.place.contains("s3cret"), "{}", found.place);
        }
    }
}
