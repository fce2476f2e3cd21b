//! The next step of a hand-over, as a pure function of what the client says and what we remember.
//!
//! ```text
//! absent --intend--> absent, ours --add--> checking --> stopped, complete --start--> seeding
//!                                              |            ^
//!                                              |            +-- verify first, where "complete" is no evidence
//!                                              +--> stopped, incomplete: taken back (data stays), needs the user
//! ```
//! What the client has once confirmed is never started or taken back again: whoever stopped it there had a reason.
//!
//! The intention is recorded before `add`, so that a torrent found stopped and incomplete after a crash is known to
//! be ours to take back. What somebody else put there is never taken away.

use podseed_adapters::{Activity, Capabilities, Presence, TorrentStatus};

use super::trouble::Trouble;
use crate::model::{Memory, PlacementState};

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Remember that we are about to add it.
    Intend,
    /// Add it.
    Add,
    /// Ask the client to hash the data.
    Verify,
    /// Start it.
    Start,
    /// Ours, checked, and not complete: the client does not see the data.
    TakeBack(TorrentStatus),
    /// Nothing to do but to look again.
    Wait(PlacementState),
    /// Nothing to do any more.
    Done(PlacementState),
    /// Something for the user.
    Trouble(PlacementState, Trouble),
}

pub(super) fn decide(presence: &Presence, memory: Memory, capabilities: &Capabilities) -> Step {
    match presence {
        Presence::Absent if memory.added => Step::Add,
        Presence::Absent => Step::Intend,
        Presence::Waiting => Step::Wait(PlacementState::Waiting),
        Presence::Delivered => Step::Done(PlacementState::Delivered),
        Presence::Refused(sign) => Step::Trouble(PlacementState::Failed, Trouble::Refused(sign.clone())),
        Presence::Present(status) => decide_present(status, memory, capabilities.hashes_on_add),
    }
}

/// The same for a torrent that the client has. `hashes_on_add` as in [`Capabilities`].
pub(super) fn decide_present(status: &TorrentStatus, memory: Memory, hashes_on_add: bool) -> Step {
    let proven = hashes_on_add || memory.verified;
    match status.activity {
        Activity::Checking(_) => Step::Wait(PlacementState::Checking),
        Activity::Stopped if memory.seeded => stopped_since(status),
        // Its disk may have been away: it may find the data when it looks again.
        Activity::Stopped if status.error.is_some() && memory.added && !memory.verified => Step::Verify,
        Activity::Stopped if status.complete && proven => Step::Start,
        Activity::Stopped if status.complete => Step::Verify,
        Activity::Stopped if memory.added => Step::TakeBack(status.clone()),
        Activity::Stopped => {
            Step::Trouble(PlacementState::Failed, Trouble::ForeignIncomplete(status.clone()))
        }
        _ if status.error.is_some() => {
            let words = status.error.clone().unwrap_or_default();
            Step::Trouble(PlacementState::Failed, Trouble::Reported(words))
        }
        Activity::Downloading => Step::Trouble(PlacementState::Waiting, Trouble::Fetching(status.clone())),
        Activity::Seeding => Step::Done(PlacementState::Seeding),
    }
}

fn stopped_since(status: &TorrentStatus) -> Step {
    match &status.error {
        Some(words) => Step::Trouble(PlacementState::Failed, Trouble::Reported(words.clone())),
        None if status.complete => Step::Trouble(PlacementState::Stopped, Trouble::Stopped),
        None => Step::Trouble(PlacementState::Failed, Trouble::Incomplete(status.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(hashes_on_add: bool) -> Capabilities {
        Capabilities {
            hybrid: true,
            v2: true,
            confirms: true,
            hashes_on_add,
            renames_incomplete_files: false,
        }
    }

    fn present(activity: Activity, complete: bool) -> Presence {
        Presence::Present(TorrentStatus {
            activity,
            complete,
            missing_bytes: if complete { 0 } else { 7 },
            save_path: None,
            uploaded_bytes: 0,
            error: None,
        })
    }

    const NEW: Memory = Memory { added: false, verified: false, seeded: false };
    const OURS: Memory = Memory { added: true, verified: false, seeded: false };
    const VERIFIED: Memory = Memory { added: true, verified: true, seeded: false };

    #[test]
    fn nothing_is_added_before_the_intention_is_recorded() {
        assert_eq!(decide(&Presence::Absent, NEW, &capabilities(true)), Step::Intend);
        assert_eq!(decide(&Presence::Absent, OURS, &capabilities(true)), Step::Add);
    }

    #[test]
    fn complete_is_believed_only_where_the_client_has_hashed() {
        let stopped = present(Activity::Stopped, true);
        assert_eq!(decide(&stopped, OURS, &capabilities(true)), Step::Start);
        assert_eq!(decide(&stopped, OURS, &capabilities(false)), Step::Verify);
        assert_eq!(decide(&stopped, VERIFIED, &capabilities(false)), Step::Start);
    }

    #[test]
    fn an_incomplete_torrent_is_never_started() {
        for memory in [NEW, OURS, VERIFIED] {
            for hashes in [true, false] {
                let step = decide(&present(Activity::Stopped, false), memory, &capabilities(hashes));
                match memory.added {
                    true => assert!(matches!(step, Step::TakeBack(_)), "{step:?}"),
                    false => assert!(matches!(step, Step::Trouble(PlacementState::Failed, _)), "{step:?}"),
                }
            }
        }
    }

    #[test]
    fn a_torrent_that_already_seeds_is_left_alone() {
        assert_eq!(
            decide(&present(Activity::Seeding, true), NEW, &capabilities(false)),
            Step::Done(PlacementState::Seeding)
        );
    }

    #[test]
    fn an_error_of_the_client_is_reported_in_its_own_words() {
        let Presence::Present(mut status) = present(Activity::Seeding, true) else { unreachable!() };
        status.error = Some("disk on fire".to_owned());
        assert_eq!(
            decide(&Presence::Present(status), OURS, &capabilities(true)),
            Step::Trouble(PlacementState::Failed, Trouble::Reported("disk on fire".to_owned()))
        );
    }

    #[test]
    fn what_was_stopped_after_it_had_seeded_is_reported_and_left_alone() {
        let seeded = Memory { seeded: true, ..VERIFIED };
        let mut failed = present(Activity::Stopped, false);
        if let Presence::Present(status) = &mut failed {
            status.error = Some("no data found".to_owned());
        }
        for (presence, state) in [
            (present(Activity::Stopped, true), PlacementState::Stopped),
            (present(Activity::Stopped, false), PlacementState::Failed),
            (failed.clone(), PlacementState::Failed),
        ] {
            let step = decide(&presence, seeded, &capabilities(true));
            assert!(matches!(&step, Step::Trouble(at, _) if *at == state), "{step:?}");
        }
        // Once the user has asked to try again, the client looks for the data once more.
        assert_eq!(decide(&failed, OURS, &capabilities(true)), Step::Verify);
        assert!(matches!(decide(&failed, VERIFIED, &capabilities(true)), Step::TakeBack(_)));
    }
}
