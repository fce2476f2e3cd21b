//! qBittorrent, real.

use podseed_adapters::testing::{QBittorrent, conformance};

#[tokio::test]
async fn qbittorrent_passes_the_suite() {
    conformance::check(&mut QBittorrent::start().unwrap()).await;
}
