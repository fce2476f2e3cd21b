//! The stages of an enclosure and the states of its placements, and how the first follow from the second.
//!
//! ```text
//! discovered -> downloading -> downloaded -> torrent_ready -> handed_over -> seeding
//!      ^            |               |              |               |
//!      +------------+               +-- failed <---+---------------+      withdrawn: from anywhere
//! ```
//! A transient failure leaves the stage where it was and sets the next attempt; `failed` needs the user.

use super::words::words;

/// How far an enclosure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Known and wanted; nothing fetched, or not all of it.
    Discovered,
    /// Being fetched right now.
    Downloading,
    /// Complete under its final name; no metainfo yet.
    Downloaded,
    /// The .torrent is written. Without any client, the last stage.
    TorrentReady,
    /// At least one client was given it.
    HandedOver,
    /// At least one client has itself reported it complete and started.
    Seeding,
    /// Needs the user; the error says what.
    Failed,
    /// Taken back, and not to come again.
    Withdrawn,
}

/// Where one enclosure stands at one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlacementState {
    /// Not given to the client yet.
    Pending,
    /// Given, and not picked up yet; or the client fetches it itself.
    Waiting,
    /// The client hashes the data.
    Checking,
    /// The client has reported it complete, started and without error.
    Seeding,
    /// In the watched folder, and taken where the client leaves a sign.
    Delivered,
    /// Complete at the client, and stopped: by the user, by a limit, or although it was told to start.
    Stopped,
    /// Removed at the client, by the look of it on purpose: the user decides.
    Missing,
    /// Needs the user; the error says what.
    Failed,
}

words!(Stage {
    Discovered = "discovered",
    Downloading = "downloading",
    Downloaded = "downloaded",
    TorrentReady = "torrent_ready",
    HandedOver = "handed_over",
    Seeding = "seeding",
    Failed = "failed",
    Withdrawn = "withdrawn",
});

words!(PlacementState {
    Pending = "pending",
    Waiting = "waiting",
    Checking = "checking",
    Seeding = "seeding",
    Delivered = "delivered",
    Stopped = "stopped",
    Missing = "missing",
    Failed = "failed",
});

impl Stage {
    /// The stage of an enclosure whose torrent is ready, from its placements: the best of them counts, and
    /// only when each one needs the user does the enclosure.
    pub fn from_placements(states: &[PlacementState]) -> Self {
        let any = |wanted: &[PlacementState]| states.iter().any(|state| wanted.contains(state));
        if any(&[PlacementState::Seeding]) {
            Self::Seeding
        } else if any(&[
            PlacementState::Waiting,
            PlacementState::Checking,
            PlacementState::Delivered,
            PlacementState::Stopped,
        ]) {
            Self::HandedOver
        } else if !states.is_empty() && states.iter().all(|state| state.needs_the_user()) {
            Self::Failed
        } else {
            Self::TorrentReady
        }
    }
}

impl PlacementState {
    /// Whether nothing is left to do at this client.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Seeding | Self::Delivered)
    }

    /// Whether nothing is done at this client before the user has decided something.
    pub fn needs_the_user(self) -> bool {
        matches!(self, Self::Failed | Self::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::PlacementState::{Checking, Delivered, Failed, Missing, Pending, Seeding, Stopped};
    use super::*;

    #[test]
    fn the_best_placement_decides_the_stage() {
        let cases: &[(&[PlacementState], Stage)] = &[
            (&[], Stage::TorrentReady),
            (&[Pending], Stage::TorrentReady),
            (&[Pending, Checking], Stage::HandedOver),
            (&[Delivered], Stage::HandedOver),
            (&[Failed, Delivered], Stage::HandedOver),
            (&[Failed, Pending], Stage::TorrentReady),
            (&[Failed, Failed], Stage::Failed),
            (&[Failed, Missing], Stage::Failed),
            (&[Missing, Stopped], Stage::HandedOver),
            (&[Failed, Seeding], Stage::Seeding),
        ];
        for (states, stage) in cases {
            assert_eq!(Stage::from_placements(states), *stage, "{states:?}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for stage in Stage::ALL {
            assert_eq!(stage.as_str().parse(), Ok(*stage));
        }
        for state in PlacementState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!("seedling".parse::<Stage>().is_err());
    }
}
