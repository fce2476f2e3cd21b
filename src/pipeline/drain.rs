//! The loop of every worker: claim what is due, at most so many at once, until nothing comes any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::monitor::Event;
use super::{Error, Pipeline};
use crate::{error, store};

/// Until a row that could not be given back is given back again.
const GIVE_BACK: Duration = Duration::from_secs(30);

/// Tells a worker that its queue may have grown, and when it will not grow any more.
#[derive(Debug, Clone)]
pub(super) struct Supply(Arc<watch::Sender<State>>);

#[derive(Debug, Clone, Copy)]
struct State {
    ended: bool,
    grew: Instant,
}

impl Supply {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State { ended: false, grew: Instant::now() })))
    }

    /// There may be more to claim.
    pub(super) fn grew(&self) {
        self.0.send_modify(|state| state.grew = Instant::now());
    }

    /// When it last grew.
    pub(super) fn last_grew(&self) -> Instant {
        self.0.borrow().grew
    }

    /// What is in the queue now is all there will be.
    pub(super) fn ended(&self) {
        self.0.send_modify(|state| state.ended = true);
    }
}

/// Claims and works until the supply has ended and the queue is empty, or the pass is stopped; what is under way
/// then is waited for. The first error stops the claiming.
pub(super) async fn drain<J, C, W>(
    most: usize,
    supply: &Supply,
    stop: &CancellationToken,
    claim: impl Fn() -> C,
    work: impl Fn(J) -> W,
) -> Result<(), Error>
where
    C: Future<Output = Result<Option<J>, Error>> + Send,
    W: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut supplied = supply.0.subscribe();
    let mut tasks = JoinSet::new();
    let mut outcome = Ok(());
    loop {
        let ended = supplied.borrow_and_update().ended;
        while tasks.len() < most && outcome.is_ok() && !stop.is_cancelled() {
            match claim().await {
                Ok(Some(job)) => drop(tasks.spawn(work(job))),
                Ok(None) => break,
                Err(error) => outcome = Err(error),
            }
        }
        if tasks.is_empty() && (ended || outcome.is_err() || stop.is_cancelled()) {
            return outcome;
        }
        tokio::select! {
            Some(done) = tasks.join_next(), if !tasks.is_empty() => {
                let done = done.unwrap_or_else(|error| Err(Error::Worker { reason: error.to_string() }));
                outcome = outcome.and(done);
            }
            _ = supplied.changed(), if !ended => {}
            () = stop.cancelled(), if tasks.is_empty() => {}
        }
    }
}

impl Pipeline {
    /// Gives back a claimed row of a pass that never ends. While the disk is full that cannot be recorded, and a row that
    /// keeps its mark is nobody's until the next start; so it is tried until it is done, or everything stops.
    pub(super) async fn surely<F>(&self, give_back: impl Fn() -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<(), store::Error>>,
    {
        while let Err(error) = give_back().await {
            let text = error::chain(&error);
            if self.note_error(&text) {
                self.monitor.event(&Event::Interrupted { task: "workers".to_owned(), error: text });
            }
            if self.stop.run_until_cancelled(self.clock.sleep(GIVE_BACK)).await.is_none() {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn what_is_supplied_later_is_worked_on_too() {
        let queue = Arc::new(Mutex::new(vec![1, 2]));
        let done = Arc::new(Mutex::new(Vec::new()));
        let supply = Supply::new();
        let feeder = async {
            tokio::task::yield_now().await;
            queue.lock().unwrap().push(3);
            supply.grew();
            tokio::task::yield_now().await;
            supply.ended();
        };
        let claim = || async { Ok(queue.lock().unwrap().pop()) };
        let work = |job| {
            let done = Arc::clone(&done);
            async move {
                done.lock().unwrap().push(job);
                Ok(())
            }
        };
        let stop = CancellationToken::new();
        let (result, ()) = tokio::join!(drain(2, &supply, &stop, claim, work), feeder);
        result.unwrap();
        let mut done = done.lock().unwrap().clone();
        done.sort_unstable();
        assert_eq!(done, [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_stop_ends_a_waiting_worker() {
        let stop = CancellationToken::new();
        stop.cancel();
        let claim = || async { Ok(Some(())) };
        drain(1, &Supply::new(), &stop, claim, |()| async { panic!("nothing is claimed after a stop") })
            .await
            .unwrap();
    }
}
