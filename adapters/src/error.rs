//! What can go wrong at a client, classified where it is known: in the adapter.

use std::time::Duration;

/// Why a client did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nobody answers at the address, or not in time.
    Unreachable,
    /// The client refuses our credentials. Asking again with the same ones can lead to a ban.
    Unauthorized,
    /// The client has understood and declined.
    Rejected,
    /// This client, at this version, cannot take such a torrent or do such a thing.
    Unsupported,
    /// The answer is not one that this client gives: a proxy's page, another program, a wrong path in the
    /// URL.
    Protocol,
    /// A folder or file is missing, not accessible or in the way.
    Path,
}

/// When it makes sense to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not before somebody changes something.
    Never,
    /// At the caller's next opportunity.
    Later,
    /// Not before this time has passed; the client said so.
    After(Duration),
}

/// An error of one adapter call: what could not be done, why, and what the user can do about it.
///
/// Neither `Display` nor `Debug` ever shows a credential.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The class of the failure.
    pub kind: ErrorKind,
    /// Whether trying again makes sense.
    pub retry: Retry,
    /// One lower-case clause; never contains the source's text.
    pub message: String,
    /// What the user can do, if we know.
    pub hint: Option<String>,
    /// What lies below.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind with the retry advice that usually goes with it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::Unreachable | ErrorKind::Protocol => Retry::Later,
            ErrorKind::Unauthorized | ErrorKind::Rejected | ErrorKind::Unsupported | ErrorKind::Path => {
                Retry::Never
            }
        };
        Self { kind, retry, message: message.into(), hint: None, source: None }
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what lies below.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Replaces the retry advice.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}
