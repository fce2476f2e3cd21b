//! The documents say what is so: paths, functions, commands, configurations and the recipe are looked up.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use podseed::config::{Config, Findings};
use podseed::model::TorrentVersion;
use podseed::torrent::{MetainfoRequest, hash_file, make};

use crate::architecture::source::{root, sources};

const DOCUMENTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/publishing.md",
    "docs/daemon.md",
    "examples/seedbox/README.md",
];

fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// What stands between backticks outside of fenced blocks, with the number of its line.
fn quoted(text: &str) -> Vec<(usize, String)> {
    let mut quoted = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let words = line.split('`').skip(1).step_by(2);
            quoted.extend(words.map(|word| (number, word.to_owned())));
        }
    }
    quoted
}

/// The content of fenced blocks in this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let (mut blocks, mut open) = (Vec::new(), None);
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(opened), None) => open = Some((opened == language, String::new())),
            (Some(_), Some(_)) => {
                let (wanted, block) = open.take().unwrap();
                blocks.extend(wanted.then_some(block));
            }
            (None, Some((_, block))) => writeln!(block, "{line}").unwrap(),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

#[test]
fn every_path_in_the_documents_exists() {
    let folders = ["src/", "adapters/", "templates/", "tests/", "examples/", "docs/", ".ci/"];
    let mut count = 0;
    for name in DOCUMENTS {
        let text = document(name);
        let mut paths = quoted(&text);
        let words = blocks(&text, "sh").concat();
        paths.extend(words.split_whitespace().map(|word| (0, word.to_owned())));
        let here = root().join(name);
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if !target.starts_with("http") {
                let is_there = here.with_file_name(target).is_file();
                assert!(is_there, "{name} links to {target}, which is not there");
            }
        }
        for (line, path) in paths {
            // Of a command, its first word.
            let path = path.split(' ').next().unwrap_or_default();
            if folders.iter().any(|folder| path.starts_with(folder)) {
                assert!(root().join(path).exists(), "{name}:{line} names {path}, which is not there");
                count += 1;
            }
        }
    }
    assert!(count > 40, "only {count} paths were found: does this test still see them?");
}

/// The Rust text of a module: `feed` is `src/feed/`, `podseed_adapters` is `adapters/src/`.
fn texts_of(module: &str) -> Vec<String> {
    let (folder, module) = match module {
        "podseed_adapters" => ("adapters/src", None),
        module => ("src", Some(module)),
    };
    let belongs = |found: &str| module.is_none_or(|module| module == found);
    sources(folder)
        .into_iter()
        .filter(|source| belongs(source.module()))
        .map(|source| source.code())
        .collect()
}

fn is_defined(name: &str, code: &str) -> bool {
    ["fn", "struct", "enum", "trait", "mod", "const", "type"].iter().any(|kind| {
        code.match_indices(&format!("{kind} {name}")).any(|(at, found)| {
            let after = code[at + found.len()..].chars().next().unwrap_or(' ');
            !after.is_alphanumeric() && after != '_'
        })
    })
}

/// Names as `module::function`, `module::Type` and `module::Type::function`.
fn is_name(text: &str) -> bool {
    text.contains("::")
        && !text.starts_with("crate")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

#[test]
fn every_function_and_type_in_the_documents_is_defined_in_its_module() {
    let mut count = 0;
    for name in DOCUMENTS {
        for (line, path) in quoted(&document(name)).into_iter().filter(|(_, word)| is_name(word)) {
            let mut parts = path.split("::");
            let texts = texts_of(parts.next().unwrap());
            assert!(!texts.is_empty(), "{name}:{line} names {path}, and there is no such module");
            for part in parts {
                // A file is a module, too, but not declared where it is named.
                let found = texts.iter().any(|text| is_defined(part, text));
                assert!(found, "{name}:{line} names {path}, and its module defines no {part}");
                count += 1;
            }
        }
    }
    assert!(count > 40, "only {count} names were found: does this test still see them?");
}

#[test]
fn constants_named_with_their_file_are_in_it() {
    for name in DOCUMENTS {
        for line in document(name).lines() {
            let words: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
            for pair in words.windows(2) {
                let is_constant =
                    pair[0].len() > 3 && pair[0].chars().all(|c| c.is_ascii_uppercase() || c == '_');
                if is_constant
                    && pair[1].starts_with("src/")
                    && line.contains(&format!("`{}` in `{}`", pair[0], pair[1]))
                {
                    let text = std::fs::read_to_string(root().join(pair[1])).unwrap();
                    assert!(
                        text.contains(&format!("const {}:", pair[0])),
                        "{name}: no {} in {}",
                        pair[0],
                        pair[1]
                    );
                }
            }
        }
    }
}

/// What the program says about a command; `None` if it does not know it.
fn help(command: &[&str]) -> Option<String> {
    let ran = Command::new(env!("CARGO_BIN_EXE_podseed")).args(command).arg("--help").output().unwrap();
    ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap())
}

