//! Ground: types that cannot print what must not be seen. They hold and mask; they never read or send.

use std::fmt;
use std::str::FromStr;

pub use podseed_adapters::Secret;
use url::Url;

/// A URL that prints without what may be secret: user and password are left out, and each value in the query
/// is shown as `***` when `Display` or `Debug` is used. The fragment, which is never sent, is not shown at all.
///
/// The whole text leaves only through [`SafeUrl::reveal`], for the one place that sends the request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafeUrl(Url);

impl SafeUrl {
    /// The URL itself, for the one place that sends the request.
    pub fn reveal(&self) -> &Url {
        &self.0
    }

    /// The host as it is written in requests: a name (punycode), or an address; `None` for `data:` and its like.
    pub fn host(&self) -> Option<&str> {
        self.0.host_str()
    }

    /// Scheme, host and port, as `https://example.org` or `http://[::1]:8080`; nothing that could be secret.
    pub fn origin(&self) -> String {
        let mut origin = format!("{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default());
        if let Some(port) = self.0.port() {
            origin.push_str(&format!(":{port}"));
        }
        origin
    }

    /// Whether user or password stand in the URL.
    pub fn has_credentials(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }
}

impl From<Url> for SafeUrl {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl FromStr for SafeUrl {
    type Err = url::ParseError;

    /// An absolute URL. The error does not repeat the text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Url::parse(text).map(Self)
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.cannot_be_a_base() {
            return write!(f, "{}:***", self.0.scheme());
        }
        write!(f, "{}{}", self.origin(), self.0.path())?;
        let Some(query) = self.0.query().filter(|query| !query.is_empty()) else { return Ok(()) };
        for (index, pair) in query.split('&').enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            match pair.split_once('=') {
                Some((name, _)) => write!(f, "{name}=***")?,
                None => f.write_str("***")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Names of query parameters that hold credentials in private feeds, signed URLs and private trackers.
const SECRET_PARAMETERS: [&str; 17] = [
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "authkey",
    "expires",
    "hmac",
    "key",
    "pass",
    "passkey",
    "password",
    "policy",
    "secret",
    "sig",
    "signature",
    "token",
    "torrent_pass",
];

/// How the parameters of addresses begin that Amazon S3, Google Cloud Storage and Akamai sign.
const SECRET_BEGINNINGS: [&str; 3] = ["x-amz-", "x-goog-", "hdn"];

/// How the many names end that hosts have for one thing: `auth_token`, `rssToken`, `client_secret`.
const SECRET_ENDS: [&str; 4] = ["token", "secret", "signature", "password"];

/// A URL of a feed as it may be shown and passed on: without user and password, and with the values of parameters
/// that hold credentials masked. Other parameters stay: they may name the file.
pub fn public_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRET_PARAMETERS.contains(&name.as_str())
            || SECRET_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
            || SECRET_ENDS.iter().any(|end| name.ends_with(end))
    };
    let bare = url.username().is_empty() && url.password().is_none();
    let masked: Option<String> = url
        .query()
        .filter(|query| {
            query.split('&').any(|pair| pair.split_once('=').is_some_and(|(name, _)| is_secret(name)))
        })
        .map(|query| {
            let mask = |pair: &str| match pair.split_once('=') {
                Some((name, _)) if is_secret(name) => format!("{name}=***"),
                _ => pair.to_owned(),
            };
            query.split('&').map(mask).collect::<Vec<_>>().join("&")
        });
    if bare && masked.is_none() {
        return text.to_owned();
    }
    // A URL that has user and password can have them taken away.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if let Some(query) = masked {
        url.set_query(Some(&query));
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<SafeUrl>().unwrap().to_string()
    }

    #[test]
    fn what_may_be_secret_is_masked() {
        for (url, expected) in [
            ("https://me:pa55@example.org/feed.rss", "https://example.org/feed.rss"),
            ("https://example.org/feed?auth=s3cret&page=2", "https://example.org/feed?auth=***&page=***"),
            ("https://example.org/feed?s3cret", "https://example.org/feed?***"),
            ("https://example.org/feed?a=1=s3cret#s3cret", "https://example.org/feed?a=***"),
            ("http://[::1]:8080/rpc", "http://[::1]:8080/rpc"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("data:text/plain,s3cret", "data:***"),
            ("file:///srv/feed.xml", "file:///srv/feed.xml"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn a_public_url_is_the_feeds_own_unless_it_holds_credentials() {
        for (url, expected) in [
            ("https://example.org/Ä b.mp3?source=feed", "https://example.org/Ä b.mp3?source=feed"),
            ("https://me:pa55@example.org/a.mp3", "https://example.org/a.mp3"),
            ("https://example.org/a.mp3?id=7&Token=s3cret", "https://example.org/a.mp3?id=7&Token=***"),
            ("a.mp3", "a.mp3"),
        ] {
            assert_eq!(public_url(url), expected);
        }
    }

    #[test]
    fn debug_shows_no_more_than_display_and_reveal_shows_all() {
        let url: SafeUrl = "https://me:pa55@example.org/?key=s3cret".parse().unwrap();
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!(url.reveal().as_str(), "https://me:pa55@example.org/?key=s3cret");
        assert!(url.has_credentials());
    }

    #[test]
    fn origin_keeps_only_a_port_that_is_not_the_schemes_own() {
        let origin = |text: &str| text.parse::<SafeUrl>().unwrap().origin();
        assert_eq!(origin("https://example.org:443/a"), "https://example.org");
        assert_eq!(origin("https://u:p@example.org:8443/a?b"), "https://example.org:8443");
    }

    #[test]
    fn a_parameter_is_secret_by_how_hosts_name_tokens_and_signatures() {
        for (url, expected) in [
            (
                "https://example.org/a.mp3?auth_token=s&page=2",
                "https://example.org/a.mp3?auth_token=***&page=2",
            ),
            ("https://example.org/a.mp3?rssToken=s", "https://example.org/a.mp3?rssToken=***"),
            (
                "https://example.org/a.mp3?X-Goog-Signature=s",
                "https://example.org/a.mp3?X-Goog-Signature=***",
            ),
            ("https://example.org/a.mp3?hdnts=s", "https://example.org/a.mp3?hdnts=***"),
            ("https://example.org/a.mp3?keyword=radio&id=2", "https://example.org/a.mp3?keyword=radio&id=2"),
        ] {
            assert_eq!(public_url(url), expected);
        }
    }
}
