//! Hashes the pieces of files that are already there, on every core.
//!
//! [`hash_jobs`] is the one place where pieces of files become hashes: the cores take them one by one, of one torrent
//! after the other, and each core hashes several side by side (`abreast`). Synchronous on purpose: it keeps cores busy,
//! not sockets. Memory: 512 KiB for each core, and what the sinks of as many torrents keep as there are lanes.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::abreast::Abreast;
use super::layout::Layout;
use crate::hash::{Kernel, PieceHash};
use crate::model::TorrentVersion;

/// How many threads there are at most, each with its buffers and open files; more would wait for memory.
const MOST_THREADS: usize = 16;

/// A file whose bytes could not be read.
#[derive(Debug)]
pub(super) struct ReadError {
    /// Its index in the layout.
    pub(super) file: usize,
    /// Why. `UnexpectedEof` means that it is too short.
    pub(super) source: io::Error,
}

/// The hashes of one piece, or why it has none. A piece of nothing but padding has none and needs none.
pub(super) type PieceResult = Result<PieceHash, ReadError>;

/// Is told how many bytes were read since the last time. Called from several threads.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// What to do when a piece cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnError {
    /// The whole is of no use without it: pieces that nobody has begun have no results.
    Stop,
    /// Each piece counts.
    GoOn,
}

/// What takes the results of a job's pieces: it keeps of them what it needs, and no more.
pub(super) trait Sink: Send {
    /// One piece, each once at most, in no order.
    fn take(&mut self, piece: u64, result: PieceResult);

    /// There is nothing more to come. Called in any of the threads.
    fn end(self)
    where
        Self: Sized,
    {
    }
}

/// A sink that is lent has its results when the hashing is over.
impl<S: Sink> Sink for &mut S {
    fn take(&mut self, piece: u64, result: PieceResult) {
        (**self).take(piece, result);
    }
}

/// The pieces of one torrent.
pub(super) struct Job<S> {
    /// Where they are.
    pub(super) layout: Arc<Layout>,
    /// What becomes of them.
    pub(super) sink: S,
}

/// How the pieces of all jobs are hashed.
#[derive(Clone, Copy)]
pub(super) struct Manner<'a> {
    /// Which hashes they get.
    pub(super) version: TorrentVersion,
    /// Whether the others of a torrent still matter after one could not be read.
    pub(super) on_error: OnError,
    /// Of all jobs.
    pub(super) progress: Progress<'a>,
}

/// Hashes every piece of a layout.
pub(super) fn hash_all(layout: &Arc<Layout>, manner: Manner<'_>, sink: &mut impl Sink) {
    hash_jobs(&mut std::iter::once(Job { layout: Arc::clone(layout), sink }), manner);
}

/// Hashes the pieces of several torrents. The next job is asked for when no piece of the last one is left to be taken.
pub(super) fn hash_jobs<S: Sink>(jobs: &mut (dyn Iterator<Item = Job<S>> + Send), manner: Manner<'_>) {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get().min(MOST_THREADS));
    let queue = Queue::new(jobs);
    let work = || Abreast::new(&queue, manner, Kernel::chosen()).work();
    thread::scope(|scope| {
        // A thread that the system refuses is no loss: the others do its work, and this one is always there.
        (1..threads).for_each(|_| drop(thread::Builder::new().spawn_scoped(scope, work)));
        work();
    });
}

/// The pieces that nobody has taken yet.
pub(super) struct Queue<'q, S>(Mutex<Intake<'q, S>>);

struct Intake<'q, S> {
    jobs: &'q mut (dyn Iterator<Item = Job<S>> + Send),
    current: Option<(Arc<Running<S>>, u64)>,
}

impl<'q, S: Sink> Queue<'q, S> {
    /// All pieces of these jobs.
    pub(super) fn new(jobs: &'q mut (dyn Iterator<Item = Job<S>> + Send)) -> Self {
        Self(Mutex::new(Intake { jobs, current: None }))
    }

    /// A piece of the current job, or of the next.
    pub(super) fn take(&self) -> Option<(Arc<Running<S>>, u64)> {
        let mut intake = lock(&self.0);
        loop {
            if let Some((job, next)) = &mut intake.current
                && *next < job.layout.pieces()
            {
                *next += 1;
                return Some((Arc::clone(job), *next - 1));
            }
            let job = intake.jobs.next()?;
            match job.layout.pieces() {
                0 => job.sink.end(),
                pieces => intake.current = Some((Arc::new(Running::new(job, pieces)), 0)),
            }
        }
    }
}

/// A job whose pieces are being hashed.
pub(super) struct Running<S> {
    pub(super) layout: Arc<Layout>,
    /// A piece could not be read, and the others do not matter.
    stopped: AtomicBool,
    /// Until the last of so many pieces is settled.
    open: Mutex<(u64, Option<S>)>,
}

impl<S: Sink> Running<S> {
    fn new(job: Job<S>, pieces: u64) -> Self {
        let open = Mutex::new((pieces, Some(job.sink)));
        Self { layout: job.layout, stopped: AtomicBool::new(false), open }
    }

    /// Whether its pieces need not be hashed any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// One of the pieces has its result, or was left out. The last one settled ends the job.
    pub(super) fn settle(&self, piece: u64, result: Option<PieceResult>, on_error: OnError) {
        if on_error == OnError::Stop && matches!(result, Some(Err(_))) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        let mut open = lock(&self.open);
        let (left, sink) = &mut *open;
        if let (Some(result), Some(sink)) = (result, &mut *sink) {
            sink.take(piece, result);
        }
        *left -= 1;
        let ended = sink.take_if(|_| *left == 0);
        drop(open);
        if let Some(sink) = ended {
            sink.end();
        }
    }
}

/// A poisoned lock is one that a panic has left; what it guards is still whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a file, and nothing that could block for ever, as a pipe does.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    File::open(path)
}
