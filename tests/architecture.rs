//! The house as ARCHITECTURE.md describes it: which module uses which, and what each may do that no other may.

pub(crate) mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use source::{Source, has_word, names_after, root, sources};

/// From the top to the ground. A module uses only what stands below it.
const LAYERS: [&[&str]; 7] = [
    &["main", "lib"],
    &["cli"],
    &["pipeline"],
    &[
        "feed", "inbox", "download", "torrent", "handover", "prove", "publish", "report", "serve", "notices",
        "store", "config",
    ],
    &["model"],
    &["hash", "http"],
    &["fs", "secret", "units", "error", "clock", "opml"],
];

/// What passes between them is a value of `model`, and it passes through `pipeline` and `store`.
const STAGES: [&str; 10] =
    ["feed", "inbox", "download", "torrent", "handover", "prove", "publish", "report", "serve", "notices"];

const LONGEST_FILE: usize = 500;

/// A row of the table of modules in ARCHITECTURE.md.
#[derive(Debug, Default)]
struct Row {
    uses: BTreeSet<String>,
    /// Names of `podseed_adapters`; `*` for all.
    of_adapters: BTreeSet<String>,
}

/// The table: `| path | what | uses | of podseed_adapters |`, by module.
fn table() -> BTreeMap<String, Row> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
        let path = cells[0].strip_prefix("`src/")?.strip_suffix('`')?;
        let set = |cell: &str| {
            let names = cell.split(',').map(|name| name.trim().trim_matches('`'));
            names.filter(|name| !matches!(*name, "" | "-")).map(str::to_owned).collect()
        };
        let module = path.trim_end_matches('/').trim_end_matches(".rs");
        (cells.len() == 5)
            .then(|| (module.to_owned(), Row { uses: set(cells[2]), of_adapters: set(cells[3]) }))
    });
    rows.collect()
}

/// What a file uses: modules of this package, by `crate::` and by `podseed::`.
fn used_modules(source: &Source, known: &BTreeSet<&str>) -> BTreeSet<String> {
    let code = source.code();
    let mut used = names_after(&code, "crate::");
    if matches!(source.module(), "main") {
        used.extend(names_after(&code, "podseed::"));
    }
    used.into_iter().filter(|name| known.contains(name.as_str()) && name != source.module()).collect()
}

/// The file that a module begins with.
fn file_of(module: &str) -> String {
    let folder = format!("src/{module}/mod.rs");
    if root().join(&folder).exists() { folder } else { format!("src/{module}.rs") }
}

