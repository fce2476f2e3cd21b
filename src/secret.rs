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
