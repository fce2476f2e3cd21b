//! Wherever and however often a transfer breaks off: the file is right, and each byte was sent once.

use podseed::hash::StreamHasher;
use proptest::prelude::*;

use super::*;

fn version() -> impl Strategy<Value = TorrentVersion> {
    prop_oneof![Just(TorrentVersion::V1), Just(TorrentVersion::Hybrid), Just(TorrentVersion::V2)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_byte_is_sent_once(
        length in 100_usize..900_000,
        cuts in prop::collection::vec((0_usize..600_000, any::<bool>()), 0..8),
        version in version(),
        seed: u64,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let bytes = mp3(length, seed);
            let world = World::with(&bytes).await;
            for (cut, chunked) in &cuts {
                let fault = if *chunked { Fault::ChunkedCutAfter } else { Fault::CutAfter };
                world.origin.fault(PATH, fault(*cut));
            }
            let order = Order { version, ..world.order() };
            let fetched = loop {
                match world.fetch(&order).await {
                    Ok(fetched) => break fetched,
                    Err(error) => prop_assert_eq!(error.class(), Class::Transient { after: None }, "{}", error),
                }
            };
            let mut hasher = StreamHasher::new(version, None, Some(length as u64));
            hasher.update(&bytes);
            prop_assert_eq!(fetched.hashes, hasher.finish().unwrap());
            prop_assert!(std::fs::read(world.partial()).unwrap() == bytes);
            prop_assert_eq!(world.origin.bytes_served(PATH), length as u64);
            prop_assert_eq!(world.meter.bytes(), length as u64);
            Ok(())
        })?;
    }
}
