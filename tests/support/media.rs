//! Media that looks real to whoever sniffs it and is the same in every run.

/// MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes a frame.
const FRAME_HEADER: [u8; 4] = [0xFF, 0xFB, 0x90, 0x00];
const FRAME_LENGTH: usize = 417;

/// An MP3 file of exactly `length` bytes: an ID3v2 tag and frames of pseudo-random sound, the last one cut. The
/// same seed gives the same bytes; of two lengths the shorter is the beginning of the longer.
pub(crate) fn mp3(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = b"ID3\x03\0\0\0\0\0\x11TIT2\0\0\0\x07\0\0\0podcas".to_vec();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    while bytes.len() < length {
        bytes.extend_from_slice(&FRAME_HEADER);
        for _ in FRAME_HEADER.len()..FRAME_LENGTH {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Never 0xFF: no false start of a frame.
            bytes.push((state >> 32) as u8 & 0x7F);
        }
    }
    bytes.truncate(length);
    bytes
}
