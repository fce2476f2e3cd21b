//! Ground: the HTTP client for feeds and media, with its guards and limits.
//!
//! One client, one honest user agent, no cookies, nothing decoded on the way. Redirects are followed here, hop by
//! hop, so that each address is checked, credentials stay at their origin and permanent moves are reported. It
//! never tries anything twice and never writes to disk.

mod body;
mod dates;
mod error;
mod guard;
mod meter;
mod origins;
mod post;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use leaky_bucket::RateLimiter;
use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, StatusCode, Version, redirect};
use url::Url;

pub use body::Body;
pub use dates::parse_date;
pub use error::{Advice, Error};
pub use meter::Meter;
pub use post::Post;

use crate::secret::{SafeUrl, Secret};
use guard::{Endpoint, Guard};
use origins::{Origins, Slot};

/// As many hops as podcast measurement prefixes have been seen to pile up, with room to spare.
pub const MAX_REDIRECTS: usize = 10;

/// Who to ask about this robot when the user names no contact.
const PROJECT: &str = env!("CARGO_PKG_REPOSITORY");

/// How the client behaves; see `limits` and `user_agent_contact` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where a publisher can ask about this robot: a URL or an e-mail address.
    pub contact: Option<String>,
    /// Turns the address guard off.
    pub allow_private_addresses: bool,
    /// Media transfers at once.
    pub downloads: usize,
    /// Media transfers at once from one host.
    pub per_host: usize,
    /// Bytes per second over all media transfers; `None` is unlimited.
    pub rate: Option<u64>,
    /// How long an origin may take.
    pub patience: Patience,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            contact: None,
            allow_private_addresses: false,
            downloads: 4,
            per_host: 2,
            rate: None,
            patience: Patience::default(),
        }
    }
}

/// How long an origin may take before its slot is given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For name resolution, TCP and TLS together.
    pub connect: Duration,
    /// Without a single byte.
    pub read: Duration,
    /// Time spent waiting for the origin within which it must send `least_bytes`: who drips a byte a minute
    /// holds no slot for ever.
    pub window: Duration,
    /// See `window`.
    pub least_bytes: u64,
    /// Before a transfer that failed is tried again; three times as long before the second time.
    pub retry: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            read: Duration::from_secs(60),
            window: Duration::from_secs(120),
            least_bytes: 64 * 1024,
            retry: Duration::from_secs(1),
        }
    }
}

/// Credentials for HTTP basic authentication (RFC 7617).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicAuth {
    /// May be empty.
    pub username: String,
    /// Without one, only the name is sent.
    pub password: Option<Secret>,
}

/// What is fetched, which decides the queue it waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// A feed or another small answer: does not wait behind long transfers, and counts towards no rate.
    Document,
    /// An enclosure: counts towards `downloads`, `per_host` and `rate`.
    Media,
}

/// One GET request.
#[derive(Clone)]
pub struct Request {
    /// Credentials in it are used like `auth` and sent nowhere else.
    pub url: Url,
    /// Sent to the origin of `url` only, never to where it redirects.
    pub auth: Option<BasicAuth>,
    /// Sent with every hop: conditions, ranges. Nothing secret belongs here.
    pub headers: HeaderMap,
    /// Which queue it waits in.
    pub lane: Lane,
    /// How long it waits for an origin that asked for a pause (`Retry-After`) before it gives up with
    /// [`Error::HeldBack`].
    pub patience: Duration,
}

impl Request {
    /// A request for a feed or another small document.
    pub fn document(url: Url) -> Self {
        Self {
            url,
            auth: None,
            headers: HeaderMap::new(),
            lane: Lane::Document,
            patience: Duration::from_secs(30),
        }
    }

    /// A request for an enclosure.
    pub fn media(url: Url) -> Self {
        Self { lane: Lane::Media, ..Self::document(url) }
    }
}

