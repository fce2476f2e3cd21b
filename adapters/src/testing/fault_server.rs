//! A server that answers as no client should: for the faults that a real one does not produce on demand.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What goes wrong with every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The reply ends in the middle of its body.
    CutOff,
    /// Status 500.
    ServerError,
    /// Status 502, as from a proxy whose client is down.
    BadGateway,
    /// Status 200 with a web page.
    WebPage,
    /// Status 200 with JSON of another program.
    OtherJson,
    /// A redirect to another host.
    Redirect,
    /// Status 401 without end.
    Unauthorized,
    /// Status 403 without end: qBittorrent's ban.
    Forbidden,
    /// A body that never ends.
    Endless,
    /// No reply at all.
    Hang,
}

/// Listens on a loopback port until the process ends.
pub struct FaultServer {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl FaultServer {
    /// Starts it with this fault.
    pub fn start(fault: Fault) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                // A client that hangs up early is what some tests are about.
                std::thread::spawn(move || drop(answer(stream, fault)));
            }
        });
        Ok(Self { port, requests })
    }

    /// Its address, without a path.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests have come. Each has a connection of its own.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream, fault: Fault) -> io::Result<()> {
    // One read is enough of a request: only the answer matters.
    let _ = stream.read(&mut [0; 4096])?;
    let page = "<!DOCTYPE html><html><body>Welcome</body></html>";
    let (status, kind, body) = match fault {
        Fault::Hang => {
            let _ = stream.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        Fault::CutOff => {
            return stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"result\": ");
        }
        Fault::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")?;
            loop {
                stream.write_all(&[b' '; 1 << 16])?;
            }
        }
        Fault::ServerError => ("500 Internal Server Error", "text/html", page),
        Fault::BadGateway => ("502 Bad Gateway", "text/html", page),
        Fault::WebPage => ("200 OK", "text/html; charset=utf-8", page),
        Fault::OtherJson => ("200 OK", "application/json", "{\"hello\": \"world\"}"),
        Fault::Redirect => ("302 Found\r\nLocation: https://elsewhere.example/login", "text/html", page),
        Fault::Unauthorized => ("401 Unauthorized", "text/html", page),
        Fault::Forbidden => ("403 Forbidden", "text/plain", "banned"),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
