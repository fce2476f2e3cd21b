//! A real opentracker.

use std::io;

use rustix::process::Signal;

use super::daemon::{Daemon, free_port, http_status, temporary_home};
use crate::InfoHashes;

/// A running opentracker. Debian builds it closed: it serves only the torrents that it was told of.
pub struct Tracker {
    daemon: Daemon,
    port: u16,
}

impl Tracker {
    /// Starts it for these torrents. It needs no state of its own.
    pub fn start(torrents: &[InfoHashes]) -> io::Result<Self> {
        Self::start_with_whitelist(&whitelist(torrents))
    }

    /// Starts it with this whitelist, in its own format.
    pub fn start_with_whitelist(whitelist: &str) -> io::Result<Self> {
        let home = temporary_home()?;
        let port = free_port()?;
        let text = port.to_string();
        let mut arguments: Vec<std::ffi::OsString> =
            ["-i", "127.0.0.1", "-p", &text, "-P", &text, "-w", "whitelist", "-d"].map(Into::into).into();
        arguments.push(home.path().into());
        if rustix::process::geteuid().is_root() {
            arguments.extend(["-u".into(), "nobody".into()]);
        }
        let mut tracker = Self { daemon: Daemon::new("opentracker", home, arguments), port };
        tracker.write_whitelist(whitelist)?;
        tracker.restart()?;
        Ok(tracker)
    }

    /// Ends it and starts it again: it forgets its peers and counts from zero.
    pub fn restart(&mut self) -> io::Result<()> {
        let port = self.port;
        self.daemon.start(|| http_status(port, "GET", "/stats").is_some())
    }

    /// Replaces the torrents that it serves.
    pub fn allow(&self, torrents: &[InfoHashes]) -> io::Result<()> {
        self.write_whitelist(&whitelist(torrents))?;
        self.daemon.signal(Signal::HUP);
        Ok(())
    }

    /// For the torrent's `announce`.
    pub fn announce_url(&self) -> String {
        format!("http://127.0.0.1:{}/announce", self.port)
    }

    /// The same tracker over UDP (BEP 15).
    pub fn udp_announce_url(&self) -> String {
        format!("udp://127.0.0.1:{}/announce", self.port)
    }

    fn write_whitelist(&self, whitelist: &str) -> io::Result<()> {
        std::fs::write(self.daemon.home().join("whitelist"), whitelist)
    }
}

/// v2 swarms go by the first 20 bytes of the hash (BEP 52).
fn whitelist(torrents: &[InfoHashes]) -> String {
    let v1 = torrents.iter().filter_map(InfoHashes::v1).map(|hash| hash.to_string());
    let v2 = torrents.iter().filter_map(InfoHashes::v2).map(|hash| hash.to_string()[..40].to_owned());
    v1.chain(v2).map(|hash| hash + "\n").collect()
}
