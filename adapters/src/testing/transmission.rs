//! A real transmission-daemon.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::daemon::{Daemon, forget, free_port, http_status, temporary_home};
use super::{PASSWORD, USERNAME};
use crate::{ClientConfig, Secret, TransmissionConfig, WatchDirConfig, WatchedBy};

/// A running transmission-daemon with an RPC that asks for a password, and a watched folder.
pub struct Transmission {
    daemon: Daemon,
    rpc_port: u16,
    peer_port: u16,
}

impl Transmission {
    /// Starts it with nothing in it.
    pub fn start() -> io::Result<Self> {
        let home = temporary_home()?;
        let (rpc_port, peer_port) = (free_port()?, free_port()?);
        for folder in ["downloads", "watch"] {
            std::fs::create_dir(home.path().join(folder))?;
        }
        let settings = json!({
            "rpc-authentication-required": true, "rpc-username": USERNAME, "rpc-password": PASSWORD,
            "rpc-bind-address": "127.0.0.1", "rpc-port": rpc_port, "rpc-whitelist-enabled": false,
            "bind-address-ipv4": "127.0.0.1", "peer-port": peer_port,
            "dht-enabled": false, "lpd-enabled": false, "pex-enabled": false, "utp-enabled": false,
            "port-forwarding-enabled": false,
            "download-dir": home.path().join("downloads"),
            "watch-dir": home.path().join("watch"), "watch-dir-enabled": true,
            "start-added-torrents": true, "trash-original-torrent-files": false,
        });
        std::fs::write(home.path().join("settings.json"), settings.to_string())?;
        let arguments = vec!["-f".into(), "-g".into(), home.path().into()];
        let daemon = Daemon::new("transmission-daemon", home, arguments);
        let mut transmission = Self { daemon, rpc_port, peer_port };
        transmission.start_again()?;
        Ok(transmission)
    }

    /// Ends it, as at a shutdown; its state stays.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Starts it with the state in which it ended.
    pub fn start_again(&mut self) -> io::Result<()> {
        let port = self.rpc_port;
        self.daemon.start(|| http_status(port, "POST", "/transmission/rpc").is_some())
    }

    /// Starts it as if it had only just been installed. What was downloaded stays.
    pub fn reinstall(&mut self) -> io::Result<()> {
        self.stop();
        for folder in ["torrents", "resume"] {
            forget(&self.home().join(folder))?;
        }
        self.start_again()
    }

    /// For [`open`](crate::open).
    pub fn config(&self) -> ClientConfig {
        ClientConfig::Transmission(TransmissionConfig {
            url: self.url(),
            username: Some(USERNAME.to_owned()),
            password: Some(Secret::new(PASSWORD)),
            labels: vec!["podcast".to_owned()],
        })
    }

    /// For [`open`](crate::open), by its watched folder.
    pub fn watch_config(&self) -> ClientConfig {
        ClientConfig::WatchDir(WatchDirConfig {
            path: self.watch_dir(),
            data: Some(self.downloads()),
            client: WatchedBy::Transmission,
            fast_resume: false,
        })
    }

    /// Its RPC.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/transmission/rpc", self.rpc_port)
    }

    /// Where other peers reach it, on 127.0.0.1.
    pub fn peer_port(&self) -> u16 {
        self.peer_port
    }

    /// Its configuration folder.
    pub fn home(&self) -> &Path {
        self.daemon.home()
    }

    /// Its default download folder.
    pub fn downloads(&self) -> PathBuf {
        self.home().join("downloads")
    }

    /// Its watched folder.
    pub fn watch_dir(&self) -> PathBuf {
        self.home().join("watch")
    }
}
