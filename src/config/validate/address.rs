//! Addresses: of feeds and clients, of the site, of trackers.

use url::{ParseError, Url};

use super::Context;
use crate::config::finding::KeyPath;
use crate::secret::public_url;

const NOT_HTTP: &str = "does not begin with https:// or http://";

/// An http or https address without user and password. Findings never repeat it: it may hold a secret.
pub(super) fn web_address(text: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<Url> {
    const IN_FULL: &str = "write it in full, such as https://example.org/path or http://nas:9091/path";
    let (text, hint) = match Url::parse(text.trim()) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => (NOT_HTTP.to_owned(), IN_FULL),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => (
            "a login must not stand in an address".to_owned(),
            "name user and password by `username` and `password_file` (a show's stand below `auth`)",
        ),
        Ok(url) => return Some(url),
        Err(ParseError::RelativeUrlWithoutBase) => (NOT_HTTP.to_owned(), IN_FULL),
        Err(error) => (format!("is no web address: {error}"), IN_FULL),
    };
    context.findings.error("config.url", at, text, hint);
    None
}

/// The address of the site; its path ends in `/`, so that what lies below can be joined to it.
pub(super) fn base_url(text: &str, at: &KeyPath, context: &mut Context<'_>) -> Option<Url> {
    let mut url = web_address(text, at, context)?;
    if url.query().is_some() || url.fragment().is_some() {
        context.findings.error(
            "config.url",
            at,
            "a base address ends with its path",
            "remove everything after `?` or `#`",
        );
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}

/// An announce URL. Passkeys may stand in it, so that findings do not repeat it.
pub(super) fn check_tracker(address: &str, at: &KeyPath, context: &mut Context<'_>) {
    let (text, hint) = match Url::parse(address) {
        _ if !address.contains("://") => {
            ("does not begin with udp://, https:// or http://".to_owned(), "copy the whole announce address")
        }
        Ok(url) if !matches!(url.scheme(), "udp" | "http" | "https") => {
            (format!("trackers do not speak `{}`", url.scheme()), "use udp://, https:// or http://")
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => {
            ("has no host".to_owned(), "see the tracker's own page")
        }
        Ok(url) if url.scheme() == "udp" && url.port().is_none() => {
            ("has no port".to_owned(), "a UDP tracker needs one: udp://tracker.example.org:6969/announce")
        }
        Ok(_) if public_url(address) != address => (
            "holds a passkey or a login, and everybody gets it with the torrent".to_owned(),
            "name a tracker that is open to all; podseed makes no torrents for private ones",
        ),
        Ok(_) => return,
        Err(error) => (
            format!("is no address of a tracker: {error}"),
            "for example udp://tracker.example.org:6969/announce",
        ),
    };
    context.findings.error("config.tracker", at, text, hint);
}
