//! What the checks of a configuration share.

use std::path::PathBuf;

use super::finding::Collector;
use super::{Variables, paths};

/// What every check needs.
pub(super) struct Context<'a> {
    /// The folder of the configuration file, absolute.
    pub(super) base: PathBuf,
    pub(super) variables: &'a Variables<'a>,
    pub(super) findings: &'a mut Collector,
}

impl Context<'_> {
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        paths::resolve(path, &self.base, self.variables)
    }
}
