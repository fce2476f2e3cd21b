//! The time: of the system, or one that a test sets. Whatever podseed plans (polls, attempts, looks) it plans by this
//! clock; how long an answer of the network may take is measured by the runtime's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The system's time may be set, and the machine may sleep: nobody waits longer than this before he looks again.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Tells the time and waits for a time to come.
#[derive(Debug, Clone, Default)]
pub struct Clock(Kind);

#[derive(Debug, Clone, Default)]
enum Kind {
    #[default]
    System,
    Set(watch::Receiver<Timestamp>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still, and what moves it.
    pub fn set(now: Timestamp) -> (Self, Hand) {
        let (hand, clock) = watch::channel(now);
        (Self(Kind::Set(clock)), Hand(hand))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System => Timestamp::now(),
            Kind::Set(clock) => *clock.borrow(),
        }
    }

    /// Waits until it is `time` or later.
    pub async fn sleep_until(&self, time: Timestamp) {
        match &self.0 {
            Kind::System => loop {
                let left = Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or_default();
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            },
            Kind::Set(clock) => {
                // Where nobody can move the clock any more, the time never comes.
                if clock.clone().wait_for(|now| *now >= time).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Waits so long.
    pub async fn sleep(&self, time: Duration) {
        let until = SignedDuration::try_from(time).ok().and_then(|time| self.now().checked_add(time).ok());
        self.sleep_until(until.unwrap_or(Timestamp::MAX)).await;
    }
}

/// Moves a clock that was set.
#[derive(Debug)]
pub struct Hand(watch::Sender<Timestamp>);

impl Hand {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.0.send_modify(|now| *now = now.checked_add(by).unwrap_or(Timestamp::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_wakes_when_the_clock_is_moved_far_enough_and_not_before() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (clock, hand) = Clock::set(start);
        let mut sleeper = std::pin::pin!(clock.sleep(Duration::from_secs(3600)));
        assert!(futures_util::poll!(&mut sleeper).is_pending());
        hand.advance(Duration::from_secs(3599));
        assert!(futures_util::poll!(&mut sleeper).is_pending());
        hand.advance(Duration::from_secs(1));
        sleeper.await;
        assert_eq!(clock.now().as_second(), start.as_second() + 3600);
    }

    #[tokio::test]
    async fn a_time_that_has_passed_is_not_waited_for() {
        Clock::system().sleep_until(Timestamp::UNIX_EPOCH).await;
    }
}
