//! Rust files as far as these tests need them: the code without comments and texts, and the paths in it.

use std::path::{Path, PathBuf};

/// A file of the checkout.
pub(crate) struct Source {
    /// From the root of the checkout, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of the checkout.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.sort();
    let source = |path: PathBuf| Source {
        text: std::fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
    };
    paths.into_iter().map(source).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, paths),
            false if path.extension().is_some_and(|ending| ending == "rs") => paths.push(path),
            false => {}
        }
    }
}

impl Source {
    /// The module that the file belongs to: `feed` for `src/feed.rs` and for all below `src/feed/`.
    pub(crate) fn module(&self) -> &str {
        let below = self.path.split_once("src/").unwrap().1;
        below.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// The code: comments are gone, texts and characters are empty.
    pub(crate) fn code(&self) -> String {
        code(&self.text)
    }

    /// The code that is compiled into the product: without the tests at the end of the file.
    pub(crate) fn product_code(&self) -> String {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return String::new();
        }
        let code = self.code();
        match code.rfind("#[cfg(test)]").filter(|start| code[*start..].contains("\nmod tests {")) {
            Some(start) => code[..start].to_owned(),
            None => code,
        }
    }
}

/// What follows `prefix` in paths, one name each: `a` and `b` for `use prefix::{a::X, b};` and the like.
pub(crate) fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (start, _) in code.match_indices(prefix) {
        if code[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[start + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(first_names(group)),
            None => names.push(word(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The first name of each member of a group, up to its closing brace.
fn first_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut member) = (1, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        match (depth, c) {
            (1, ',') => names.push(word(std::mem::take(&mut member).trim())),
            _ => member.push(c),
        }
    }
    names.push(word(member.trim()));
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Whether a word stands in the code by itself.
pub(crate) fn has_word(code: &str, wanted: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == wanted)
}

fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let after_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if next == '"' {
            quoted(rest, 1)
        } else if next == 'r' && !after_word && raw_hashes(&rest[1..]).is_some() {
            raw_text(rest)
        } else if next == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped == 0 {
            code.push(next);
        }
        rest = &rest[skipped.max(if skipped == 0 { next.len_utf8() } else { 1 })..];
    }
    code
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..text.len().min(at + 2)] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a text in quotes that begins `from` bytes before.
fn quoted(text: &str, from: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(from) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// How many `#` stand before the quote of a raw text.
fn raw_hashes(after_r: &str) -> Option<usize> {
    let hashes = after_r.bytes().take_while(|byte| *byte == b'#').count();
    after_r[hashes..].starts_with('"').then_some(hashes)
}

fn raw_text(text: &str) -> usize {
    let hashes = raw_hashes(&text[1..]).unwrap_or_default();
    let end = format!("\"{}", "#".repeat(hashes));
    let body = 2 + hashes;
    text[body..].find(&end).map_or(text.len(), |at| body + at + end.len())
}

/// The length of a character; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            // The escaped character itself may be a quote.
            chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(text.len(), |(at, _)| at + 1)
        }
        Some(_) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

#[test]
fn code_is_what_is_left_without_comments_and_texts() {
    let text = "a /* b /* c */ d */ e // f\n\"g \\\" h\" i r#\"j \" k\"# 'l' '\\'' &'m n b\"o\" for\"p\"";
    assert_eq!(code(text), "a  e \n i    &'m n b for");
}

#[test]
fn names_are_found_in_paths_and_groups() {
    let code = "use crate::{\n    a::{b, c},\n    d,\n};\nuse crate::e::F; crate::g::h(); mycrate::i";
    assert_eq!(names_after(code, "crate::"), ["a", "d", "e", "g"]);
}
