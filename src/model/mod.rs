//! Ground: the nouns of podseed. No input or output.

pub mod budget;
mod feed;
mod figures;
pub mod identity;
pub mod licence;
pub mod media;
mod metrics;
pub mod name;
mod notice;
mod own;
mod path_map;
mod peer;
mod publication;
mod selection;
mod stage;
mod words;
mod work;

pub use budget::KeepRules;
pub use feed::{Enclosure, Feed, FeedKind, Item, Role};
pub use figures::{
    Counted, Counter, Fallen, Looks, Peers, Reading, ReportedFile, ReportedShow, Source, SourceDay,
};
pub use metrics::{
    Disk, Fetched, Histogram, Metrics, PlacementCount, Process, ProofCount, SEEDING_CLASSES, ShowMetrics,
};
pub use notice::{Notice, NoticeKind, NoticedEpisode, NoticedHash, Trouble};
pub use own::{FileState, KnownFile, OwnFile, SharedFile, Tags};
pub use path_map::PathMap;
pub use peer::{ParsePeerError, PeerAddress};
pub use podseed_adapters::{InfoHashV1, InfoHashV2, InfoHashes, TorrentVersion};
pub use publication::{
    Basis, PageLanguage, PublishedEpisode, PublishedFile, PublishedShow, RESERVED_SLUGS, Seeder, ShowCard,
    SourceState, Standing,
};
pub use selection::Selection;
pub use stage::{PlacementState, Stage};
pub use words::UnknownWord;
pub use work::{
    CompareJob, DownloadJob, Edited, EnclosureId, EpisodeFacts, Look, MediaFile, Memory, OfferJob,
    PlacementId, PlacementJob, PlacementReport, Problem, SeedFacts, StageCounts, Traffic,
};
