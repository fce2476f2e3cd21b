//! For ever: one supervisor owns every task. What the tasks do is what one pass does; they only never come to an end.
//!
//! Under one configuration they share a [`Pipeline`] and a lasting pass. A new configuration closes that pass: nothing
//! more is claimed in it, what is under way comes to its end, and a new pipeline over the same state takes over.

mod serving;
mod tasks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::monitor::Event;
use super::wanted::rules;
use super::{Error, Pass, PassOptions, Pipeline, Pulse, Target, Vitals};
use crate::config::Config;
use crate::error;
use crate::model::{NoticeKind, Trouble};
use serving::Serving;

/// What is under way when a daemon is stopped has so long to come to a safe point. Whatever is cut off then is safe as
/// well, as it is when the process dies.
const GRACE: Duration = Duration::from_secs(7);

/// A pipeline at work for ever.
pub struct Daemon {
    pipeline: Arc<Pipeline>,
    pass: Arc<Pass>,
    /// Those of former configurations among them, as far as they have not ended yet.
    tasks: JoinSet<()>,
    shared: Arc<Shared>,
    serving: Option<Serving>,
}

/// What the tasks of every configuration share.
struct Shared {
    /// There is never more than one at a time, also where an old configuration has not ended yet.
    upkeep: Mutex<()>,
    /// Likewise.
    clients: Mutex<()>,
    /// Likewise.
    notices: Mutex<()>,
    pulse: Arc<Pulse>,
    vitals: Arc<Vitals>,
}

impl Daemon {
    /// Begins to work. Gives back once the state is ready and every task has begun.
    pub async fn start(pipeline: Arc<Pipeline>) -> Result<Self, Error> {
        let serving = Serving::bind(&pipeline.config, None)?;
        let pulse: Arc<Pulse> = Arc::default();
        let vitals =
            Vitals::new(pipeline.store.clone(), &pipeline.config, &pipeline.clock, Arc::clone(&pulse));
        let (upkeep, clients, notices) = (Mutex::default(), Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { upkeep, clients, notices, pulse, vitals: Arc::new(vitals) });
        // The lock of the data folder says that nobody polls what a dead process was polling.
        pipeline.store.free_polls().await?;
        let id = pipeline.clock.now().as_microsecond();
        let pass = Arc::new(Pass::lasting(id, &pipeline));
        let mut daemon = Self { pipeline, pass, tasks: JoinSet::new(), shared, serving };
        daemon.begin().await?;
        Ok(daemon)
    }

    /// Goes on under another configuration. If it cannot be set up, the old one stays.
    pub async fn reload(&mut self, config: Arc<Config>) -> Result<(), Error> {
        let pipeline = self.pipeline.renewed(Arc::clone(&config))?;
        let serving = match self.serving.as_ref().is_some_and(|serving| serving.is_for(&config)) {
            true => self.serving.take(),
            false => Serving::bind(&config, self.serving.as_ref())?,
        };
        self.pass.closed.cancel();
        if let Some(former) = std::mem::replace(&mut self.serving, serving) {
            former.end().await;
        }
        // Rows that somebody works on carry the mark of the pass: the same one, so that nobody takes them twice.
        let in_force = Arc::clone(&self.pass.in_force);
        self.pass = Arc::new(Pass { in_force, ..Pass::lasting(self.pass.id, &pipeline) });
        self.pipeline = pipeline;
        self.shared.vitals.reload(&self.pipeline.config);
        while self.tasks.try_join_next().is_some() {}
        self.go_on().await;
        Ok(())
    }

