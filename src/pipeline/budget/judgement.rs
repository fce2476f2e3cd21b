//! What the last judgement says of what is fetched from then on. Each reads all files, of which there may be a million:
//! so none is made where the last one knows the answer.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::time::Instant;

use crate::model::EnclosureId;
use crate::model::budget::{BudgetFile, Holding, Verdict};
use crate::pipeline::lock;

/// Of a daemon's time judging takes no more than this part.
const SHARE: u32 = 100;

/// The last judgement of this process.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Judgement(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Last>,
    /// How often what was admitted was so no more.
    overtaken: u64,
}

/// A judgement that is being made.
#[derive(Debug)]
pub(super) struct Begun {
    at: Instant,
    overtaken: u64,
}

#[derive(Debug)]
struct Last {
    /// What was to be fetched, or being fetched.
    expected: HashMap<EnclosureId, Expected>,
    /// Bytes by which that may be longer than expected, all of it together.
    spare: u64,
    /// Something waits for room.
    holds_back: bool,
    /// Something goes once what is fetched in its place is there.
    makes_room: bool,
    /// Until then, what may wait waits.
    rest: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Expected {
    bytes: u64,
    /// It may be fetched, whoever claims it. What was under way is judged anew once it is claimed again.
    is_admitted: bool,
}

impl Judgement {
    /// A new one begins; what happens from here on, it may not know.
    pub(super) fn begin(&self) -> Begun {
        Begun { at: Instant::now(), overtaken: lock(&self.0).overtaken }
    }

    /// It was made.
    pub(super) fn made(&self, files: &[BudgetFile], verdict: &Verdict, begun: &Begun) {
        let mut state = lock(&self.0);
        let is_up_to_date = state.overtaken == begun.overtaken;
        let mut expected: HashMap<EnclosureId, Expected> = files
            .iter()
            .filter(|file| matches!(file.holding, Holding::Wanted | Holding::Fetching))
            .map(|file| {
                let is_admitted = is_up_to_date && file.holding == Holding::Wanted;
                (file.id, Expected { bytes: file.bytes, is_admitted })
            })
            .collect();
        for held_back in &verdict.held_back {
            expected.remove(&held_back.id);
        }
        state.last = Some(Last {
            expected,
            spare: verdict.spare.unwrap_or(u64::MAX),
            holds_back: !verdict.held_back.is_empty(),
            makes_room: verdict.makes_room,
            rest: Instant::now() + begun.at.elapsed() * SHARE,
        });
    }

    /// Whether what may wait for the next one should.
    pub(super) fn is_at_rest(&self) -> bool {
        lock(&self.0).last.as_ref().is_some_and(|last| last.rest > Instant::now())
    }

    /// Whether this may be fetched as far as is known.
    pub(in crate::pipeline) fn admits(&self, id: EnclosureId) -> bool {
        let state = lock(&self.0);
        let expected = state.last.as_ref().and_then(|last| last.expected.get(&id));
        expected.is_some_and(|expected| expected.is_admitted)
    }

    /// More is wanted than before: what was admitted may have to give way to it.
    pub(in crate::pipeline) fn overtaken(&self) {
        lock(&self.0).overtaken();
    }

    /// What was claimed is there, so many bytes of it, or could not be fetched. Gives whether something else follows.
    pub(in crate::pipeline) fn fetched(&self, id: EnclosureId, bytes: Option<u64>) -> bool {
        let mut state = lock(&self.0);
        let Some(last) = &mut state.last else { return true };
        let expected = last.expected.remove(&id).map_or(0, |expected| expected.bytes);
        let more = bytes.unwrap_or_default().saturating_sub(expected);
        // What is twice as long as expected says that others may be, too.
        let is_over = more > last.spare || more > expected;
        last.spare = last.spare.saturating_sub(more);
        let follows = match bytes {
            Some(bytes) => last.makes_room || last.holds_back && bytes < expected,
            None => last.holds_back,
        };
        if is_over {
            state.overtaken();
        }
        follows
    }
}

impl State {
    fn overtaken(&mut self) {
        self.overtaken += 1;
        let expected = self.last.iter_mut().flat_map(|last| last.expected.values_mut());
        expected.for_each(|expected| expected.is_admitted = false);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::budget::Dropped;

    const SOON: EnclosureId = EnclosureId(1);
    const LATER: EnclosureId = EnclosureId(2);
    const UNDER_WAY: EnclosureId = EnclosureId(3);
    const HELD_BACK: EnclosureId = EnclosureId(4);

    fn file(id: EnclosureId, holding: Holding) -> BudgetFile {
        BudgetFile {
            id,
            show: "s".to_owned(),
            name: None,
            episode: id.0,
            date: Timestamp::UNIX_EPOCH,
            discovered: Timestamp::UNIX_EPOCH,
            holding,
            bytes: 100,
            torrent: None,
            others: None,
            demand: 0,
            former: false,
            readmitted: None,
            frees: true,
        }
    }

    fn judged(verdict: Verdict) -> Judgement {
        let wanted = [SOON, LATER, HELD_BACK].map(|id| file(id, Holding::Wanted));
        let files = [&wanted[..], &[file(UNDER_WAY, Holding::Fetching)]].concat();
        let judgement = Judgement::default();
        let begun = judgement.begin();
        judgement.made(&files, &verdict, &begun);
        judgement
    }

    fn full(spare: u64) -> Verdict {
        let held_back = vec![Dropped { id: HELD_BACK, why: String::new() }];
        Verdict { held_back, spare: Some(spare), ..Verdict::default() }
    }

    #[test]
    fn what_was_judged_is_fetched_without_another_look_until_something_overtakes_it() {
        let judgement = judged(full(0));
        assert_eq!(
            [SOON, LATER, UNDER_WAY, HELD_BACK].map(|id| judgement.admits(id)),
            [true, true, false, false]
        );
        judgement.overtaken();
        assert!(!judgement.admits(SOON));
        assert!(!Judgement::default().admits(SOON));

        let begun = judgement.begin();
        judgement.overtaken();
        judgement.made(&[file(SOON, Holding::Wanted)], &full(0), &begun);
        assert!(!judgement.admits(SOON), "it was overtaken while the files were read");
    }

    #[test]
    fn files_longer_than_expected_use_up_what_is_spare_and_then_the_next_is_judged_anew() {
        let judgement = judged(full(10));
        assert!(!judgement.fetched(SOON, Some(110)), "there is no room for what waits");
        assert!(judgement.admits(LATER));
        assert!(!judgement.fetched(UNDER_WAY, Some(101)));
        assert!(!judgement.admits(LATER));

        let judgement = judged(full(1_000_000));
        judgement.fetched(SOON, Some(200));
        assert!(judgement.admits(LATER));
        judgement.fetched(UNDER_WAY, Some(201));
        assert!(!judgement.admits(LATER), "what is expected is far off");
    }

    #[test]
    fn all_is_judged_anew_where_room_was_left_for_what_waits_or_something_is_to_go_now() {
        assert!(judged(full(0)).fetched(SOON, Some(99)), "shorter");
        assert!(judged(full(0)).fetched(SOON, None), "failed");
        assert!(!judged(full(0)).fetched(SOON, Some(100)));
        let nothing_waits = || judged(Verdict { spare: Some(0), ..Verdict::default() });
        assert!(!nothing_waits().fetched(SOON, Some(99)));
        assert!(!nothing_waits().fetched(SOON, None));
        assert!(judged(Verdict { makes_room: true, ..full(0) }).fetched(SOON, Some(100)));
        assert!(Judgement::default().fetched(SOON, Some(100)), "nothing is known");
    }
}
