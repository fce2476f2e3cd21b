//! Seats: how many connections there may be at a time. Who comes when all are taken gets the seat of somebody who has
//! waited longest for a next request and asks for nothing; so connections that only stand there keep nobody out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// All seats.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// By arrival.
    seats: BTreeMap<u64, Arc<Place>>,
}

/// What a connection is doing, and how it is told to go.
#[derive(Debug)]
pub(super) struct Place {
    activity: AtomicU8,
    gone: CancellationToken,
}

/// No request is here.
const IDLE: u8 = 0;
/// A request is answered.
const ANSWERING: u8 = 1;
/// The answer has ended, and is perhaps not sent yet.
const SENDING: u8 = 2;
/// The seat is somebody else's.
const GONE: u8 = 3;

impl Place {
    /// A request has come. Gives whether it may be answered: the seat may have gone in the same moment.
    pub(super) fn answering(&self) -> bool {
        self.change(IDLE, ANSWERING) || self.change(SENDING, ANSWERING)
    }

    /// The answer is complete.
    pub(super) fn answered(&self) {
        self.change(ANSWERING, SENDING);
    }

    /// Everything that was written is with the system.
    pub(super) fn flushed(&self) {
        self.change(SENDING, IDLE);
    }

    /// Ends when somebody else has got the seat.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Takes the seat from who is idle; gives whether he was.
    fn expel(&self) -> bool {
        let idle = self.change(IDLE, GONE);
        if idle {
            self.gone.cancel();
        }
        idle
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.activity.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// One connection's seat, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    seats: Arc<Seats>,
    pub(super) place: Arc<Place>,
}

impl Seats {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// A seat for who has come; `None` if everybody is at work.
    pub(super) fn take(self: &Arc<Self>) -> Option<Seat> {
        let mut taken = self.lock();
        if taken.seats.len() >= self.most {
            let number = taken.seats.iter().find(|(_, place)| place.expel()).map(|(number, _)| *number)?;
            taken.seats.remove(&number);
        }
        let number = taken.next;
        taken.next += 1;
        let place = Arc::new(Place { activity: AtomicU8::new(IDLE), gone: CancellationToken::new() });
        taken.seats.insert(number, Arc::clone(&place));
        Some(Seat { number, seats: Arc::clone(self), place })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().seats.len()
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().seats.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_gets_the_seat_of_who_has_been_idle_longest_and_never_that_of_one_at_work() {
        let seats = Seats::new(3);
        let [downloads, idle, later] = [(); 3].map(|()| seats.take().unwrap());
        assert!(downloads.place.answering());
        let newcomer = seats.take().unwrap();
        assert!(idle.place.gone.is_cancelled() && !later.place.gone.is_cancelled());
        assert!(newcomer.place.answering());
        assert!(!idle.place.answering(), "his request has come too late");
        let another = seats.take().unwrap();
        assert!(later.place.gone.is_cancelled() && !downloads.place.gone.is_cancelled());
        assert!(another.place.answering());
        assert!(seats.take().is_none(), "all three are at work");
        downloads.place.answered();
        assert!(seats.take().is_none(), "what is not sent yet is work");
        downloads.place.flushed();
        assert!(seats.take().is_some());
    }

    #[test]
    fn a_seat_that_is_left_is_free() {
        let seats = Seats::new(1);
        let seat = seats.take().unwrap();
        assert!(seat.place.answering());
        assert!(seats.take().is_none());
        drop(seat);
        assert_eq!(seats.taken(), 0);
        assert!(seats.take().is_some());
    }
}
