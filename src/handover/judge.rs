//! What a client's list says of the torrents that it was given.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use podseed_adapters::Listed;

use super::Look;
use super::decide::{Step, decide_present};
use super::fate::{Fate, Gone, Left, fates};
use super::trouble::Trouble;
use crate::model::{InfoHashes, Memory, PlacementState};

/// A placement before the client is asked.
#[derive(Debug, Clone)]
pub struct Held {
    /// The torrent's identity; several shows may share it.
    pub info_hash: InfoHashes,
    /// The file's name.
    pub name: String,
    /// Its state so far.
    pub state: PlacementState,
    /// What is remembered of it.
    pub memory: Memory,
    /// When the client first confirmed what it has now.
    pub since: Option<Timestamp>,
    /// When the client last confirmed it.
    pub confirmed: Option<Timestamp>,
    /// When the client had last lost it.
    pub lost: Option<Timestamp>,
}

impl Held {
    /// Whether the client had it when it was last asked, as far as is known.
    fn was_there(&self) -> bool {
        self.memory.seeded && !matches!(self.state, PlacementState::Missing | PlacementState::Pending)
    }
}

/// What a list says of each placement; `None` where it says nothing new, or what the hand-over itself finds out. One
/// that was lost is pending again.
pub fn judge(client: &str, held: &[Held], listed: &[Listed], now: Timestamp) -> Vec<Option<Look>> {
    let by_hash: HashMap<Key, &Listed> =
        listed.iter().flat_map(|listed| keys(&listed.info_hash).map(move |key| (key, listed))).collect();
    let find = |held: &Held| keys(&held.info_hash).find_map(|key| by_hash.get(&key).copied());
    let fates = fates_of(held, listed, &find, now);
    let others = held.iter().filter(|held| held.was_there() && find(held).is_some()).count();
    held.iter()
        .map(|held| match find(held) {
            Some(listed) => present(client, held, listed),
            None => match fates.get(&key(&held.info_hash)).filter(|_| held.was_there())? {
                Fate::Lost => Some(look(PlacementState::Pending, Memory::default())),
                Fate::Removed => {
                    let problem = Some(Trouble::Removed(others).problem(client, &held.name));
                    Some(Look { problem, ..look(PlacementState::Missing, held.memory) })
                }
            },
        })
        .collect()
}

/// Whether the list lacks anything that was there before.
pub(super) fn lacks_any(held: &[Held], listed: &[Listed]) -> bool {
    let there: BTreeSet<Key> = listed.iter().flat_map(|listed| keys(&listed.info_hash)).collect();
    held.iter().any(|held| held.was_there() && !keys(&held.info_hash).any(|key| there.contains(&key)))
}

/// The fate of every torrent that was there and is not listed any more.
fn fates_of<'a>(
    held: &[Held],
    listed: &[Listed],
    find: &impl Fn(&Held) -> Option<&'a Listed>,
    now: Timestamp,
) -> HashMap<Key, Fate> {
    let ours: BTreeSet<Key> = held.iter().flat_map(|held| keys(&held.info_hash)).collect();
    let mut gone: HashMap<Key, Gone> = HashMap::new();
    let mut left = Left { ours: 0, newest: None, others: false };
    let (mut counted, mut confirmed) = (BTreeSet::new(), None);
    for held in held.iter().filter(|held| held.was_there()) {
        let key = key(&held.info_hash);
        if find(held).is_some() {
            left.newest = left.newest.max(held.since);
            counted.insert(key);
        } else {
            confirmed = confirmed.max(held.confirmed);
            gone.insert(key, Gone { since: held.since, lost: held.lost });
        }
    }
    left.ours = counted.len();
    left.others = listed.iter().any(|listed| {
        let added = listed.added.and_then(|added| Timestamp::from_second(added).ok());
        let was_there = added.zip(confirmed).is_some_and(|(added, confirmed)| added < confirmed);
        was_there && !keys(&listed.info_hash).any(|key| ours.contains(&key))
    });
    let (keys, gone): (Vec<Key>, Vec<Gone>) = gone.into_iter().unzip();
    keys.into_iter().zip(fates(&gone, &left, now)).collect()
}

/// What a listed torrent is doing. One that was never confirmed is the hand-over's, unless it seeds.
fn present(client: &str, held: &Held, listed: &Listed) -> Option<Look> {
    if held.state == PlacementState::Pending {
        return None;
    }
    let problem = |trouble: &Trouble| Some(trouble.problem(client, &held.name));
    let found = match decide_present(&listed.status, held.memory, true) {
        Step::Done(state) => look(state, held.memory),
        _ if !held.memory.seeded => return None,
        Step::Wait(state) => look(state, held.memory),
        Step::Trouble(state, trouble) => Look { problem: problem(&trouble), ..look(state, held.memory) },
        _ => return None,
    };
    Some(Look { uploaded_bytes: Some(listed.status.uploaded_bytes), ..found })
}

fn look(state: PlacementState, memory: Memory) -> Look {
    Look { state, memory, uploaded_bytes: None, problem: None, note: None, again: false }
}

/// Either hash of a torrent; of the longer one as much as trackers and peers get (BEP 52).
type Key = [u8; 20];

fn keys(info_hash: &InfoHashes) -> impl Iterator<Item = Key> + use<> {
    let v1 = info_hash.v1().map(|hash| hash.0);
    v1.into_iter().chain(info_hash.v2().and_then(|hash| hash.0.first_chunk().copied()))
}

/// The first of them.
fn key(info_hash: &InfoHashes) -> Key {
    keys(info_hash).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
