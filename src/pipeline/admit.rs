//! How shows become part of a pass: under their terms, with a placement at each of their clients.
//!
//! Many at a time, and without a look at what has not changed: a pass over all shows, and the start of a daemon, cost
//! next to nothing for those of which nothing is due.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::monitor::Event;
use super::terms::{basis_on, terms};
use super::wanted::rules;
use super::{Begin, Error, Pass, Pipeline, Target, lock};
use crate::config::{FeedSource, WebSeeds};
use crate::store::{self, Candidate, Grounds, Joining, ShowId, Terms};

impl Pipeline {
    /// Makes one show part of the pass.
    pub(super) async fn admit(&self, show: ShowId, target: &Target, pass: &Pass) -> Result<(), Error> {
        self.admit_all(&[(show, target)], pass).await
    }

    /// Makes shows part of the pass: what is known of them can be claimed from now on. Not once the pass is closed: in a
    /// daemon another configuration has its say then.
    pub(super) async fn admit_all(&self, shows: &[(ShowId, &Target)], pass: &Pass) -> Result<(), Error> {
        let targets: HashMap<ShowId, &Target> = shows.iter().copied().collect();
        let ids: Vec<ShowId> = shows.iter().map(|(show, _)| *show).collect();
        let candidates = self.store.candidates(&ids).await?;
        let joining =
            candidates.iter().filter_map(|it| Some((it, *targets.get(&it.id)?))).collect::<Vec<_>>();
        self.admit_candidates(&joining, pass).await
    }

    async fn admit_candidates(&self, shows: &[(&Candidate, &Target)], pass: &Pass) -> Result<(), Error> {
        for some in shows.chunks(store::TOGETHER) {
            let _turn = pass.in_force.lock().await;
            if pass.closed.is_cancelled() {
                return Ok(());
            }
            self.admit_some(some, pass).await?;
        }
        pass.comparable.grew();
        pass.fetchable.grew();
        pass.placeable.grew();
        Ok(())
    }

    async fn admit_some(&self, shows: &[(&Candidate, &Target)], pass: &Pass) -> Result<(), Error> {
        let (mut joining, mut admitted) = (Vec::new(), Vec::new());
        let mut by_clients: HashMap<Vec<String>, Vec<ShowId>> = HashMap::new();
        for (candidate, target) in shows {
            let (target, show) = self.judge_candidate(candidate, target);
            if show.arrangement.is_some() || candidate.arrange_due {
                by_clients.entry(target.clients.clone()).or_default().push(show.show);
            }
            joining.push(show);
            admitted.push((candidate.slug.clone(), Arc::new(target)));
        }
        for (clients, shows) in by_clients {
            self.store.ensure_placements(&shows, &clients).await?;
        }
        lock(&pass.shows).extend(admitted);
        Ok(self.store.admit(pass.id, &joining).await?)
    }

    /// The show as it is in the pass, and what has changed of it.
    fn judge_candidate(&self, candidate: &Candidate, target: &Target) -> (Target, Joining) {
        let before = &candidate.grounds.terms;
        let grounds = Grounds { terms: settled_terms(target, before), ..candidate.grounds.clone() };
        let target = self.settle_terms(&candidate.slug, &grounds, target);
        let arrangement = format!("{:?} {:?}", target.clients, self.web_seeds_of(&target));
        let joining = Joining {
            show: candidate.id,
            terms: (grounds.terms != *before).then_some(grounds.terms),
            arrangement: (arrangement != candidate.arrangement).then_some(arrangement),
        };
        (target, joining)
    }

    /// The target with what follows from its terms: whether the show can become public, and with `require_permission`,
    /// whether it has clients at all.
    fn settle_terms(&self, slug: &str, grounds: &Grounds, target: &Target) -> Target {
        let basis = basis_on(grounds, slug);
        let mut target = Target { publishable: basis.is_ok(), ..target.clone() };
        if let Err(reason) = basis
            && self.config.require_permission
        {
            target.clients.clear();
            let text = format!("nothing of it is handed over (require_permission): {reason}");
            self.monitor.event(&Event::Warning { show: slug.to_owned(), text });
        }
        target
    }

    /// The rule for web seeds in a show's torrents; `None` where its sources are named to nobody.
    pub(super) fn web_seeds_of(&self, show: &Target) -> Option<WebSeeds> {
        let is_hidden = show.auth.is_some() || matches!(show.feed, FeedSource::Own(_));
        (!is_hidden).then_some(self.config.torrent.web_seeds)
    }

    /// Makes those shows part of the pass of which no feed is to be read: the pass does not begin with feeds, or
    /// these are not due and it is a patient one. Gives the others.
    pub(super) async fn admit_unread<'t>(
        &self,
        targets: &'t [Target],
        pass: &Pass,
    ) -> Result<Vec<&'t Target>, Error> {
        if pass.options.begin == Begin::Feeds && !pass.options.patient {
            return Ok(targets.iter().collect());
        }
        let (known, now) = (self.store.all_candidates().await?, self.clock.now());
        let known: HashMap<&str, &Candidate> = known.iter().map(|it| (it.slug.as_str(), it)).collect();
        let is_left = |show: &Candidate, target: &Target| {
            show.feed == target.feed.to_string()
                && (pass.options.begin != Begin::Feeds || !is_due(show, target, now))
        };
        let (mut left, mut due) = (Vec::new(), Vec::new());
        for target in targets {
            match target.slug.as_ref().and_then(|slug| known.get(slug.as_str())) {
                Some(show) if is_left(show, target) => left.push((*show, target)),
                _ => due.push(target),
            }
        }
        let is_without_feed = |target: &&Target| matches!(target.feed, FeedSource::Own(_));
        let is_none_due = pass.options.begin == Begin::Feeds && due.iter().all(is_without_feed);
        let next_poll = left.iter().filter_map(|(show, _)| due_at(show)).min().filter(|_| is_none_due);
        self.tally(|tally| {
            tally.shows += left.len() as u64;
            tally.next_poll = next_poll;
        });
        self.admit_candidates(&left, pass).await?;
        Ok(due)
    }
}

/// Whether the feed is to be read: its time has come, or other rules may want what was not read before. What fails is
/// tried at its next attempt, whatever the rules.
fn is_due(show: &Candidate, target: &Target, now: Timestamp) -> bool {
    let is_time = |time: Option<Timestamp>| time.is_none_or(|time| time <= now);
    let other_rules = || !show.failing && show.selection != rules(&target.selection);
    is_time(show.wait_until) && (is_time(show.next_poll) || other_rules())
}

/// When the feed is to be read, whatever the rules.
fn due_at(show: &Candidate) -> Option<Timestamp> {
    show.next_poll.max(show.wait_until)
}

/// The terms of a target. Where these are not all that can be known, they add to what is on record and take nothing
/// away.
fn settled_terms(target: &Target, on_record: &Terms) -> Terms {
    let said = terms(target);
    if target.configured {
        return said;
    }
    Terms {
        permission: said.permission.or_else(|| on_record.permission.clone()),
        private: said.private.or_else(|| on_record.private.clone()),
    }
}
