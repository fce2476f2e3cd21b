//! The tasks of a daemon, and what happens when one of them fails: it is said, and the task begins again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::Shared;
use crate::error;
use crate::pipeline::drain::drain;
use crate::pipeline::monitor::Event;
use crate::pipeline::poll::AT_ONCE;
use crate::pipeline::record::Recorder;
use crate::pipeline::{Error, Pass, Pipeline, Target, lock, schedule};
use crate::store::ShowId;

/// A poll that has not ended by then is taken for one that has died.
const POLL_LEASE: Duration = Duration::from_secs(10 * 60);
/// How often it is looked for what has become due.
const TICK: Duration = Duration::from_secs(10);
/// How often the site is brought up to date, and whatever else follows from the state.
const UPKEEP: Duration = Duration::from_secs(10);
/// How often it is looked for what somebody is to be told.
const NOTICES: Duration = Duration::from_secs(10);
/// A daemon that has not ticked for so long hangs.
const OVERDUE: Duration = Duration::from_secs(120);
/// Until a task that has failed begins again.
pub(super) const RESTART: Duration = Duration::from_secs(30);

/// Shows that are claimed, and nobody polls yet.
type Claimed = std::sync::Mutex<VecDeque<(ShowId, String)>>;

/// What tasks work with.
#[derive(Clone)]
struct Work {
    pipeline: Arc<Pipeline>,
    pass: Arc<Pass>,
    shared: Arc<Shared>,
}

/// Begins every task of a configuration. They end when the pass is closed.
pub(super) fn spawn(
    tasks: &mut JoinSet<()>,
    pipeline: &Arc<Pipeline>,
    pass: &Arc<Pass>,
    shared: &Arc<Shared>,
    targets: Vec<Target>,
) {
    let work = Work { pipeline: Arc::clone(pipeline), pass: Arc::clone(pass), shared: Arc::clone(shared) };
    let by_slug = targets.into_iter().filter_map(|target| Some((target.slug.clone()?, Arc::new(target))));
    let targets: Arc<HashMap<String, Arc<Target>>> = Arc::new(by_slug.collect());
    tasks.spawn(work.clone().keep_up("polls", move |work| work.poll_due(Arc::clone(&targets))));
    tasks.spawn(
        work.clone().keep_up("offers", |work| async move { work.pipeline.join_all(&work.pass).await }),
    );
    tasks.spawn(
        work.clone().keep_up("looks", |work| async move { work.pipeline.compare_due(&work.pass).await }),
    );
    tasks.spawn(
        work.clone().keep_up("downloads", |work| async move { work.pipeline.fetch_all(&work.pass).await }),
    );
    for client in pipeline.clients.keys() {
        let (name, client) = (format!("client {client}"), client.clone());
        tasks.spawn(work.clone().keep_up(name, move |work| {
            let client = client.clone();
            async move { work.pipeline.place_at(&client, &work.pass).await }
        }));
    }
    tasks.spawn(work.clone().keep_up("own files", Work::watch_own));
    tasks.spawn(work.clone().keep_up("upkeep", Work::upkeep));
    tasks.spawn(work.clone().keep_up("notices", Work::send_notices));
    tasks.spawn(work.clone().keep_up("clients", Work::ask_clients));
    tasks.spawn(work.keep_up("clock", Work::tick));
}

