//! Work that waits for a disk is done where nobody else has to wait for it.

use super::Error;

/// Does the work on a thread of its own. An error means that it has died.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Worker { reason: error.to_string() })
}
