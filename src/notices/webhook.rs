//! The webhook: a notice as JSON, by POST.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::Address;
use crate::http::{Error, Http, Post};
use crate::model::Notice;

/// Sends a notice as it is.
///
/// # Errors
/// Those of [`Http::post`].
pub async fn send_webhook(http: &Http, to: Address<'_>, notice: &Notice) -> Result<(), Error> {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let post = Post {
        url: to.url.clone(),
        token: to.token.cloned(),
        headers,
        // Texts and numbers only: it can always be written.
        body: serde_json::to_vec(notice).unwrap_or_default(),
    };
    http.trusting(to.url).post(post).await
}
