//! Handing over: each client has its own worker, so that one that is down delays nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::try_join_all;
use podseed_adapters::Retry;
use tokio::time::Instant;

use super::blocking::blocking;
use super::drain::drain;
use super::monitor::Event;
use super::{Error, Pass, Pipeline, lock, schedule};
use crate::handover::{Client, Look, Order};
use crate::model::{Memory, PlacementId, PlacementJob, PlacementReport, PlacementState, Problem, Stage};
use crate::store::{Queued, RemovalJob};
use crate::units::Span;
use crate::{error, fs, torrent};

/// Torrents that one client is asked about at a time. More gain nothing: clients hash one after the other.
const AT_ONCE: usize = 8;
/// Until a daemon looks again at what a client hashes, or has not taken yet.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How long a daemon stays at what it has looked at before: enough to see it start. More would keep what is new from
/// being handed over at all, where a client leaves many others waiting.
const GLANCE: Duration = Duration::from_secs(5);
/// Until a daemon tells a client again to let go of a torrent.
const REMOVE_AGAIN: Duration = Duration::from_secs(600);

/// How long a pass waits for one client: for each torrent so long, and for all of them not longer than that once the
/// client settles nothing more. A client that is away must not cost this time for every torrent anew.
struct Patience {
    wait: Duration,
    settled: Mutex<Instant>,
    /// What was left unconfirmed, by its state.
    left: Mutex<BTreeMap<PlacementState, u64>>,
}

impl Patience {
    fn new(wait: Duration) -> Self {
        Self { wait, settled: Mutex::new(Instant::now()), left: Mutex::default() }
    }

    fn settled(&self) {
        *lock(&self.settled) = Instant::now();
    }

    fn left(&self, state: PlacementState) {
        *lock(&self.left).entry(state).or_default() += 1;
    }

    /// The end of a visit that began then, where something new was last to be handed over at `supplied`; `again`: it is
    /// not the first one, nor the last.
    fn deadline(&self, began: Instant, supplied: Instant, again: bool) -> Instant {
        let deadline = began.min(supplied.max(*lock(&self.settled))) + self.wait;
        if again { deadline.min(began + GLANCE) } else { deadline }
    }

    /// What a user should know when the client has not confirmed everything.
    fn complaint(&self, client: &str) -> Option<String> {
        let left = lock(&self.left);
        let states: Vec<_> = left.iter().map(|(state, count)| format!("{count} {state}")).collect();
        (!states.is_empty()).then(|| {
            format!(
                "{client}: not confirmed within {}: {}; is the client running? The next run looks again",
                Span(self.wait),
                states.join(", ")
            )
        })
    }
}

/// What is to be done at a client.
enum Work {
    Remove(RemovalJob),
    Place(PlacementJob),
}

impl Pipeline {
    /// Takes every unsettled placement of the pass as far as it goes.
    pub(super) async fn place_all(self: &Arc<Self>, pass: &Arc<Pass>) -> Result<(), Error> {
        self.store.end_pauses().await?;
        try_join_all(self.clients.keys().map(|client| self.place_at(client, pass))).await.map(drop)
    }

    /// The work of one client.
    pub(super) async fn place_at(self: &Arc<Self>, client: &str, pass: &Arc<Pass>) -> Result<(), Error> {
        let taken = Mutex::new(Queued::FIRST);
        let claim = || async {
            let there = match self.clients.get(client) {
                Some(client) => self.is_there(client, pass).await?,
                None => false,
            };
            if !there {
                return Ok(None);
            }
            let (now, patient) = (self.clock.now(), pass.options.patient);
            if let Some(job) = self.store.claim_removal(pass.id, now, patient, client).await? {
                return Ok(Some(Work::Remove(job)));
            }
            let job = self.next_placement(pass, client, &taken).await?;
            Ok(job.map(Work::Place))
        };
        let patience = Arc::new(Patience::new(pass.options.wait));
        let work = |work: Work| {
            let (pipeline, pass, patience) = (Arc::clone(self), Arc::clone(pass), Arc::clone(&patience));
            async move {
                match work {
                    Work::Remove(job) => {
                        let done = pipeline.remove(&job).await;
                        done.and(pipeline.removed(job.id, &pass).await)
                    }
                    Work::Place(job) => {
                        let done = pipeline.place(&job, &pass, &patience).await;
                        done.and(pipeline.placed(job.id, &pass).await)
                    }
                }
            }
        };
        let outcome = drain(AT_ONCE, &pass.placeable, &pass.closed, claim, work).await;
        if let Some(error) = patience.complaint(client).filter(|_| !pass.lasting) {
            self.note_error(&error);
            self.monitor.event(&Event::Unconfirmed { error });
        }
        outcome
    }

