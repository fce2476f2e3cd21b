//! For ever: one supervisor owns every task. What the tasks do is what one pass does; they only never come to an end.
//!
//! Under one configuration they share a [`Pipeline`] and a lasting pass. A new configuration closes that pass: nothing
//! more is claimed in it, what is under way comes to its end, and a new pipeline over the same state takes over.

mod tasks;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::monitor::Event;
use super::{Error, Pass, PassOptions, Pipeline, Target};
use crate::config::Config;

/// What is under way when a daemon is stopped has so long to come to a safe point. Whatever is cut off then is safe as
/// well, as it is when the process dies.
const GRACE: Duration = Duration::from_secs(7);

/// A pipeline at work for ever.
pub struct Daemon {
    pipeline: Arc<Pipeline>,
    pass: Arc<Pass>,
    /// Those of former configurations among them, as far as they have not ended yet.
    tasks: JoinSet<()>,
    turns: Arc<Turns>,
}

/// Work of which there is never more than one at a time, also where an old configuration has not ended yet.
#[derive(Default)]
struct Turns {
    upkeep: Mutex<()>,
    clients: Mutex<()>,
}

impl Daemon {
    /// Begins to work. Gives back once the state is ready and every task has begun.
    pub async fn start(pipeline: Arc<Pipeline>) -> Result<Self, Error> {
        let id = pipeline.clock.now().as_microsecond();
        let (tasks, turns) = (JoinSet::new(), Arc::default());
        let pass = Arc::new(Pass::lasting(id, &pipeline.stop));
        let mut daemon = Self { pipeline, pass, tasks, turns };
        daemon.begin().await?;
        Ok(daemon)
    }

    /// Goes on under another configuration. If it cannot be set up, the old one stays.
    pub async fn reload(&mut self, config: Arc<Config>) -> Result<(), Error> {
        let pipeline = self.pipeline.renewed(config)?;
        self.pass.closed.cancel();
        // Rows that somebody works on carry the mark of the pass: the same one, so that nobody takes them twice.
        self.pass = Arc::new(Pass::lasting(self.pass.id, &pipeline.stop));
        self.pipeline = pipeline;
        while self.tasks.try_join_next().is_some() {}
        self.begin().await
    }

    /// The configuration that is in force.
    pub fn config(&self) -> &Arc<Config> {
        self.pipeline.config()
    }

    /// Waits for the stop, then for what is under way, some seconds at most, and closes the state.
    pub async fn stopped(mut self) {
        self.pipeline.stop.cancelled().await;
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            self.pipeline.monitor.event(&Event::CutOff { tasks: self.tasks.len() });
            self.tasks.shutdown().await;
        }
        self.pipeline.close().await;
    }

    async fn begin(&mut self) -> Result<(), Error> {
        let (pipeline, pass) = (&self.pipeline, &self.pass);
        let targets: Vec<Target> = pipeline.config.shows.iter().map(Target::from).collect();
        pipeline.store.leave_pass(pass.id).await?;
        for target in &targets {
            let Some(slug) = &target.slug else { continue };
            let show = pipeline.store.ensure_show(slug, &target.feed.to_string()).await?;
            pipeline.admit(show.id, slug, target, pass).await?;
        }
        pipeline.plan_all_looks(pass).await?;
        let shows = targets.len();
        tasks::spawn(&mut self.tasks, pipeline, pass, &self.turns, targets);
        pipeline.monitor.event(&Event::Working { shows, clients: pipeline.clients.len() });
        Ok(())
    }
}

impl Pass {
    fn lasting(id: i64, stop: &tokio_util::sync::CancellationToken) -> Self {
        Self { lasting: true, ..Self::new(id, PassOptions::lasting(), stop) }
    }
}
