//! Finding the configuration's files, reading them, and putting what they say together.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};

use super::{Config, Findings, file, finding, places, read, secrets, shows_d, validate};

/// A file larger than this is no configuration.
const MAX_FILE: u64 = 4 << 20;

/// Looks up an environment variable; tests bring their own.
pub type Variables<'a> = dyn Fn(&str) -> Option<String> + 'a;

fn process_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Config {
    /// Reads and validates a configuration file, with the secrets that it names.
    ///
    /// # Errors
    /// Everything that is wrong, at least one error among it. A file that cannot be read is one finding.
    pub fn load(path: &Path) -> Result<Self, Findings> {
        Self::load_with(path, &process_variable)
    }

    /// [`Config::load`] with another environment than the process's.
    pub fn load_with(path: &Path, variables: &Variables<'_>) -> Result<Self, Findings> {
        Self::load_despite(path, variables, &[])
    }

    /// [`Config::load`] for what asks nobody: a secret that cannot be read is no error, and is missing. Who may read
    /// the state need not be able to log in at the clients.
    pub fn load_to_look(path: &Path) -> Result<Self, Findings> {
        Self::load_despite(path, &process_variable, &[secrets::UNREADABLE])
    }

    /// Findings with the ids of `tolerated` do not count.
    fn load_despite(
        path: &Path,
        variables: &Variables<'_>,
        tolerated: &[&'static str],
    ) -> Result<Self, Findings> {
        let mut main = Part::<file::File>::read(path);
        let mut more = shows_d::read(&shows_d::folder(path));
        let written = main.content.take();
        let config = written.and_then(|file| validate::config(file, &mut main, &mut more, variables));
        let mut findings = main.finish();
        more.into_iter().for_each(|part| findings.0.extend(part.finish().0));
        findings.0.retain(|finding| !tolerated.contains(&finding.id));
        match config {
            Some(mut config) if findings.errors() == 0 => {
                config.warnings = findings;
                Ok(config)
            }
            _ => Err(findings),
        }
    }

    /// From where a configuration is read whose file this is: see [`Config::sources`].
    pub fn sources_of(path: &Path) -> Vec<PathBuf> {
        let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = shows_d::folder(&file);
        vec![file, folder]
    }

    /// The configuration file to use: the explicit one, whether it exists or not, else the first that exists of
    /// `$PODSEED_CONFIG` (whether it exists or not), `./podseed.yaml`, `$XDG_CONFIG_HOME/podseed/podseed.yaml`
    /// (or below `~/.config`) and `/etc/podseed/podseed.yaml`.
    ///
    /// # Errors
    /// The places that were looked at, when there is none.
    pub fn find(explicit: Option<&Path>) -> Result<PathBuf, Vec<PathBuf>> {
        Self::find_with(explicit, &process_variable)
    }

    fn find_with(explicit: Option<&Path>, variables: &Variables<'_>) -> Result<PathBuf, Vec<PathBuf>> {
        let named = explicit.map(Path::to_owned).or_else(|| variables("PODSEED_CONFIG").map(PathBuf::from));
        if let Some(named) = named {
            return Ok(named);
        }
        let places = usual_places(variables);
        places.iter().find(|place| place.exists()).cloned().ok_or(places)
    }
}

fn usual_places(variables: &Variables<'_>) -> Vec<PathBuf> {
    let home = || variables("HOME").map(|home| Path::new(&home).join(".config"));
    let user = variables("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    let folders = [Some(".".into()), user.map(|folder| folder.join("podseed")), Some("/etc/podseed".into())];
    folders.into_iter().flatten().map(|folder: PathBuf| folder.join("podseed.yaml")).collect()
}

/// One file of the configuration, with what is found in it.
pub(super) struct Part<T> {
    pub(super) path: PathBuf,
    /// `None` if nothing more can be said of it than its findings.
    pub(super) content: Option<T>,
    /// What stands in it; empty if it cannot be read.
    pub(super) text: String,
    pub(super) findings: finding::Collector,
}

impl<T: serde::de::DeserializeOwned> Part<T> {
    pub(super) fn read(path: &Path) -> Self {
        let mut findings = finding::Collector::new(path);
        let (text, content) = match read_file(path) {
            Ok(text) => {
                let content = read::read(&text, &mut findings);
                (text, content)
            }
            Err((text, hint)) => {
                findings.error("config.unreadable", &finding::KeyPath::default(), text, hint);
                (String::new(), None)
            }
        };
        Self { path: path.to_owned(), content, text, findings }
    }
}

impl<T> Part<T> {
    /// The findings with their lines.
    pub(super) fn finish(self) -> Findings {
        let places = LazyCell::new(|| places::Places::of(&self.text));
        self.findings.finish(|at| places.line(at))
    }

    /// The folder from which relative paths in it start.
    pub(super) fn base(&self) -> PathBuf {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        path.parent().unwrap_or(Path::new("/")).to_owned()
    }
}

/// The text of the file, or what is wrong with it and a hint.
fn read_file(path: &Path) -> Result<String, (String, &'static str)> {
    use std::io::Read as _;

    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(("there is no such file".to_owned(), "`podseed config example > podseed.yaml` makes one"))
        }
        Err(error) => Err((format!("cannot be read: {error}"), "podseed needs a readable file here")),
        Ok(size) if size as u64 > MAX_FILE => {
            Err(("is larger than 4 MiB".to_owned(), "name a configuration file"))
        }
        Ok(_) => String::from_utf8(bytes)
            .map_err(|_| ("is not UTF-8 text".to_owned(), "save it as UTF-8 in your editor")),
    }
}

// What a configuration may hold is tested from outside, in `tests/config.rs`.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_file_comes_first_and_need_not_exist() {
        let variables = |name: &str| (name == "PODSEED_CONFIG").then(|| "/from/environment".to_owned());
        assert_eq!(Config::find_with(Some(Path::new("/named")), &variables), Ok("/named".into()));
        assert_eq!(Config::find_with(None, &variables), Ok("/from/environment".into()));
    }

    #[test]
    fn the_usual_places_are_those_of_the_folder_the_user_and_the_machine() {
        let home = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        let expected =
            ["./podseed.yaml", "/home/me/.config/podseed/podseed.yaml", "/etc/podseed/podseed.yaml"];
        assert_eq!(usual_places(&home), expected.map(PathBuf::from));
        let xdg = |name: &str| (name == "XDG_CONFIG_HOME").then(|| "/xdg".to_owned());
        assert_eq!(usual_places(&xdg)[1], Path::new("/xdg/podseed/podseed.yaml"));
    }
}
