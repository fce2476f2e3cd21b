//! SHA-1 of several messages at a time, as wide as the processor is: the one place with `unsafe`.
//!
//! The pieces of a file are independent, and a processor that hashes one after the other waits most of the time. The
//! rest of the program knows [`Sha1Lanes`] only, and fills its lanes whatever the kernel behind them is.
#![cfg_attr(
    target_arch = "x86_64",
    allow(
        unsafe_code,
        reason = "instructions that not every processor has, and loads from several messages at once"
    )
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod shani;

use std::sync::OnceLock;

use super::kernel::{Sha1, Sha1Hash};

/// What SHA-1 takes at a time, in bytes.
const BLOCK: usize = 64;
/// How many messages are hashed side by side: as many as the widest kernel takes.
pub const LANES: usize = 16;
/// The constants of the four groups of twenty rounds (FIPS 180-4, 4.2.1).
#[cfg(target_arch = "x86_64")]
const K: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];
/// The hash before the first block (FIPS 180-4, 5.3.1).
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// The hashes under way: the five words, and of each one lane per message.
type State = [[u32; LANES]; 5];

// In the kernels, loops and no closures: what a closure's caller in the standard library does is compiled without the
// kernel's instructions, and every register goes through memory (measured: AVX-512 at 3.4 GB/s instead of 8.0). For the
// same reason their helpers are `#[inline]`: without it, it depends on how the crate is cut for the compiler (measured:
// AVX2 at 0.7 GB/s instead of 3).

/// The eighty rounds, written out: `$round!(number, function, constant)`.
#[cfg(target_arch = "x86_64")]
macro_rules! rounds {
    (@twenty $round:ident, $base:expr, $f:ident, $k:expr) => {
        rounds!(@five $round, $base, $f, $k);
        rounds!(@five $round, $base + 5, $f, $k);
        rounds!(@five $round, $base + 10, $f, $k);
        rounds!(@five $round, $base + 15, $f, $k);
    };
    (@five $round:ident, $base:expr, $f:ident, $k:expr) => {
        $round!($base, $f, $k);
        $round!($base + 1, $f, $k);
        $round!($base + 2, $f, $k);
        $round!($base + 3, $f, $k);
        $round!($base + 4, $f, $k);
    };
    ($round:ident, $choose:ident, $parity:ident, $majority:ident, $k:ident) => {
        rounds!(@twenty $round, 0, $choose, $k[0]);
        rounds!(@twenty $round, 20, $parity, $k[1]);
        rounds!(@twenty $round, 40, $majority, $k[2]);
        rounds!(@twenty $round, 60, $parity, $k[3]);
    };
}
#[cfg(target_arch = "x86_64")]
use rounds;

/// Which instructions hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// One message after the other, by the library.
    Portable,
    /// The SHA extensions of x86, two messages at a time.
    ShaNi,
    /// AVX2, eight.
    Avx2,
    /// AVX-512, sixteen.
    Avx512,
}

impl Kernel {
    /// From the widest to the one that is always there.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::ShaNi, Self::Portable];

    /// The kernel of this process: the one that `PODSEED_HASH` forces, or the widest that the processor has.
    pub fn chosen() -> Self {
        let widest = || Self::ALL.into_iter().find(|kernel| kernel.is_here());
        Self::forced().or_else(widest).unwrap_or(Self::Portable)
    }

    /// The widest kernel, up to the one of this process, that so many messages fill.
    pub(super) fn chosen_for(messages: usize) -> Self {
        let widest = Self::chosen().width().min(messages);
        let fits = |kernel: &Self| kernel.width() <= widest && kernel.is_here();
        Self::ALL.into_iter().find(fits).unwrap_or(Self::Portable)
    }

    /// The kernel that `PODSEED_HASH` forces. What it cannot force, it says once.
    pub(super) fn forced() -> Option<Self> {
        static FORCED: OnceLock<Option<Kernel>> = OnceLock::new();
        *FORCED.get_or_init(|| {
            let wished = std::env::var("PODSEED_HASH").ok().filter(|wished| !wished.is_empty())?;
            let named = Self::named(&wished);
            if let Err(reason) = &named {
                tracing::warn!("PODSEED_HASH={wished} {reason}; podseed hashes as if it were not set");
            }
            named.ok()
        })
    }

    fn named(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kernel| kernel.name() == name);
        match known {
            Some(kernel) if kernel.is_here() => Ok(kernel),
            Some(_) => Err("needs instructions that this processor does not have".to_owned()),
            None => Err(format!("is none of {}", Self::ALL.map(Self::name).join(", "))),
        }
    }

    /// Its name in `PODSEED_HASH`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::ShaNi => "shani",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Messages at a time.
    fn width(self) -> usize {
        match self {
            Self::Portable => 1,
            Self::ShaNi => 2,
            Self::Avx2 => 8,
            Self::Avx512 => LANES,
        }
    }

    /// Whether this processor has its instructions.
    #[cfg(target_arch = "x86_64")]
    pub fn is_here(self) -> bool {
        match self {
            Self::Portable => true,
            Self::ShaNi => is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1"),
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"),
        }
    }

    /// Whether this processor has its instructions.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_here(self) -> bool {
        self == Self::Portable
    }
}

