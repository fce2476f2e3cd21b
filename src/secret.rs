//! Ground: types that cannot print what must not be seen.

use std::fmt;

pub use podseed_adapters::Secret;
use url::Url;

/// A URL that prints without what may be secret: user and password are left out, and each value in the query
/// is shown as `***` when `Display` or `Debug` is used.
///
/// The whole text leaves only through [`SafeUrl::reveal`], for the one place that sends the request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafeUrl(Url);

impl From<Url> for SafeUrl {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(self.0.query().map(|_| "***"));
        fmt::Display::fmt(&url, f)
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
