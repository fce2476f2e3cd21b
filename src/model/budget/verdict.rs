//! The verdict, as it comes to be: what the rules of one scope drop counts for those of the next.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::order::goes_first;
use super::scope::Scope;
use super::{Budget, BudgetFile, EnclosureId, Holding, Space};

/// What goes, what is not fetched, and which rules cannot be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What is there and goes.
    pub dropped: Vec<Dropped>,
    /// What is not there and not fetched.
    pub held_back: Vec<Dropped>,
    /// What would have to go, and stays.
    pub shortfalls: Vec<Shortfall>,
    /// Bytes that are left once all is there that is to be fetched; `None` without a rule of size.
    pub spare: Option<u64>,
    /// Something goes once what is fetched in its place is there, and not before.
    pub makes_room: bool,
}

/// A file that is not kept, and by which rule, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Which.
    pub id: EnclosureId,
    /// `keep.latest: it is not among the newest 10`.
    pub why: String,
}

/// Why a rule cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Nobody else is known to seed.
    LastSeeder,
    /// It cannot be taken back, for this reason.
    Bound(String),
    /// Nothing is left that could go.
    NothingLeft,
}

/// A rule that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The rule's key: `keep.total_size`, `limits.disk_free`.
    pub rule: String,
    /// Why.
    pub cause: Cause,
    /// Files that stay for that reason.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

const TOTAL_SIZE: &str = "total_size";

pub(super) struct Decision<'a> {
    files: &'a [BudgetFile],
    budget: &'a Budget,
    /// By torrent, all files of it that podseed has.
    twins: HashMap<&'a str, Vec<usize>>,
    /// By index.
    dropped: BTreeMap<usize, String>,
    held_back: BTreeMap<usize, String>,
    shortfalls: BTreeMap<(String, Cause), BTreeSet<usize>>,
    spare: Option<u64>,
    makes_room: bool,
}

