//! When a round was last made, whatever process made it: a run from cron does not do again what one has done a moment
//! ago.

use std::time::Duration;

use jiff::Timestamp;

use super::{Error, Pipeline, schedule};

impl Pipeline {
    /// Whether the round of this name was made within so much time.
    pub(super) async fn was_made(&self, round: &str, within: Duration) -> Result<bool, Error> {
        let made = self.store.setting(round).await?.and_then(|text| text.parse().ok());
        let made = made.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let now = self.clock.now();
        // A time in the future is that of a clock which was set back since.
        Ok(made.is_some_and(|made| made <= now && schedule::after(made, within) > now))
    }

    /// The round of this name was made, and had begun then.
    pub(super) async fn record_made(&self, round: &str, began: Timestamp) -> Result<(), Error> {
        Ok(self.store.record_setting(round, &began.as_second().to_string()).await?)
    }
}
