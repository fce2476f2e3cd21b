//! POST: a small document goes to an address that the user named. No redirect is followed, for what is sent is meant for
//! that address alone; and no message shows its path, which may be a secret in itself.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::{Error, Http, Lane, strip_for_sending};
use crate::secret::{SafeUrl, Secret};

/// How long all of it may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One POST request.
pub struct Post {
    /// http or https.
    pub url: Url,
    /// Sent as bearer token (RFC 6750).
    pub token: Option<Secret>,
    /// Besides it. Nothing secret belongs here.
    pub headers: HeaderMap,
    /// The document.
    pub body: Vec<u8>,
}

impl Http {
    /// Sends a document and waits for a status of success. What the answer says is not read.
    ///
    /// # Errors
    /// Any other status, a redirect among them, and whatever keeps the answer from coming within 30 s.
    pub async fn post(&self, post: Post) -> Result<(), Error> {
        let mut url = post.url.clone();
        strip_for_sending(&mut url)?;
        let shown = origin(&url);
        match tokio::time::timeout(TIMEOUT, self.post_to(url, &shown, post)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout { url: shown.into() }),
        }
    }

    async fn post_to(&self, url: Url, shown: &Url, post: Post) -> Result<(), Error> {
        let client = self.client_for(shown).await?;
        let _slot = self.shared.origins.enter(shown, Lane::Document, TIMEOUT).await?;
        let mut request = client.request(Method::POST, url).headers(post.headers).body(post.body);
        if let Some(token) = &post.token {
            request = request.bearer_auth(token.reveal());
        }
        let response = request.send().await.map_err(|error| Error::sending(shown, error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let retry_after = response.headers().get(reqwest::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(super::dates::retry_after);
        Err(Error::Status { url: SafeUrl::from(shown.clone()), status, retry_after })
    }
}

fn origin(url: &Url) -> Url {
    let mut origin = url.clone();
    origin.set_path("");
    origin.set_query(None);
    origin
}