/// The words of a command without its arguments and options: `torrent create` of `torrent create PATH`.
fn command_words(text: &str) -> Vec<&str> {
    let is_command = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    let mut words: Vec<&str> = text.split_whitespace().take_while(is_command).collect();
    words.truncate(match words.first() {
        Some(&"torrent" | &"config" | &"shows") => 2,
        _ => 1,
    });
    words
}

fn options(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "`,;|()".contains(c));
    words
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.len() > 2 && word.starts_with("--"))
        .collect()
}

#[test]
fn every_command_and_option_in_the_documents_is_one_of_the_program() {
    let everywhere = help(&[]).unwrap();
    let mut known = BTreeSet::new();
    for name in DOCUMENTS {
        let mut fenced = false;
        for line in document(name).lines() {
            if line.starts_with("```") {
                fenced = !fenced;
                continue;
            }
            let quotes: Vec<&str> = match fenced {
                true => line.strip_prefix("$ ").into_iter().collect(),
                false => line.split('`').skip(1).step_by(2).collect(),
            };
            let mut helps = everywhere.clone();
            for command in quotes.iter().filter_map(|quote| quote.strip_prefix("podseed ")) {
                let words = command_words(command);
                assert!(!words.is_empty(), "{name} has a command without a name: {command}");
                let said =
                    help(&words).unwrap_or_else(|| panic!("{name} names an unknown command: {command}"));
                helps.push_str(&said);
                known.insert(words.join(" "));
            }
            // Other programs have options of their own.
            let of_others = |quote: &&&str| quote.starts_with("cargo") || quote.starts_with("benches/");
            for option in quotes.iter().filter(|quote| !of_others(quote)).flat_map(|quote| options(quote)) {
                assert!(options(&helps).contains(option), "{name} names the option {option}: {line}");
            }
        }
    }
    for command in ["run", "status", "why", "check", "retry", "forget", "feed", "torrent create"] {
        assert!(known.contains(command), "no document names podseed {command}");
    }
}

#[test]
fn every_command_that_a_message_names_is_one_of_the_program() {
    let mut named = BTreeSet::new();
    for source in sources("src").into_iter().chain(sources("adapters/src")) {
        for line in source.text.lines() {
            let quotes = line.split('`').filter_map(|quote| quote.strip_prefix("podseed "));
            named.extend(
                quotes.map(|command| command_words(command).join(" ")).filter(|words| !words.is_empty()),
            );
        }
    }
    assert!(named.len() > 10, "only these were found: {named:?}");
    for command in named {
        let words: Vec<&str> = command.split(' ').collect();
        assert!(help(&words).is_some(), "podseed {command} is named in src/, and there is none");
    }
}

#[test]
fn the_configurations_of_the_documents_load_without_findings() {
    let mut blocks = blocks(&document("README.md"), "yaml");
    assert_eq!(
        blocks.len(),
        6,
        "one for each client, one that publishes, one of own files, and one with what is kept"
    );
    blocks.extend(self::blocks(&document("docs/publishing.md"), "yaml"));
    blocks.extend(self::blocks(&document("docs/daemon.md"), "yaml"));
    let variables = |name: &str| match name {
        "HOME" => Some("/home/me".to_owned()),
        name if name.ends_with("_PASSWORD") || name.ends_with("_TOKEN") => Some("secret".to_owned()),
        _ => None,
    };
    let folder = tempfile::tempdir().unwrap();
    for block in blocks {
        let path = folder.path().join("podseed.yaml");
        std::fs::write(&path, &block).unwrap();
        let config =
            Config::load_with(&path, &variables).unwrap_or_else(|findings| panic!("{block}\n{findings}"));
        assert_eq!(config.warnings, Findings::default(), "{block}");
        let shows = config.shows.len() + config.inbox.len();
        // A file of `shows.d` has shows and nothing else.
        let clients =
            usize::from(block.lines().any(|line| !line.starts_with([' ', '#']) && line != "shows:"));
        assert_eq!((shows, config.clients.len()), (1, clients), "{block}");
        assert!(block.lines().count() <= 10, "more than ten lines:\n{block}");
    }
}

#[test]
fn the_lines_for_nginx_are_those_of_the_example() {
    let example = document("examples/publish-a-show/nginx.conf");
    let known: BTreeSet<&str> = example.lines().map(str::trim).collect();
    let blocks = blocks(&document("docs/publishing.md"), "nginx");
    assert_eq!(blocks.len(), 1);
    for line in blocks[0].lines().map(str::trim) {
        assert!(known.contains(line), "the example, which is tested, has no line \"{line}\"");
    }
}

#[test]
fn the_recipe_makes_the_info_hash_that_architecture_md_gives() {
    let file = Path::new("examples/quickstart/rising.mp3");
    let hashes = hash_file(&root().join(file), TorrentVersion::V1, None).unwrap();
    let torrent = make(&MetainfoRequest::new("rising.mp3", hashes));
    let info_hash = torrent.info_hash.v1().unwrap().to_string();
    let text = document("ARCHITECTURE.md");
    let given = text.split('`').filter(|word| word.len() == 40 && !word.contains(" ")).collect::<Vec<_>>();
    assert_eq!(given, [info_hash]);
    assert!(text.contains(&format!("`{}`", file.display())));
}
