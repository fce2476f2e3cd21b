//! One look at the own files of a show: what is there is compared with what is on record, and recorded.
//!
//! What each file can come to:
//! - new and finished: an episode, still to be hashed;
//! - as it was: nothing; if it had been gone, it comes back;
//! - under another name: the episode goes on with a new torrent, or with the same at another place;
//! - of another size, or with other bytes once it is finished: the old torrent is withdrawn at once, for its data is
//!   gone, and a new version takes its place;
//! - touched, with the bytes that it had: nothing;
//! - gone: withdrawn, and its episode waits for it.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::blocking::blocking;
use super::super::monitor::Event;
use super::super::{Error, Pipeline, Target, lock};
use crate::config::FeedSource;
use crate::inbox::{self, Examined, Finding, Seen, Settled};
use crate::model::{KnownFile, SharedFile};
use crate::store::ShowId;
use crate::{error, torrent};

/// Files whose tags are read, and that are recorded, in one go.
const AT_ONCE: usize = 64;

/// A look under way.
struct Look<'a> {
    show: ShowId,
    slug: &'a str,
    target: &'a Target,
    quiet: Duration,
    /// The files that somebody has open for writing.
    written: HashSet<(u64, u64)>,
    /// What this look has judged already: a second judgement would be another look.
    judged: HashMap<PathBuf, Settled>,
    /// Something is not finished, or has to wait for a client.
    again: bool,
    new: u64,
    changed: u64,
    gone: u64,
}

impl Pipeline {
    /// Looks once, and says whether another look soon may find more.
    pub(super) async fn look_own(
        &self,
        show: ShowId,
        target: &Target,
        quiet: Duration,
    ) -> Result<bool, Error> {
        let _turn = self.own.turn.lock().await;
        let known = self.store.own_files(show).await?;
        let folder = match &target.feed {
            FeedSource::Own(folder) => folder.clone(),
            FeedSource::Url(_) | FeedSource::File(_) => None,
        };
        let (view, known) = blocking(move || (inbox::view(folder.as_deref(), &known), known)).await?;
        let slug = target.slug.as_deref().unwrap_or_default();
        self.forget_what_is_gone(&view.files);
        for refused in &view.refused {
            self.warn(slug, &format!("{}: {}", refused.path.display(), refused.why));
        }
        let matched = inbox::match_up(&known, &view.files, &view.blind);
        let mut fresh = matched.fresh;
        fresh.retain(|seen| lock(&self.own.unusable).get(&seen.path) != Some(&seen.state));
        // Most looks find nothing that could be unfinished.
        let may_be_open = |finding: &Finding| matches!(finding, Finding::Suspect(_));
        let written = match fresh.is_empty() && !matched.findings.iter().any(may_be_open) {
            true => HashSet::new(),
            false => blocking(inbox::open_for_writing).await?,
        };
        let judged = HashMap::new();
        let mut look =
            Look { show, slug, target, quiet, written, judged, again: false, new: 0, changed: 0, gone: 0 };
        for (known, finding) in known.iter().zip(matched.findings) {
            self.apply(&mut look, known, finding, &mut fresh).await?;
        }
        self.add_fresh(&mut look, fresh).await?;
        if let Some(doubt) = &view.doubt {
            self.warn(slug, doubt);
        }
        self.store.record_own_look(show, view.doubt.as_deref(), self.clock.now()).await?;
        if look.new + look.changed + look.gone > 0 {
            let Look { new, changed, gone, .. } = look;
            self.tally(|tally| tally.new_episodes += new);
            self.monitor.event(&Event::OwnFiles { show: slug.to_owned(), new, changed, gone });
        }
        Ok(look.again)
    }

    async fn apply(
        &self,
        look: &mut Look<'_>,
        known: &KnownFile,
        finding: Finding,
        fresh: &mut Vec<Seen>,
    ) -> Result<(), Error> {
        let finding = match finding {
            Finding::Gone => self.find_by_bytes(look, known, fresh).await?,
            finding => finding,
        };
        match finding {
            Finding::Same(seen) if known.lost && !known.held => self.take_back(look, known, &seen).await,
            Finding::Same(_) | Finding::Unknown => Ok(()),
            Finding::Renamed(seen) => self.renamed(look, known, &seen).await,
            Finding::Suspect(seen) => self.suspect(look, known, &seen).await,
            Finding::Gone if known.held || known.lost => Ok(()),
            Finding::Gone => {
                look.gone += 1;
                let why = "the file is gone; the clients let go of it";
                self.store.lose_own(known.id, why, self.clock.now()).await?;
                Ok(())
            }
        }
    }

