//! Tests of [`super`]: what is left of a publication that does not come to its end.
#![expect(clippy::disallowed_methods, reason = "tests lay out files for the module under test")]

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::tempdir;

use super::*;
use crate::publish::site::tests::{Stage, draft, tree as files_of};

#[test]
fn killed_between_any_two_steps_the_live_site_is_whole_and_the_next_publication_right() {
    let changed: &[(&str, &str)] = &[("index.html", "2"), ("a/index.html", "2"), ("c/index.html", "2")];
    let mut second = draft(changed);
    second.remove("b").unwrap();
    let mut steps = 0;
    for first in [true, false] {
        for killed_after in 0.. {
            let mut stage = if first { Stage::new() } else { Stage::published() };
            let before = stage.expected.clone();
            let mut left = killed_after;
            let died = stage.site().publish_by_steps(&second, &mut || match left {
                0 => Err(Error::NotOurs { path: "killed".into() }),
                _ => {
                    left -= 1;
                    Ok(())
                }
            });
            for (path, text) in changed {
                stage.expected.insert((*path).to_owned(), text.as_bytes().to_vec());
            }
            stage.expected.retain(|path, _| !path.starts_with("b/"));
            // All or nothing.
            let found = files_of(&stage.live());
            assert!(found == before || found == stage.expected, "after {killed_after} steps: {found:?}");
            assert!(died.is_err() || found == stage.expected, "after {killed_after} steps");

            stage.site().publish(&second).unwrap();
            stage.publish(&[("d/index.html", "3")]);
            stage.check();
            if left > 0 {
                steps += killed_after;
                break;
            }
        }
    }
    assert!(steps > 20, "only {steps} places to stop at");
}

#[test]
fn what_a_crash_has_left_in_the_twin_is_never_published() {
    let mut stage = Stage::published();
    let twin = stage.folder.path().join(".site.twin");
    fs::remove_file(twin.join(MARK)).unwrap();
    fs::remove_file(twin.join("a/index.html")).unwrap();
    fs::remove_dir_all(twin.join("b")).unwrap();
    fs::write(twin.join("b"), "half").unwrap();
    fs::write(twin.join("a/.index.html.podseed-tmp"), "half").unwrap();
    fs::create_dir(twin.join("index.html.d")).unwrap();
    stage.publish(&[("a/index.html", "2")]);
    stage.check();

    // A mark of its own, be it word for word the same, is not the live tree's.
    let mark = fs::read(twin.join(MARK)).unwrap();
    fs::remove_dir_all(&twin).unwrap();
    fs::create_dir(&twin).unwrap();
    fs::write(twin.join(MARK), mark).unwrap();
    stage.publish(&[("a/index.html", "3")]);
    stage.check();

    // Nor is anything written where a link in its place leads.
    let elsewhere = tempdir().unwrap();
    fs::remove_dir_all(&twin).unwrap();
    symlink(elsewhere.path(), &twin).unwrap();
    stage.publish(&[("a/index.html", "4")]);
    stage.check();
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn what_the_user_adds_while_a_site_is_being_built_is_not_lost() {
    let mut stage = Stage::published();
    let mut step = 0;
    let written = stage.site().publish_by_steps(&draft(&[("a/index.html", "2")]), &mut || {
        // In each of the trees that is live in its time.
        let name = format!("late-{step}");
        fs::write(stage.live().join(&name), "late").unwrap();
        step += 1;
        Ok(())
    });
    assert_eq!(written.unwrap().written, 1);
    stage.expected.insert("a/index.html".to_owned(), b"2".to_vec());
    for step in 0..step {
        stage.expected.insert(format!("late-{step}"), b"late".to_vec());
    }
    assert!(step > 5);
    assert_eq!(files_of(&stage.live()), stage.expected);
    stage.publish(&[("a/index.html", "3")]);
    stage.check();
}

#[test]
fn a_publication_does_not_walk_over_what_it_does_not_change() {
    let mut stage = Stage::published();
    // No walk gets past this.
    let trap =
        std::iter::repeat_n("d", tree::MAX_DEPTH + 1).fold(stage.path("b"), |path, step| path.join(step));
    fs::create_dir_all(trap).unwrap();
    stage.publish(&[("a/index.html", "2"), ("c/index.html", "2")]);

    let trapped = stage.site();
    trapped.publish(&draft(&[("a/index.html", "3")])).unwrap();
    trapped.recheck().unwrap();
    let error = trapped.publish(&draft(&[("a/index.html", "4")])).unwrap_err();
    assert!(
        std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("too deeply")),
        "{error}"
    );
}

#[test]
fn what_somebody_has_done_by_hand_is_the_same_in_both_trees_again() {
    let mut stage = Stage::published();
    fs::remove_dir_all(stage.path("b")).unwrap();
    stage.expected.remove("b/index.html");
    stage.publish(&[("index.html", "2")]);
    stage.check();

    fs::remove_file(stage.path("a/by-guid/x.json")).unwrap();
    stage.expected.remove("a/by-guid/x.json");
    stage.site().recheck().unwrap();
    stage.publish(&[("index.html", "3")]);
    stage.check();
}
