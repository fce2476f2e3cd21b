//! Where the bytes of each piece lie: which files, in which order, with how much padding between them.

use std::ops::Range;
use std::path::PathBuf;

/// A member of the list of files of a v1 or hybrid torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// The file with this index.
    File(usize),
    /// So many zeros.
    Pad(u64),
}

/// The files of these lengths in a row; with `align`, each is padded to a multiple of it.
///
/// As libtorrent 2.0.8 does it for hybrids (`create_torrent::canonical_files`): the last file is padded like the
/// others, but a file that is alone is not.
pub(super) fn with_pads(
    lengths: impl ExactSizeIterator<Item = u64>,
    align: Option<u64>,
) -> impl Iterator<Item = Entry> {
    let align = align.filter(|_| lengths.len() > 1);
    lengths.enumerate().flat_map(move |(index, length)| {
        let padding = align.map_or(0, |align| length.next_multiple_of(align) - length);
        let pad = (padding > 0).then_some(Entry::Pad(padding));
        [Entry::File(index)].into_iter().chain(pad)
    })
}

/// The files of a torrent in its order, and how its pieces lie over them.
#[derive(Debug)]
pub(super) struct Layout {
    /// Bytes per piece; never zero.
    pub(super) piece_length: u64,
    /// With pad files. Offsets never fall.
    pub(super) files: Vec<LayoutFile>,
}

/// A file of a [`Layout`].
#[derive(Debug)]
pub(super) struct LayoutFile {
    /// Where it is on disk; `None` for a pad file.
    pub(super) path: Option<PathBuf>,
    /// In bytes.
    pub(super) length: u64,
    /// Where it begins among the bytes of all pieces.
    pub(super) offset: u64,
}

/// The bytes of one file that belong to one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Index of the file.
    pub(super) file: usize,
    /// Where in the file.
    pub(super) start: u64,
    /// How many bytes; never zero.
    pub(super) length: u64,
}

impl Layout {
    /// Lays files in a row: paths (`None` for pad files) and lengths. `align` lets every file begin with a
    /// piece, as v2 has it without pad files.
    pub(super) fn new(
        files: impl IntoIterator<Item = (Option<PathBuf>, u64)>,
        piece_length: u64,
        align: bool,
    ) -> Self {
        let mut end = 0_u64;
        let files = files.into_iter().map(|(path, length)| {
            let offset = if align { end.next_multiple_of(piece_length) } else { end };
            end = offset + length;
            LayoutFile { path, length, offset }
        });
        Self { piece_length, files: files.collect() }
    }

    /// How many pieces there are.
    pub(super) fn pieces(&self) -> u64 {
        self.files.last().map_or(0, |last| (last.offset + last.length).div_ceil(self.piece_length))
    }

    /// The parts of a piece in order.
    pub(super) fn segments(&self, piece: u64) -> impl Iterator<Item = Segment> {
        let mut cursor = self.cursor(piece);
        std::iter::from_fn(move || cursor.advance(self, u64::MAX))
    }

    /// The beginning of a piece.
    pub(super) fn cursor(&self, piece: u64) -> Cursor {
        let (at, end) = (piece * self.piece_length, (piece + 1) * self.piece_length);
        Cursor { file: self.files.partition_point(|file| file.offset + file.length <= at), at, end }
    }

    /// Whether a segment's bytes are on disk, and not those of a pad file.
    pub(super) fn is_data(&self, segment: &Segment) -> bool {
        self.files[segment.file].path.is_some()
    }

    /// The pieces that hold bytes of a file.
    pub(super) fn pieces_of(&self, file: &LayoutFile) -> Range<u64> {
        let first = file.offset / self.piece_length;
        if file.length == 0 {
            return first..first;
        }
        first..(file.offset + file.length).div_ceil(self.piece_length)
    }
}

/// A place in a piece, from where it goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    file: usize,
    at: u64,
    end: u64,
}

impl Cursor {
    /// The next bytes of the piece, at most `most`, as far as they lie in one file; `None` at its end.
    pub(super) fn advance(&mut self, layout: &Layout, most: u64) -> Option<Segment> {
        loop {
            let file = layout.files.get(self.file).filter(|file| file.offset < self.end)?;
            let start = self.at.max(file.offset);
            let length = self.end.min(file.offset + file.length).saturating_sub(start).min(most);
            if length > 0 {
                self.at = start + length;
                return Some(Segment { file: self.file, start: start - file.offset, length });
            }
            if start >= self.end {
                return None;
            }
            self.file += 1;
        }
    }

    /// Whether nothing comes any more.
    pub(super) fn is_at_end(mut self, layout: &Layout) -> bool {
        self.advance(layout, 1).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(lengths: &[u64], align: Option<u64>) -> Vec<Entry> {
        with_pads(lengths.iter().copied(), align).collect()
    }

    fn segments(layout: &Layout, piece: u64) -> Vec<(usize, u64, u64)> {
        layout.segments(piece).map(|segment| (segment.file, segment.start, segment.length)).collect()
    }

    fn layout(lengths: &[u64], align: bool) -> Layout {
        Layout::new(lengths.iter().map(|length| (Some(PathBuf::new()), *length)), 10, align)
    }

    #[test]
    fn every_file_that_does_not_end_with_a_piece_is_padded() {
        use Entry::{File, Pad};
        assert_eq!(entries(&[3, 10, 5], Some(10)), [File(0), Pad(7), File(1), File(2), Pad(5)]);
        assert_eq!(entries(&[3, 0, 5], Some(10)), [File(0), Pad(7), File(1), File(2), Pad(5)]);
        assert_eq!(entries(&[0, 3, 0], Some(10)), [File(0), File(1), Pad(7), File(2)]);
        assert_eq!(entries(&[3], Some(10)), [File(0)], "alone");
        assert_eq!(entries(&[3, 3], None), [File(0), File(1)]);
    }

    #[test]
    fn a_piece_may_span_many_files_and_skips_empty_ones() {
        let layout = layout(&[0, 3, 0, 4, 15, 0], false);
        assert_eq!(layout.pieces(), 3);
        assert_eq!(segments(&layout, 0), [(1, 0, 3), (3, 0, 4), (4, 0, 3)]);
        assert_eq!(segments(&layout, 1), [(4, 3, 10)]);
        assert_eq!(segments(&layout, 2), [(4, 13, 2)]);
        assert_eq!(segments(&layout, 3), []);
        assert_eq!(layout.pieces_of(&layout.files[4]), 0..3);
        assert_eq!(layout.pieces_of(&layout.files[2]), 0..0);
    }

    #[test]
    fn aligned_files_begin_with_a_piece() {
        let layout = layout(&[3, 0, 20, 1], true);
        assert_eq!(layout.pieces(), 4);
        assert_eq!(segments(&layout, 0), [(0, 0, 3)]);
        assert_eq!(segments(&layout, 1), [(2, 0, 10)]);
        assert_eq!(segments(&layout, 2), [(2, 10, 10)]);
        assert_eq!(segments(&layout, 3), [(3, 0, 1)]);
    }

    #[test]
    fn exact_multiples_and_nothing_at_all_have_no_extra_piece() {
        assert_eq!(layout(&[20], false).pieces(), 2);
        assert_eq!(layout(&[10, 0], true).pieces(), 1);
        assert_eq!(layout(&[0, 0], false).pieces(), 0);
        assert_eq!(layout(&[], true).pieces(), 0);
    }
}
