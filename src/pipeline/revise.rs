//! Former versions: seeded for a while beside what has taken their place, then withdrawn. Their data stays.

use jiff::{SignedDuration, Timestamp};

use super::{Error, Pass, Pipeline};

impl Pipeline {
    /// Withdraws every former version of the pass whose time is over, and tells the clients.
    pub(super) async fn retire_all(&self, pass: &Pass) -> Result<(), Error> {
        let keep = SignedDuration::try_from(self.config.torrent.keep_replaced).unwrap_or(SignedDuration::MAX);
        let now = self.clock.now();
        let until = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
        if self.store.retire(pass.id, until, now).await? == 0 {
            return Ok(());
        }
        let patient = pass.options.patient;
        for (name, client) in &self.clients {
            while self.is_there(client, pass).await?
                && let Some(job) = self.store.claim_removal(pass.id, now, patient, name).await?
            {
                if self.stop.is_cancelled() {
                    return Ok(());
                }
                self.remove(&job).await?;
                self.removed(job.id, pass).await?;
            }
        }
        Ok(())
    }
}