/// SHA-1 of [`LANES`] messages, side by side. Every lane goes as far as the others at each step.
///
/// There are as many lanes whatever the kernel is: a narrower one takes them group by group.
pub struct Sha1Lanes {
    kernel: Kernel,
    state: State,
    /// Instead of the state, with the portable kernel.
    streams: Vec<Sha1>,
}

impl Sha1Lanes {
    /// With this kernel, or the portable one where the processor does not have it.
    pub fn new(kernel: Kernel) -> Self {
        let kernel = if kernel.is_here() { kernel } else { Kernel::Portable };
        let streams = if kernel == Kernel::Portable { vec![Sha1::new(); LANES] } else { Vec::new() };
        Self { kernel, state: START.map(|word| [word; LANES]), streams }
    }

    /// A new message begins in this lane.
    pub fn begin(&mut self, lane: usize) {
        if let Some(stream) = self.streams.get_mut(lane) {
            *stream = Sha1::new();
        }
        for (word, start) in self.state.iter_mut().zip(START) {
            word[lane] = start;
        }
    }

    /// The next bytes of each lane's message: as many of each as the shortest has, in whole blocks of 64 bytes. Gives how
    /// many bytes of each that were. A lane that is given nothing is idle.
    pub fn update(&mut self, messages: &[&[u8]; LANES]) -> usize {
        let lengths = messages.iter().map(|message| message.len()).filter(|length| *length > 0);
        let least = lengths.min().unwrap_or_default();
        if self.kernel == Kernel::Portable {
            for (stream, message) in self.streams.iter_mut().zip(messages) {
                stream.update(&message[..least.min(message.len())]);
            }
            return least;
        }
        self.compress(messages, least / BLOCK);
        least - least % BLOCK
    }

    #[cfg(target_arch = "x86_64")]
    fn compress(&mut self, messages: &[&[u8]; LANES], blocks: usize) {
        let state = &mut self.state;
        for first in (0..LANES).step_by(self.kernel.width()) {
            // SAFETY: `new` has looked whether the processor has the kernel's instructions. Each message that is not
            // empty has so many blocks, as `update` has counted, and `pointers` gives pointers to such ones only.
            unsafe {
                match self.kernel {
                    Kernel::Avx512 => pointers(messages, first).map(|m| avx512::compress(state, &m, blocks)),
                    Kernel::Avx2 => {
                        pointers(messages, first).map(|m| avx2::compress(state, first, &m, blocks))
                    }
                    Kernel::ShaNi => {
                        pointers(messages, first).map(|m| shani::compress(state, first, &m, blocks))
                    }
                    Kernel::Portable => None,
                };
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn compress(&mut self, _messages: &[&[u8]; LANES], _blocks: usize) {}

    /// What has to be given behind a message of so many bytes, before its hash is taken; nothing where the kernel sees
    /// to it itself.
    pub fn padding<'a>(&self, length: u64, space: &'a mut [u8; MOST_PADDING]) -> &'a [u8] {
        if self.kernel == Kernel::Portable { &[] } else { padding(length, space) }
    }

    /// The hash of a lane's message, which has been given with its [`Sha1Lanes::padding`].
    pub fn hash(&self, lane: usize) -> Sha1Hash {
        if let Some(stream) = self.streams.get(lane) {
            return stream.clone().finish();
        }
        let mut hash = Sha1Hash::default();
        for (bytes, word) in hash.chunks_exact_mut(4).zip(&self.state) {
            bytes.copy_from_slice(&word[lane].to_be_bytes());
        }
        hash
    }
}

/// Where the messages of a group of lanes begin; `None` where all are idle. An idle lane gets the bytes of another:
/// nobody asks for its hash.
#[cfg(target_arch = "x86_64")]
fn pointers<const WIDTH: usize>(messages: &[&[u8]; LANES], first: usize) -> Option<[*const u8; WIDTH]> {
    let group: &[&[u8]; WIDTH] = messages[first..].first_chunk()?;
    let busy = group.iter().find(|message| !message.is_empty())?;
    Some(group.map(|message| if message.is_empty() { busy.as_ptr() } else { message.as_ptr() }))
}

/// The most that [`Sha1Lanes::padding`] is, in bytes.
pub const MOST_PADDING: usize = BLOCK + 8;

/// What follows a message of so many bytes, so that it is whole blocks and says its length (FIPS 180-4, 5.1.1).
fn padding(length: u64, bytes: &mut [u8; MOST_PADDING]) -> &[u8] {
    let over = usize::try_from(length % BLOCK as u64).unwrap_or_default();
    let end = if over < BLOCK - 8 { BLOCK - over } else { 2 * BLOCK - over };
    *bytes = [0; MOST_PADDING];
    bytes[0] = 0x80;
    bytes[end - 8..end].copy_from_slice(&(length * 8).to_be_bytes());
    &bytes[..end]
}

#[cfg(test)]
mod tests;
