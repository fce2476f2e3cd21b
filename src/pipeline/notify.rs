//! Notices: what is due follows from the state, is put down as outgoing, and goes out from there. So nothing is lost,
//! and nothing goes out twice unless the process dies between sending and recording. Nobody who does not answer holds
//! up anything but his own notices.

mod compose;
mod due;

use std::time::Duration;

use futures_util::future::join3;
use futures_util::stream::{self, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::monitor::Event;
use super::{Error, Pipeline, schedule};
use crate::config::NoticeTarget;
use crate::error;
use crate::handover::Problem;
use crate::model::{Notice, NoticeKind, Trouble};
use crate::notices::{self, Address};
use crate::store::{Channel, OutgoingNotice};

/// What could not be sent for so long is given up.
const PATIENCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Notices of one channel in one round.
const MOST: u64 = 1000;
/// Hooks that run at a time.
const HOOKS_AT_ONCE: usize = 4;
/// No hook begins later than this in a round; the next one goes on.
const ROUND: Duration = Duration::from_secs(60);
/// How long a hook may go on once everything is to stop.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// Whether to wait for more of a kind before people are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collect {
    /// Until nothing more comes, but not for long.
    ForAWhile,
    /// There will be no more.
    NoMore,
}

impl Pipeline {
    /// Finds what somebody is to be told, and tells him: one round of many. What comes by and by (a first run, a network
    /// that is away) is collected for a while, and what could not be sent is tried again by a later round.
    pub async fn send_notices(&self) -> Result<(), Error> {
        self.notify(Collect::ForAWhile).await
    }

    /// The same for who ends afterwards, and collects nothing more.
    pub async fn send_notices_now(&self) -> Result<(), Error> {
        self.notify(Collect::NoMore).await
    }

    async fn notify(&self, collect: Collect) -> Result<(), Error> {
        self.find_troubles().await?;
        self.compose_notices(collect).await?;
        let now = self.clock.now();
        let oldest = now.checked_sub(PATIENCE).unwrap_or(Timestamp::MIN);
        self.store.drop_outgoing(oldest, &self.channels()).await?;
        let targets = &self.config.notices;
        let webhook = self.send_by(Channel::Webhook, targets.webhook.as_ref());
        let ntfy = self.send_by(Channel::Ntfy, targets.ntfy.as_ref());
        let (webhook, ntfy, hooks) = join3(webhook, ntfy, self.run_hooks()).await;
        webhook.and(ntfy).and(hooks)
    }

    /// Records that something is wrong for as long as nobody settles it; when and how often it is told of, the rounds
    /// of [`Pipeline::send_notices`] decide.
    pub(super) async fn raise(&self, trouble: &Trouble) -> Result<(), Error> {
        Ok(self.store.raise(trouble, self.clock.now()).await?)
    }

    /// Records that something is well, whether it was wrong before or not.
    pub(super) async fn settle(&self, kind: NoticeKind, subject: &str) -> Result<(), Error> {
        Ok(self.store.settle(kind, subject, self.clock.now()).await?)
    }

    /// A client did not answer what it was asked.
    pub(super) async fn client_is_away(&self, client: &str, problem: &Problem) -> Result<(), Error> {
        let remedy =
            format!("look whether it runs, and whether `clients.{client}` has its address and login");
        self.raise(&Trouble {
            kind: NoticeKind::Client,
            subject: client.to_owned(),
            error: problem.message.clone(),
            remedy,
        })
        .await
    }

    /// By which notices go out at all.
    fn channels(&self) -> Vec<Channel> {
        let notices = &self.config.notices;
        let channels = [
            (Channel::Webhook, notices.webhook.is_some()),
            (Channel::Ntfy, notices.ntfy.is_some()),
            (Channel::Hook, !notices.hooks.is_empty()),
        ];
        channels.into_iter().filter_map(|(channel, is_there)| is_there.then_some(channel)).collect()
    }

    /// Sends what is due to one address, one after the other, up to the first that fails.
    async fn send_by(&self, channel: Channel, target: Option<&NoticeTarget>) -> Result<(), Error> {
        let Some(target) = target else { return Ok(()) };
        for outgoing in self.store.outgoing_notices(channel, MOST, self.clock.now()).await? {
            let Some(notice) = &outgoing.notice else {
                self.store.record_sent(outgoing.id).await?;
                continue;
            };
            let sent = tokio::select! {
                sent = self.send(channel, target, notice) => sent,
                () = self.stop.cancelled() => return Ok(()),
            };
            match sent {
                Ok(()) => self.store.record_sent(outgoing.id).await?,
                Err(error) => {
                    let failures = self.store.failures_of_channel(channel).await?;
                    let error = format!("{}: {}", channel.as_str(), error::chain(&error));
                    return self.note_unsent(&outgoing, failures, error).await;
                }
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        channel: Channel,
        target: &NoticeTarget,
        notice: &Notice,
    ) -> Result<(), crate::http::Error> {
        let to = Address { url: target.url.reveal(), token: target.token.as_ref() };
        match channel {
            Channel::Ntfy => notices::send_ntfy(&self.http, to, notice).await,
            _ => notices::send_webhook(&self.http, to, notice).await,
        }
    }

    /// When it is tried again; said only the first time.
    async fn note_unsent(
        &self,
        outgoing: &OutgoingNotice,
        failures: u64,
        error: String,
    ) -> Result<(), Error> {
        let next = schedule::next_attempt(self.clock.now(), failures + 1, schedule::random());
        self.store.record_unsent(outgoing.id, next).await?;
        tracing::debug!(attempt = failures + 1, error, "a notice was not sent");
        if failures == 0 {
            self.monitor.event(&Event::NoticeFailed { error });
        }
        Ok(())
    }

    async fn run_hooks(&self) -> Result<(), Error> {
        if self.config.notices.hooks.is_empty() {
            return Ok(());
        }
        let due = self.store.outgoing_notices(Channel::Hook, MOST, self.clock.now()).await?;
        let began = Instant::now();
        stream::iter(due.into_iter().map(Ok))
            .try_for_each_concurrent(HOOKS_AT_ONCE, async |outgoing| {
                if self.stop.is_cancelled() || began.elapsed() > ROUND {
                    return Ok(());
                }
                self.run_hook(&outgoing).await
            })
            .await
    }

    async fn run_hook(&self, outgoing: &OutgoingNotice) -> Result<(), Error> {
        let command = outgoing.notice.as_ref().and_then(|notice| self.config.notices.hooks.get(&notice.kind));
        let (Some(notice), Some(command)) = (&outgoing.notice, command) else {
            return Ok(self.store.record_sent(outgoing.id).await?);
        };
        let environment = notices::Environment::of_this_process(&self.config.data_dir);
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_MOMENT).await;
        };
        let ran = tokio::select! {
            ran = notices::run_hook(command, notice, &environment) => ran,
            () = stopped => return Ok(()),
        };
        match ran {
            Ok(()) => Ok(self.store.record_sent(outgoing.id).await?),
            Err(error) => {
                let error = format!("hook {}: {}", notice.kind, error::chain(&error));
                self.note_unsent(outgoing, outgoing.attempts, error).await
            }
        }
    }
}
