//! Tests of [`super`].
#![expect(clippy::disallowed_methods, reason = "tests lay out files for the module under test")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use tempfile::{TempDir, tempdir};

use super::*;

/// A folder with a site in it, and what the site is to hold.
pub(super) struct Stage {
    pub(super) folder: TempDir,
    pub(super) expected: BTreeMap<String, Vec<u8>>,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self { folder: tempdir().unwrap(), expected: BTreeMap::new() }
    }

    /// With two shows, published.
    pub(super) fn published() -> Self {
        let mut stage = Self::new();
        stage.publish(&[
            ("index.html", "1"),
            ("a/index.html", "1"),
            ("a/by-guid/x.json", "1"),
            ("b/index.html", "1"),
        ]);
        stage
    }

    pub(super) fn live(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.live().join(path)
    }

    pub(super) fn site(&self) -> Site {
        Site::open(&self.live()).unwrap()
    }

    pub(super) fn publish(&mut self, files: &[(&str, &str)]) -> Written {
        for (path, text) in files {
            self.expected.insert((*path).to_owned(), text.as_bytes().to_vec());
        }
        self.site().publish(&draft(files)).unwrap()
    }

    /// The live tree holds what is expected, and the twin the very same files; nothing else is beside them.
    pub(super) fn check(&self) {
        assert_eq!(tree(&self.live()), self.expected);
        for file in tree::files_below(&self.live()).unwrap() {
            let twin = self.folder.path().join(".site.twin").join(&file);
            assert!(
                crate::fs::same_file(&self.live().join(&file), &twin),
                "{} is not shared",
                file.display()
            );
        }
        let twins = tree::files_below(&self.folder.path().join(".site.twin")).unwrap();
        assert_eq!(twins.len(), self.expected.len() + 1, "{twins:?}");
        let mut beside: Vec<_> =
            tree::entries(self.folder.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        beside.sort();
        assert_eq!(beside, [Path::new(".site.twin"), Path::new("site")]);
    }
}

pub(super) fn draft(files: &[(&str, &str)]) -> Draft {
    let mut draft = Draft::new();
    for (path, text) in files {
        draft.file(path, *text).unwrap();
    }
    draft
}

/// All files but the mark.
pub(super) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = tree::files_below(folder).unwrap();
    let files = files.into_iter().filter(|file| file != Path::new(MARK));
    files.map(|file| (file.to_str().unwrap().to_owned(), fs::read(folder.join(file)).unwrap())).collect()
}

fn identity(path: &Path) -> (u64, i64, i64) {
    let found = fs::metadata(path).unwrap();
    (found.ino(), found.mtime(), found.mtime_nsec())
}