#[test]
fn modules_use_only_what_the_table_of_architecture_md_says_and_all_of_it() {
    let (sources, table) = (sources("src"), table());
    let modules: BTreeSet<&str> = sources.iter().map(Source::module).collect();
    let listed: BTreeSet<&str> = table.keys().map(String::as_str).collect();
    assert_eq!(listed, modules, "the table of ARCHITECTURE.md names other modules than there are in src/");
    let mut wrong = String::new();
    let mut unused: BTreeSet<(String, String)> =
        table.iter().flat_map(|(from, row)| row.uses.iter().map(|to| (from.clone(), to.clone()))).collect();
    for source in &sources {
        for to in used_modules(source, &modules) {
            unused.remove(&(source.module().to_owned(), to.clone()));
            if !table[source.module()].uses.contains(&to) {
                writeln!(wrong, "{} uses {}, which the table does not allow", source.path, file_of(&to))
                    .unwrap();
            }
        }
    }
    for (from, to) in unused {
        writeln!(wrong, "the table lets {} use {}, and it does not", file_of(&from), file_of(&to)).unwrap();
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_table_points_downwards_and_keeps_the_stages_apart() {
    let layer = |module: &str| {
        let found = LAYERS.iter().position(|layer| layer.contains(&module));
        found.unwrap_or_else(|| panic!("src/{module} has no layer in tests/architecture.rs"))
    };
    for (from, row) in table() {
        for to in row.uses {
            assert!(layer(&from) < layer(&to), "{} must not use {}", file_of(&from), file_of(&to));
            let kept_apart = STAGES.contains(&to.as_str()) || to == "store" || to == "config";
            assert!(!(STAGES.contains(&from.as_str()) && kept_apart), "a stage, {from}, must not use {to}");
        }
    }
}

#[test]
fn no_path_leads_out_of_a_module_by_super() {
    for source in sources("src") {
        let folders = source.path.matches('/').count() - usize::from(source.path.ends_with("/mod.rs"));
        let leaves = |code: String, levels: usize| code.contains(&"super::".repeat(levels));
        // The tests inside a file are a module in it, one level deeper.
        let wrong = leaves(source.product_code(), folders) || leaves(source.code(), folders + 1);
        assert!(!wrong, "{}: write crate:: to name another module, so that this test sees it", source.path);
    }
}

#[test]
fn of_the_adapters_each_module_knows_only_what_the_table_says() {
    let table = table();
    let mut unused: BTreeSet<(String, String)> = table
        .iter()
        .flat_map(|(from, row)| row.of_adapters.iter().map(move |name| (from.clone(), name.clone())))
        .collect();
    for source in sources("src") {
        let code = source.code();
        let names = names_after(&code, "podseed_adapters::");
        assert!(
            !names.is_empty() || !has_word(&code, "podseed_adapters"),
            "{}: name what is used of podseed_adapters, so that this test sees it",
            source.path
        );
        let row = &table[source.module()].of_adapters;
        for name in names {
            let allowed = row.contains("*") || row.contains(&name);
            assert!(
                allowed,
                "{} uses {name} of adapters/src/lib.rs, which the table does not allow",
                source.path
            );
            unused.retain(|(from, allowed)| from != source.module() || (*allowed != name && allowed != "*"));
        }
    }
    assert!(unused.is_empty(), "the table allows of podseed_adapters what nobody uses: {unused:?}");
}

#[test]
fn the_adapters_know_nothing_of_podseed_nor_of_one_another() {
    let manifest = std::fs::read_to_string(root().join("adapters/Cargo.toml")).unwrap();
    for package in ["podseed =", "sqlx", "serde_yaml", "rss", "atom_syndication", "clap"] {
        assert!(
            !manifest.lines().any(|line| line.starts_with(package)),
            "adapters/Cargo.toml names {package}"
        );
    }
    let adapters = ["transmission", "qbittorrent", "watch_dir"];
    for source in sources("adapters/src") {
        for name in names_after(&source.product_code(), "crate::") {
            let from = source.module();
            let is_foreign = adapters.contains(&name.as_str()) && name != from;
            assert!(!is_foreign || matches!(from, "config" | "lib"), "{} uses {name}", source.path);
        }
    }
}

#[test]
fn only_the_store_knows_sql() {
    for source in sources("src").iter().filter(|source| source.module() != "store") {
        assert!(!has_word(&source.code(), "sqlx"), "{} names sqlx", source.path);
    }
}

/// What may be had of `std::fs` anywhere: looking, and opening for reading.
const READING: [&str; 9] = [
    "self",
    "File",
    "Metadata",
    "canonicalize",
    "metadata",
    "read",
    "read_dir",
    "read_to_string",
    "symlink_metadata",
];

/// Who changes what is on the disk, besides tests: files, and a folder with all in it.
const WRITERS: [&str; 3] = ["src/fs.rs", "src/fs/", "adapters/src/watch_dir/place.rs"];

#[test]
fn only_fs_and_the_adapters_place_create_change_or_remove_files() {
    for source in sources("src").into_iter().chain(sources("adapters/src")) {
        if WRITERS.iter().any(|writer| source.path.starts_with(writer))
            || source.path.starts_with("adapters/src/testing")
        {
            continue;
        }
        let code = source.product_code();
        let mut names = names_after(&code, "std::fs::");
        names.extend(names_after(&code, "tokio::fs::"));
        if code.contains("use std::fs;") {
            names.extend(names_after(&code, "fs::"));
        }
        names.retain(|name| !READING.contains(&name.as_str()));
        names.extend(
            names_after(&code, "File::")
                .into_iter()
                .filter(|name| name.starts_with("create") || name == "options"),
        );
        let makers = ["OpenOptions", "rustix", "tempfile"];
        // Processes are no files.
        let code = code.replace("rustix::process", "").replace("rustix::io", "");
        names.extend(makers.into_iter().filter(|word| has_word(&code, word)).map(str::to_owned));
        assert!(names.is_empty(), "{} uses {names:?}; files are made by {WRITERS:?} only", source.path);
    }
}

#[test]
fn only_the_command_line_prints() {
    for source in sources("src").into_iter().chain(sources("adapters/src")) {
        if source.module() == "cli" || source.path.starts_with("adapters/src/testing") {
            continue;
        }
        // Those of a program that is run are not ours.
        let code = source.product_code().replace(".stdout(", "").replace(".stderr(", "");
        for word in ["print", "println", "eprint", "eprintln", "dbg", "stdout", "stderr", "indicatif"] {
            assert!(!has_word(&code, word), "{} uses {word}", source.path);
        }
    }
}

#[test]
fn files_are_short_and_only_the_kernels_are_unsafe() {
    for source in sources("src").into_iter().chain(sources("adapters/src")) {
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines, more than {LONGEST_FILE}", source.path);
        let is_kernel = source.path.starts_with("src/hash/lanes");
        assert!(is_kernel || !has_word(&source.code(), "unsafe"), "{} uses unsafe", source.path);
    }
}
