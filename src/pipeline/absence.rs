//! Clients that are away: one of them is asked once in a while by one request, whatever waits for it, and not once for
//! each torrent.

use std::time::Duration;

use podseed_adapters::Retry;

use super::monitor::Event;
use super::{Error, Pass, Pipeline, schedule};
use crate::handover::{Client, Problem};
use crate::model;
use crate::store::Absence;

/// For so long what waits for a client that needs the user is left as failed, unless the client is back before.
const FAILED_FOR: Duration = Duration::from_secs(24 * 3600);

impl Pipeline {
    /// Whether anything may be asked of a client for the sake of a torrent. One that is away is asked first who it is,
    /// once its pause is over.
    pub(super) async fn is_there(&self, client: &Client, pass: &Pass) -> Result<bool, Error> {
        let Some(mut absence) = self.store.absence(client.name()).await? else { return Ok(true) };
        let now = self.clock.now();
        if absence.next_attempt <= now {
            client.forget_failures().await;
            match client.info().await {
                Ok(_) => {
                    self.welcome(client.name()).await?;
                    return Ok(true);
                }
                Err(problem) => {
                    absence = self.record_absence(client.name(), &problem, absence.failures).await?;
                    self.complain(&problem.message);
                }
            }
        }
        if absence.needs_the_user {
            let next_attempt = Some(schedule::after(now, FAILED_FOR));
            let problem = model::Problem { message: absence.error, next_attempt, asked_to_wait: false };
            self.store.fail_waiting(pass.id, client.name(), &problem, now).await?;
        }
        Ok(false)
    }

    /// What was to be done at a client has come to this. If the client is away, what else waits for it is not tried.
    pub(super) async fn note_absence(&self, client: &str, problem: &Problem) -> Result<(), Error> {
        let is_known = |absence: &Absence| absence.next_attempt > self.clock.now();
        // Several were under way when it went.
        if problem.of_client && !self.store.absence(client).await?.as_ref().is_some_and(is_known) {
            self.record_absence(client, problem, 0).await?;
        }
        Ok(())
    }

    async fn record_absence(&self, client: &str, problem: &Problem, before: u64) -> Result<Absence, Error> {
        let (now, failures) = (self.clock.now(), before + 1);
        let next_attempt = match problem.retry {
            Retry::After(wait) => schedule::after(now, wait),
            Retry::Later | Retry::Never => schedule::next_call(now, failures),
        };
        let (error, needs_the_user) = (problem.message.clone(), problem.needs_the_user);
        let absence = Absence { error, needs_the_user, failures, next_attempt };
        self.store.record_absence(client, &absence).await?;
        Ok(absence)
    }

    /// A client answers again, or for the first time: what waits for it waits no longer.
    pub(super) async fn welcome(&self, client: &str) -> Result<(), Error> {
        if self.said.note_return(client) {
            self.monitor.event(&Event::ClientBack { client: client.to_owned() });
        }
        Ok(self.store.client_is_back(client).await?)
    }
}
