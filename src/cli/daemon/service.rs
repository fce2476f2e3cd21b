//! What the service manager is told (sd_notify(3)); nothing, where there is none.

use sd_notify::NotifyState;

/// The daemon is at work.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It loads its configuration anew.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "there is no monotonic time"),
    }
}

/// It has begun to stop.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Its supervisor lives, and its state answers.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
