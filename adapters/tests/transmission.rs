//! Transmission, real.

use podseed_adapters::testing::{Transmission, conformance};

#[tokio::test]
async fn transmission_passes_the_suite() {
    conformance::check(&mut Transmission::start().unwrap()).await;
}
