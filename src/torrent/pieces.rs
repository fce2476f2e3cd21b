//! Hashes the pieces of files that are already there, on every core.
//!
//! [`hash_jobs`] is the one place where pieces of files become hashes: the cores take them one by one, of one torrent
//! after the other, and each core hashes several side by side (`abreast`). Synchronous on purpose: it keeps cores busy,
//! not sockets. Memory: 512 KiB for each core, the hashes, and as many torrents at a time as there are lanes.

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
    /// The whole is of no use without it: pieces that nobody has begun are left out of the results.
    Stop,
    /// Each piece counts.
    GoOn,
}

/// What the hashes of a job's pieces are given to, in order.
pub(super) type Done<'a> = Box<dyn FnOnce(Vec<PieceResult>) + Send + 'a>;

/// The pieces of one torrent.
pub(super) struct Job<'a> {
    /// Where they are.
    pub(super) layout: Arc<Layout>,
    /// Called in any of the threads, as soon as the last piece is hashed.
    pub(super) done: Done<'a>,
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
pub(super) fn hash_all(layout: &Arc<Layout>, manner: Manner<'_>) -> Vec<PieceResult> {
    let all = Mutex::new(Vec::new());
    let done: Done<'_> = Box::new(|results| *lock(&all) = results);
    hash_jobs(&mut std::iter::once(Job { layout: Arc::clone(layout), done }), manner);
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Hashes the pieces of several torrents. The next job is asked for when no piece of the last one is left to be taken.
pub(super) fn hash_jobs<'a>(jobs: &mut (dyn Iterator<Item = Job<'a>> + Send), manner: Manner<'_>) {
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
pub(super) struct Queue<'q, 'a>(Mutex<Intake<'q, 'a>>);

struct Intake<'q, 'a> {
    jobs: &'q mut (dyn Iterator<Item = Job<'a>> + Send),
    current: Option<(Arc<Running<'a>>, u64)>,
}

impl<'q, 'a> Queue<'q, 'a> {
    /// All pieces of these jobs.
    pub(super) fn new(jobs: &'q mut (dyn Iterator<Item = Job<'a>> + Send)) -> Self {
        Self(Mutex::new(Intake { jobs, current: None }))
    }

    /// A piece of the current job, or of the next.
    pub(super) fn take(&self) -> Option<(Arc<Running<'a>>, u64)> {
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
                0 => (job.done)(Vec::new()),
                pieces => intake.current = Some((Arc::new(Running::new(job, pieces)), 0)),
            }
        }
    }
}

/// A job whose pieces are being hashed.
pub(super) struct Running<'a> {
    pub(super) layout: Arc<Layout>,
    /// A piece could not be read, and the others do not matter.
    stopped: AtomicBool,
    results: Mutex<Results<'a>>,
}

struct Results<'a> {
    of_pieces: Vec<Option<PieceResult>>,
    /// How many pieces are not settled yet.
    left: u64,
    done: Option<Done<'a>>,
}

impl<'a> Running<'a> {
    fn new(job: Job<'a>, pieces: u64) -> Self {
        let results = Results { of_pieces: Vec::new(), left: pieces, done: Some(job.done) };
        Self { layout: job.layout, stopped: AtomicBool::new(false), results: Mutex::new(results) }
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
        let mut results = lock(&self.results);
        let Ok(index) = usize::try_from(piece) else { return };
        if results.of_pieces.len() <= index {
            results.of_pieces.resize_with(index + 1, || None);
        }
        results.of_pieces[index] = result;
        results.left -= 1;
        if results.left > 0 {
            return;
        }
        let of_pieces = std::mem::take(&mut results.of_pieces);
        let done = results.done.take();
        drop(results);
        if let Some(done) = done {
            done(of_pieces.into_iter().flatten().collect());
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
