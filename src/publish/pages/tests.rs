//! What stands in a page; how it looks and behaves in a browser is in `tests/pages.rs`.