/// An answer that can be worked with: a 2xx, 304 or 416. Everything else is an [`Error`].
pub struct Response {
    /// 2xx, 304 or 416.
    pub status: StatusCode,
    /// Of the protocol.
    pub version: Version,
    /// As received.
    pub headers: HeaderMap,
    /// Who answered in the end, without credentials.
    pub url: Url,
    /// Where the requested URL has moved for good: the targets of the permanent redirects (301, 308) before the
    /// first temporary one. The last is the address to remember.
    pub moved: Vec<Url>,
    /// The bytes, as sent.
    pub body: Body,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// The HTTP client. Clones share connections, queues and limits.
#[derive(Clone)]
pub struct Http {
    shared: Arc<Shared>,
    trusted: Option<Endpoint>,
}

struct Shared {
    options: Options,
    guard: Guard,
    guarded: Client,
    /// For what the user named himself; made when first needed.
    open: OnceLock<Client>,
    origins: Origins,
    rate: Option<Arc<RateLimiter>>,
}

impl Http {
    /// Sets up the client. Nothing is sent.
    pub fn new(options: Options) -> Result<Self, Error> {
        let guard = Guard::new(options.allow_private_addresses);
        let guarded = builder(&options).dns_resolver(guard.resolver()).build().map_err(Error::setup)?;
        let origins = Origins::new(options.downloads, options.per_host);
        let rate = options.rate.map(rate_limiter);
        let shared = Shared { options, guard, guarded, open: OnceLock::new(), origins, rate };
        Ok(Self { shared: Arc::new(shared), trusted: None })
    }

    /// The same client for one show: the very host and port of the feed's URL, which the user wrote himself, may
    /// have a private address.
    #[must_use]
    pub fn trusting(&self, feed: &Url) -> Self {
        Self { shared: Arc::clone(&self.shared), trusted: Endpoint::of(feed) }
    }

    /// Asks, follows redirects, and returns as soon as the final headers are there. The slot of the host is held
    /// until the body is dropped. Requests and bytes are counted on `meter`, whatever comes of it.
    pub async fn get(&self, request: Request, meter: &Meter) -> Result<Response, Error> {
        let mut hop = Hop::first(request)?;
        loop {
            let (response, slot) = self.send(&hop, meter).await?;
            let Some(target) = redirect_target(&response, &hop.url)? else {
                return self.answer(response, hop, slot, meter);
            };
            hop.follow(target, response.status())?;
        }
    }

    /// The addresses of a URL's host, for a protocol other than HTTP: none that this client would not connect to.
    pub async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Error> {
        let unguarded = self.trusted.is_some() && self.trusted == Endpoint::of(url);
        self.shared.guard.addresses(url, unguarded).await
    }

    /// The pause before a failed transfer is tried again.
    pub fn retry_pause(&self) -> Duration {
        self.shared.options.patience.retry
    }

    async fn send(&self, hop: &Hop, meter: &Meter) -> Result<(reqwest::Response, Slot), Error> {
        let client = self.client_for(&hop.url).await?;
        let slot = self.shared.origins.enter(&hop.url, hop.request.lane, hop.request.patience).await?;
        let mut request = client.get(hop.url.clone()).headers(hop.request.headers.clone());
        if let Some(auth) = &hop.request.auth {
            request = request.basic_auth(&auth.username, auth.password.as_ref().map(Secret::reveal));
        }
        meter.count_request();
        let response = request.send().await.map_err(|error| Error::sending(&hop.url, error))?;
        Ok((response, slot))
    }

    /// The client for one hop: the guarded one, unless the user named this very host and port.
    async fn client_for(&self, url: &Url) -> Result<&Client, Error> {
        let shared = &self.shared;
        if shared.guard.is_off() || self.trusted.is_none() || self.trusted != Endpoint::of(url) {
            shared.guard.check(url).await?;
            return Ok(&shared.guarded);
        }
        if let Some(client) = shared.open.get() {
            return Ok(client);
        }
        let client = builder(&shared.options).build().map_err(Error::setup)?;
        Ok(shared.open.get_or_init(|| client))
    }

