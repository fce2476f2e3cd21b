//! Starts one program in its own process group and temporary folder, waits until it answers, and ends it.
//!
//! Never leaves a process behind: dropping a [`Daemon`] kills its whole group.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// How long a program may take to answer its first question. Usually well below two seconds.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to save its state and end.
const STOP_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);

/// A program, its folder and, while it runs, its process.
pub(super) struct Daemon {
    program: &'static str,
    arguments: Vec<OsString>,
    child: Option<Child>,
    home: TempDir,
}

impl Daemon {
    /// Nothing runs yet: `start` does that, as often as wanted.
    pub(super) fn new(program: &'static str, home: TempDir, arguments: Vec<OsString>) -> Self {
        Self { program, arguments, child: None, home }
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs the program until `ready` says so, and fails with the end of its output if that never happens.
    pub(super) fn start(&mut self, ready: impl Fn() -> bool) -> io::Result<()> {
        self.stop();
        let log = std::fs::File::options().create(true).append(true).open(self.log())?;
        let child = located(self.program)
            .args(&self.arguments)
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.home())
            .env("TERM", "xterm")
            .env_remove("http_proxy")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("cannot start {}: {error}", self.program))
            })?;
        let child = self.child.insert(child);
        let deadline = Instant::now() + START_LIMIT;
        while child.try_wait()?.is_none() && Instant::now() < deadline {
            if ready() {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        self.signal(Signal::KILL);
        Err(io::Error::other(format!("{} did not start: {}", self.program, self.output())))
    }

    /// Asks the program to end, as the system does at shutdown, and insists after a while.
    pub(super) fn stop(&mut self) {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + STOP_LIMIT;
        while let Some(child) = &mut self.child
            && matches!(child.try_wait(), Ok(None))
            && Instant::now() < deadline
        {
            std::thread::sleep(POLL);
        }
        self.kill();
    }

    /// Ends the program without a chance to save anything.
    pub(super) fn kill(&mut self) {
        self.signal(Signal::KILL);
        if let Some(mut child) = self.child.take() {
            // Reaps it; that it is gone already is what we want.
            let _ = child.wait();
        }
    }

    /// Sends a signal to the program and all that it has started.
    pub(super) fn signal(&self, signal: Signal) {
        let group = self.child.as_ref().and_then(|child| Pid::from_raw(child.id().cast_signed()));
        if let Some(group) = group {
            // The group may have ended by itself.
            let _ = kill_process_group(group, signal);
        }
    }

    fn log(&self) -> PathBuf {
        self.home().join("output.log")
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program from `PATH`, or from the unpacked Debian root in `PODSEED_CLIENTS_ROOT`.
fn located(program: &'static str) -> Command {
    let root = std::env::var_os("PODSEED_CLIENTS_ROOT").map(PathBuf::from);
    let Some(root) = root.filter(|root| root.join("usr/bin").join(program).exists()) else {
        return Command::new(program);
    };
    let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
    let libraries = root.join("usr/lib").join(triplet);
    let mut search = OsString::from(&libraries);
    search.push(":");
    // libpxbackend, which Qt's network part wants, lives in a folder of its own.
    search.push(libraries.join("libproxy"));
    let mut command = Command::new(loader(&root));
    command.arg("--library-path").arg(search).arg(root.join("usr/bin").join(program));
    command.env("QT_PLUGIN_PATH", libraries.join("qt6/plugins"));
    command
}

fn loader(root: &Path) -> PathBuf {
    match std::env::consts::ARCH {
        "aarch64" => root.join("usr/lib/ld-linux-aarch64.so.1"),
        _ => root.join("usr/lib64/ld-linux-x86-64.so.2"),
    }
}

/// A temporary folder that other users may enter: some daemons give up their privileges.
pub(super) fn temporary_home() -> io::Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::Builder::new().prefix("podseed-").tempdir()?;
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(home)
}

/// Removes a folder in which a program remembers its torrents.
pub(super) fn forget(folder: &std::path::Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A port that nobody uses at the moment.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The status of an HTTP request to a loopback port, if anything there answers.
pub(super) fn http_status(port: u16, method: &str, path: &str) -> Option<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).ok()?;
    std::str::from_utf8(&start[9..]).ok()?.parse().ok()
}
