//! Real programs, run as hooks.

use std::path::PathBuf;

use super::*;
use crate::model::{NoticeKind, NoticedHash};

fn notice(title: &str) -> Notice {
    Notice {
        kind: NoticeKind::Seeding,
        time: jiff::Timestamp::UNIX_EPOCH,
        summary: format!("Show: \"{title}\" is seeding"),
        show: Some("show".to_owned()),
        show_title: Some("Show".to_owned()),
        client: None,
        error: None,
        remedy: None,
        page: None,
        count: 1,
        episodes: vec![NoticedEpisode {
            guid: Some("g1".to_owned()),
            title: title.to_owned(),
            file: Some("/srv/media/show/a.mp3".to_owned()),
            torrent: None,
            info_hash: NoticedHash::default(),
            magnet: None,
            error: None,
        }],
    }
}

/// A folder for a hook, and a way to run a script in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn run(&self, script: &str, title: &str, time: Duration) -> Result<(), HookError> {
        let environment = Environment { time, ..Environment::of_this_process(self.0.path()) };
        let command = ["sh", "-c", script].map(str::to_owned);
        run_hook(&command, &notice(title), &environment).await
    }
}

#[tokio::test]
async fn a_hook_gets_json_and_variables_and_nothing_else_of_the_environment() {
    let place = Place::new();
    let hostile = "$(touch pwned) `id` '; \" \u{0} ü\n--";
    place.run("cat > input; env > environment", hostile, TIME).await.unwrap();
    let input: Notice = serde_json::from_slice(&std::fs::read(place.path("input")).unwrap()).unwrap();
    assert_eq!(input, notice(hostile));
    let environment = std::fs::read_to_string(place.path("environment")).unwrap();
    assert!(environment.contains("PODSEED_TITLE=$(touch pwned) `id` '; \"  ü\n--"), "{environment}");
    let names: Vec<_> =
        environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let known = |name: &&str| {
        name.starts_with("PODSEED_") || ["PATH", "HOME", "LANG", "PWD", "_", "SHLVL", "OLDPWD"].contains(name)
    };
    assert!(names.iter().all(known), "{names:?}");
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")), "there is something to keep away");
    assert!(!place.path("pwned").exists());
}

#[tokio::test]
async fn a_hook_that_fails_is_quoted_and_one_that_is_not_there_is_named() {
    let place = Place::new();
    let error = place.run("echo no such\n echo room >&2; exit 7", "a", TIME).await.unwrap_err();
    assert_eq!(error.to_string(), "sh ended with exit status: 7; it said: no such room");
    let command = ["/no/such/hook".to_owned()];
    let environment = Environment::of_this_process(place.0.path());
    let error = run_hook(&command, &notice("a"), &environment).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot run /no/such/hook");
}

#[tokio::test]
async fn output_without_end_and_input_that_nobody_reads_hold_nothing_up() {
    let place = Place::new();
    place.run("exec <&-; head -c 3000000 /dev/zero", "a", TIME).await.unwrap();
}

/// Waits until a process is gone, by the sign that it has no entry or is only to be reaped.
async fn gone(pid: &str) {
    let stat = format!("/proc/{}/stat", pid.trim());
    let began = std::time::Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "process {pid} is still there");
        match std::fs::read_to_string(&stat) {
            Ok(stat) if !stat.contains(") Z ") => tokio::task::yield_now().await,
            _ => return,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_is_ended_with_all_that_it_has_started() {
    let place = Place::new();
    let hangs = place.run("echo $$ > parent; sleep 1000 & echo $! > child; sleep 1000", "a", TIME);
    tokio::pin!(hangs);
    while !std::fs::read_to_string(place.path("child")).is_ok_and(|pid| pid.ends_with('\n')) {
        assert!(futures_util::poll!(&mut hangs).is_pending());
        tokio::task::yield_now().await;
    }
    tokio::time::advance(TIME).await;
    let error = hangs.await.unwrap_err();
    assert_eq!(error.to_string(), "sh was ended after 60 s");
    for name in ["child", "parent"] {
        gone(&std::fs::read_to_string(place.path(name)).unwrap()).await;
    }
}

#[tokio::test]
async fn what_a_hook_leaves_running_is_ended_with_it() {
    let place = Place::new();
    place.run("sleep 1000 & echo $! > child", "a", TIME).await.unwrap();
    gone(&std::fs::read_to_string(place.path("child")).unwrap()).await;
}

#[tokio::test]
async fn who_escapes_with_the_pipes_open_holds_nothing_up() {
    let place = Place::new();
    place
        .run("setsid sh -c 'echo $$ > child; exec sleep 20' & while [ ! -s child ]; do :; done", "a", TIME)
        .await
        .unwrap();
    let child = std::fs::read_to_string(place.path("child")).unwrap();
    let pid = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_hook_that_nobody_waits_for_any_more_is_ended() {
    let place = Place::new();
    {
        let running = place.run("echo $$ > parent; exec sleep 1000", "a", TIME);
        tokio::pin!(running);
        while !std::fs::read_to_string(place.path("parent")).is_ok_and(|pid| pid.ends_with('\n')) {
            assert!(futures_util::poll!(&mut running).is_pending());
            tokio::task::yield_now().await;
        }
    }
    gone(&std::fs::read_to_string(place.path("parent")).unwrap()).await;
}
