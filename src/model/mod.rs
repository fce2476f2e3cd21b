//! Ground: the nouns of podseed. No input or output.

mod feed;
pub mod media;
pub mod name;
mod selection;

pub use feed::{Enclosure, Feed, FeedKind, Item, Licence, Role};
pub use podseed_adapters::{InfoHashV1, InfoHashV2, InfoHashes, TorrentVersion};
pub use selection::Selection;
