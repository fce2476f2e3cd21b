//! Which path is answered with what.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Extension, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::file::SiteFile;
use super::metrics;
use super::path::{SiteRequest, site_request, without_base};
use super::private::may_see;
use super::seats::Seats;
use super::{Facts, Health, Options, Unknown};
use crate::fs;

/// What the site's pages need, as they say themselves, and a place for a file that is opened by itself in a browser.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What goes with every answer.
const SAFE: [(HeaderName, &str); 3] = [
    (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
];

/// What all answers come from.
pub(super) struct Shared {
    pub(super) facts: Arc<dyn Facts>,
    pub(super) options: Options,
    pub(super) seats: Arc<Seats>,
    pub(super) requests: AtomicU64,
    pub(super) sent: Arc<AtomicU64>,
}

/// The address at the other end of the connection, by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Everything that is answered. What is neither GET nor HEAD is refused by each route.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/healthz/live", get(live))
        .route("/healthz/ready", get(ready))
        .route("/metrics", get(figures))
        .route("/status.json", get(status))
        .fallback_service(get(site).with_state(Arc::clone(&shared)))
        .layer(middleware::from_fn(refuse_bodies))
        .layer(middleware::map_response(with_safe_headers))
        .with_state(shared)
}

/// The request with its path as the router knows it.
pub(super) fn below_base(mut request: Request, base: &str) -> Request {
    let mut uri = without_base(request.uri().path(), base).to_owned();
    if let Some(query) = request.uri().query() {
        uri.push('?');
        uri.push_str(query);
    }
    // It was one a moment ago, and is shorter now.
    if let Ok(uri) = uri.parse() {
        *request.uri_mut() = uri;
    }
    request
}

async fn with_safe_headers(mut answer: Response) -> Response {
    for (name, value) in SAFE {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Whatever somebody sends along is not read, and the connection ends: nobody knows where the next request begins.
async fn refuse_bodies(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let mut answer = match next.run(request.map(|_| Body::empty())).await {
        answer if answer.status() == StatusCode::METHOD_NOT_ALLOWED => answer,
        _ => (StatusCode::PAYLOAD_TOO_LARGE, "a request has no body here\n").into_response(),
    };
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let Health { live, ready } = shared.facts.health().await;
    tell_health(live && ready, json!({"live": live, "ready": ready}))
}

async fn live(State(shared): State<Arc<Shared>>) -> Response {
    let Health { live, .. } = shared.facts.health().await;
    tell_health(live, json!({"live": live}))
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let Health { ready, .. } = shared.facts.health().await;
    tell_health(ready, json!({"ready": ready}))
}

fn tell_health(well: bool, document: serde_json::Value) -> Response {
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, "application/json")];
    (status, headers, format!("{document}\n")).into_response()
}

async fn figures(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    version: Version,
    headers: HeaderMap,
) -> Response {
    if !may_see(peer.0, version, &headers, &shared.options.private) {
        return not_for_you();
    }
    let own = metrics::Own {
        connections: shared.seats.taken() as u64,
        requests: shared.requests.load(Ordering::Relaxed),
        sent_bytes: shared.sent.load(Ordering::Relaxed),
    };
    match shared.facts.metrics().await {
        Ok(figures) => private(metrics::CONTENT_TYPE, metrics::render(&figures, &own)),
        Err(error) => unknown("metrics", &error),
    }
}

async fn status(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    version: Version,
    headers: HeaderMap,
) -> Response {
    if !may_see(peer.0, version, &headers, &shared.options.private) {
        return not_for_you();
    }
    match shared.facts.status().await {
        Ok(document) => private("application/json", Body::from_stream(document)),
        Err(error) => unknown("status", &error),
    }
}

fn private(content_type: &'static str, text: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store")], text.into()).into_response()
}

fn not_for_you() -> Response {
    let text = "answered only to the addresses in server.private, and not by way of a proxy\n";
    (StatusCode::FORBIDDEN, [(CACHE_CONTROL, "no-store")], text).into_response()
}

fn unknown(what: &str, error: &Unknown) -> Response {
    tracing::warn!(%error, "cannot tell the {what}");
    (StatusCode::SERVICE_UNAVAILABLE, "cannot be told now; the log says why\n").into_response()
}

async fn site(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let is_base = path.len() > 1 && path == shared.options.base_path.trim_end_matches('/');
    let answer = match site_request(path) {
        _ if is_base => Ok(moved_to_folder(path)),
        None => missing(&shared.options.site_dir, &method).await,
        Some(wanted) => match find(&shared.options.site_dir, wanted).await {
            Ok(Found::File(file)) => file.answer(&method, &headers).await,
            Ok(Found::Folder) => Ok(moved_to_folder(path)),
            Ok(Found::Nothing) => missing(&shared.options.site_dir, &method).await,
            Err(error) => Err(error),
        },
    };
    answer.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot read a file of the site");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

/// What there is for a request.
enum Found {
    File(SiteFile),
    /// It was asked for as if it were a file.
    Folder,
    Nothing,
}

async fn find(site: &Path, wanted: SiteRequest) -> io::Result<Found> {
    let site = site.to_owned();
    let look = move || {
        let SiteRequest { mut path, folder } = wanted;
        if folder {
            path.push("index.html");
        }
        let Some(file) = fs::open_beneath(&site, &path).map_err(io::Error::other)? else {
            return Ok(Found::Nothing);
        };
        match file.metadata()?.is_dir() {
            true if folder => Ok(Found::Nothing),
            true => Ok(Found::Folder),
            false => SiteFile::new(file, &path).map(Found::File),
        }
    };
    tokio::task::spawn_blocking(look).await.map_err(io::Error::other)?
}

/// 404, with the site's own page for it if it has one.
async fn missing(site: &Path, method: &Method) -> io::Result<Response> {
    let wanted = SiteRequest { path: "404.html".into(), folder: false };
    match find(site, wanted).await? {
        Found::File(page) => page.answer_missing(method).await,
        _ => Ok((StatusCode::NOT_FOUND, "there is no such file\n").into_response()),
    }
}

/// Relative to the path that was asked for: whatever stands in front of it at a proxy stays there.
fn moved_to_folder(path: &str) -> Response {
    let name = path.rsplit('/').next().unwrap_or_default();
    match HeaderValue::from_str(&format!("./{name}/")) {
        Ok(location) => (StatusCode::MOVED_PERMANENTLY, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
