//! Former versions: seeded for a while beside what has taken their place, then taken back. Their data stays.

use jiff::{SignedDuration, Timestamp};
use podseed_adapters::Retry;

use super::{Error, Pass, Pipeline, schedule};
use crate::handover::Removed;
use crate::model::Problem;
use crate::store::Retired;

impl Pipeline {
    /// Takes back every former version of the pass whose time is over.
    pub(super) async fn retire_all(&self, pass: &Pass) -> Result<(), Error> {
        let keep = SignedDuration::try_from(self.config.torrent.keep_replaced).unwrap_or(SignedDuration::MAX);
        let until = Timestamp::now().checked_sub(keep).unwrap_or(Timestamp::MIN);
        for retired in self.store.retired(pass.id, until).await? {
            if !self.stop.is_cancelled() {
                self.retire(&retired).await?;
            }
        }
        Ok(())
    }

    async fn retire(&self, retired: &Retired) -> Result<(), Error> {
        let now = Timestamp::now();
        let Some(name) = &retired.client else {
            let story = "no longer seeded: its time as a former version is over. The file stays";
            return Ok(self.store.record_retired(retired, story, now).await?);
        };
        // What has left the configuration cannot be asked, and what somebody else added is not ours to take.
        let story = match self.clients.get(name).filter(|_| retired.ours) {
            None => format!("{name}: the former version is left there"),
            Some(client) => match client.remove(&retired.show, &retired.file, retired.info_hash).await {
                Ok(Removed::Gone) => format!("{name}: the former version was taken out; its file stays"),
                Ok(Removed::Unreachable(why)) => format!("{name}: the former version stays there: {why}"),
                Err(problem) => {
                    let next_attempt = match problem.retry {
                        Retry::After(wait) => schedule::after(now, wait),
                        _ => schedule::next_attempt(now, 3, schedule::random()),
                    };
                    let problem = Problem {
                        message: problem.message,
                        next_attempt: Some(next_attempt),
                        asked_to_wait: false,
                    };
                    self.note_error(&problem.message);
                    return Ok(self.store.put_off_retirement(retired, &problem).await?);
                }
            },
        };
        Ok(self.store.record_retired(retired, &story, now).await?)
    }
}
