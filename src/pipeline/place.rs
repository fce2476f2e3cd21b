//! Handing over: each client has its own worker, so that one that is down delays nothing else.

use std::sync::Arc;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use podseed_adapters::Retry;
use tokio::time::Instant;

use super::drain::drain;
use super::monitor::Event;
use super::{Error, Pass, Pipeline, schedule};
use crate::handover::{Client, Look, Order};
use crate::model::{Memory, PlacementJob, PlacementReport, PlacementState, Problem, Stage};
use crate::{fs, torrent};

/// Torrents that one client is asked about at a time.
const AT_ONCE: usize = 8;

impl Pipeline {
    /// Takes every unsettled placement of the pass as far as it goes.
    pub(super) async fn place_all(self: &Arc<Self>, pass: &Arc<Pass>) -> Result<(), Error> {
        try_join_all(self.clients.keys().map(|client| self.place_at(client, pass))).await.map(drop)
    }

    async fn place_at(self: &Arc<Self>, client: &str, pass: &Arc<Pass>) -> Result<(), Error> {
        let claim = async || {
            let now = Timestamp::now();
            Ok(self.store.claim_placement(pass.id, now, pass.options.patient, client).await?)
        };
        let work = |job: PlacementJob| {
            let (pipeline, pass) = (Arc::clone(self), Arc::clone(pass));
            async move { pipeline.place(&job, &pass).await }
        };
        drain(AT_ONCE, &pass.placeable, &self.stop, claim, work).await
    }

    async fn place(&self, job: &PlacementJob, pass: &Pass) -> Result<(), Error> {
        let Some(client) = self.clients.get(&job.client) else { return Ok(()) };
        let path = self.folder().torrent(&job.show, &job.file);
        match fs::read(&path, torrent::MAX_LENGTH as u64) {
            Ok(metainfo) => self.visit(client, job, metainfo.into(), pass).await,
            Err(error) => {
                let message = format!("{}: the torrent cannot be read: {error}", job.client);
                let problem = Some(Problem { message, next_attempt: None, asked_to_wait: false });
                let (state, memory) = (PlacementState::Failed, job.memory);
                self.record_report(job, &PlacementReport { state, memory, uploaded_bytes: None, problem })
                    .await
            }
        }
    }

    async fn visit(
        &self,
        client: &Client,
        job: &PlacementJob,
        metainfo: Arc<[u8]>,
        pass: &Pass,
    ) -> Result<(), Error> {
        let order = Order {
            show: job.show.clone(),
            name: job.file.clone(),
            length: job.length,
            info_hash: job.info_hash,
            metainfo,
            data: self.folder().show_media(&job.show).join(&job.file),
        };
        let deadline = Instant::now() + pass.options.wait;
        let mut visit = client.visit(&order, job.memory);
        let mut last: Option<(PlacementState, Memory)> = None;
        loop {
            let look = visit.step().await;
            // Only what has changed is written: a client that takes its time to hash is asked often.
            let before = last.replace((look.state, look.memory));
            if before != last || !look.again {
                self.record_look(job, &look).await?;
            }
            if before.is_none_or(|(state, _)| state != look.state) {
                self.announce(job, &look).await?;
            }
            if let Some(note) = &look.note {
                self.store.tell(job.enclosure, Timestamp::now(), note).await?;
                self.monitor.event(&Event::Warning { show: job.show.clone(), text: note.clone() });
            }
            if !look.again || self.stop.is_cancelled() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                self.note_error(&format!(
                    "{}: {} is still {} after {} s; the next run looks again",
                    job.client,
                    job.file,
                    look.state,
                    pass.options.wait.as_secs()
                ));
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
        self.store.tell(job.enclosure, Timestamp::now(), &format!("{}: {}", job.client, look.state)).await?;
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
                let now = Timestamp::now();
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

    async fn record_report(&self, job: &PlacementJob, report: &PlacementReport) -> Result<(), Error> {
        let now = Timestamp::now();
        let placed = self.store.record_placement(job, report, now).await?;
        if let Some(problem) = &report.problem {
            self.store.tell(job.enclosure, now, &problem.message).await?;
            self.note_error(&problem.message);
            self.monitor.event(&Event::PlaceFailed {
                show: job.show.clone(),
                file: job.file.clone(),
                client: job.client.clone(),
                error: problem.message.clone(),
            });
        }
        let handed = |stage| matches!(stage, Stage::HandedOver | Stage::Seeding);
        if handed(placed.stage) && !handed(placed.before) {
            self.tally(|tally| tally.handed_over += 1);
        }
        Ok(())
    }
}
