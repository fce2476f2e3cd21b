//! `shows.d`: shows in files of their own, and mistakes in them.

use std::path::Path;

use super::Folder;

const MAIN: &str = "
data_dir: data
shows:
  radio: {feed: https://example.org/radio.xml}
clients:
  nas: {transmission: {url: \"http://nas:9091\"}}
";

fn folder(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new(MAIN);
    std::fs::create_dir(folder.0.path().join("shows.d")).unwrap();
    for (name, text) in files {
        folder.write(&format!("shows.d/{name}"), text.as_bytes());
    }
    folder
}

/// What is wrong, with paths as they stand in the folder.
fn wrong(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let text = folder.load().unwrap_err().to_string();
    text.replace(&format!("{}/", folder.0.path().display()), "")
}

#[test]
fn shows_of_all_files_are_one_list_and_know_their_file() {
    let folder = folder(&[
        (
            "b.yaml",
            "shows:\n  beta: {feed: local.xml, episodes: {latest: 3}}\n  alpha: {feed: https://example.org/a}\n",
        ),
        ("empty.yml", "# nothing yet\n"),
    ]);
    folder.write("shows.d/local.xml", b"<rss/>");
    for editors in ["b.yaml~", ".b.yaml.swp", "#b.yaml#", ".#b.yaml", "README"] {
        folder.write(&format!("shows.d/{editors}"), b"{ not: yaml");
    }
    std::fs::create_dir(folder.0.path().join("shows.d/folder.yaml")).unwrap();
    let config = folder.load().unwrap();
    let shows: Vec<_> = config
        .shows
        .iter()
        .map(|show| (show.slug.as_str(), show.source.strip_prefix(folder.0.path()).unwrap()))
        .collect();
    let (main, more) = (Path::new("podseed.yaml"), Path::new("shows.d/b.yaml"));
    assert_eq!(shows, [("alpha", more), ("beta", more), ("radio", main)]);
    assert_eq!(config.shows[1].clients, ["nas"]);
    assert_eq!(config.shows[1].feed.to_string(), folder.0.path().join("shows.d/local.xml").to_string_lossy());
    assert_eq!(config.sources, [folder.0.path().join("podseed.yaml"), folder.0.path().join("shows.d")]);
}

#[test]
fn mistakes_of_all_files_are_told_together_each_with_its_own_line() {
    let text = wrong(&[
        ("a.yaml", "shows:\n  one:\n    feed: https://example.org/1\n    episodes: {latst: 3}\n"),
        ("b.yaml", "data_dir: elsewhere\nshows:\n  radio: {feed: https://example.org/2}\n"),
        (
            "c.yaml",
            "shows:\n\n  three: {feed: https://example.org/radio.xml}\n  four: {feed: https://example.org/3, clients: [nass]}\n",
        ),
        ("d.yaml", "shows: {five: {feed: [}}\n"),
    ]);
    insta::assert_snapshot!(text, @r"
    shows.d/a.yaml:4: shows.one.episodes.latst: unknown key
      hint: did you mean `latest`?
    shows.d/b.yaml:1: data_dir: unknown key
      hint: known here: shows
    shows.d/b.yaml:3: shows.radio: `shows.radio` stands in podseed.yaml, too
      hint: remove or rename one of them
    shows.d/c.yaml:3: shows.three.feed: `shows.radio` (podseed.yaml) has the same feed
      hint: remove one of them
    shows.d/c.yaml:4: shows.four.clients[0]: there is no client `nass`
      hint: known: nas
    shows.d/d.yaml:1: while parsing a node, did not find expected node content
      hint: look at the indentation of this line and the one above; a text with `: `, ` #`, a leading `*`, `&`, `{` or `[` needs quotes
    ");
}

#[test]
fn a_link_that_leads_nowhere_is_told_of() {
    let folder = folder(&[]);
    std::os::unix::fs::symlink("gone", folder.0.path().join("shows.d/a.yaml")).unwrap();
    let text = folder.load().unwrap_err().to_string();
    assert!(text.contains("shows.d/a.yaml: there is no such file"), "{text}");
}
