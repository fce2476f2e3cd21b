//! Two messages at a time with the SHA instructions: each waits for its last round, and the other fills the time.

use std::arch::x86_64::{
    _mm_add_epi32, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi32, _mm_set_epi64x, _mm_setzero_si128,
    _mm_sha1msg1_epu32, _mm_sha1msg2_epu32, _mm_sha1nexte_epu32, _mm_sha1rnds4_epu32, _mm_shuffle_epi8,
    _mm_xor_si128,
};

use super::{BLOCK, State};

/// Messages.
pub(super) const WIDTH: usize = 2;

/// Hashes so many blocks of each message into its lane of the state, of which `first` is the first one; the other lanes
/// stay as they are.
///
/// # Safety
/// The processor has the SHA extensions and SSE 4.1, and each pointer leads to `blocks` readable blocks of 64 bytes.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) unsafe fn compress(state: &mut State, first: usize, messages: &[*const u8; WIDTH], blocks: usize) {
    let swap = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    let mut abcd = [_mm_setzero_si128(); WIDTH];
    let mut e = [_mm_setzero_si128(); WIDTH];
    for lane in 0..WIDTH {
        let [a, b, c, d, last] = state.map(|word| word[first + lane].cast_signed());
        abcd[lane] = _mm_set_epi32(a, b, c, d);
        e[lane] = _mm_set_epi32(last, 0, 0, 0);
    }
    for block in 0..blocks {
        let before = (abcd, e);
        let mut w = [[_mm_setzero_si128(); 4]; WIDTH];
        for (w, message) in w.iter_mut().zip(messages) {
            for (four, w) in w.iter_mut().enumerate() {
                // SAFETY: the caller vouches for `blocks` blocks behind each pointer.
                let bytes = unsafe { _mm_loadu_si128(message.add(block * BLOCK + four * 16).cast()) };
                *w = _mm_shuffle_epi8(bytes, swap);
            }
        }
        let mut last = [_mm_setzero_si128(); WIDTH];
        macro_rules! four_rounds {
            ($($group:literal)*, $function:literal) => {$({
                const G: usize = $group;
                for lane in 0..WIDTH {
                    let w = &mut w[lane];
                    let input = match G {
                        0 => _mm_add_epi32(e[lane], w[0]),
                        _ => _mm_sha1nexte_epu32(last[lane], w[G & 3]),
                    };
                    last[lane] = abcd[lane];
                    abcd[lane] = _mm_sha1rnds4_epu32::<$function>(abcd[lane], input);
                    if G >= 3 && G < 19 {
                        let mixed = _mm_sha1msg1_epu32(w[(G + 1) & 3], w[(G + 2) & 3]);
                        let mixed = _mm_xor_si128(mixed, w[(G + 3) & 3]);
                        w[(G + 1) & 3] = _mm_sha1msg2_epu32(mixed, w[G & 3]);
                    }
                }
            })*};
        }
        four_rounds!(0 1 2 3 4, 0);
        four_rounds!(5 6 7 8 9, 1);
        four_rounds!(10 11 12 13 14, 2);
        four_rounds!(15 16 17 18 19, 3);
        for lane in 0..WIDTH {
            e[lane] = _mm_sha1nexte_epu32(last[lane], before.1[lane]);
            abcd[lane] = _mm_add_epi32(abcd[lane], before.0[lane]);
        }
    }
    for lane in 0..WIDTH {
        let hash = [
            _mm_extract_epi32::<3>(abcd[lane]),
            _mm_extract_epi32::<2>(abcd[lane]),
            _mm_extract_epi32::<1>(abcd[lane]),
            _mm_extract_epi32::<0>(abcd[lane]),
            _mm_extract_epi32::<3>(e[lane]),
        ];
        for (word, hash) in state.iter_mut().zip(hash) {
            word[first + lane] = hash.cast_unsigned();
        }
    }
}
