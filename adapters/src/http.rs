//! The one way in which adapters speak HTTP: a time limit, a size limit, no redirects, no credential in
//! any text, and errors that tell an absent client from a wrong one.
//!
//! It knows nothing of any client's protocol, and it never repeats a request.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode, Url};

use crate::{Error, ErrorKind, Retry};

/// Everything that one adapter call may take.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The longest answer is the list of everything that a client has: 227 bytes a torrent from Transmission 4.1.4 and
/// 2,250 from qBittorrent 5.3.0, as measured with 10,000 torrents of ordinary names. That fits nearly three times.
const SIZE_LIMIT: usize = 64 << 20;

/// For so long refused credentials are not sent again. Somebody may have changed the password at the client; and who
/// asks every hour is banned for an hour in six at most.
const LOGIN_AGAIN: Duration = Duration::from_secs(3600);

/// A client program at an address.
pub(crate) struct Http {
    client: reqwest::Client,
    program: &'static str,
    url: Url,
    /// The URL as messages show it: a query may hold a secret.
    address: String,
}

/// A complete answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// For the program at `url`, which must be http or https and free of credentials.
    pub(crate) fn new(program: &'static str, url: &str) -> Result<Self, Error> {
        // The text itself stays out of messages: it may hold a password.
        let refuse = |what: &str| {
            Error::new(ErrorKind::Protocol, format!("the address of {program} {what}"))
                .retry(Retry::Never)
                .hint("write it as http://host:port/path; user name and password have their own settings")
        };
        let url = Url::parse(url.trim()).map_err(|error| refuse("is not a URL").source(error))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refuse("is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("contains credentials"));
        }
        // A torrent client is a neighbour: a proxy for the world outside is not asked, and nothing that
        // it answers may send our credentials elsewhere. No connection is kept: after a restart of the
        // client the next request would find it broken.
        let client = reqwest::Client::builder()
            .timeout(TIME_LIMIT)
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Error::new(ErrorKind::Protocol, "HTTP cannot be set up").source(error))?;
        let mut shown = url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        Ok(Self { client, program, url, address: shown.into() })
    }

    /// For building requests, and for crates that want to send their own.
    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The address as the user wrote it.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Sends the request once and reads the whole answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Reply, Error> {
        let request = request.build().map_err(|error| self.unreachable(error))?;
        tracing::trace!(program = self.program, path = request.url().path(), "asking");
        let mut response = self.client.execute(request).await.map_err(|error| self.unreachable(error))?;
        let mut reply =
            Reply { status: response.status(), headers: response.headers().clone(), body: Vec::new() };
        if reply.status.is_redirection() {
            let target = reply.headers.get("location").and_then(|value| value.to_str().ok());
            return Err(self
                .error(
                    ErrorKind::Protocol,
                    &format!("answers with a redirect to {}", target.unwrap_or("nowhere")),
                )
                .hint(self.address_hint()));
        }
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if reply.body.len() + chunk.len() > SIZE_LIMIT {
                return Err(self.error(ErrorKind::Protocol, "answers with more than 64 MiB"));
            }
            reply.body.extend_from_slice(&chunk);
        }
        Ok(reply)
    }

    /// Ends a whole call, of several requests or waiting for its turn, at [`TIME_LIMIT`].
    pub(crate) async fn within_limit<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(TIME_LIMIT, call).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.error(ErrorKind::Unreachable, "did not answer within 10 s")),
        }
    }

    /// An error about this program at this address: `what` goes on where "X at Y" ends.
    pub(crate) fn error(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format!("{} at {} {what}", self.program, self.address))
    }

    /// The error for a status or body that the program does not give.
    pub(crate) fn unexpected(&self, reply: &Reply) -> Error {
        let what = match reply.status {
            StatusCode::NOT_FOUND => "has nothing at this path".to_owned(),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                let kind = ErrorKind::Unreachable;
                return self
                    .error(kind, &format!("is not reached by its proxy, which answers {}", reply.status));
            }
            status if status.is_success() && reply.is_html() => "answers with a web page".to_owned(),
            status if status.is_success() => "gives an answer that cannot be read".to_owned(),
            status => format!("answers {status}"),
        };
        self.error(ErrorKind::Protocol, &what).hint(self.address_hint())
    }

    fn address_hint(&self) -> String {
        format!("check that the address is that of {} itself, with its whole path", self.program)
    }

    /// The error for a request that got no complete answer. The URL is named by us, not by the source.
    pub(crate) fn unreachable(&self, error: reqwest::Error) -> Error {
        let (what, hint) = if error.is_timeout() {
            ("did not answer within 10 s", "see whether it hangs, or a firewall is in between".to_owned())
        } else if error.is_connect() {
            let hint = format!("see that {} is running there, and that the address is right", self.program);
            ("cannot be reached", hint)
        } else {
            ("broke off the connection", self.address_hint())
        };
        self.error(ErrorKind::Unreachable, what).hint(hint).source(error.without_url())
    }
}

impl Reply {
    fn is_html(&self) -> bool {
        let claimed = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        claimed.is_some_and(|value| value.starts_with("text/html"))
            || self.body.trim_ascii_start().starts_with(b"<")
    }
}

/// Remembers that the client has refused our credentials, so that they are not sent again: an address
/// that fails often enough is banned.
#[derive(Default)]
pub(crate) struct Refusal(Mutex<Option<Refused>>);

struct Refused {
    message: String,
    hint: Option<String>,
    retry: Retry,
    until: Instant,
}

impl Refusal {
    /// Fails as the client did, without asking it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.take_if(|refused| refused.until <= Instant::now());
        let Some(refused) = &*refused else { return Ok(()) };
        let mut error = Error::new(ErrorKind::Unauthorized, refused.message.clone());
        error.hint.clone_from(&refused.hint);
        let left = refused.until.saturating_duration_since(Instant::now());
        Err(error.retry(match refused.retry {
            Retry::After(_) => Retry::After(left),
            advice => advice,
        }))
    }

    /// Remembers this error for as long as its retry advice says, else for an hour, and gives it back.
    pub(crate) fn remember(&self, error: Error) -> Error {
        let pause = match error.retry {
            Retry::After(pause) => pause,
            Retry::Never | Retry::Later => LOGIN_AGAIN,
        };
        let (message, hint, retry) = (error.message.clone(), error.hint.clone(), error.retry);
        let now = Instant::now();
        let refused = Refused { message, hint, retry, until: now.checked_add(pause).unwrap_or(now) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_refused_without_repeating_it() {
        let error = Http::new("Transmission", "http://me:hunter2@nas:9091/rpc").err().unwrap();
        assert_eq!(error.to_string(), "the address of Transmission contains credentials");
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn only_http_addresses_are_taken() {
        for url in ["", "nas:9091", "ftp://nas/", "http://", "file:///etc/passwd", "unix:/run/socket"] {
            assert!(Http::new("Transmission", url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_refusal_is_remembered_as_long_as_it_says() {
        let refusal = Refusal::default();
        assert!(refusal.check().is_ok());
        refusal.remember(Error::new(ErrorKind::Unauthorized, "no"));
        assert_eq!(refusal.check().unwrap_err().message, "no");
        refusal.remember(Error::new(ErrorKind::Unauthorized, "banned").retry(Retry::After(Duration::ZERO)));
        assert!(refusal.check().is_ok());
    }
}
