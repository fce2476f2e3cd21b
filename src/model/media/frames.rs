//! Streams without a signature: MPEG audio (ISO 11172-3, 13818-3) and ADTS AAC (ISO 13818-7). A header is two
//! bytes of which half occurs by chance, so only a chain of frames that fit each other is evidence.

/// How far into the file the first frame may begin: encoders pad, and servers put junk in front.
const FIRST_FRAME_WITHIN: usize = 4096;

/// What a chain of frames turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// MPEG-1, MPEG-2 or MPEG-2.5 audio, layer I to III.
    Mpeg,
    /// AAC in ADTS frames.
    Adts,
}

/// One frame's header: how long the frame is, and what its neighbours must have in common with it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Frame {
    length: usize,
    stream: Stream,
    /// Version, layer and sampling frequency, as their bits.
    format: u8,
}

/// kbit/s by index for MPEG-1 layers I, II, III, then MPEG-2 and 2.5 layer I, then their layers II and III.
const BIT_RATES: [[u16; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

const SAMPLING_HZ: [usize; 3] = [44_100, 48_000, 32_000];

impl Frame {
    fn at(bytes: &[u8], offset: usize) -> Option<Self> {
        let header: &[u8; 4] = bytes.get(offset..)?.first_chunk()?;
        if header[0] != 0xFF || header[1] & 0xE0 != 0xE0 {
            return None;
        }
        // Layer bits 00 are reserved in MPEG audio; ADTS, whose sync word is one bit longer, uses them.
        if header[1] & 0x06 == 0 { Self::adts(bytes.get(offset..)?) } else { Self::mpeg(header) }
    }

    fn mpeg(header: &[u8; 4]) -> Option<Self> {
        let layer = 4 - usize::from(header[1] >> 1 & 3);
        let (mpeg1, halvings) = match header[1] >> 3 & 3 {
            3 => (true, 0),
            2 => (false, 1),
            0 => (false, 2),
            _ => return None,
        };
        let row = match (mpeg1, layer) {
            (true, layer) => layer - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        // Index 0 is "free format", whose frames do not tell their length.
        let bit_rate = usize::from(*BIT_RATES[row].get(usize::from(header[2] >> 4))?) * 1000;
        let hertz = SAMPLING_HZ.get(usize::from(header[2] >> 2 & 3))? >> halvings;
        let padding = usize::from(header[2] >> 1 & 1);
        let length = match layer {
            1 => (12 * bit_rate / hertz + padding) * 4,
            3 if !mpeg1 => 72 * bit_rate / hertz + padding,
            _ => 144 * bit_rate / hertz + padding,
        };
        let format = (header[1] & 0x1E) << 3 | (header[2] & 0x0C);
        (bit_rate > 0).then_some(Self { length, stream: Stream::Mpeg, format })
    }

    fn adts(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; 6] = bytes.first_chunk()?;
        let sampling = header[2] >> 2 & 0x0F;
        let length =
            usize::from(header[3] & 3) << 11 | usize::from(header[4]) << 3 | usize::from(header[5] >> 5);
        let valid = header[1] & 0xF6 == 0xF0 && sampling < 13 && length > 7;
        valid.then_some(Self { length, stream: Stream::Adts, format: header[2] & 0xFC })
    }

    fn follows(self, first: Self) -> bool {
        self.stream == first.stream && self.format == first.format
    }
}

/// Looks for frames that follow each other: two at the very beginning, three after padding or junk.
pub(super) fn find(bytes: &[u8]) -> Option<Stream> {
    let last_start = bytes.len().min(FIRST_FRAME_WITHIN);
    (0..last_start).find_map(|start| chain(bytes, start, if start == 0 { 2 } else { 3 }))
}

/// A third frame that would lie beyond the bytes at hand is taken on trust; the first two never are.
fn chain(bytes: &[u8], start: usize, frames: usize) -> Option<Stream> {
    let first = Frame::at(bytes, start)?;
    let mut offset = start + first.length;
    for number in 1..frames {
        if number > 1 && offset + 6 > bytes.len() {
            break;
        }
        let next = Frame::at(bytes, offset).filter(|next| next.follows(first))?;
        offset += next.length;
    }
    Some(first.stream)
}
