//! `shows.d`: the folder beside the configuration with more shows, a file for one or several of them. Programs write
//! here; what a person has written is never changed by one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use url::Url;

use super::Part;
use super::file::ShowsFile;
use super::finding::{Collector, KeyPath};

/// More files than this are no configuration.
const MOST_FILES: usize = 100_000;

/// The folder that belongs to a configuration file.
pub(super) fn folder(config: &Path) -> PathBuf {
    config.with_file_name("shows.d")
}

/// Reads every file of the folder, in the order of their names. A folder that is not there has none; one that cannot
/// be read is a finding.
pub(super) fn read(folder: &Path) -> Vec<Part<ShowsFile>> {
    match files(folder) {
        Ok(files) if files.len() > MOST_FILES => {
            vec![unreadable(folder, format!("holds more than {MOST_FILES} files"))]
        }
        Ok(files) => files.iter().map(|path| Part::read(path)).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => vec![unreadable(folder, format!("cannot be read: {error}"))],
    }
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // A link that leads nowhere stays: that is a mistake to be told of.
        let is_other = std::fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file());
        if is_config(&path) && !is_other {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            break;
        }
    }
    files.sort();
    Ok(files)
}

/// Not what editors leave beside a file: `.radio.yaml.swp`, `radio.yaml~`, `#radio.yaml#`, `.#radio.yaml`.
fn is_config(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with(['.', '#']) && (name.ends_with(".yaml") || name.ends_with(".yml"))
}

fn unreadable(folder: &Path, text: String) -> Part<ShowsFile> {
    let mut findings = Collector::new(folder);
    let hint = "podseed needs a readable folder here, or none";
    findings.error("config.unreadable", &KeyPath::default(), text, hint);
    Part { path: folder.to_owned(), content: None, text: String::new(), findings }
}

/// A show for a file of its own.
#[derive(Debug, Clone)]
pub struct NewShow {
    /// Its slug, and the file's name before `.yaml`.
    pub slug: String,
    /// For the comment at the beginning.
    pub title: String,
    /// Where its feed is.
    pub feed: Url,
    /// Only so many of the newest episodes; `None`: all.
    pub latest: Option<u32>,
    /// On what ground it is published.
    pub permission: Option<String>,
}

/// The file of one show, with a comment for who opens it. `by` is the command that writes it.
pub fn show_file(show: &NewShow, by: &str, date: Date) -> String {
    // Writing to memory cannot fail.
    let mut text = String::new();
    let _ = writeln!(text, "# {}", comment(&show.title, &show.slug));
    let _ =
        writeln!(text, "# Written by `podseed shows` ({by}) on {date}; from now on it is yours to change.");
    let _ = writeln!(text, "shows:\n  {}:\n    feed: {}", quoted(&show.slug), quoted(show.feed.as_str()));
    if let Some(latest) = show.latest {
        let _ = writeln!(text, "    episodes: {{latest: {latest}}}");
    }
    if let Some(permission) = &show.permission {
        let _ = writeln!(text, "    permission: {}", quoted(permission));
    }
    text
}

/// Words that stay in one comment: YAML ends lines at more characters than one thinks, and refuses some.
fn comment(title: &str, or: &str) -> String {
    let may_stand = |c: &char| {
        !matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
            && !matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let words = title.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    let line: String = words.collect::<Vec<_>>().join(" ").chars().filter(may_stand).take(200).collect();
    if line.is_empty() { or.to_owned() } else { line }
}

/// As it is where it is surely a text, else in double quotes, which YAML reads as JSON does.
fn quoted(text: &str) -> String {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && !matches!(text, "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null");
    if is_word {
        return text.to_owned();
    }
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test lays out its own files")]
mod tests {
    use super::*;

    #[test]
    fn a_written_show_is_read_as_it_was_meant() {
        let folder = tempfile::tempdir().unwrap();
        for (slug, title) in [
            ("radio", "A show\nshows: {}\u{2028}evil: 1\u{85}: x\u{feff}"),
            ("null", ""),
            ("99", "# \u{0} \u{1b}"),
            ("0x10", "ü🎙"),
            ("1e3", "\"'"),
        ] {
            let new = NewShow {
                slug: slug.to_owned(),
                title: title.to_owned(),
                feed: "https://example.org/feed?a=1&b=#x".parse().unwrap(),
                latest: Some(20),
                permission: Some("by: \"him\" # ü \\".to_owned()),
            };
            let text = show_file(&new, "add", jiff::civil::date(2026, 11, 22));
            let path = folder.path().join("a.yaml");
            std::fs::write(&path, &text).unwrap();
            let part: Part<ShowsFile> = Part::read(&path);
            let shows = part.content.as_ref().and_then(|content| content.shows.as_ref());
            let shows = shows.unwrap_or_else(|| panic!("{text}"));
            assert_eq!(shows.keys().collect::<Vec<_>>(), [slug], "{text}");
            let show = shows[slug].as_ref().unwrap();
            assert_eq!(show.feed.as_deref(), Some(new.feed.as_str()));
            assert_eq!(show.permission, new.permission);
            assert_eq!(part.finish().0, [], "{text}");
        }
    }

    #[test]
    fn what_editors_leave_is_no_configuration() {
        for (name, is) in [
            ("radio.yaml", true),
            ("radio.yml", true),
            ("radio.yaml~", false),
            (".radio.yaml.swp", false),
            (".#radio.yaml", false),
            ("#radio.yaml#", false),
            ("README", false),
        ] {
            assert_eq!(is_config(&Path::new("/etc/podseed/shows.d").join(name)), is, "{name}");
        }
    }
}