    /// Begins under a configuration that is in force already: there is no way back, so it is tried until it is done.
    async fn go_on(&mut self) {
        while let Err(error) = self.resume().await {
            let error = error::chain(&error);
            self.pipeline.monitor.event(&Event::Interrupted { task: "reload".to_owned(), error });
            let pause = self.pipeline.clock.sleep(tasks::RESTART);
            if self.pipeline.stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn resume(&mut self) -> Result<(), Error> {
        self.pipeline.settle(NoticeKind::Configuration, "").await?;
        self.begin().await
    }

    /// Another configuration was to be loaded, and is not used.
    pub async fn refused(&self, error: &str) -> Result<(), Error> {
        let remedy =
            "`podseed check` says what is wrong with it; the former one stays in force until it is mended";
        self.pipeline
            .raise(&Trouble {
                kind: NoticeKind::Configuration,
                subject: String::new(),
                error: error.to_owned(),
                remedy: remedy.to_owned(),
            })
            .await
    }

    /// The configuration that is in force.
    pub fn config(&self) -> &Arc<Config> {
        self.pipeline.config()
    }

    /// Where it serves the site.
    pub fn address(&self) -> Option<SocketAddr> {
        self.serving.as_ref().map(Serving::address)
    }

    /// Waits for the stop, then for what is under way, some seconds at most, and closes the state.
    pub async fn stopped(mut self) {
        self.pipeline.stop.cancelled().await;
        let ended = async {
            if let Some(serving) = self.serving.take() {
                serving.end().await;
            }
            while self.tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            self.pipeline.monitor.event(&Event::CutOff { tasks: self.tasks.len() });
            self.tasks.shutdown().await;
        }
        self.pipeline.close().await;
    }

    async fn begin(&mut self) -> Result<(), Error> {
        let (pipeline, pass) = (&self.pipeline, &self.pass);
        let targets: Vec<Target> = pipeline.config.shows.iter().map(Target::from).collect();
        {
            // What a former configuration has begun to make part of it, or to record, is done then.
            let mut in_force = pass.in_force.lock().await;
            *in_force = Arc::clone(&pipeline.config);
            pipeline.store.leave_pass(pass.id).await?;
        }
        pipeline.begin_shows(&targets, pass).await?;
        pipeline.admit_own(pass).await?;
        pipeline.arrange(pass).await?;
        let shows = targets.len() + pipeline.config.inbox.len();
        tasks::spawn(&mut self.tasks, pipeline, pass, &self.shared, targets);
        if let Some(serving) = &mut self.serving {
            let vitals = Arc::clone(&self.shared.vitals);
            serving.answer(&pipeline.config, vitals, &pipeline.stop);
            pipeline.monitor.event(&Event::Serving { address: serving.address() });
        }
        pipeline.monitor.event(&Event::Working { shows, clients: pipeline.clients.len() });
        Ok(())
    }
}

impl Pass {
    fn lasting(id: i64, pipeline: &Pipeline) -> Self {
        Self { lasting: true, ..Self::new(id, PassOptions::lasting(), pipeline) }
    }
}

impl Pipeline {
    /// Makes the shows of a configuration part of the pass. Those with other rules than before are due.
    async fn begin_shows(&self, targets: &[Target], pass: &Pass) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            return Ok(());
        }
        let named = targets.iter().filter_map(|target| Some((target.slug.clone()?, target.feed.to_string())));
        let known = self.store.ensure_shows(&named.collect::<Vec<_>>()).await?;
        let show = |target: &Target| known.get(target.slug.as_ref()?);
        let shows: Vec<_> = targets.iter().filter_map(|target| Some((show(target)?, target))).collect();
        let other_rules = shows.iter().filter(|(show, target)| {
            !show.selection.is_empty() && show.selection != rules(&target.selection)
        });
        self.store.poll_now(&other_rules.map(|(show, _)| show.id).collect::<Vec<_>>()).await?;
        let shows: Vec<_> = shows.into_iter().map(|(show, target)| (show.id, target)).collect();
        self.admit_all(&shows, pass).await
    }

    /// Makes every show of own files part of the pass that is not yet; a user may share the first file of one at any
    /// time.
    async fn admit_own(&self, pass: &Pass) -> Result<(), Error> {
        for target in self.own_targets().await? {
            let slug = target.slug.clone().unwrap_or_default();
            if pass.show(&slug).is_some() {
                continue;
            }
            if let Some(show) = self.own_show(&target).await? {
                self.admit(show, &target, pass).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::pipeline::{Environment, Monitor};

    /// Counts how often it was said that the site cannot be written.
    #[derive(Default)]
    struct Complaints(AtomicUsize);

    impl Monitor for Complaints {
        fn event(&self, event: &Event) {
            if matches!(event, Event::PublishFailed { .. }) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        fn transfer(&self, _label: &str) -> Arc<dyn crate::download::Progress> {
            Arc::new(())
        }
    }

    /// A pipeline in a folder of its own.
    async fn pipeline(monitor: Arc<dyn Monitor>) -> (tempfile::TempDir, Arc<Pipeline>) {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::new(monitor);
        let config = Arc::new(Config::ad_hoc(folder.path().join("data")));
        let pipeline = Pipeline::open(config, environment).await.unwrap();
        (folder, pipeline)
    }

    #[tokio::test]
    async fn a_feed_that_was_being_read_under_a_former_configuration_brings_its_show_not_back() {
        let (_folder, pipeline) = pipeline(Arc::new(())).await;
        let target = Target::sample();
        let show = pipeline.store.ensure_show("s", "https://f.test/").await.unwrap().id;
        let pass = Pass::lasting(1, &pipeline);
        let is_due = async || {
            let now = pipeline.clock.now();
            !pipeline.store.claim_polls(1, now, now, 1).await.unwrap().is_empty()
        };
        pipeline.admit(show, &target, &pass).await.unwrap();
        assert!(is_due().await);
        pass.closed.cancel();
        pipeline.store.leave_pass(1).await.unwrap();
        pipeline.admit(show, &target, &pass).await.unwrap();
        assert!(!is_due().await);
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a test lays out its own files")]
    async fn that_the_site_cannot_be_written_is_said_once_and_not_at_each_attempt() {
        let complaints: Arc<Complaints> = Arc::default();
        let (_folder, pipeline) = pipeline(complaints.clone()).await;
        // What is to be a folder is a file.
        std::fs::write(&pipeline.config.publish.site_dir, "mine").unwrap();
        for _ in 0..3 {
            pipeline.publish().await.unwrap();
        }
        assert_eq!(complaints.0.load(Ordering::Relaxed), 1);
    }
}
