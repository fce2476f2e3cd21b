//! Sixteen messages side by side with AVX-512: one 32-bit word of each in a register.

use std::arch::x86_64::{
    __m512i, _mm_set_epi8, _mm512_add_epi32, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_rol_epi32,
    _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_storeu_si512,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64, _mm512_xor_si512,
};

use super::{BLOCK, K, State, rounds};

/// Messages.
pub(super) const WIDTH: usize = 16;

// Truth tables of three inputs, as `vpternlogd` wants them.
const CHOOSE: i32 = 0xca;
const PARITY: i32 = 0x96;
const MAJORITY: i32 = 0xe8;

/// Hashes so many blocks of each message into its lane of the state.
///
/// # Safety
/// The processor has AVX-512 F and BW, and each pointer leads to `blocks` readable blocks of 64 bytes.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn compress(state: &mut State, messages: &[*const u8; WIDTH], blocks: usize) {
    let swap = _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    let k = K.map(|k| _mm512_set1_epi32(k.cast_signed()));
    let mut hash = [_mm512_setzero_si512(); 5];
    for (hash, word) in hash.iter_mut().zip(&*state) {
        // SAFETY: each word of the state is 16 lanes of 4 bytes, as wide as a register.
        *hash = unsafe { _mm512_loadu_si512(word.as_ptr().cast()) };
    }
    for block in 0..blocks {
        let mut rows = [_mm512_setzero_si512(); WIDTH];
        for (row, message) in rows.iter_mut().zip(messages) {
            // SAFETY: the caller vouches for `blocks` blocks behind each pointer.
            *row = unsafe { _mm512_loadu_si512(message.add(block * BLOCK).cast()) };
            *row = _mm512_shuffle_epi8(*row, swap);
        }
        let mut w = transpose(rows);
        let [mut a, mut b, mut c, mut d, mut e] = hash;
        macro_rules! round {
            ($t:expr, $truth:ident, $k:expr) => {{
                const T: usize = $t;
                if T >= 16 {
                    let three = _mm512_ternarylogic_epi32::<PARITY>(
                        w[(T + 13) & 15],
                        w[(T + 8) & 15],
                        w[(T + 2) & 15],
                    );
                    w[T & 15] = _mm512_rol_epi32::<1>(_mm512_xor_si512(three, w[T & 15]));
                }
                let f = _mm512_ternarylogic_epi32::<$truth>(b, c, d);
                let known = _mm512_add_epi32(e, _mm512_add_epi32(w[T & 15], $k));
                let next = _mm512_add_epi32(known, _mm512_add_epi32(f, _mm512_rol_epi32::<5>(a)));
                (e, d, c, b, a) = (d, c, _mm512_rol_epi32::<30>(b), a, next);
            }};
        }
        rounds!(round, CHOOSE, PARITY, MAJORITY, k);
        for (hash, worked) in hash.iter_mut().zip([a, b, c, d, e]) {
            *hash = _mm512_add_epi32(*hash, worked);
        }
    }
    for (word, hash) in state.iter_mut().zip(hash) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(word.as_mut_ptr().cast(), hash) };
    }
}

/// Sixteen rows of sixteen words become sixteen columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
    let mut pairs = [_mm512_setzero_si512(); 16];
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    let mut fours = [_mm512_setzero_si512(); 16];
    for i in 0..4 {
        fours[4 * i] = _mm512_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 1] = _mm512_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
        fours[4 * i + 2] = _mm512_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        fours[4 * i + 3] = _mm512_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    }
    // Now quarter q of fours[4 * i + j] is column 4 * q + j of rows 4 * i and the three behind it.
    let mut columns = [_mm512_setzero_si512(); 16];
    for j in 0..4 {
        let even_low = _mm512_shuffle_i32x4::<0x88>(fours[j], fours[4 + j]);
        let odd_low = _mm512_shuffle_i32x4::<0xdd>(fours[j], fours[4 + j]);
        let even_high = _mm512_shuffle_i32x4::<0x88>(fours[8 + j], fours[12 + j]);
        let odd_high = _mm512_shuffle_i32x4::<0xdd>(fours[8 + j], fours[12 + j]);
        columns[j] = _mm512_shuffle_i32x4::<0x88>(even_low, even_high);
        columns[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even_low, even_high);
        columns[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd_low, odd_high);
        columns[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd_low, odd_high);
    }
    columns
}
