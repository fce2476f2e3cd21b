//! The hook: a program of the user's, run without a shell, with the notice as JSON on its standard input and in
//! variables `PODSEED_*`. It gets nothing else of podseed's environment, which may hold passwords.
//!
//! It runs in a process group of its own, and nothing of that group outlives it: the group is ended with the program,
//! after 60 s, or when this future is dropped.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::net::unix::pipe;

use crate::model::{Notice, NoticedEpisode};

/// How long a hook may run.
const TIME: Duration = Duration::from_secs(60);
/// A pipe of Linux takes so much without a reader, so that writing never waits.
const LONGEST_INPUT: usize = 60 * 1024;
/// What is kept of its output, for the error.
const OUTPUT: usize = 400;

/// What a hook finds around itself.
#[derive(Debug, Clone)]
pub struct Environment<'a> {
    /// Its working directory.
    pub folder: &'a Path,
    /// `PATH`, `HOME` and `LANG`, as far as they are set.
    pub variables: Vec<(&'static str, OsString)>,
    /// How long it may run.
    pub time: Duration,
}

impl<'a> Environment<'a> {
    /// That of this process, reduced to what a program needs to run.
    pub fn of_this_process(folder: &'a Path) -> Self {
        let variables = ["PATH", "HOME", "LANG"].into_iter();
        let variables = variables.filter_map(|name| Some((name, std::env::var_os(name)?))).collect();
        Self { folder, variables, time: TIME }
    }
}

/// Why a hook did not do what it was run for.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It cannot be run.
    #[error("cannot run {program}")]
    Start {
        /// As the configuration names it.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It has ended with another status than 0.
    #[error("{program} ended with {status}{}", said(output))]
    Failed {
        /// As the configuration names it.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        output: String,
    },
    /// It was ended.
    #[error("{program} was ended after {} s", time.as_secs())]
    TooLong {
        /// As the configuration names it.
        program: String,
        /// After so long.
        time: Duration,
    },
}

fn said(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!("; it said: {output}") }
}

/// Runs a program (the first of `command`) with its arguments until it ends.
///
/// # Errors
/// If it cannot be run, takes too long, or ends with another status than 0.
pub async fn run_hook(
    command: &[String],
    notice: &Notice,
    environment: &Environment<'_>,
) -> Result<(), HookError> {
    let program = command.first().cloned().unwrap_or_default();
    let failed = |source| HookError::Start { program: program.clone(), source };
    let (mut group, output) = start(command, notice, environment).map_err(failed)?;
    let mut tail = Tail::default();
    let ended = {
        let ended = group.ended();
        tokio::pin!(ended);
        let timer = tokio::time::sleep(environment.time);
        tokio::pin!(timer);
        loop {
            tokio::select! {
                () = &mut ended => break true,
                () = &mut timer => break false,
                more = tail.read(&output), if !tail.closed => more,
            }
        }
    };
    tail.rest(&output);
    let status = group.end();
    match status {
        _ if !ended => Err(HookError::TooLong { program, time: environment.time }),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(HookError::Failed { program, status, output: tail.text() }),
        Err(error) => Err(failed(error)),
    }
}

fn start(
    command: &[String],
    notice: &Notice,
    environment: &Environment<'_>,
) -> std::io::Result<(Group, pipe::Receiver)> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    let input = serde_json::to_vec(notice)?;
    if input.len() > LONGEST_INPUT {
        return Err(std::io::Error::other("the notice is too long for a pipe"));
    }
    let (reader, writer) = std::io::pipe()?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(environment.folder)
        .env_clear()
        .envs(environment.variables.iter().map(|(name, value)| (name, value)))
        .envs(variables(notice))
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not read it does not need it. Where pipes are made smaller than usual, the end of the group ends it.
        tokio::task::spawn_blocking(move || drop(stdin.write_all(&input)));
    }
    let group = Group { child, over: false };
    Ok((group, pipe::Receiver::from_owned_fd(reader.into())?))
}

/// What of a notice fits into variables; those of the episode, of the only one or the first.
fn variables(notice: &Notice) -> Vec<(&'static str, String)> {
    let episode = notice.episodes.first();
    let of_episode = |value: fn(&NoticedEpisode) -> Option<&String>| episode.and_then(value).cloned();
    let all = [
        ("PODSEED_KIND", Some(notice.kind.to_string())),
        ("PODSEED_TIME", Some(notice.time.to_string())),
        ("PODSEED_SUMMARY", Some(notice.summary.clone())),
        ("PODSEED_SHOW", notice.show.clone()),
        ("PODSEED_SHOW_TITLE", notice.show_title.clone()),
        ("PODSEED_CLIENT", notice.client.clone()),
        ("PODSEED_ERROR", notice.error.clone()),
        ("PODSEED_REMEDY", notice.remedy.clone()),
        ("PODSEED_PAGE", notice.page.clone()),
        ("PODSEED_GUID", of_episode(|episode| episode.guid.as_ref())),
        ("PODSEED_TITLE", of_episode(|episode| Some(&episode.title))),
        ("PODSEED_FILE", of_episode(|episode| episode.file.as_ref())),
        ("PODSEED_TORRENT", of_episode(|episode| episode.torrent.as_ref())),
        (
            "PODSEED_INFO_HASH",
            of_episode(|episode| episode.info_hash.v1.as_ref().or(episode.info_hash.v2.as_ref())),
        ),
        ("PODSEED_MAGNET", of_episode(|episode| episode.magnet.as_ref())),
    ];
    // A variable cannot hold a NUL.
    all.into_iter().filter_map(|(name, value)| Some((name, value?.replace('\0', "")))).collect()
}

/// A running program and its process group.
struct Group {
    child: Child,
    over: bool,
}

impl Group {
    /// Waits until the program has ended. It stays a zombie meanwhile, so that its number is nobody else's.
    fn ended(&self) -> impl Future<Output = ()> + use<> {
        let pid = self.pid();
        let waiting = tokio::task::spawn_blocking(move || {
            let Some(pid) = pid else { return };
            let wait = || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            while matches!(wait(), Err(rustix::io::Errno::INTR)) {}
        });
        async move {
            // If the thread has died the program is ended, and that is seen at once.
            let _ = waiting.await;
        }
    }

    /// Ends what is left of the group, and says how the program itself has ended.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        self.over = true;
        if let Some(pid) = self.pid() {
            // That nobody is left of it is no error.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        self.child.wait()
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.over {
            // Nobody is there to be told.
            let _ = self.end();
        }
    }
}

/// The end of what a program says.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    closed: bool,
}

impl Tail {
    /// Waits for more and takes it.
    async fn read(&mut self, output: &pipe::Receiver) {
        if output.readable().await.is_err() {
            self.closed = true;
            return;
        }
        self.take(output);
    }

    /// Takes what is there.
    fn rest(&mut self, output: &pipe::Receiver) {
        // As much as a pipe holds, and no more: what has left the group may write for ever.
        for _ in 0..16 {
            if self.closed || !self.take(output) {
                return;
            }
        }
    }

    /// Whether there was something.
    fn take(&mut self, output: &pipe::Receiver) -> bool {
        let mut buffer = [0; 4096];
        match output.try_read(&mut buffer) {
            Ok(0) => self.closed = true,
            Ok(length) => {
                self.bytes.extend_from_slice(&buffer[..length]);
                let surplus = self.bytes.len().saturating_sub(OUTPUT);
                self.bytes.drain(..surplus);
                return true;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.closed = true,
        }
        false
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests;
