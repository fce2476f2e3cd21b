//! Every kernel that this processor has, against the library, on messages of any length, place and number.

use proptest::prelude::*;

use super::*;
use crate::hash::sha1;

/// Hashes messages with one kernel as a driver does: a lane whose message is at its end gets the next one.
fn hash_all(kernel: Kernel, messages: &[Vec<u8>], step: usize) -> Vec<Sha1Hash> {
    let mut lanes = Sha1Lanes::new(kernel);
    let padded: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| {
            let mut space = [0; MOST_PADDING];
            [message, lanes.padding(message.len() as u64, &mut space)].concat()
        })
        .collect();
    let mut hashes = vec![Sha1Hash::default(); messages.len()];
    let mut waiting = 0..messages.len();
    let mut slots: [Option<(usize, usize)>; LANES] = [None; LANES];
    loop {
        for (lane, slot) in slots.iter_mut().enumerate() {
            while slot.is_none_or(|(message, at)| at == padded[message].len()) {
                if let Some((message, _)) = slot.take() {
                    hashes[message] = lanes.hash(lane);
                }
                let Some(next) = waiting.next() else { break };
                lanes.begin(lane);
                *slot = Some((next, 0));
            }
        }
        if slots.iter().all(Option::is_none) {
            return hashes;
        }
        let inputs = slots.map(|slot| {
            let left = slot.map_or(&[][..], |(message, at)| &padded[message][at..]);
            &left[..left.len().min(step * 64)]
        });
        let done = lanes.update(&inputs);
        assert!(done > 0, "{kernel:?}");
        slots.iter_mut().flatten().for_each(|(_, at)| *at += done);
    }
}

fn kernels() -> impl Iterator<Item = Kernel> {
    Kernel::ALL.into_iter().filter(|kernel| kernel.is_here())
}

#[test]
fn every_kernel_agrees_with_the_library_around_the_borders_of_a_block() {
    let messages: Vec<Vec<u8>> =
        (0..=260).map(|length| (0..length).map(|byte| byte as u8).collect()).collect();
    let expected: Vec<_> = messages.iter().map(|message| sha1(message)).collect();
    for kernel in kernels() {
        assert_eq!(hash_all(kernel, &messages, 1), expected, "{kernel:?}");
        assert_eq!(hash_all(kernel, &messages, 3), expected, "{kernel:?}");
    }
}

proptest! {
    #[test]
    fn every_kernel_agrees_with_the_library(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..40),
        step in 1_usize..20,
    ) {
        let expected: Vec<_> = messages.iter().map(|message| sha1(message)).collect();
        for kernel in kernels() {
            prop_assert_eq!(&hash_all(kernel, &messages, step), &expected, "{:?}", kernel);
        }
    }
}

#[test]
fn a_name_of_no_kernel_is_told_from_one_that_the_processor_does_not_have() {
    assert_eq!(Kernel::named("portable"), Ok(Kernel::Portable));
    assert_eq!(Kernel::named("avx1024").unwrap_err(), "is none of avx512, avx2, shani, portable");
    for kernel in Kernel::ALL {
        assert_eq!(Kernel::named(kernel.name()).is_ok(), kernel.is_here(), "{kernel:?}");
    }
}
