//! The proof that strangers get what clients say they seed.

use super::{Error, Pipeline};

impl Pipeline {
    /// Fetches a piece of some torrents whose proof is due, as a stranger would. Does nothing without `prove`.
    pub async fn prove(&self) -> Result<(), Error> {
        Ok(())
    }
}
