//! SHA-1 of several messages at a time, as wide as the processor is: the one place with `unsafe`.
//!
//! The pieces of a file are independent, and a processor that hashes one after the other waits most of the time. The
//! rest of the program knows [`Sha1Lanes`] only; where a processor has none of the instructions there are no lanes,
//! and pieces are hashed one by one.
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

use super::Sha1Hash;

/// What SHA-1 takes at a time, in bytes.
const BLOCK: usize = 64;
/// As many messages as the widest kernel takes.
const MOST: usize = 16;
/// The constants of the four groups of twenty rounds (FIPS 180-4, 4.2.1).
#[cfg(target_arch = "x86_64")]
const K: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];
/// The hash before the first block (FIPS 180-4, 5.3.1).
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// The hashes under way: the five words, and of each one lane per message.
type State = [[u32; MOST]; 5];

// In the kernels, loops and no closures: what a closure's caller in the standard library does is compiled without the
// kernel's instructions, and every register goes through memory (measured: AVX-512 at 3.4 GB/s instead of 8.0).

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

    /// The kernel of this process: the widest that the processor has, or what `PODSEED_HASH` says.
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Kernel> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let best = || Self::ALL.into_iter().find(|kernel| kernel.is_here()).unwrap_or(Self::Portable);
            let Ok(wished) = std::env::var("PODSEED_HASH") else { return best() };
            let named = Self::ALL.into_iter().find(|kernel| kernel.name() == wished);
            named.filter(|kernel| kernel.is_here()).unwrap_or_else(|| {
                tracing::warn!(
                    PODSEED_HASH = wished,
                    "this processor has no such kernel; the best one is used"
                );
                best()
            })
        })
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
    pub fn width(self) -> usize {
        match self {
            Self::Portable => 1,
            Self::ShaNi => 2,
            Self::Avx2 => 8,
            Self::Avx512 => MOST,
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

/// SHA-1 of several messages, side by side. Every lane goes as far as the others at each step.
pub struct Sha1Lanes {
    kernel: Kernel,
    state: State,
}

impl Sha1Lanes {
    /// With this kernel; `None` where the processor does not have it, and for the portable one.
    pub fn new(kernel: Kernel) -> Option<Self> {
        let state = START.map(|word| [word; MOST]);
        (kernel != Kernel::Portable && kernel.is_here()).then_some(Self { kernel, state })
    }

    /// How many lanes there are.
    pub fn width(&self) -> usize {
        self.kernel.width()
    }

    /// A new message begins in this lane.
    pub fn begin(&mut self, lane: usize) {
        for (word, start) in self.state.iter_mut().zip(START) {
            word[lane] = start;
        }
    }

    /// The next bytes of each lane's message: as many whole blocks of 64 bytes as all of them have. Gives how many
    /// bytes of each that were. A lane that is not in use may be given anything.
    pub fn update(&mut self, messages: &[&[u8]]) -> usize {
        let blocks = messages.iter().map(|message| message.len() / BLOCK).min().unwrap_or_default();
        if messages.len() >= self.width() {
            self.compress(messages, blocks);
        }
        blocks * BLOCK
    }

    #[cfg(target_arch = "x86_64")]
    fn compress(&mut self, messages: &[&[u8]], blocks: usize) {
        // SAFETY: `new` has looked whether the processor has the kernel's instructions, and `update`, that there are as
        // many messages as lanes, each with so many blocks.
        unsafe {
            match self.kernel {
                Kernel::Avx512 => avx512::compress(&mut self.state, &pointers(messages), blocks),
                Kernel::Avx2 => avx2::compress(&mut self.state, &pointers(messages), blocks),
                Kernel::ShaNi => shani::compress(&mut self.state, &pointers(messages), blocks),
                Kernel::Portable => {}
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn compress(&mut self, _messages: &[&[u8]], _blocks: usize) {}

    /// The hash of a lane's message, which has been given with its [`padding`].
    pub fn hash(&self, lane: usize) -> Sha1Hash {
        let mut hash = Sha1Hash::default();
        for (bytes, word) in hash.chunks_exact_mut(4).zip(&self.state) {
            bytes.copy_from_slice(&word[lane].to_be_bytes());
        }
        hash
    }
}

#[cfg(target_arch = "x86_64")]
fn pointers<const WIDTH: usize>(messages: &[&[u8]]) -> [*const u8; WIDTH] {
    std::array::from_fn(|lane| messages[lane].as_ptr())
}

/// The most that [`padding`] adds, in bytes.
pub const MOST_PADDING: usize = BLOCK + 8;

/// What follows a message of so many bytes, so that it is whole blocks and says its length (FIPS 180-4, 5.1.1).
pub fn padding(length: u64, bytes: &mut [u8; MOST_PADDING]) -> &[u8] {
    let over = usize::try_from(length % BLOCK as u64).unwrap_or_default();
    let end = if over < BLOCK - 8 { BLOCK - over } else { 2 * BLOCK - over };
    *bytes = [0; MOST_PADDING];
    bytes[0] = 0x80;
    bytes[end - 8..end].copy_from_slice(&(length * 8).to_be_bytes());
    &bytes[..end]
}

#[cfg(test)]
mod tests;