impl<'a> Decision<'a> {
    pub(super) fn new(files: &'a [BudgetFile], budget: &'a Budget) -> Self {
        let mut twins: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            if let Some(torrent) = file.torrent.as_deref().filter(|_| file.holding != Holding::Dropped) {
                twins.entry(torrent).or_default().push(index);
            }
        }
        let (dropped, held_back, shortfalls, spare, makes_room) = Default::default();
        Self { files, budget, twins, dropped, held_back, shortfalls, spare, makes_room }
    }

    /// What the publisher adds to an episode that was dropped is not fetched in its place.
    pub(super) fn never_again(&mut self) {
        let is_dropped = |file: &&BudgetFile| file.holding == Holding::Dropped;
        let over: BTreeSet<i64> = self.files.iter().filter(is_dropped).map(|file| file.episode).collect();
        for (index, file) in self.files.iter().enumerate() {
            let is_new = file.holding == Holding::Wanted && file.readmitted.is_none();
            if is_new && over.contains(&file.episode) && self.budget.governs(&file.show) {
                self.held_back.insert(index, "keep: its episode was dropped before".to_owned());
            }
        }
    }

    /// `latest` and `max_age` of all scopes at once: a torrent may be in several.
    pub(super) fn apply_dates(&mut self, scopes: &[Scope<'_>], now: Timestamp) {
        let mut outdated: BTreeMap<usize, String> = BTreeMap::new();
        for (index, why) in scopes.iter().flat_map(|scope| scope.outdated(self.files, now)) {
            outdated.entry(index).or_insert(why);
        }
        for (index, why) in &outdated {
            let rule = why.split(':').next().unwrap_or_default();
            match self.files[*index].holding {
                Holding::Wanted => drop(self.held_back.entry(*index).or_insert_with(|| why.clone())),
                Holding::Held | Holding::Bound(_) => {
                    // One torrent goes as a whole or not at all.
                    let goes = |twin: &usize| outdated.contains_key(twin);
                    match self.group(*index).iter().find_map(|twin| self.obstacle(*twin, goes(twin))) {
                        None => drop(self.dropped.insert(*index, why.clone())),
                        Some(cause) => self.falls_short(rule, cause, *index),
                    }
                }
                _ => {}
            }
        }
    }

    /// `total_size`: first what is there, then what could be fetched.
    pub(super) fn apply_size(&mut self, scope: &Scope<'_>, now: Timestamp) {
        let Some(most) = scope.rules.total_size else { return };
        let rule = format!("{}.{TOTAL_SIZE}", scope.place);
        let candidates = self.droppable(scope.files.iter().copied(), |file| !scope.is_pinned(file, now));
        let mut used: u64 = self.taken(&scope.files);
        let why = format!("{rule}: there is room for no more");
        for index in &candidates {
            if used <= most {
                break;
            }
            used = used.saturating_sub(self.drop_group(*index, &scope.files, &why));
        }
        if used > most {
            self.blame(&rule, &scope.files);
        }
        self.admit(scope, most.saturating_sub(used), &candidates);
    }

    /// What is not there yet is fetched, the newest first, where there is room, or where older files make room.
    fn admit(&mut self, scope: &Scope<'_>, mut room: u64, candidates: &[usize]) {
        let rule = format!("{}.{TOTAL_SIZE}", scope.place);
        let is_wanted = |index: &usize| {
            self.files[*index].holding == Holding::Wanted && !self.held_back.contains_key(index)
        };
        let mut wanted: Vec<usize> = scope.files.iter().copied().filter(is_wanted).collect();
        wanted.sort_unstable_by_key(|index| (std::cmp::Reverse(self.files[*index].date), *index));
        let mut to_go: Vec<usize> =
            candidates.iter().copied().filter(|index| !self.dropped.contains_key(index)).collect();
        let stays = scope.files.iter().filter(|index| self.is_last_seeder(**index));
        let oldest_that_stays = stays.map(|index| self.files[*index].date).min();
        let mut is_short = false;
        for index in wanted {
            let file = &self.files[index];
            let older = |other: &usize| self.files[*other].date < file.date;
            while room < file.bytes
                && let Some(place) = to_go.iter().position(older)
            {
                // It goes once this one is there, and not before.
                room += self.files[to_go.remove(place)].bytes;
                self.makes_room = true;
            }
            if file.readmitted.is_none() && room < file.bytes {
                let why = format!("{rule}: newer episodes take all the room");
                self.held_back.insert(index, why);
                is_short |= oldest_that_stays.is_some_and(|oldest| oldest < file.date);
            } else {
                room = room.saturating_sub(file.bytes);
            }
        }
        self.spare = Some(self.spare.map_or(room, |spare| spare.min(room)));
        if is_short {
            self.blame(&rule, &scope.files);
        }
    }

    /// `limits.disk_free`, for what has any rule.
    pub(super) fn apply_space(&mut self, space: Space) {
        const RULE: &str = "limits.disk_free";
        let freed: u64 = self.dropped.keys().map(|index| self.files[*index].bytes).sum();
        let mut free = space.free.saturating_add(space.pending).saturating_add(freed);
        if free >= self.budget.disk_free {
            return;
        }
        let governed: Vec<usize> =
            (0..self.files.len()).filter(|index| self.budget.governs(&self.files[*index].show)).collect();
        let why = format!("{RULE}: there is not enough space");
        for index in self.droppable(governed.iter().copied(), |file| file.frees && file.readmitted.is_none())
        {
            if free >= self.budget.disk_free {
                return;
            }
            free += self.drop_group(index, &governed, &why);
        }
        if free < self.budget.disk_free && !governed.is_empty() {
            self.blame(RULE, &governed);
        }
    }

    pub(super) fn finish(self) -> Verdict {
        let files = self.files;
        let list = |map: BTreeMap<usize, String>| {
            map.into_iter().map(|(index, why)| Dropped { id: files[index].id, why }).collect()
        };
        let shortfalls = self.shortfalls.into_iter().map(|((rule, cause), indices)| Shortfall {
            rule,
            cause,
            files: indices.len() as u64,
            bytes: indices.iter().map(|index| files[*index].bytes).sum(),
        });
        Verdict {
            shortfalls: shortfalls.collect(),
            dropped: list(self.dropped),
            held_back: list(self.held_back),
            spare: self.spare,
            makes_room: self.makes_room,
        }
    }

    /// The files of one torrent.
    fn group(&self, index: usize) -> Vec<usize> {
        let torrent = self.files[index].torrent.as_deref();
        torrent.and_then(|torrent| self.twins.get(torrent)).cloned().unwrap_or_else(|| vec![index])
    }

    /// Why a file of a torrent that is to go has to stay. `goes`: a rule drops this one, too.
    fn obstacle(&self, index: usize, goes: bool) -> Option<Cause> {
        let file = &self.files[index];
        match &file.holding {
            Holding::Bound(why) => Some(Cause::Bound(why.clone())),
            Holding::Held if !goes => Some(Cause::Bound(format!("{} needs the same torrent", file.show))),
            Holding::Held => self.is_last_seeder(index).then_some(Cause::LastSeeder),
            Holding::Dropped => None,
            Holding::Wanted | Holding::Fetching | Holding::Foreign => {
                Some(Cause::Bound("another file needs the same torrent".to_owned()))
            }
        }
    }

    /// Whether podseed must not drop it since nobody else is known to seed it.
    fn is_last_seeder(&self, index: usize) -> bool {
        let file = &self.files[index];
        let is_there = matches!(file.holding, Holding::Held);
        let is_last = file.others.unwrap_or_default() == 0 && !file.former;
        is_there && is_last && !self.budget.allows_last_seeder(&file.show)
    }

    /// Of these files those that may go, what goes first at the beginning.
    fn droppable(
        &self,
        files: impl Iterator<Item = usize>,
        may_go: impl Fn(&BudgetFile) -> bool,
    ) -> Vec<usize> {
        let within: BTreeSet<usize> = files
            .filter(|index| self.files[*index].holding == Holding::Held && may_go(&self.files[*index]))
            .filter(|index| !self.dropped.contains_key(index))
            .collect();
        let goes = |twin: usize| within.contains(&twin) || self.dropped.contains_key(&twin);
        let whole = |index: &usize| {
            self.group(*index).into_iter().all(|twin| self.obstacle(twin, goes(twin)).is_none())
        };
        let mut droppable: Vec<usize> = within.iter().copied().filter(whole).collect();
        droppable.sort_by_cached_key(|index| goes_first(&self.files[*index]));
        droppable
    }

    /// Drops a file with all others of its torrent. Gives the bytes that this frees within these files.
    fn drop_group(&mut self, index: usize, within: &[usize], why: &str) -> u64 {
        let mut freed = 0;
        for twin in self.group(index) {
            if self.dropped.contains_key(&twin) {
                continue;
            }
            self.dropped.insert(twin, why.to_owned());
            if within.binary_search(&twin).is_ok() {
                freed += self.files[twin].bytes;
            }
        }
        freed
    }

    /// The bytes that files take, or will once they are fetched.
    fn taken(&self, files: &[usize]) -> u64 {
        let takes = |index: &&usize| {
            let is_here =
                matches!(self.files[**index].holding, Holding::Fetching | Holding::Held | Holding::Bound(_));
            is_here && !self.dropped.contains_key(*index)
        };
        files.iter().filter(takes).map(|index| self.files[*index].bytes).sum()
    }

    /// A rule cannot be kept: says which of these files stay, and why.
    fn blame(&mut self, rule: &str, files: &[usize]) {
        let mut any = false;
        for index in files {
            if self.dropped.contains_key(index) {
                continue;
            }
            let cause = match &self.files[*index].holding {
                Holding::Bound(why) => Cause::Bound(why.clone()),
                Holding::Held if self.is_last_seeder(*index) => Cause::LastSeeder,
                _ => continue,
            };
            any = true;
            self.falls_short(rule, cause, *index);
        }
        if !any {
            self.shortfalls.entry((rule.to_owned(), Cause::NothingLeft)).or_default();
        }
    }

    fn falls_short(&mut self, rule: &str, cause: Cause, index: usize) {
        self.shortfalls.entry((rule.to_owned(), cause)).or_default().insert(index);
    }
}