impl Work {
    /// Lets a task run until the pass is closed, whatever happens to it: an error is told, and a while later it begins
    /// again. So a disk that is full for an hour costs that hour.
    async fn keep_up<F>(self, name: impl Into<String>, task: impl Fn(Self) -> F)
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let name = name.into();
        loop {
            let died = |error: tokio::task::JoinError| Err(Error::Worker { reason: error.to_string() });
            let ended = AbortOnDropHandle::new(tokio::spawn(task(self.clone()))).await.unwrap_or_else(died);
            if let Err(error) = &ended {
                let error = error::chain(error);
                self.pipeline.monitor.event(&Event::Interrupted { task: name.clone(), error });
            }
            if !self.pause(RESTART).await {
                return;
            }
        }
    }

    /// Waits so long. Says whether work goes on then.
    async fn pause(&self, time: Duration) -> bool {
        self.pass.closed.run_until_cancelled(self.pipeline.clock.sleep(time)).await.is_some()
    }

    async fn poll_due(self, targets: Arc<HashMap<String, Arc<Target>>>) -> Result<(), Error> {
        let (recorder, answers) = Recorder::new();
        let claimed = Claimed::default();
        let polls = async {
            // Who records has done all once nobody has this any more.
            let recorder = recorder;
            let poll = |slug: String| {
                let (work, targets, recorder) = (self.clone(), Arc::clone(&targets), recorder.clone());
                async move {
                    let Some(target) = targets.get(&slug) else { return Ok(()) };
                    let poll = work.poll(Arc::clone(target), &recorder);
                    work.pipeline.stop.run_until_cancelled(poll).await.unwrap_or(Ok(()))
                }
            };
            let claim = || self.claim_poll(&claimed);
            drain(AT_ONCE, &self.pass.pollable, &self.pass.closed, claim, poll).await
        };
        let outcome = tokio::try_join!(polls, self.pipeline.record_all(answers, &self.pass)).map(|_| ());
        // What nobody has begun with is the next configuration's.
        let left: Vec<_> = lock(&claimed).drain(..).map(|(show, _)| show).collect();
        let given_back = self.pipeline.store.poll_now(&left).await;
        outcome.and(given_back.map_err(Error::from))
    }

    /// The next of the shows that are due. As many are claimed together as are polled at a time.
    async fn claim_poll(&self, claimed: &Claimed) -> Result<Option<String>, Error> {
        if let Some((_, slug)) = lock(claimed).pop_front() {
            return Ok(Some(slug));
        }
        let now = self.pipeline.clock.now();
        let lease = schedule::after(now, POLL_LEASE);
        let most = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        let due = self.pipeline.store.claim_polls(self.pass.id, now, lease, most).await?;
        let mut claimed = lock(claimed);
        claimed.extend(due);
        Ok(claimed.pop_front().map(|(_, slug)| slug))
    }

    async fn poll(&self, target: Arc<Target>, recorder: &Recorder) -> Result<(), Error> {
        for (target, known) in self.pipeline.look_up(vec![target]).await? {
            self.pipeline.poll(target, known, &self.pass, recorder).await?;
        }
        Ok(())
    }

    /// Round after round with so much time between, and never two at once, until the pass is closed.
    async fn rounds<F>(&self, turns: &Mutex<()>, pause: Duration, round: impl Fn() -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<(), Error>>,
    {
        loop {
            {
                let _turn = turns.lock().await;
                if self.pass.closed.is_cancelled() {
                    return Ok(());
                }
                round().await?;
            }
            if !self.pause(pause).await {
                return Ok(());
            }
        }
    }

    /// Whatever follows from the state: what is to be arranged, withdrawn, dropped or deleted, and the site.
    async fn upkeep(self) -> Result<(), Error> {
        let round = || async {
            self.pipeline.arrange(&self.pass).await?;
            self.pipeline.retire_all(&self.pass).await?;
            self.pipeline.delete_withdrawn().await?;
            self.pipeline.enforce_budget(true).await?;
            self.pipeline.reclaim(true).await?;
            self.pipeline.publish().await
        };
        self.rounds(&self.shared.upkeep, UPKEEP, round).await
    }

    /// What clients and trackers are asked, time and again.
    async fn ask_clients(self) -> Result<(), Error> {
        let round = || async {
            self.pipeline.reconcile().await?;
            self.pass.placeable.grew();
            self.pipeline.gather().await?;
            self.pipeline.prove().await?;
            self.shared.pulse.set_ready();
            Ok(())
        };
        self.rounds(&self.shared.clients, self.pipeline.config.verify_interval, round).await
    }

    async fn send_notices(self) -> Result<(), Error> {
        self.rounds(&self.shared.notices, NOTICES, || self.pipeline.send_notices()).await
    }

    /// What is found is hashed, and what is gone withdrawn, without waiting for a tick.
    async fn watch_own(self) -> Result<(), Error> {
        let looked = || {
            self.pass.fetchable.grew();
            self.pass.placeable.grew();
        };
        self.pass.closed.run_until_cancelled(self.pipeline.watch_own(looked)).await.unwrap_or(Ok(()))
    }

    /// Wakes the workers, for something may have become due, or another process may have made it so.
    async fn tick(self) -> Result<(), Error> {
        loop {
            self.pipeline.store.ping().await?;
            self.pipeline.monitor.alive();
            self.shared.pulse.beat("clock", OVERDUE);
            self.pipeline.admit_own(&self.pass).await?;
            for supply in
                [&self.pass.pollable, &self.pass.fetchable, &self.pass.placeable, &self.pass.comparable]
            {
                supply.grew();
            }
            if !self.pause(TICK).await {
                return Ok(());
            }
        }
    }
}
