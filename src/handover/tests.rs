//! The steps against a client that does what a test tells it.
