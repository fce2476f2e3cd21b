//! File names as people read them: as a title, and in their order.

use std::path::Path;

/// The longest title of a file name; names are shorter.
const LONGEST: usize = 255;

/// The name of a file as a title: without its extension, `_` and `-` between words as spaces.
pub(super) fn readable(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let has_spaces = stem.contains(' ');
    // Where there are spaces, other signs are meant.
    let separate = |c: char| match c {
        '_' => ' ',
        '-' | '.' if !has_spaces => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    let spaced: String = stem.chars().take(LONGEST).map(separate).collect();
    match spaced.split_whitespace().collect::<Vec<_>>().join(" ") {
        empty if empty.is_empty() => stem.into_owned(),
        title => title,
    }
}

/// A part of a name: a number counts as such.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Number(u64, usize),
    Text(String),
}

/// What names are sorted by, so that `2` comes before `10`.
pub(super) fn natural(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 {
            parts.push(Part::Number(rest[..digits].parse().unwrap_or(u64::MAX), digits));
        }
        rest = &rest[digits..];
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        if text > 0 {
            parts.push(Part::Text(rest[..text].to_lowercase()));
        }
        rest = &rest[text..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_made_readable() {
        for (name, title) in [
            ("folge_012-Der_Anfang.mp3", "folge 012 Der Anfang"),
            ("01 - Der Anfang, Teil 1.5.mp3", "01 - Der Anfang, Teil 1.5"),
            ("s01e02.the.pilot.m4a", "s01e02 the pilot"),
            ("___.mp3", "___"),
        ] {
            assert_eq!(readable(Path::new(name)), title);
        }
    }

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["e10", "e2", "E1", "e01b", "a"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["a", "E1", "e01b", "e2", "e10"]);
    }
}
