//! Every kernel that this processor has, against the library, on messages of any length, place and number.

use proptest::prelude::*;

use super::*;
use crate::hash::sha1;

/// Hashes messages with one kernel as a driver does: a lane whose message is at its end gets the next one.
fn hash_all(kernel: Kernel, messages: &[Vec<u8>], step: usize) -> Vec<Sha1Hash> {
    let mut lanes = Sha1Lanes::new(kernel).unwrap();
    let padded: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| {
            let mut space = [0; MOST_PADDING];
            [message, padding(message.len() as u64, &mut space)].concat()
        })
        .collect();
    let mut hashes = vec![Sha1Hash::default(); messages.len()];
    let mut waiting = 0..messages.len();
    let mut slots: Vec<Option<(usize, usize)>> = vec![None; lanes.width()];
    loop {
        for (lane, slot) in slots.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
            *slot = waiting.next().map(|message| (message, 0));
            lanes.begin(lane);
        }
        if slots.iter().all(Option::is_none) {
            return hashes;
        }
        let least = slots.iter().flatten().map(|(message, at)| padded[*message].len() - at).min().unwrap();
        let least = least.min(step * 64);
        let idle = vec![0; least];
        let inputs: Vec<&[u8]> = slots
            .iter()
            .map(|slot| slot.map_or(idle.as_slice(), |(message, at)| &padded[message][at..at + least]))
            .collect();
        assert_eq!(lanes.update(&inputs), least);
        for (lane, slot) in slots.iter_mut().enumerate() {
            let Some((message, at)) = slot else { continue };
            *at += least;
            if *at == padded[*message].len() {
                hashes[*message] = lanes.hash(lane);
                *slot = None;
            }
        }
    }
}

fn kernels() -> impl Iterator<Item = Kernel> {
    Kernel::ALL.into_iter().filter(|kernel| *kernel != Kernel::Portable && kernel.is_here())
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
fn a_kernel_that_is_not_there_gives_no_lanes() {
    assert!(Sha1Lanes::new(Kernel::Portable).is_none());
    for kernel in Kernel::ALL.into_iter().filter(|kernel| !kernel.is_here()) {
        assert!(Sha1Lanes::new(kernel).is_none(), "{kernel:?}");
    }
}