    /// Something is there under the name of a known file, and it looks different.
    async fn suspect(&self, look: &mut Look<'_>, known: &KnownFile, seen: &Seen) -> Result<(), Error> {
        if known.held {
            return Ok(self.store.follow_own(known.id, &seen.path, seen.state).await?);
        }
        let Some(before) = known.sha256 else { return self.refresh_unhashed(look, known, seen).await };
        let settled = self.judge_file(look, seen);
        if seen.state.size != known.state.size || settled == Settled::Writing {
            // A client that has it could only spread what it is no more.
            let why = "the file is being replaced; the clients let go of it until it is complete";
            self.store.lose_own(known.id, why, self.clock.now()).await?;
        }
        if settled != Settled::Yes {
            return Ok(());
        }
        let Some(now) = self.sha256_of(look, seen).await? else { return Ok(()) };
        if now != before {
            return self.replace(look, known, seen, "the file has been replaced").await;
        }
        match known.lost {
            true => self.take_back(look, known, seen).await,
            // Somebody has only touched it.
            false => Ok(self.store.record_own_state(known.id, seen.state, None).await?),
        }
    }

    /// One that has no torrent yet is taken as it is now.
    async fn refresh_unhashed(
        &self,
        look: &mut Look<'_>,
        known: &KnownFile,
        seen: &Seen,
    ) -> Result<(), Error> {
        if self.judge_file(look, seen) != Settled::Yes {
            return Ok(());
        }
        if let Some(file) = self.examine(look, vec![seen.clone()]).await?.pop() {
            self.store.record_own_state(known.id, file.state, Some(&file.tags)).await?;
            if known.lost {
                return self.take_back(look, known, seen).await;
            }
        }
        Ok(())
    }

    async fn renamed(&self, look: &mut Look<'_>, known: &KnownFile, seen: &Seen) -> Result<(), Error> {
        if known.held || known.sha256.is_none() {
            return Ok(self.store.follow_own(known.id, &seen.path, seen.state).await?);
        }
        if known.path.file_name() != seen.path.file_name() {
            return self.replace(look, known, seen, "the file has another name now").await;
        }
        look.changed += 1;
        look.again = true;
        Ok(self.store.move_own(known.id, &seen.path, seen.state, self.clock.now()).await?)
    }

    async fn replace(
        &self,
        look: &mut Look<'_>,
        known: &KnownFile,
        seen: &Seen,
        why: &str,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        match self.examine(look, vec![seen.clone()]).await?.pop() {
            Some(file) => {
                self.store.replace_own(known.id, &file, why, now).await?;
                look.changed += 1;
            }
            None => {
                look.gone += u64::from(self.store.lose_own(known.id, why, now).await?);
            }
        }
        Ok(())
    }

    async fn take_back(&self, look: &mut Look<'_>, known: &KnownFile, seen: &Seen) -> Result<(), Error> {
        let (clients, now) = (&look.target.clients, self.clock.now());
        match self.store.return_own(known.id, seen.state, clients, now).await? {
            true => look.changed += 1,
            false => look.again = true,
        }
        Ok(())
    }

    /// A file that is gone may be there under another name, on a file system that does not say so.
    async fn find_by_bytes(
        &self,
        look: &mut Look<'_>,
        known: &KnownFile,
        fresh: &mut Vec<Seen>,
    ) -> Result<Finding, Error> {
        let Some(sha256) = known.sha256 else { return Ok(Finding::Gone) };
        let mut index = 0;
        while index < fresh.len() {
            let seen = fresh[index].clone();
            if seen.state.size == known.state.size
                && self.judge_file(look, &seen) == Settled::Yes
                && self.sha256_of(look, &seen).await? == Some(sha256)
            {
                fresh.remove(index);
                return Ok(Finding::Renamed(seen));
            }
            index += 1;
        }
        Ok(Finding::Gone)
    }

