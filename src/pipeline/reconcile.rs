//! Reconciling: what clients were once seen to seed is asked of them again.

use super::{Error, Pipeline};

impl Pipeline {
    /// Asks every client once for everything that it has, all at once, and records what that says of our torrents and
    /// of the figures. Never starts, adds or removes anything at a client: what it has lost waits for the hand-over.
    pub async fn reconcile(&self) -> Result<(), Error> {
        Ok(())
    }
}
