//! The trackers: whether each answers. None of them is told of a torrent.

use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::Finding;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);
/// The constant that opens a conversation with a UDP tracker (BEP 15).
const UDP_PROTOCOL: u64 = 0x0417_2710_1980;

pub(super) async fn check(config: &Config, findings: &mut Vec<Finding>) {
    for tracker in config.torrent.trackers.iter().flatten() {
        let place = format!("torrent.trackers: {tracker}");
        findings.push(match timeout(PATIENCE, answers(tracker)).await {
            Ok(Ok(())) => Finding::ok("tracker.reached", place, "it answers"),
            Ok(Err(why)) => silent(place, &why),
            Err(_) => silent(place, &format!("no answer within {} s", PATIENCE.as_secs())),
        });
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
    let host = url.host_str().ok_or("there is no host in it")?;
    let port = url.port_or_known_default().ok_or("there is no port in it")?;
    if url.scheme() == "udp" {
        return udp(host, port).await.map_err(|error| error.to_string());
    }
    TcpStream::connect((host, port)).await.map(drop).map_err(|error| error.to_string())
}

/// Asks for a connection id, which every UDP tracker gives to anybody.
async fn udp(host: &str, port: u16) -> std::io::Result<()> {
    let address = lookup_host((host, port)).await?.next().ok_or(std::io::ErrorKind::NotFound)?;
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
