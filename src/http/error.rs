//! What can go wrong between here and an origin, classified where it is known.

use std::error::Error as StdError;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::StatusCode;
use url::Url;

use super::guard::Refused;
use crate::secret::SafeUrl;

/// When it makes sense to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Not before somebody changes something.
    Never,
    /// At a later opportunity.
    Later {
        /// Not before this time has passed; the origin said so.
        after: Option<Duration>,
    },
}

/// A request that brought nothing usable. No text of it shows credentials or query values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guard has refused the address.
    #[error(
        "{url} is refused: its address {address} is not a public one \
         (allow_private_addresses under limits: permits it)"
    )]
    RefusedAddress {
        /// The hop that was refused.
        url: SafeUrl,
        /// What its host resolves to.
        address: IpAddr,
    },
    /// Neither http nor https.
    #[error("{url} is refused: only http and https are fetched")]
    Scheme {
        /// The hop that was refused.
        url: SafeUrl,
    },
    /// An answer that is neither 2xx, 304 nor 416.
    #[error("{url} answered {status}")]
    Status {
        /// Who answered.
        url: SafeUrl,
        /// 3xx without redirection, 4xx or 5xx.
        status: StatusCode,
        /// The pause that the origin asks for, at most a week.
        retry_after: Option<Duration>,
    },
    /// The origin has asked for a pause that is longer than the request may wait.
    #[error("{url} is left alone for another {} s, as its host asked", wait.as_secs())]
    HeldBack {
        /// What was not requested.
        url: SafeUrl,
        /// What is left of the pause.
        wait: Duration,
    },
    /// No connection, no answer or no byte in time.
    #[error("{url} did not answer in time")]
    Timeout {
        /// Who was asked.
        url: SafeUrl,
    },
    /// Bytes come, but hardly any.
    #[error("{url} sends too slowly to ever end")]
    TooSlow {
        /// Who sends.
        url: SafeUrl,
    },
    /// No address is known for the host, or the URL has no port.
    #[error("cannot find the address of {url}")]
    Resolve {
        /// Who was to be asked.
        url: SafeUrl,
        /// What lies below.
        source: io::Error,
    },
    /// The name does not resolve, or nobody listens there.
    #[error("cannot connect to {url}")]
    Connect {
        /// Who was asked.
        url: SafeUrl,
        /// What lies below.
        source: reqwest::Error,
    },
    /// The certificate or the handshake is bad.
    #[error("cannot make a secure connection to {url}")]
    Tls {
        /// Who was asked.
        url: SafeUrl,
        /// What lies below.
        source: reqwest::Error,
    },
    /// The connection ended before the answer did, or the answer breaks the protocol.
    #[error("the answer of {url} was cut off")]
    Interrupted {
        /// Who was answering.
        url: SafeUrl,
        /// What lies below.
        source: reqwest::Error,
    },
    /// A loop, or nearly one.
    #[error("{url} redirects more than {} times", super::MAX_REDIRECTS)]
    TooManyRedirects {
        /// What was requested first.
        url: SafeUrl,
    },
    /// A redirect to nowhere.
    #[error("{url} redirects without a usable address")]
    BadRedirect {
        /// Who redirects.
        url: SafeUrl,
    },
    /// More bytes than the caller takes.
    #[error("{url} is larger than {limit} bytes")]
    TooLarge {
        /// Who sends.
        url: SafeUrl,
        /// What the caller takes, in bytes.
        limit: u64,
    },
    /// The client itself cannot be made: a contact with control characters, no certificates on this machine.
    #[error(
        "cannot set up the HTTP client (user_agent_contact, the system's certificates and proxies go into it)"
    )]
    Setup {
        /// What lies below.
        source: reqwest::Error,
    },
}

impl Error {
    /// Whether and when it makes sense to try again.
    pub fn advice(&self) -> Advice {
        match self {
            Self::RefusedAddress { .. }
            | Self::Scheme { .. }
            | Self::TooManyRedirects { .. }
            | Self::BadRedirect { .. }
            | Self::TooLarge { .. }
            | Self::Setup { .. } => Advice::Never,
            Self::Status { status, retry_after, .. } if passes_by_itself(*status) => {
                Advice::Later { after: *retry_after }
            }
            Self::Status { .. } => Advice::Never,
            Self::HeldBack { wait, .. } => Advice::Later { after: Some(*wait) },
            Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Interrupted { .. } => Advice::Later { after: None },
        }
    }

    /// The status, if it is one that made this an error.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    pub(super) fn setup(source: reqwest::Error) -> Self {
        Self::Setup { source: source.without_url() }
    }

    /// Classifies a request that got no answer.
    pub(super) fn sending(url: &Url, source: reqwest::Error) -> Self {
        if let Some(Refused(address)) = find(&source) {
            return Self::RefusedAddress { url: SafeUrl::from(url.clone()), address: *address };
        }
        Self::receiving(url, source)
    }

    /// Classifies an answer that broke off.
    pub(super) fn receiving(url: &Url, source: reqwest::Error) -> Self {
        let url = SafeUrl::from(url.clone());
        let source = source.without_url();
        if source.is_timeout() {
            Self::Timeout { url }
        } else if !source.is_connect() {
            Self::Interrupted { url, source }
        } else if is_tls(&source) {
            Self::Tls { url, source }
        } else {
            Self::Connect { url, source }
        }
    }
}

/// 408, 425, 429 and the server's own trouble; not what it will never do (501, 505).
fn passes_by_itself(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429)
        || (status.is_server_error() && !matches!(status.as_u16(), 501 | 505))
}

/// tokio-rustls reports whatever TLS objects to as an `io::Error` of kind `InvalidData`, in the layers of
/// hyper-rustls inside another `io::Error`, which `source` passes over.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut next = find::<io::Error>(error);
    while let Some(error) = next {
        if error.kind() == io::ErrorKind::InvalidData {
            return true;
        }
        next = error.get_ref().and_then(|inner| inner.downcast_ref());
    }
    false
}

fn find<E: StdError + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_final_or_pass() {
        let advice = |code: u16| {
            let status = StatusCode::from_u16(code).unwrap();
            let url = "http://a.example/".parse::<Url>().unwrap().into();
            Error::Status { url, status, retry_after: None }.advice()
        };
        for code in [408, 425, 429, 500, 502, 503, 504, 522, 599] {
            assert_eq!(advice(code), Advice::Later { after: None }, "{code}");
        }
        for code in [300, 400, 401, 403, 404, 410, 451, 501, 505] {
            assert_eq!(advice(code), Advice::Never, "{code}");
        }
    }
}
