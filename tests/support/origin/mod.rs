//! A publisher's web server, in this process: files from memory, each request on record, faults by script.
//!
//! It runs in a thread of its own, so that tests may block, and ends with the value that started it. It speaks
//! HTTP/1.1 with keep-alive, ranges and conditional requests; what it does wrong, it was told to.

mod answer;
mod connection;

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing: lets one request pass before the next fault of the script.
    Nothing,
    /// This status, with these headers and a short text.
    Status(u16, Vec<(&'static str, String)>),
    /// A redirect to this address.
    Redirect(u16, String),
    /// So many bytes of the body, then the end of the connection.
    CutAfter(usize),
    /// So many bytes of the body, then silence with the connection open.
    HangAfter(usize),
    /// No answer at all, with the connection open.
    Hang,
    /// A body without `Content-Length`, in chunks.
    Chunked,
    /// The same, with the connection ended after so many bytes, before the last chunk.
    ChunkedCutAfter(usize),
    /// A body with neither length nor chunks: it ends with the connection.
    NoLength,
    /// This `Content-Length` instead of the true one; the connection ends after the true body.
    ContentLength(u64),
    /// The whole file, whatever range was asked for.
    IgnoreRange,
    /// A 206 whose `Content-Range` starts so many bytes later than asked for, and the bytes from there.
    ShiftRange(usize),
    /// Ranges without looking at `If-Range`.
    IgnoreIfRange,
    /// One more header.
    Header(&'static str, &'static str),
    /// A page that says what is wrong, with status 200.
    Html(&'static str),
    /// The body byte by byte, with this pause after each.
    Drip(Duration),
    /// Bytes that are no HTTP.
    Garbage,
    /// The file of another path, in the place of this one.
    OtherFile(&'static str),
}

/// One request, as it came, and what it got.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    /// As `GET`.
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The status that was sent; 0 when none was.
    pub(crate) status: u16,
    /// Bytes of the body that went out.
    pub(crate) sent: u64,
}

impl Logged {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The `Range` that was asked for.
    pub(crate) fn range(&self) -> Option<&str> {
        self.header("range")
    }
}

/// A file as it is served.
#[derive(Debug, Clone)]
struct Served {
    bytes: Arc<[u8]>,
    content_type: &'static str,
    etag: Option<String>,
    last_modified: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<String, Served>,
    script: HashMap<String, VecDeque<Fault>>,
    always: HashMap<String, Fault>,
    log: Vec<Logged>,
}

/// The server. Dropping it closes every connection.
#[derive(Debug)]
pub(crate) struct Origin {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _stop: oneshot::Sender<()>,
}

impl Origin {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) async fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = connection::serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, state, _stop: stop }
    }

    /// The address of a path, as `http://127.0.0.1:PORT/path`.
    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// The same address by name, as `http://localhost:PORT/path`.
    pub(crate) fn url_by_name(&self, path: &str) -> Url {
        format!("http://localhost:{}{path}", self.address.port()).parse().unwrap()
    }

    /// Serves a file, with a strong ETag of its content and a Last-Modified. Replaces an older one.
    pub(crate) fn file(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let bytes: Arc<[u8]> = bytes.into().into();
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let served = Served {
            bytes,
            content_type: content_type(path),
            etag: Some(format!("\"{:016x}\"", hasher.finish())),
            last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
        };
        self.lock().files.insert(path.to_owned(), served);
    }

    /// What is served under a path.
    pub(crate) fn content(&self, path: &str) -> Vec<u8> {
        self.lock().files[path].bytes.to_vec()
    }

    /// Sets what identifies the content of a file.
    pub(crate) fn validators(&self, path: &str, etag: Option<&str>, last_modified: Option<&str>) {
        let mut state = self.lock();
        let served = state.files.get_mut(path).expect("the file is served");
        served.etag = etag.map(str::to_owned);
        served.last_modified = last_modified.map(str::to_owned);
    }

    /// The next request for `path` that no earlier fault has taken gets this one.
    pub(crate) fn fault(&self, path: &str, fault: Fault) {
        self.lock().script.entry(path.to_owned()).or_default().push_back(fault);
    }

    /// Every request for `path` that the script leaves over gets this fault.
    pub(crate) fn always(&self, path: &str, fault: Fault) {
        self.lock().always.insert(path.to_owned(), fault);
    }

    /// What was asked so far, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<Logged> {
        self.lock().log.clone()
    }

    /// What was asked of one path.
    pub(crate) fn requests_for(&self, path: &str) -> Vec<Logged> {
        self.lock().log.iter().filter(|request| request.path == path).cloned().collect()
    }

    /// The bytes of bodies that went out for one path.
    pub(crate) fn bytes_served(&self, path: &str) -> u64 {
        self.requests_for(path).iter().map(|request| request.sent).sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("mp3") => "audio/mpeg",
        Some("xml" | "rss") => "application/rss+xml",
        Some("html") => "text/html",
        Some("torrent") => "application/x-bittorrent",
        _ => "application/octet-stream",
    }
}
