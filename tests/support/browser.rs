//! A real Chromium (through Python's selenium), for what only a browser can tell of a page.
//!
//! A test that needs it fails where it is not installed: it would prove nothing without.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const MISSING: &str = "this test needs chromium, chromedriver, and /usr/bin/python3 with selenium and html5lib (Debian: \
                       chromium chromium-driver python3-selenium python3-html5lib); tests/run installs them";

/// One Python process with one browser at a time; see `browser.py`.
pub(crate) struct Browser {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// How a reader's browser is set up.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) scheme: &'static str,
    pub(crate) width: u32,
    pub(crate) scripts: bool,
}

impl Reader {
    pub(crate) const DESK: Self = Self { scheme: "light", width: 1200, scripts: true };
    pub(crate) const NIGHT: Self = Self { scheme: "dark", ..Self::DESK };
    /// The narrowest that WCAG 2.2 asks for (1.4.10).
    pub(crate) const PHONE: Self = Self { width: 320, ..Self::DESK };
    pub(crate) const NO_SCRIPTS: Self = Self { scripts: false, ..Self::DESK };
}

impl Browser {
    /// Starts the process, and a browser in it.
    pub(crate) fn start(reader: Reader) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/browser.py");
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect(MISSING);
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut browser = Self { process, questions, answers };
        browser.restart(reader);
        browser
    }

    /// A new browser that knows nothing of the former.
    pub(crate) fn restart(&mut self, reader: Reader) {
        let Reader { scheme, width, scripts } = reader;
        self.ask(json!({"ask": "start", "scheme": scheme, "width": width, "scripts": scripts}));
    }

    fn ask(&mut self, question: Value) -> Value {
        writeln!(self.questions.as_mut().unwrap(), "{question}").expect(MISSING);
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect(MISSING);
        let answer: Value = serde_json::from_str(&answer).expect(MISSING);
        assert_eq!(answer.get("error"), None, "{question}");
        answer
    }

    /// Serves a folder on loopback; gives its address, which ends with `/`.
    pub(crate) fn serve(&mut self, folder: &Path) -> String {
        self.ask(json!({"ask": "serve", "folder": folder}))["address"].as_str().unwrap().to_owned()
    }

    /// Opens a page. It must have said nothing on the console, and asked for nothing outside of this origin.
    pub(crate) fn open(&mut self, origin: &str, page: &str) {
        let seen = self.visit(origin, page);
        assert_quiet(&seen, origin, page);
    }

    /// Opens a page; gives all that it asked for as `requests`, and its warnings and errors as `console`.
    pub(crate) fn visit(&mut self, origin: &str, page: &str) -> Value {
        self.ask(json!({"ask": "open", "address": format!("{origin}{page}")}))
    }

    /// Whether the page has been as quiet since it was opened.
    pub(crate) fn assert_still_quiet(&mut self, origin: &str, page: &str) {
        let seen = self.ask(json!({"ask": "logs"}));
        assert_quiet(&seen, origin, page);
    }

    /// What a piece of JavaScript returns.
    pub(crate) fn run(&mut self, script: &str) -> Value {
        self.ask(json!({"ask": "run", "script": script}))["value"].clone()
    }

    /// Sends keys to what has the focus: `Tab`, `Enter` and the like, or text.
    pub(crate) fn keys(&mut self, keys: &[&str]) {
        self.ask(json!({"ask": "keys", "keys": keys}));
    }

    /// Pastes what was copied to where the focus is.
    pub(crate) fn paste(&mut self) {
        self.ask(json!({"ask": "keys", "keys": ["v"], "control": true}));
    }

    /// What axe-core finds to be wrong with the page: rule, impact, help and place.
    pub(crate) fn axe(&mut self) -> Vec<Value> {
        let answer = self.ask(json!({"ask": "axe", "axe": axe_core()}));
        assert!(answer["rules"].as_u64().unwrap() > 20, "axe-core looked at nothing: {answer}");
        answer["violations"].as_array().unwrap().clone()
    }

    /// Saves the page as `target/pages/NAME.png`, for people to look at.
    pub(crate) fn screenshot(&mut self, name: &str) {
        let folder = target().join("pages");
        std::fs::create_dir_all(&folder).unwrap();
        self.ask(json!({"ask": "screenshot", "file": folder.join(format!("{name}.png"))}));
    }

    /// What html5lib, which reads as the HTML standard says, finds to be wrong with a file.
    pub(crate) fn html_errors(&mut self, file: &Path) -> Vec<Value> {
        self.ask(json!({"ask": "html5", "file": file}))["errors"].as_array().unwrap().clone()
    }
}

fn assert_quiet(seen: &Value, origin: &str, page: &str) {
    assert_eq!(seen["console"], json!([]), "{page} says something on the console");
    for request in seen["requests"].as_array().unwrap() {
        assert!(request.as_str().unwrap().starts_with(origin), "{page} asks for {request}");
    }
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

/// The file that tests/run fetches.
fn axe_core() -> PathBuf {
    let file = target().join("axe/axe.min.js");
    assert!(file.is_file(), "{} is not there: run tests/run, which fetches axe-core", file.display());
    file
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The end of its input is the end of the process, which ends the browser.
        self.questions = None;
        let _ = self.process.wait();
    }
}