#[test]
fn what_is_published_is_there_and_can_be_read_by_a_web_server() {
    let stage = Stage::published();
    stage.check();
    assert_eq!(stage.site().read("a/index.html").unwrap().unwrap(), b"1");
    assert_eq!(stage.site().read("a/none").unwrap(), None);
    assert_eq!(stage.site().read("index.html/below").unwrap(), None);
    assert_eq!(stage.site().generation().unwrap(), 1);
    for (path, mode) in
        [("", 0o755), ("a", 0o755), ("a/by-guid", 0o755), ("a/index.html", 0o644), (MARK, 0o644)]
    {
        assert_eq!(fs::metadata(stage.path(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
}

#[test]
fn only_what_has_changed_is_written() {
    let mut stage = Stage::published();
    let before: Vec<_> = ["index.html", "b/index.html"].map(|path| identity(&stage.path(path))).into();
    let written = stage.publish(&[("index.html", "1"), ("a/index.html", "2"), ("a/by-guid/y.json", "2")]);
    assert_eq!(written, Written { written: 2, unchanged: 1, ..Written::default() });
    assert_eq!(before, ["index.html", "b/index.html"].map(|path| identity(&stage.path(path))));
    stage.check();
}

#[test]
fn nothing_is_done_where_nothing_has_changed() {
    let mut stage = Stage::published();
    let before = identity(&stage.live());
    assert!(!stage.publish(&[("index.html", "1")]).is_changed());
    assert_eq!(stage.site().publish(&Draft::new()).unwrap(), Written::default());
    assert_eq!((identity(&stage.live()), stage.site().generation().unwrap()), (before, 1));

    let nowhere = Stage::new();
    assert_eq!(nowhere.site().publish(&Draft::new()).unwrap(), Written::default());
    assert_eq!(fs::read_dir(nowhere.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_holds_exactly_what_a_draft_gives_it() {
    let mut stage = Stage::published();
    stage.publish(&[("a/by-guid/y.json", "1"), ("a/by-guid/deep/z.json", "1")]);
    let mut draft = draft(&[("a/by-guid/y.json", "1")]);
    draft.folder("a/by-guid").unwrap();
    draft.file("a/by-guid/n.json", "2").unwrap();
    let written = stage.site().publish(&draft).unwrap();
    assert_eq!(written, Written { written: 1, removed: 2, unchanged: 1, ..Written::default() });
    for gone in ["a/by-guid/x.json", "a/by-guid/deep/z.json"] {
        stage.expected.remove(gone);
    }
    stage.expected.insert("a/by-guid/n.json".to_owned(), b"2".to_vec());
    stage.check();
    assert!(!stage.path("a/by-guid/deep").exists());
}

#[test]
fn what_is_removed_is_gone_with_its_empty_folders() {
    let mut stage = Stage::published();
    let mut draft = draft(&[("a/late.html", "never published")]);
    draft.remove("a").unwrap();
    draft.remove("none").unwrap();
    draft.file("b/new.html", "2").unwrap();
    let written = stage.site().publish(&draft).unwrap();
    assert_eq!((written.written, written.removed), (1, 2));
    stage.expected.retain(|path, _| !path.starts_with("a/"));
    stage.expected.insert("b/new.html".to_owned(), b"2".to_vec());
    stage.check();
    assert!(!stage.path("a").exists());
    let entries = stage.site().mark().unwrap().unwrap().entries;
    assert_eq!(entries.into_iter().collect::<Vec<_>>(), ["b", "index.html"]);
}

#[test]
fn a_file_can_be_read_as_a_draft_will_have_it() {
    let stage = Stage::published();
    let mut draft = draft(&[("index.html", "2"), ("a/new.html", "2")]);
    draft.remove("b").unwrap();
    for (path, text) in [
        ("index.html", Some("2")),
        ("a/new.html", Some("2")),
        ("a/index.html", Some("1")),
        ("b/index.html", None),
    ] {
        let read = stage.site().read_with(&draft, path).unwrap();
        assert_eq!(read.as_deref(), text.map(str::as_bytes), "{path}");
    }
}

#[test]
fn a_file_becomes_a_folder_and_a_folder_a_file() {
    let mut stage = Stage::published();
    let mut draft = draft(&[("index.html/now/a.html", "2"), ("a", "2")]);
    draft.remove("b").unwrap();
    stage.site().publish(&draft).unwrap();
    stage.expected = BTreeMap::from([("a", "2"), ("index.html/now/a.html", "2")])
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
        .collect();
    stage.check();
}

#[test]
fn what_is_shared_is_linked_where_everybody_may_read_it_and_else_copied() {
    let mut stage = Stage::published();
    let source = tempdir().unwrap();
    let torrents = ["open.torrent", "closed.torrent"];
    let mut draft = Draft::new();
    for (name, mode) in torrents.into_iter().zip([0o644, 0o600]) {
        let torrent = source.path().join(name);
        fs::write(&torrent, name).unwrap();
        fs::set_permissions(&torrent, fs::Permissions::from_mode(mode)).unwrap();
        draft.share(&format!("a/torrents/{name}"), &torrent).unwrap();
        stage.expected.insert(format!("a/torrents/{name}"), name.as_bytes().to_vec());
    }
    assert_eq!(stage.site().publish(&draft).unwrap(), Written { linked: 2, ..Written::default() });
    let is_linked =
        |name| crate::fs::same_file(&source.path().join(name), &stage.path(&format!("a/torrents/{name}")));
    assert_eq!(torrents.map(is_linked), [true, false]);
    let mode = fs::metadata(stage.path("a/torrents/closed.torrent")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o644, "the web server cannot read it");
    assert_eq!(stage.site().publish(&draft).unwrap().unchanged, 2);
    stage.check();

    // Another file takes its place, and the one that readers have open stays as it was.
    let torrent = source.path().join("open.torrent");
    fs::remove_file(&torrent).unwrap();
    fs::write(&torrent, "another").unwrap();
    assert_eq!(
        stage.site().publish(&draft).unwrap(),
        Written { linked: 1, unchanged: 1, ..Written::default() }
    );
    assert_eq!(fs::read(stage.path("a/torrents/open.torrent")).unwrap(), b"another");
}

#[test]
fn what_one_show_costs_does_not_depend_on_how_many_others_there_are() {
    let steps = |shows: usize| {
        let stage = Stage::new();
        let mut all = Draft::new();
        for show in 0..shows {
            all.file(&format!("show-{show}/index.html"), "1").unwrap();
        }
        stage.site().publish(&all).unwrap();
        let mut steps = 0;
        let mut count = || {
            steps += 1;
            Ok(())
        };
        stage.site().publish_by_steps(&draft(&[("show-1/index.html", "2")]), &mut count).unwrap();
        let others =
            (0..shows).filter(|show| *show != 1).map(|show| stage.path(&format!("show-{show}/index.html")));
        assert!(others.into_iter().all(|other| fs::read(other).unwrap() == b"1"));
        steps
    };
    assert_eq!(steps(3), steps(300));
}

#[test]
fn a_media_file_is_linked_and_a_torrent_copied() {
    let mut stage = Stage::published();
    let source = tempdir().unwrap();
    let media = source.path().join("a.mp3");
    fs::write(&media, "sound").unwrap();
    let mut draft = Draft::new();
    draft.link("a/media/a.mp3", &media).unwrap();
    draft.copy("a/torrents/a.mp3.torrent", &media).unwrap();
    let written = stage.site().publish(&draft).unwrap();
    assert_eq!(written, Written { written: 1, linked: 1, ..Written::default() });
    assert!(crate::fs::same_file(&media, &stage.path("a/media/a.mp3")));
    assert!(!crate::fs::same_file(&media, &stage.path("a/torrents/a.mp3.torrent")));
    assert_eq!(stage.site().publish(&draft).unwrap().unchanged, 2);
    for path in ["a/media/a.mp3", "a/torrents/a.mp3.torrent"] {
        stage.expected.insert(path.to_owned(), b"sound".to_vec());
    }
    stage.check();

    // The same bytes under another date are the same, others are not.
    let copy = stage.path("a/torrents/a.mp3.torrent");
    let before = identity(&copy);
    fs::write(&media, "sound").unwrap();
    assert_eq!((stage.site().publish(&draft).unwrap().unchanged, identity(&copy)), (2, before));
    fs::remove_file(&media).unwrap();
    fs::write(&media, "noise").unwrap();
    let written = stage.site().publish(&draft).unwrap();
    assert_eq!((written.written, written.linked), (1, 1));
    assert_eq!(fs::read(copy).unwrap(), b"noise");
}

#[test]
fn a_source_that_is_missing_or_elsewhere_is_named_and_the_site_stays() {
    let stage = Stage::published();
    let shared_memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let far = shared_memory.path().join("far.mp3");
    fs::write(&far, "sound").unwrap();
    let near = stage.folder.path().parent().unwrap().join("no-such-file.mp3");
    for (source, wanted) in [(&far, "both have to lie in one file system"), (&near, "no-such-file.mp3")] {
        let mut draft = draft(&[("a/index.html", "2")]);
        draft.link("b/media/x.mp3", source).unwrap();
        let error = stage.site().publish(&draft).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(tree(&stage.live()), stage.expected);
    }
    // What could not be finished is in nobody's way.
    let mut stage = stage;
    stage.publish(&[("a/index.html", "3")]);
    stage.check();
}

#[test]
fn a_site_that_was_removed_or_moved_is_built_from_the_beginning_or_goes_on() {
    let mut stage = Stage::published();
    fs::remove_dir_all(stage.live()).unwrap();
    assert_eq!(stage.site().generation().unwrap(), 0);
    stage.expected.clear();
    stage.publish(&[("new.html", "2")]);
    stage.check();

    let other = tempdir().unwrap();
    fs::rename(stage.live(), other.path().join("site")).unwrap();
    stage.folder = other;
    stage.publish(&[("new.html", "3")]);
    stage.check();
}

#[test]
fn the_users_files_survive_and_are_never_overwritten() {
    let mut stage = Stage::published();
    fs::write(stage.path("favicon.ico"), "icon").unwrap();
    // What a crash has left while it was carried over is not his.
    fs::write(stage.path(".favicon.ico.podseed-tmp"), "ic").unwrap();
    stage.publish(&[("a/index.html", "1b")]);
    fs::write(stage.path("robots.txt"), "his own").unwrap();
    fs::create_dir_all(stage.path(".well-known/acme-challenge")).unwrap();
    fs::write(stage.path(".well-known/acme-challenge/token"), "t1").unwrap();
    symlink("favicon.ico", stage.path("icon")).unwrap();
    let users = [
        ("favicon.ico", "icon"),
        ("robots.txt", "his own"),
        (".well-known/acme-challenge/token", "t1"),
        ("icon", "icon"),
    ];
    for (path, text) in users {
        stage.expected.insert(path.to_owned(), text.as_bytes().to_vec());
    }
    for round in ["2", "3", "4"] {
        let mut draft =
            draft(&[("robots.txt", "ours"), (".well-known/x.json", "ours"), ("a/index.html", round)]);
        draft.remove("favicon.ico").unwrap();
        let written = stage.site().publish(&draft).unwrap();
        let kept: Vec<_> = written.kept.iter().map(SitePath::as_str).collect();
        assert_eq!(
            (kept, written.written, written.removed),
            (vec![".well-known/x.json", "robots.txt"], 1, 0)
        );
        stage.expected.insert("a/index.html".to_owned(), round.into());
        stage.check();
    }
    assert!(fs::symlink_metadata(stage.path("icon")).unwrap().is_symlink());

    // He changes his mind.
    fs::remove_file(stage.path("robots.txt")).unwrap();
    fs::remove_dir_all(stage.path(".well-known")).unwrap();
    fs::remove_file(stage.path("favicon.ico")).unwrap();
    fs::write(stage.path("favicon.ico"), "another icon").unwrap();
    stage.expected.retain(|path, _| !path.starts_with(".well-known"));
    for path in ["favicon.ico", "icon"] {
        stage.expected.insert(path.to_owned(), b"another icon".to_vec());
    }
    stage.publish(&[("robots.txt", "ours")]);
    stage.check();
}

#[test]
fn a_link_in_our_folders_leads_nobody_out_of_the_site() {
    let mut stage = Stage::published();
    let elsewhere = tempdir().unwrap();
    fs::write(elsewhere.path().join("index.html"), "elsewhere").unwrap();
    fs::remove_dir_all(stage.path("a")).unwrap();
    symlink(elsewhere.path(), stage.path("a")).unwrap();
    assert_eq!(stage.site().read("a/index.html").unwrap(), None);
    stage.publish(&[("a/index.html", "2"), ("a/by-guid/x.json", "2")]);
    stage.check();
    assert_eq!(fs::read(elsewhere.path().join("index.html")).unwrap(), b"elsewhere");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_of_somebody_else_is_refused_with_a_remedy() {
    let stage = Stage::new();
    fs::create_dir(stage.live()).unwrap();
    Site::open(&stage.live()).unwrap();
    fs::write(stage.path("thesis.odt"), "").unwrap();
    let error = Site::open(&stage.live()).unwrap_err();
    assert!(
        matches!(error, Error::NotOurs { .. }) && error.to_string().contains("publish.site_dir"),
        "{error}"
    );

    fs::write(stage.path(MARK), r#"{"format": 2, "generation": 1, "entries": []}"#).unwrap();
    let error = Site::open(&stage.live()).unwrap_err();
    assert!(matches!(error, Error::Mark { .. }) && error.to_string().contains("newer podseed"), "{error}");

    let file = stage.folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Site::open(&file), Err(Error::NotOurs { .. })));
    let dangling = stage.folder.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    assert!(matches!(Site::open(&dangling), Err(Error::NotOurs { .. })));
}

#[test]
fn a_place_where_nothing_can_be_exchanged_is_refused_with_a_remedy() {
    for mount in ["/", "/dev/shm"] {
        let error = Site::open(Path::new(mount)).unwrap_err();
        assert!(matches!(error, Error::MountPoint { .. }) && error.to_string().contains("www"), "{error}");
    }
    let site = Site::open(Path::new("/sys/podseed-site")).unwrap();
    let error = site.publish(&draft(&[("index.html", "1")])).unwrap_err();
    assert!(
        matches!(error, Error::Parent { .. }) && error.to_string().contains("may not write in /sys"),
        "{error}"
    );
}

#[test]
fn a_link_to_the_sites_folder_stays_and_is_followed() {
    let mut stage = Stage::published();
    let link = stage.folder.path().parent().unwrap().join(format!("link-{}", std::process::id()));
    symlink(stage.live(), &link).unwrap();
    let published = Site::open(&link).unwrap().publish(&draft(&[("index.html", "2")]));
    let text = fs::read(link.join("index.html"));
    fs::remove_file(link).unwrap();
    assert_eq!((published.unwrap().written, text.unwrap()), (1, b"2".to_vec()));
    stage.expected.insert("index.html".to_owned(), b"2".to_vec());
    stage.check();
}

#[test]
fn mode_and_owner_that_the_user_gave_the_folder_stay() {
    let mut stage = Stage::published();
    for round in ["2", "3"] {
        fs::set_permissions(stage.live(), fs::Permissions::from_mode(0o2750)).unwrap();
        stage.publish(&[("index.html", round)]);
        assert_eq!(fs::metadata(stage.live()).unwrap().permissions().mode() & 0o7777, 0o2750);
    }
}
