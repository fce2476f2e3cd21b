//! Media types: what a feed claims, what an extension suggests, and what the first bytes prove.

/// The broad kind of a media file: what `media:` in a selection speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// A still picture.
    Image,
    /// A document: PDF, EPUB.
    Document,
}
