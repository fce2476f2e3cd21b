//! A user's world: a folder with a configuration, a publisher's server, and podseed run as a program.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::Origin;

/// One item of a feed that a test publishes.
pub(crate) struct Item<'a> {
    pub(crate) guid: &'a str,
    pub(crate) title: &'a str,
    /// The path at the origin, or a whole URL.
    pub(crate) enclosure: &'a str,
}

/// See the module.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) origin: Origin,
}

/// What a run of the program has left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as the JSON document that it is.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}\n{}", self.stdout, self.stderr))
    }
}

impl World {
    /// With one show `show` at `/feed.xml`, and what else the configuration is to hold.
    pub(crate) async fn new(more: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), origin: Origin::start().await };
        world.configure(more);
        world
    }

    /// Writes the configuration anew. Sources are compared only where `more` has settings for torrents: most tests
    /// count what a publisher is asked for.
    pub(crate) fn configure(&self, more: &str) {
        let feed = self.origin.url("/feed.xml");
        let quiet = if more.contains("torrent:") { "" } else { "torrent: {web_seeds: never}\n" };
        let config = format!("data_dir: data\nshows:\n  show: {{feed: \"{feed}\"}}\n{more}\n{quiet}");
        std::fs::write(self.path("podseed.yaml"), config).unwrap();
    }

    /// Publishes a feed, the newest item first, a day between two.
    pub(crate) fn publish(&self, items: &[Item<'_>]) {
        self.publish_with("", items);
    }

    /// The same, with more elements of the channel: `podcast:` and `itunes:` are declared.
    pub(crate) fn publish_with(&self, channel: &str, items: &[Item<'_>]) {
        self.publish_feed(channel, items, 1);
    }

    /// The same, with this length claimed for each enclosure.
    pub(crate) fn publish_with_length(&self, items: &[Item<'_>], length: u64) {
        self.publish_feed("", items, length);
    }

    fn publish_feed(&self, channel: &str, items: &[Item<'_>], length: u64) {
        let mut feed = format!(
            "<rss version=\"2.0\" xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" \
             xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\"><channel><title>A show</title>{channel}\n"
        );
        for (index, item) in items.iter().enumerate() {
            let url = match item.enclosure.starts_with('/') {
                true => self.origin.url(item.enclosure).to_string(),
                false => item.enclosure.to_owned(),
            };
            let day = 28 - index;
            writeln!(
                feed,
                "<item><title>{}</title><guid isPermaLink=\"false\">{}</guid>\
                 <pubDate>{day:02} Feb 2026 10:00:00 +0000</pubDate>\
                 <link>https://show.invalid/{}</link>\
                 <enclosure url=\"{}\" type=\"audio/mpeg\" length=\"{length}\"/></item>",
                item.title,
                item.guid,
                item.guid,
                url.replace('&', "&amp;")
            )
            .unwrap();
        }
        feed.push_str("</channel></rss>\n");
        self.origin.file("/feed.xml", feed);
    }

    /// A path in the world's folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The program with these arguments, in the world's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podseed"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn podseed(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).output().unwrap())
    }

    /// `podseed run --json`, which must end with this status.
    pub(crate) fn run(&self, code: i32) -> Value {
        let ran = self.podseed(&["run", "--json"]);
        assert_eq!(ran.code, code, "{}\n{}", ran.stdout, ran.stderr);
        ran.json()
    }

    /// `podseed status --json`.
    pub(crate) fn status(&self) -> Value {
        let ran = self.podseed(&["status", "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.json()
    }

    /// The enclosures in the status, the newest first.
    pub(crate) fn enclosures(&self) -> Vec<Value> {
        let status = self.status();
        let episodes =
            status["shows"].as_array().unwrap().iter().flat_map(|show| show["episodes"].as_array().unwrap());
        episodes.flat_map(|episode| episode["enclosures"].as_array().unwrap().clone()).collect()
    }

    /// Starts `podseed run` and gives it with its lines of standard error as they come.
    pub(crate) fn start(&self) -> (Child, impl Iterator<Item = String> + use<>) {
        let mut child = self.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        (child, lines)
    }

    /// Checks every torrent of the data folder against its data with podseed's own verifier, and that nothing
    /// temporary is left. Gives their number.
    pub(crate) fn check_torrents(&self) -> usize {
        let torrents = files_below(&self.path("data/torrents"));
        for torrent in &torrents {
            let media = self.path("data/media/show").join(torrent.file_stem().unwrap());
            let ran =
                self.podseed(&["torrent", "verify", torrent.to_str().unwrap(), media.to_str().unwrap()]);
            assert_eq!(ran.code, 0, "{}: {}{}", torrent.display(), ran.stdout, ran.stderr);
        }
        let left: Vec<_> = files_below(&self.path("data"))
            .into_iter()
            .filter(|path| path.components().any(|part| part.as_os_str() == ".partial"))
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        torrents.len()
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// All files below a folder; none if it is not there.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}
