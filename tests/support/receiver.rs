//! A server that takes what is sent to it, as a webhook or ntfy does: every request is on record, with its body.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::oneshot;

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A status, and where a redirect leads.
    Status(u16, Option<String>),
    /// None at all.
    Never,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// A header as text; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The body as the JSON document that it is.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Desk {
    received: Vec<Received>,
    script: VecDeque<Answer>,
}

/// The server. It ends with this value.
pub(crate) struct Receiver {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
    _stop: oneshot::Sender<()>,
}

impl Receiver {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Mutex::new(Desk::default()));
        let app = Router::new().fallback(take).with_state(Arc::clone(&desk));
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = axum::serve(listener, app).into_future() => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { address, desk, _stop: stop }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request that no earlier answer has taken gets this one; all others a 200.
    pub(crate) fn answer(&self, answer: Answer) {
        self.desk.lock().unwrap().script.push_back(answer);
    }

    /// What has come so far to one path.
    pub(crate) fn received(&self, path: &str) -> Vec<Received> {
        self.desk.lock().unwrap().received.iter().filter(|request| request.path == path).cloned().collect()
    }
}

async fn take(
    State(desk): State<Arc<Mutex<Desk>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = {
        let mut desk = desk.lock().unwrap();
        let (method, path) = (method.to_string(), uri.path().to_owned());
        desk.received.push(Received { method, path, headers, body: body.to_vec() });
        desk.script.pop_front()
    };
    match answer {
        None => StatusCode::OK.into_response(),
        Some(Answer::Never) => std::future::pending().await,
        Some(Answer::Status(status, to)) => {
            let status = StatusCode::from_u16(status).unwrap();
            match to {
                Some(to) => (status, [("location", to)]).into_response(),
                None => status.into_response(),
            }
        }
    }
}
