//! A file that is on this machine already: copied and hashed in the same single pass, and judged the same way.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::partial::{Record, fingerprint};
use super::sink::{Finished, Sink};
use super::{Error, Fetched, Order, Watch, discard};
use crate::fs;

/// Read at once.
const STEP: usize = 256 * 1024;

/// Copies `path`, which has to lie below `root`. A copy that broke off is begun again: it costs nobody anything.
pub(super) async fn copy(
    order: &Order,
    path: &Path,
    root: &Path,
    watch: Watch<'_>,
) -> Result<Fetched, Error> {
    let file = fs::open_below(root, path)?;
    let metadata = file.metadata().map_err(|error| fs::Error::io("read", path, error))?;
    // A file that has changed since is another source.
    let source =
        fingerprint(&format!("{}\0{:?}\0{}", path.display(), metadata.modified().ok(), metadata.len()));
    let mut sink = Sink::open(order, source.clone(), watch).await?;
    if !sink.is_complete() {
        sink.start(Record::new(source, Some(metadata.len()))).await?;
        if let Err(error) = pour(file, path, &mut sink, order, watch).await {
            discard(&order.partial)?;
            return Err(error);
        }
    }
    let Finished { media, hashes, sha256, .. } = sink.finish().await?;
    let length = hashes.length;
    Ok(Fetched { length, media, hashes, sha256, final_url: None, etag: None, last_modified: None })
}

async fn pour(
    mut file: File,
    path: &Path,
    sink: &mut Sink<'_>,
    order: &Order,
    watch: Watch<'_>,
) -> Result<(), Error> {
    let mut buffer = vec![0; STEP];
    loop {
        let count = file.read(&mut buffer).map_err(|error| fs::Error::io("read", path, error))?;
        if count == 0 {
            return sink.end();
        }
        sink.push(&buffer[..count]).await?;
        if watch.cancel.is_cancelled() {
            return Err(Error::Cancelled { subject: order.source.clone() });
        }
        tokio::task::yield_now().await;
    }
}