    /// What is new and finished becomes an episode.
    async fn add_fresh(&self, look: &mut Look<'_>, fresh: Vec<Seen>) -> Result<(), Error> {
        let mut finished: Vec<Seen> =
            fresh.into_iter().filter(|seen| self.judge_file(look, seen) == Settled::Yes).collect();
        while !finished.is_empty() && !self.stop.is_cancelled() {
            let rest = finished.split_off(finished.len().min(AT_ONCE));
            let files = self.examine(look, std::mem::replace(&mut finished, rest)).await?;
            let added = self.store.add_own(look.show, &files, self.clock.now()).await?;
            look.new += added.len() as u64;
        }
        Ok(())
    }

    fn judge_file(&self, look: &mut Look<'_>, seen: &Seen) -> Settled {
        if let Some(settled) = look.judged.get(&seen.path) {
            return *settled;
        }
        let settled = lock(&self.own.looks).judge(seen, &look.written, look.quiet);
        look.again |= settled != Settled::Yes;
        look.judged.insert(seen.path.clone(), settled);
        settled
    }

    /// The checksum of a file, as long as it stays what was seen; else the next look finds out.
    async fn sha256_of(&self, look: &mut Look<'_>, seen: &Seen) -> Result<Option<[u8; 32]>, Error> {
        let path = seen.path.clone();
        let (sha256, now) = blocking(move || {
            let sha256 = torrent::sha256_file(&path);
            (sha256, inbox::look_at(&[path]).0.pop())
        })
        .await?;
        match sha256 {
            Ok(sha256) if now.is_some_and(|now| now.state == seen.state) => Ok(Some(sha256)),
            Ok(_) => {
                look.again = true;
                Ok(None)
            }
            Err(error) => {
                self.warn(look.slug, &error::chain(&error));
                Ok(None)
            }
        }
    }

    /// Those of the files that can be shared.
    async fn examine(&self, look: &mut Look<'_>, files: Vec<Seen>) -> Result<Vec<SharedFile>, Error> {
        let examined = blocking(move || {
            // Tags are hostile, and their reader is not ours: a file that breaks it is a file without an episode.
            let examine = |seen: Seen| {
                let outcome = catch_unwind(AssertUnwindSafe(|| inbox::examine(&seen)));
                (seen, outcome)
            };
            files.into_iter().map(examine).collect::<Vec<_>>()
        })
        .await?;
        let mut shared = Vec::new();
        for (seen, outcome) in examined {
            match outcome {
                Ok(Examined::Shared(file)) => shared.push(*file),
                Ok(Examined::Refused(refused)) => {
                    self.warn(look.slug, &format!("{}: {}", refused.path.display(), refused.why));
                }
                Ok(Examined::Unusable(inbox::Error::NoMedia { .. })) => {
                    lock(&self.own.unusable).insert(seen.path, seen.state);
                }
                Ok(Examined::Unusable(inbox::Error::Changed { .. })) => look.again = true,
                Ok(Examined::Unusable(error)) => self.warn(look.slug, &error::chain(&error)),
                Err(_) => {
                    self.warn(look.slug, &format!("{}: its tags cannot be read at all", seen.path.display()));
                    lock(&self.own.unusable).insert(seen.path, seen.state);
                }
            }
        }
        Ok(shared)
    }

    /// Says something once.
    pub(super) fn warn(&self, slug: &str, text: &str) {
        if self.note_error(&format!("{slug}: {text}")) {
            self.monitor.event(&Event::Warning { show: slug.to_owned(), text: text.to_owned() });
        }
    }

    /// What is remembered of files does not grow beyond the files.
    fn forget_what_is_gone(&self, files: &[Seen]) {
        let there: HashMap<&Path, ()> = files.iter().map(|seen| (seen.path.as_path(), ())).collect();
        let stays = |path: &PathBuf| there.contains_key(path.as_path()) || path.exists();
        lock(&self.own.looks).retain(stays);
        lock(&self.own.unusable).retain(|path, _| stays(path));
    }
}
