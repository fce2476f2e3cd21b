//! `shows.d`: the folder beside the configuration with more shows, a file for one or several of them. Programs write
//! here; what a person has written is never changed by one.

use std::path::{Path, PathBuf};

use super::Part;
use super::file::ShowsFile;
use super::finding::{Collector, KeyPath};
use super::places::Places;

/// More files than this are no configuration.
const MOST_FILES: usize = 10_000;

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
    Part { path: folder.to_owned(), content: None, places: Places::default(), findings }
}

#[cfg(test)]
mod tests {
    use super::*;

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
