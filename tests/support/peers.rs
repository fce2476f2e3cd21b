//! Other programs that make and read torrents: libtorrent (through Python) and mktorrent.
//!
//! A test that needs one of them fails where it is not installed: it would prove nothing without.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

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
        self.try_ask(question).unwrap_or_else(|ended| {
            panic!("libtorrent ends without an answer ({ended}); is python3-libtorrent (2.0) installed? {question}")
        })
    }

    /// Asks one question; how the process has ended, if it has.
    fn try_ask(&mut self, question: &Value) -> Result<Value, ExitStatus> {
        let sent = writeln!(self.questions.as_mut().unwrap(), "{question}");
        let mut answer = String::new();
        if sent.is_err() || self.answers.read_line(&mut answer).unwrap() == 0 {
            return Err(self.process.wait().unwrap());
        }
        Ok(serde_json::from_str(&answer).unwrap())
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

    #[expect(
        clippy::print_stderr,
        reason = "a process of another's that dies is not to be passed over in silence"
    )]
    fn leech_as(&mut self, torrent: &Path, port: Option<u16>, into: &Path, tell: bool) {
        let question = json!({
            "ask": "leech", "torrent": torrent, "save_path": into, "port": port, "seconds": 60, "tell": tell,
        });
        // This process has died once in some thousand downloads. Whether there is something to get is what is asked
        // here: a second stranger tells.
        let answer = self.try_ask(&question).unwrap_or_else(|ended| {
            eprintln!("libtorrent ends without an answer ({ended}): once more");
            *self = Self::start();
            self.ask(&question)
        });
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
