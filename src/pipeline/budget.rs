//! Disk and seeding budget: what `keep:` does not keep leaves site, clients and disk, in this order.
//!
//! The order of effects and records, and what a crash between them leaves:
//! 1. it is marked, and with that off site and feeds: everything below is made up for by the next round;
//! 2. each client has let go of it: a client is asked again;
//! 3. its .torrent and its data are deleted: a file that is gone is gone;
//! 4. that is on record.

mod judgement;
mod reclaim;
mod unkept;

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;

use futures_util::future::try_join_all;

use super::monitor::Event;
use super::{Error, Pipeline};
use crate::model::EnclosureId;
use crate::model::budget::{Budget, BudgetFile, Holding, Space, Verdict, decide};
use crate::store::{BudgetView, Deletion};
use crate::{error, fs};

pub(super) use judgement::Judgement;
pub use unkept::{Unkept, unkept};

impl Pipeline {
    /// Decides what is not kept any more and removes it. A client that is away delays that; what cannot be dropped is
    /// told once. May be called at any time, and as often as one likes; with `patient`, what was judged just now is not
    /// judged again.
    ///
    /// # Errors
    /// Only of the state; a client or file that gives trouble is told of and left for the next round.
    pub async fn enforce_budget(&self, patient: bool) -> Result<(), Error> {
        let verdict = match patient && self.judgement.is_at_rest() {
            true => None,
            false => Some(self.judge_budget(None).await?),
        };
        self.expire_former().await?;
        try_join_all(self.clients.keys().map(|client| self.let_go(client))).await?;
        for file in self.store.expired_files().await? {
            self.delete(&file).await?;
        }
        match verdict {
            Some(verdict) => self.tell_unkept(&verdict).await,
            None => Ok(()),
        }
    }

    pub(super) fn budget(&self) -> Budget {
        let rules = self.config.shows.iter().filter_map(|show| Some((show.slug.clone(), show.keep.clone()?)));
        Budget {
            all: self.config.keep.clone(),
            shows: rules.collect(),
            disk_free: self.config.limits.disk_free,
        }
    }

    /// Judges every file and records the verdict. `claimed` is about to be fetched, and is judged as if it were not.
    pub(super) async fn judge_budget(&self, claimed: Option<EnclosureId>) -> Result<Verdict, Error> {
        let (budget, now, begun) = (self.budget(), self.clock.now(), self.judgement.begin());
        if budget.is_empty() {
            // What a rule held back that is gone by now.
            self.store.record_budget(&[], &[], now).await?;
            return Ok(Verdict::default());
        }
        let clients: HashSet<&str> = self.clients.keys().map(String::as_str).collect();
        let mut files = self.store.budget_files(BudgetView { clients: &clients, claimed }, now).await?;
        // What cannot be measured is no reason to drop anything.
        let free = self.free_space().unwrap_or(u64::MAX);
        let space = Space { free, pending: self.store.expiring_bytes().await? };
        if free < budget.disk_free {
            files.iter_mut().for_each(|file| file.frees &= self.has_no_other_name(file));
        }
        let verdict = decide(&files, &budget, space, now);
        let dropped = self.store.record_budget(&verdict.dropped, &verdict.held_back, now).await?;
        for file in verdict.dropped.iter().filter(|file| dropped.contains(&file.id)) {
            let (show, name) = self.store.file_label(file.id).await?;
            self.monitor.event(&Event::Dropped { show, file: name, why: file.why.clone() });
        }
        self.judgement.made(&files, &verdict, &begun);
        Ok(verdict)
    }

    /// Marks the former versions whose time is over, where there is a rule at all.
    async fn expire_former(&self) -> Result<(), Error> {
        let budget = self.budget();
        if budget.is_empty() {
            return Ok(());
        }
        let shows = self.store.slugs().await?;
        let governed: HashSet<&str> =
            shows.iter().map(|(slug, _)| slug.as_str()).filter(|slug| budget.governs(slug)).collect();
        if governed.is_empty() {
            return Ok(());
        }
        Ok(self.store.expire_former(&governed, self.clock.now()).await?)
    }

    /// Whether the disk gains by deleting a file: a name that the user has given it keeps its data. The site's own
    /// goes with it.
    fn has_no_other_name(&self, file: &BudgetFile) -> bool {
        let Some(name) = file.name.as_deref().filter(|_| file.holding == Holding::Held) else { return true };
        let path = self.folder().show_media(&file.show).join(name);
        let site = u64::from(self.config.publish.web_seed);
        // Site and its twin.
        std::fs::symlink_metadata(path).is_ok_and(|found| found.nlink() <= 1 + 2 * site)
    }

    /// Tells a client to let go of all that is not kept any more. One that is away is asked once a round.
    async fn let_go(&self, client: &str) -> Result<(), Error> {
        for placement in self.store.expired_placements(client).await? {
            if self.stop.is_cancelled() {
                break;
            }
            let Some(job) = self.store.removal_job(placement).await? else { continue };
            self.remove(&job).await?;
            if self.store.removal_job(placement).await?.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Deletes what no client has any more.
    async fn delete(&self, file: &Deletion) -> Result<(), Error> {
        let data = self.folder().show_media(&file.show).join(&file.file);
        let is_ours = match std::fs::symlink_metadata(&data) {
            Ok(found) => found.is_file() && found.len() == file.length,
            Err(_) => true,
        };
        let gone = match file.is_shared || !is_ours {
            true => Ok(()),
            false => {
                fs::remove(&self.folder().torrent(&file.show, &file.file)).and_then(|()| fs::remove(&data))
            }
        };
        match gone {
            Ok(()) => {
                let story = match is_ours {
                    true => format!("its data is deleted: {}", file.why),
                    false => "its file is another one than podseed has fetched, and stays".to_owned(),
                };
                self.store.record_deleted(file.id, &story, self.clock.now()).await?;
            }
            Err(error) => self.complain(&error::chain(&error)),
        }
        Ok(())
    }
}
