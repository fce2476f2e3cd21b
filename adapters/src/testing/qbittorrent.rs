//! A real qbittorrent-nox.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::daemon::{Daemon, forget, free_port, http_status, temporary_home};
use super::{PASSWORD, USERNAME};
use crate::{ClientConfig, QBittorrentConfig, Secret, WatchDirConfig, WatchedBy};

/// [`PASSWORD`] as qBittorrent keeps it: salt and PBKDF2-HMAC-SHA512 of 100,000 rounds.
const PASSWORD_PBKDF2: &str = "@ByteArray(cG9kc2VlZC10ZXN0c2FsdA==:BNL26w3pdvIGq+c54Ha7HIHohy16OiVkLYsAap25di9GJ9bTBiHkkEua0AhIBcIxqoFONtQJp1iSnBMwO0rQkA==)";

/// A running qbittorrent-nox with a Web API that asks for a password even from this machine, and a
/// watched folder.
pub struct QBittorrent {
    daemon: Daemon,
    web_port: u16,
    peer_port: u16,
}

impl QBittorrent {
    /// Starts it with nothing in it.
    pub fn start() -> io::Result<Self> {
        let home = temporary_home()?;
        let (web_port, peer_port) = (free_port()?, free_port()?);
        write_configuration(home.path(), web_port, peer_port)?;
        let mut profile = std::ffi::OsString::from("--profile=");
        profile.push(home.path());
        let arguments = vec![profile, format!("--webui-port={web_port}").into()];
        let daemon = Daemon::new("qbittorrent-nox", home, arguments);
        let mut qbittorrent = Self { daemon, web_port, peer_port };
        qbittorrent.start_again()?;
        Ok(qbittorrent)
    }

    /// Ends it, as at a shutdown; its state stays.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Starts it with the state in which it ended.
    pub fn start_again(&mut self) -> io::Result<()> {
        let port = self.web_port;
        self.daemon.start(|| http_status(port, "GET", "/api/v2/app/version").is_some())
    }

    /// Starts it as if it had only just been installed. What was downloaded stays.
    pub fn reinstall(&mut self) -> io::Result<()> {
        self.stop();
        forget(&self.home().join("qBittorrent/data/BT_backup"))?;
        self.start_again()
    }

    /// For [`open`](crate::open).
    pub fn config(&self) -> ClientConfig {
        ClientConfig::QBittorrent(QBittorrentConfig {
            url: self.url(),
            username: Some(USERNAME.to_owned()),
            password: Some(Secret::new(PASSWORD)),
            category: Some("podcasts".to_owned()),
            tags: vec!["podseed".to_owned(), "mirror".to_owned()],
        })
    }

    /// For [`open`](crate::open), by its watched folder.
    pub fn watch_config(&self) -> ClientConfig {
        ClientConfig::WatchDir(WatchDirConfig {
            path: self.watch_dir(),
            data: Some(self.downloads()),
            client: WatchedBy::QBittorrent,
            fast_resume: false,
        })
    }

    /// Its Web API's base.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.web_port)
    }

    /// Where other peers reach it, on 127.0.0.1.
    pub fn peer_port(&self) -> u16 {
        self.peer_port
    }

    /// Its profile folder.
    pub fn home(&self) -> &Path {
        self.daemon.home()
    }

    /// Its default save path.
    pub fn downloads(&self) -> PathBuf {
        self.home().join("downloads")
    }

    /// Its watched folder.
    pub fn watch_dir(&self) -> PathBuf {
        self.home().join("watch")
    }
}

fn write_configuration(home: &Path, web_port: u16, peer_port: u16) -> io::Result<()> {
    let (downloads, watch) = (home.join("downloads"), home.join("watch"));
    let folder = home.join("qBittorrent/config");
    for folder in [&downloads, &watch, &folder] {
        std::fs::create_dir_all(folder)?;
    }
    let settings = format!(
        "[LegalNotice]\nAccepted=true\n\n[BitTorrent]\nSession\\Port={peer_port}\nSession\\DHTEnabled=false\n\
         Session\\LSDEnabled=false\nSession\\PeXEnabled=false\nSession\\Interface=lo\nSession\\InterfaceName=lo\n\
         Session\\DefaultSavePath={}\nSession\\QueueingSystemEnabled=false\n\n[Preferences]\n\
         WebUI\\Address=127.0.0.1\nWebUI\\Port={web_port}\nWebUI\\Username={USERNAME}\n\
         WebUI\\Password_PBKDF2=\"{PASSWORD_PBKDF2}\"\nWebUI\\LocalHostAuth=true\nWebUI\\UseUPnP=false\n",
        downloads.display()
    );
    std::fs::write(folder.join("qBittorrent.conf"), settings)?;
    let watched = json!({ watch.to_string_lossy(): {
        "add_torrent_params": {
            "save_path": downloads, "use_auto_tmm": false, "skip_checking": false, "category": "",
            "operating_mode": "AutoManaged", "stopped": false,
        },
        "recursive": false,
    }});
    std::fs::write(folder.join("watched_folders.json"), watched.to_string())
}
