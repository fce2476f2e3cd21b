//! Own files: the rounds that look for them.

use std::sync::Arc;

use super::{Begin, Error, Pipeline, Target};
use crate::store::ShowId;

impl Pipeline {
    /// Looks at every folder of own files, and at every own file that is known, and records what has changed.
    pub async fn scan_own(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The show of own files, looked at where the pass begins with that.
    pub(super) async fn look_at_own(&self, _target: &Target, _begin: Begin) -> Result<Option<ShowId>, Error> {
        Ok(None)
    }

    /// Looks whenever something changes in a folder of own files, until the pipeline is stopped.
    pub async fn watch_own(self: &Arc<Self>) -> Result<(), Error> {
        self.stop.cancelled().await;
        Ok(())
    }
}
