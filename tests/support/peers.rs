//! Other programs that make and read torrents: libtorrent (through Python) and mktorrent.
//!
//! A test that needs one of them fails where it is not installed: it would prove nothing without.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// One Python process with libtorrent 2.0, for any number of questions; see `peers.py`.
pub(crate) struct Libtorrent {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Libtorrent {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/peers.py");
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs /usr/bin/python3 with libtorrent 2.0 (Debian: python3-libtorrent)");
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, questions, answers }
    }

    /// Asks one question. An answer with `error` is libtorrent's refusal.
    pub(crate) fn ask(&mut self, question: &Value) -> Value {
        const MISSING: &str = "libtorrent does not answer; is python3-libtorrent (2.0) installed?";
        writeln!(self.questions.as_mut().unwrap(), "{question}").expect(MISSING);
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect(MISSING);
        serde_json::from_str(&answer).expect(MISSING)
    }

    /// The info hashes of the torrent that libtorrent makes of a file (no `files`) or folder.
    pub(crate) fn make(&mut self, path: &Path, files: &[String], version: &str, piece_length: u64) -> Value {
        self.ask(&json!({
            "ask": "make", "path": path, "files": files, "version": version, "piece_length": piece_length,
        }))
    }

    /// Downloads a torrent into a folder, as a stranger would: from the peer on this port of 127.0.0.1, or from those
    /// that the torrent's tracker names.
    pub(crate) fn leech(&mut self, torrent: &Path, port: Option<u16>, into: &Path) {
        self.leech_as(torrent, port, into, false);
    }

    /// The same; then it stays until a tracker knows that it is complete.
    pub(crate) fn leech_and_tell(&mut self, torrent: &Path, port: u16, into: &Path) {
        self.leech_as(torrent, Some(port), into, true);
    }

    fn leech_as(&mut self, torrent: &Path, port: Option<u16>, into: &Path, tell: bool) {
        let answer = self.ask(&json!({
            "ask": "leech", "torrent": torrent, "save_path": into, "port": port, "seconds": 60, "tell": tell,
        }));
        assert_eq!(answer["complete"], true, "the stranger got nothing of {}: {answer}", torrent.display());
    }
}

impl Drop for Libtorrent {
    fn drop(&mut self) {
        // The end of its input is the end of the process.
        self.questions = None;
        let _ = self.process.wait();
    }
}

/// Lets mktorrent 1.1 make `torrent` of `path`.
pub(crate) fn mktorrent(path: &Path, torrent: &Path, piece_length: u64, options: &[&str]) {
    let output = Command::new("mktorrent")
        .args(["-d", "-a", "http://tracker.invalid/announce", "-l", &piece_length.ilog2().to_string(), "-o"])
        .arg(torrent)
        .args(options)
        .arg(path)
        .output()
        .expect("this test needs mktorrent (Debian: mktorrent)");
    assert!(output.status.success(), "mktorrent: {}", String::from_utf8_lossy(&output.stderr));
}
