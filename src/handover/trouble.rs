//! What keeps a torrent from seeding although the client answers, in the words that a user needs.

use podseed_adapters::TorrentStatus;

use super::Problem;

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// The client's own words.
    Reported(String),
    /// Complete and stopped, after it had seeded.
    Stopped,
    /// Stopped and not complete any more, after it had seeded.
    Incomplete(TorrentStatus),
    /// Somebody else's torrent, stopped and incomplete.
    ForeignIncomplete(TorrentStatus),
    /// The client fetches the data from the swarm itself.
    Fetching(TorrentStatus),
    /// A watched folder's client has put the file aside.
    Refused(String),
    /// Gone, while so many others of ours are still there.
    Removed(usize),
}

impl Trouble {
    /// What is wrong with the torrent of this name at this client, with the remedy.
    pub(super) fn problem(&self, client: &str, name: &str) -> Problem {
        match self {
            Self::Reported(words) => Problem::never(format!("{client}: the client says of {name}: {words}")),
            Self::Stopped => Problem::never(format!(
                "{client}: {name} is stopped there, by somebody or by a limit of the client; podseed leaves it so. \
                 Start it there, or `podseed retry` it"
            )),
            Self::Incomplete(status) => Problem::never(format!(
                "{client}: {name} is stopped there and {} bytes are missing{}; `podseed retry` lets the client look \
                 for them again",
                status.missing_bytes,
                looks_in(status)
            )),
            Self::Refused(sign) => Problem::never(format!("{client}: {sign}")),
            Self::Fetching(status) => Problem::later(format!(
                "{client}: the client has {name} from elsewhere and fetches it itself{}; {} bytes are missing",
                looks_in(status),
                status.missing_bytes
            )),
            Self::ForeignIncomplete(status) => Problem::never(format!(
                "{client}: the client already has {name}, stopped and with {} bytes missing{}; podseed has not added \
                 it and leaves it alone. Remove it there, and podseed hands its own over",
                status.missing_bytes,
                looks_in(status)
            )),
            Self::Removed(others) => Problem::never(format!(
                "{client}: {name} was removed there, and {others} others are still there; `podseed forget` leaves it \
                 so, `podseed retry` hands it over again"
            )),
        }
    }
}

fn looks_in(status: &TorrentStatus) -> String {
    status.save_path.as_ref().map(|path| format!(" in {path}")).unwrap_or_default()
}