    /// The next placement behind the one that was taken last (`taken`), else the first: at a client that takes its time,
    /// many that were taken stay unsettled, and a search from the first would pass over them each time.
    async fn next_placement(
        &self,
        pass: &Pass,
        client: &str,
        taken: &Mutex<Queued>,
    ) -> Result<Option<PlacementJob>, Error> {
        let until = pass.options.patient.then(|| self.clock.now());
        let claim = |after| self.store.claim_placement(pass.id, until, client, after);
        let after = *lock(taken);
        let mut next = claim(after).await?;
        if next.is_none() && after != Queued::FIRST {
            next = claim(Queued::FIRST).await?;
        }
        let (queued, job) = next.map_or((Queued::FIRST, None), |(queued, job)| (queued, Some(job)));
        *lock(taken) = queued;
        Ok(job)
    }

    /// The work on a placement has ended, settled or not.
    async fn placed(&self, id: PlacementId, pass: &Pass) -> Result<(), Error> {
        self.release_placement(id, pass, LOOK_AGAIN).await
    }

    /// A client was told to let go of a torrent, and has done it or not.
    pub(super) async fn removed(&self, id: PlacementId, pass: &Pass) -> Result<(), Error> {
        self.release_placement(id, pass, REMOVE_AGAIN).await
    }

    async fn release_placement(&self, id: PlacementId, pass: &Pass, pause: Duration) -> Result<(), Error> {
        if pass.lasting {
            let again = schedule::after(self.clock.now(), pause);
            self.surely(|| self.store.release_placement(id, pass.id, again)).await?;
        }
        Ok(())
    }

    async fn place(&self, job: &PlacementJob, pass: &Pass, patience: &Patience) -> Result<(), Error> {
        let Some(client) = self.clients.get(&job.client) else { return Ok(()) };
        if let Some(problem) = self.own_in_the_way(job).await? {
            let (state, memory) = (PlacementState::Pending, job.memory);
            let report = PlacementReport { state, memory, uploaded_bytes: None, problem: Some(problem) };
            return self.record_report(job, &report).await;
        }
        let path = self.folder().torrent(&job.show, &job.file);
        match blocking(move || fs::read(&path, torrent::MAX_LENGTH as u64)).await? {
            Ok(metainfo) => self.visit(client, job, metainfo.into(), pass, patience).await,
            Err(error) => self.make_again(job, pass, &error::chain(&error)).await,
        }
    }

    /// The .torrent cannot be read: the next pass makes it again, out of the data that is there.
    async fn make_again(&self, job: &PlacementJob, pass: &Pass, why: &str) -> Result<(), Error> {
        let message = format!("{}: the torrent is gone, the next run makes it again: {why}", job.client);
        let now = self.clock.now();
        let problem = Some(Problem { message, next_attempt: Some(now), asked_to_wait: false });
        let (state, memory) = (PlacementState::Pending, job.memory);
        self.record_report(job, &PlacementReport { state, memory, uploaded_bytes: None, problem }).await?;
        // A pass that ends leaves it to the next one.
        let (mark, next_attempt) = match pass.lasting {
            true => (0, Some(schedule::after(now, LOOK_AGAIN))),
            false => (pass.id, None),
        };
        Ok(self.store.record_torrent_gone(job.enclosure, mark, next_attempt).await?)
    }

