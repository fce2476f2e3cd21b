//! The site as others see it: who reads it while it is published, and the programs that read its feeds.

mod catalogue;
mod kit;
mod lists;
mod qbittorrent;
mod sample;
mod torrents;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use podseed::publish::site::{Draft, MARK, Site};
use rustix::fs::{Mode, OFlags, openat};

/// Reads the number in a file until `done`; whoever asks for it by its path gets one, and never an older one.
fn read_numbers(paths: &[PathBuf], done: &AtomicBool) -> usize {
    let (mut last, mut changes) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        for path in paths {
            let text =
                std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let number: usize = text.parse().unwrap_or_else(|_| panic!("half a file: {text:?}"));
            assert!(number >= last, "{} is of generation {number}, seen was {last}", path.display());
            changes += usize::from(number > last);
            last = number;
        }
    }
    changes
}

/// A set of files by way of the folder; `None` if the mark says that it changed in between.
fn read_set(live: &Path, paths: &[&str]) -> Option<Vec<String>> {
    let folder = File::open(live).unwrap();
    let read = |path: &str| {
        let file = openat(&folder, path, OFlags::RDONLY, Mode::empty()).ok()?;
        let mut text = String::new();
        File::from(file).read_to_string(&mut text).unwrap();
        Some(text)
    };
    let before = read(MARK)?;
    let set = paths.iter().map(|path| read(path)).collect::<Option<Vec<_>>>();
    (read(MARK)? == before).then(|| set.expect("a file of a complete generation is missing"))
}

/// Reads the files below a folder that is held open all the time: each is there and complete, and never older than
/// before.
fn read_held(live: &Path, paths: &[&str], done: &AtomicBool) -> usize {
    let folder = File::open(live).unwrap();
    let mut last = vec![0; paths.len()];
    let mut changes = 0;
    while !done.load(Ordering::Relaxed) {
        for (path, last) in paths.iter().zip(&mut last) {
            let file = openat(&folder, *path, OFlags::RDONLY, Mode::empty()).unwrap();
            let mut text = String::new();
            File::from(file).read_to_string(&mut text).unwrap();
            let number: usize = text.parse().unwrap_or_else(|_| panic!("half a file: {text:?}"));
            assert!(number >= *last, "{path} is of generation {number}, seen was {last}");
            changes += usize::from(number > *last);
            *last = number;
        }
    }
    changes
}

#[test]
fn a_reader_never_misses_a_file_nor_gets_an_older_one_after_a_newer() {
    const NAMES: [&str; 3] = ["a.txt", "show/b.txt", "show/deep/c.txt"];
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("site");
    let site = Site::open(&live).unwrap();
    let publish = |number: usize| {
        let text = format!("{number}");
        // One more file comes and goes, so that folders change, too.
        let mut draft = Draft::new();
        NAMES.iter().for_each(|name| draft.file(name, text.as_str()).unwrap());
        draft.folder("show/episodes").unwrap();
        draft.file(&format!("show/episodes/{}.html", number / 2), text).unwrap();
        site.publish(&draft).unwrap();
    };
    publish(1);
    let done = AtomicBool::new(false);
    let paths = NAMES.map(|name| live.join(name));
    std::thread::scope(|scope| {
        let by_path = scope.spawn(|| read_numbers(&paths, &done));
        let held = scope.spawn(|| read_held(&live, &NAMES, &done));
        let sets = scope.spawn(|| {
            let mut whole = 0;
            while !done.load(Ordering::Relaxed) {
                let Some(set) = read_set(&live, &NAMES) else { continue };
                assert!(set.iter().all(|text| *text == set[0]), "a mixed set: {set:?}");
                whole += 1;
            }
            whole
        });
        // The readers end even if a publication fails.
        let published =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (2..=200).for_each(publish)));
        done.store(true, Ordering::Relaxed);
        assert!(published.is_ok());
        assert!(by_path.join().unwrap() > 20 && sets.join().unwrap() > 20 && held.join().unwrap() > 20);
    });
}
