//! Eight messages side by side with AVX2: one 32-bit word of each in a register.

use std::arch::x86_64::{
    __m256i, _mm_set_epi8, _mm256_add_epi32, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_loadu_si256, _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::{BLOCK, K, State, rounds};

/// Messages.
pub(super) const WIDTH: usize = 8;

/// Hashes so many blocks of each message into its lane of the state, of which `first` is the first one; the other lanes
/// stay as they are.
///
/// # Safety
/// The processor has AVX2, and each pointer leads to `blocks` readable blocks of 64 bytes.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn compress(state: &mut State, first: usize, messages: &[*const u8; WIDTH], blocks: usize) {
    let swap =
        _mm256_broadcastsi128_si256(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    let k = K.map(|k| _mm256_set1_epi32(k.cast_signed()));
    let mut hash = [_mm256_setzero_si256(); 5];
    for (hash, word) in hash.iter_mut().zip(&*state) {
        // SAFETY: the slice is eight lanes of 4 bytes, as wide as a register.
        *hash = unsafe { _mm256_loadu_si256(word[first..first + WIDTH].as_ptr().cast()) };
    }
    for block in 0..blocks {
        let mut w = [_mm256_setzero_si256(); 16];
        for half in 0..2 {
            let at = block * BLOCK + half * BLOCK / 2;
            let mut rows = [_mm256_setzero_si256(); WIDTH];
            for (row, message) in rows.iter_mut().zip(messages) {
                // SAFETY: the caller vouches for `blocks` blocks behind each pointer.
                *row = unsafe { _mm256_loadu_si256(message.add(at).cast()) };
                *row = _mm256_shuffle_epi8(*row, swap);
            }
            w[half * WIDTH..][..WIDTH].copy_from_slice(&transpose(rows));
        }
        let [mut a, mut b, mut c, mut d, mut e] = hash;
        macro_rules! round {
            ($t:expr, $function:ident, $k:expr) => {{
                const T: usize = $t;
                if T >= 16 {
                    let three = parity(w[(T + 13) & 15], w[(T + 8) & 15], w[(T + 2) & 15]);
                    w[T & 15] = rotated::<1, 31>(_mm256_xor_si256(three, w[T & 15]));
                }
                let known = _mm256_add_epi32(e, _mm256_add_epi32(w[T & 15], $k));
                let next = _mm256_add_epi32(known, _mm256_add_epi32($function(b, c, d), rotated::<5, 27>(a)));
                (e, d, c, b, a) = (d, c, rotated::<30, 2>(b), a, next);
            }};
        }
        rounds!(round, choose, parity, majority, k);
        for (hash, worked) in hash.iter_mut().zip([a, b, c, d, e]) {
            *hash = _mm256_add_epi32(*hash, worked);
        }
    }
    for (word, hash) in state.iter_mut().zip(hash) {
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(word[first..first + WIDTH].as_mut_ptr().cast(), hash) };
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn choose(b: __m256i, c: __m256i, d: __m256i) -> __m256i {
    _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn parity(b: __m256i, c: __m256i, d: __m256i) -> __m256i {
    _mm256_xor_si256(b, _mm256_xor_si256(c, d))
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(b: __m256i, c: __m256i, d: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_and_si256(b, c), _mm256_and_si256(d, _mm256_or_si256(b, c)))
}

/// Rotated to the left by `LEFT`; `RIGHT` is 32 less that.
#[inline]
#[target_feature(enable = "avx2")]
fn rotated<const LEFT: i32, const RIGHT: i32>(word: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_slli_epi32::<LEFT>(word), _mm256_srli_epi32::<RIGHT>(word))
}

/// Eight rows of eight words become eight columns.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [__m256i; 8]) -> [__m256i; 8] {
    let mut pairs = [_mm256_setzero_si256(); 8];
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    let mut fours = [_mm256_setzero_si256(); 8];
    for i in 0..2 {
        fours[4 * i] = _mm256_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 1] = _mm256_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 2] = _mm256_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        fours[4 * i + 3] = _mm256_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    }
    let mut columns = [_mm256_setzero_si256(); 8];
    for j in 0..4 {
        columns[j] = _mm256_permute2x128_si256::<0x20>(fours[j], fours[4 + j]);
        columns[4 + j] = _mm256_permute2x128_si256::<0x31>(fours[j], fours[4 + j]);
    }
    columns
}
