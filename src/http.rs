//! Ground: the HTTP client, with its guards and limits.
