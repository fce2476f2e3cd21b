//! The figures of a running podseed, as monitoring asks for them. The state counts them (`store`), the process adds
//! what it knows of itself, and `serve` writes them down.

use jiff::Timestamp;

use super::{PlacementState, StageCounts};

/// Everything at one moment. What is named `..._total` in the format of Prometheus never falls as long as the state is
/// kept: it is counted there and not in memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// By slug.
    pub shows: Vec<ShowMetrics>,
    /// Managed enclosures at each stage. What is neither `seeding`, `failed` nor `withdrawn` is a queue.
    pub stages: StageCounts,
    /// Placements by client and state.
    pub placements: Vec<PlacementCount>,
    /// What strangers got, by client.
    pub proofs: Vec<ProofCount>,
    /// Seconds from the publication of an episode (or from when podseed met it, if it is older than that) until a first
    /// client confirmed it.
    pub publication_to_seeding: Histogram,
    /// Asked of publishers.
    pub fetched: Fetched,
    /// Bytes that clients have given to peers, by client.
    pub served: Vec<(String, u64)>,
    /// When something is due next, by what it is: `poll`, `download`, `hand_over`, `compare`.
    pub due: Vec<(&'static str, Timestamp)>,
    /// The disk of the data folder; `None` where the system does not say.
    pub disk: Option<Disk>,
    /// This process.
    pub process: Process,
}

/// A show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShowMetrics {
    /// Its short name.
    pub slug: String,
    /// The last poll that brought an answer.
    pub last_good_poll: Option<Timestamp>,
    /// Polls in a row that failed.
    pub failures: u64,
    /// Enclosures that need the user.
    pub failed: u64,
}

/// How many placements of a client have a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementCount {
    /// The client's name.
    pub client: String,
    /// The state.
    pub state: PlacementState,
    /// So many.
    pub count: u64,
}

/// What strangers got of a client when they last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProofCount {
    /// The client's name.
    pub client: String,
    /// Placements of which a stranger got a piece.
    pub proven: u64,
    /// Placements of which he got none.
    pub refused: u64,
}

/// What publishers' servers have sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Of feeds, in bytes.
    pub feed_bytes: u64,
    /// Of media, in bytes.
    pub media_bytes: u64,
    /// Requests for either.
    pub requests: u64,
}

/// Seconds in classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// The upper end of a class, in seconds, and how many lie below it: each includes those before.
    pub classes: Vec<(u64, u64)>,
    /// All, those beyond the last class among them.
    pub count: u64,
    /// Of all, in seconds.
    pub sum: u64,
}

/// The upper ends of the classes from publication to seeding: from a minute to a month.
pub const SEEDING_CLASSES: [u64; 10] =
    [60, 300, 900, 1_800, 3_600, 10_800, 43_200, 86_400, 604_800, 2_592_000];

/// A disk, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disk {
    /// What podseed may still write.
    pub free: u64,
    /// All of it.
    pub size: u64,
}

/// A process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Process {
    /// Memory that is its own, in bytes; `None` where the system does not say.
    pub resident_bytes: Option<u64>,
    /// Since when it runs.
    pub started: Option<Timestamp>,
}
