//! Stage: a notice goes out: to a webhook, to an ntfy topic, to a program of the user's. What is due is not decided
//! here, and nothing is tried twice.

mod hook;
mod ntfy;
mod webhook;

pub use hook::{Environment, HookError, run_hook};
pub use ntfy::send_ntfy;
pub use webhook::send_webhook;

use url::Url;

use crate::secret::Secret;

/// An address that the user named, and what it asks for.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// http or https.
    pub url: &'a Url,
    /// The access token.
    pub token: Option<&'a Secret>,
}