    async fn visit(
        &self,
        client: &Client,
        job: &PlacementJob,
        metainfo: Arc<[u8]>,
        pass: &Pass,
        patience: &Patience,
    ) -> Result<(), Error> {
        let order = Order {
            show: job.show.clone(),
            name: job.file.clone(),
            length: job.length,
            info_hash: job.info_hash,
            metainfo,
            data: self.folder().data(&job.show, &job.file, job.own.as_deref()),
        };
        let began = Instant::now();
        let mut visit = client.visit(&order, job.memory);
        let mut last: Option<(PlacementState, Memory)> = None;
        // Who visits a client every minute that takes its time tells nothing new.
        let mut told = job.state;
        let again = pass.lasting && matches!(job.state, PlacementState::Waiting | PlacementState::Checking);
        loop {
            let look = visit.step().await;
            // Only what has changed is written: a client that takes its time to hash is asked often.
            let before = last.replace((look.state, look.memory));
            if before != last || !look.again {
                self.record_look(job, &look).await?;
            }
            if let Some(problem) = &look.problem {
                self.note_absence(&job.client, problem).await?;
            }
            if std::mem::replace(&mut told, look.state) != look.state {
                self.announce(job, &look).await?;
            }
            if let Some(note) = &look.note {
                self.store.tell(job.enclosure, self.clock.now(), note).await?;
                self.monitor.event(&Event::Warning { show: job.show.clone(), text: note.clone() });
            }
            if !look.again && look.problem.is_none() {
                patience.settled();
            }
            if !look.again || self.stop.is_cancelled() {
                return Ok(());
            }
            let deadline = patience.deadline(began, pass.placeable.last_grew(), again);
            // However late it is, what can be handed over is: only the wait for an answer is given up.
            if look.state != PlacementState::Pending && Instant::now() >= deadline {
                patience.left(look.state);
                return Ok(());
            }
            tokio::select! {
                () = visit.changed() => {}
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }

    /// Tells of a new state. A problem is told where it is recorded.
    async fn announce(&self, job: &PlacementJob, look: &Look) -> Result<(), Error> {
        if look.problem.is_some() || look.state == PlacementState::Pending {
            return Ok(());
        }
        self.store.tell(job.enclosure, self.clock.now(), &format!("{}: {}", job.client, look.state)).await?;
        self.monitor.event(&Event::Placed {
            show: job.show.clone(),
            file: job.file.clone(),
            client: job.client.clone(),
            state: look.state,
        });
        Ok(())
    }

    async fn record_look(&self, job: &PlacementJob, look: &Look) -> Result<(), Error> {
        let problem = match &look.problem {
            None => None,
            Some(problem) => {
                let now = self.clock.now();
                let next_attempt = match problem.retry {
                    Retry::Never => None,
                    Retry::After(wait) => Some(schedule::after(now, wait)),
                    Retry::Later => {
                        let failures = self.store.placement_attempts(job.id).await? + 1;
                        Some(schedule::next_attempt(now, failures, schedule::random()))
                    }
                };
                Some(Problem { message: problem.message.clone(), next_attempt, asked_to_wait: false })
            }
        };
        let report = PlacementReport {
            state: look.state,
            memory: look.memory,
            uploaded_bytes: look.uploaded_bytes,
            problem,
        };
        self.record_report(job, &report).await
    }

    /// A client that is down fails every torrent with the same words: a person needs them once.
    pub(super) fn say_once(&self, show: &str, file: &str, client: &str, error: &str) {
        if self.note_error(error) {
            self.monitor.event(&Event::PlaceFailed {
                show: show.to_owned(),
                file: file.to_owned(),
                client: client.to_owned(),
                error: error.to_owned(),
            });
        }
    }

    async fn record_report(&self, job: &PlacementJob, report: &PlacementReport) -> Result<(), Error> {
        let now = self.clock.now();
        let placed = self.store.record_placement(job, report, now).await?;
        if let Some(problem) = &report.problem {
            self.store.tell(job.enclosure, now, &problem.message).await?;
            self.say_once(&job.show, &job.file, &job.client, &problem.message);
        }
        let handed = |stage| matches!(stage, Stage::HandedOver | Stage::Seeding);
        if handed(placed.stage) && !handed(placed.before) {
            self.tally(|tally| tally.handed_over += 1);
            self.tell_of_distribution(&job.show).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_settles_nothing_costs_the_wait_once_and_not_per_torrent() {
        let wait = Duration::from_secs(60);
        let patience = Patience::new(wait);
        let (start, later) = (Instant::now(), Instant::now() + Duration::from_secs(300));
        assert!(
            patience.deadline(later, start, false) < later,
            "the second torrent waits for a client that is away"
        );
        assert_eq!(patience.deadline(later, later, false), later + wait);
        assert_eq!(patience.deadline(start, later, false), start + wait);
        *lock(&patience.settled) = later;
        assert_eq!(patience.deadline(later, start, false), later + wait);
        assert_eq!(patience.deadline(later, later, true), later + GLANCE, "it was looked at before");
    }

    #[test]
    fn what_is_not_confirmed_is_said_once_per_client() {
        let patience = Patience::new(Duration::from_secs(60));
        assert_eq!(patience.complaint("nas"), None);
        patience.left(PlacementState::Waiting);
        patience.left(PlacementState::Waiting);
        patience.left(PlacementState::Checking);
        let complaint = patience.complaint("nas").unwrap();
        assert!(complaint.contains("nas: not confirmed within 1 min: 2 waiting, 1 checking"), "{complaint}");
    }
}