    fn answer(
        &self,
        response: reqwest::Response,
        hop: Hop,
        slot: Slot,
        meter: &Meter,
    ) -> Result<Response, Error> {
        let status = response.status();
        if !status.is_success()
            && status != StatusCode::NOT_MODIFIED
            && status != StatusCode::RANGE_NOT_SATISFIABLE
        {
            let pause = response.headers().get(RETRY_AFTER).and_then(dates::retry_after);
            if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                self.shared.origins.hold(&hop.url, pause.unwrap_or_default());
            }
            return Err(Error::Status { url: SafeUrl::from(hop.url), status, retry_after: pause });
        }
        self.shared.origins.is_well(&hop.url);
        let (version, headers) = (response.version(), response.headers().clone());
        let rate = match hop.request.lane {
            Lane::Media => self.shared.rate.clone(),
            Lane::Document => None,
        };
        let body = Body::new(response, self.shared.options.patience, meter.clone(), rate, slot);
        Ok(Response { status, version, headers, url: hop.url, moved: hop.moved, body })
    }
}

/// Where a request stands on its way through redirects.
struct Hop {
    url: Url,
    request: Request,
    moved: Vec<Url>,
    only_permanent: bool,
    redirects: usize,
}

impl Hop {
    fn first(mut request: Request) -> Result<Self, Error> {
        let mut url = request.url.clone();
        if request.auth.is_none() {
            request.auth = credentials_in(&url);
        }
        strip_for_sending(&mut url)?;
        Ok(Self { url, request, moved: Vec::new(), only_permanent: true, redirects: 0 })
    }

    fn follow(&mut self, mut target: Url, status: StatusCode) -> Result<(), Error> {
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            return Err(Error::TooManyRedirects { url: SafeUrl::from(self.request.url.clone()) });
        }
        strip_for_sending(&mut target)?;
        // Once away from its origin, a credential does not come back: the way was chosen by somebody else.
        if target.origin() != self.url.origin() {
            self.request.auth = None;
        }
        self.only_permanent &=
            matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
        if self.only_permanent {
            self.moved.push(target.clone());
        }
        self.url = target;
        Ok(())
    }
}

fn credentials_in(url: &Url) -> Option<BasicAuth> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let password = url.password().map(|password| Secret::new(decoded(password)));
    Some(BasicAuth { username: decoded(url.username()), password })
}

/// Takes out what does not belong into a request line, and refuses everything but http and https.
fn strip_for_sending(url: &mut Url) -> Result<(), Error> {
    let refused = |url: &Url| Error::Scheme { url: SafeUrl::from(url.clone()) };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused(url));
    }
    url.set_fragment(None);
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return Err(refused(url));
    }
    Ok(())
}

fn redirect_target(response: &reqwest::Response, from: &Url) -> Result<Option<Url>, Error> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    // Bytes beyond ASCII occur and mean UTF-8 (RFC 9110 allows neither); `join` encodes them.
    let location = response.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let target = location.and_then(|location| from.join(&location).ok());
    target.map(Some).ok_or_else(|| Error::BadRedirect { url: SafeUrl::from(from.clone()) })
}

/// Environment proxies are honoured as reqwest does by default; see [`guard`] for what is checked then.
fn builder(options: &Options) -> reqwest::ClientBuilder {
    let contact = options.contact.as_deref().unwrap_or(PROJECT);
    Client::builder()
        .user_agent(format!("podseed/{} (+{contact})", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(options.patience.connect)
        .read_timeout(options.patience.read)
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(options.per_host)
}

/// Refills twenty times a second, and lets through at most a quarter of a second's worth at once.
fn rate_limiter(bytes_per_second: u64) -> Arc<RateLimiter> {
    let rate = usize::try_from(bytes_per_second).unwrap_or(usize::MAX).max(20);
    let limiter = RateLimiter::builder()
        .interval(Duration::from_millis(50))
        .refill(rate / 20)
        .max((rate / 4).max(1))
        .initial(0)
        .build();
    Arc::new(limiter)
}
