//! A real rTorrent, and the question whether it seeds.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::daemon::{Daemon, free_port, temporary_home};
use crate::{ClientConfig, InfoHashes, WatchDirConfig, WatchedBy};

/// A running rTorrent that looks into its watched folder every second.
pub struct RTorrent {
    daemon: Daemon,
    peer_port: u16,
}

impl RTorrent {
    /// Starts it with nothing in it.
    pub fn start() -> io::Result<Self> {
        let home = temporary_home()?;
        let peer_port = free_port()?;
        for folder in ["downloads", "watch", "session"] {
            std::fs::create_dir(home.path().join(folder))?;
        }
        std::fs::write(home.path().join("rtorrent.rc"), configuration(home.path(), peer_port))?;
        let mut import = std::ffi::OsString::from("import=");
        import.push(home.path().join("rtorrent.rc"));
        let daemon = Daemon::new("rtorrent", home, vec!["-n".into(), "-o".into(), import]);
        let mut rtorrent = Self { daemon, peer_port };
        rtorrent.start_again()?;
        Ok(rtorrent)
    }

    /// Ends it, as at a shutdown; its state stays.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Starts it with the state in which it ended.
    pub fn start_again(&mut self) -> io::Result<()> {
        let socket = self.socket();
        for leftover in [self.home().join("session/rtorrent.lock"), socket.clone()] {
            if leftover.exists() {
                std::fs::remove_file(leftover)?;
            }
        }
        self.daemon.start(|| call(&socket, "system.client_version", &[]).is_ok())
    }

    /// For [`open`](crate::open).
    pub fn config(&self) -> ClientConfig {
        ClientConfig::WatchDir(WatchDirConfig {
            path: self.watch_dir(),
            data: Some(self.downloads()),
            client: WatchedBy::RTorrent,
            fast_resume: true,
        })
    }

    /// Whether rTorrent has this torrent complete and started, with no message but its tracker's against it.
    ///
    /// 0.9.8 without DHT silently refuses torrents that have no tracker at all.
    pub fn is_seeding(&self, torrent: &InfoHashes) -> io::Result<bool> {
        for question in ["d.complete", "d.is_active"] {
            if self.ask(question, torrent)?.as_deref() != Some("1") {
                return Ok(false);
            }
        }
        let message = self.ask("d.message", torrent)?.unwrap_or_default();
        Ok(message.is_empty() || message.starts_with("Tracker:"))
    }

    /// One value of one torrent, as `d.directory`; `None` if rTorrent does not have it.
    pub fn ask(&self, question: &str, torrent: &InfoHashes) -> io::Result<Option<String>> {
        let Some(v1) = torrent.v1() else { return Ok(None) };
        call(&self.socket(), question, &[&v1.to_string().to_uppercase()])
    }

    /// Where other peers reach it, on 127.0.0.1.
    pub fn peer_port(&self) -> u16 {
        self.peer_port
    }

    /// Its folder.
    pub fn home(&self) -> &Path {
        self.daemon.home()
    }

    /// Where it looks for the data of what appears in its watched folder.
    pub fn downloads(&self) -> PathBuf {
        self.home().join("downloads")
    }

    /// Its watched folder.
    pub fn watch_dir(&self) -> PathBuf {
        self.home().join("watch")
    }

    /// Its SCGI socket.
    pub fn socket(&self) -> PathBuf {
        self.home().join("rpc.sock")
    }
}

/// Understood by 0.9.8 and 0.16.17 alike: `schedule2` is gone from the latter, which takes encrypted connections only
/// unless told otherwise.
fn configuration(home: &Path, peer_port: u16) -> String {
    let home = home.display();
    format!(
        "directory.default.set = {home}/downloads\n\
         session.path.set = {home}/session\n\
         network.bind_address.set = 127.0.0.1\n\
         network.port_range.set = {peer_port}-{peer_port}\n\
         network.port_random.set = no\n\
         dht.mode.set = disable\n\
         protocol.pex.set = no\n\
         protocol.encryption.set = none\n\
         network.scgi.open_local = {home}/rpc.sock\n\
         schedule = watch,1,1,\"load.start_verbose={home}/watch/*.torrent,d.directory.set={home}/downloads\"\n\
         system.daemon.set = true\n"
    )
}

/// One XML-RPC call over SCGI: the text of the single value of the answer; `None` for a fault.
fn call(socket: &Path, method: &str, parameters: &[&str]) -> io::Result<Option<String>> {
    let parameters: String = parameters
        .iter()
        .map(|parameter| format!("<param><value><string>{parameter}</string></value></param>"))
        .collect();
    let body = format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>{method}</methodName>\
         <params>{parameters}</params></methodCall>"
    );
    let headers = format!("CONTENT_LENGTH\0{}\0SCGI\01\0", body.len());
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "{}:{headers},{body}", headers.len())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.contains("<fault>") {
        return Ok(None);
    }
    let value = answer.split_once("<value>").and_then(|(_, rest)| rest.split_once("</value>"));
    let (value, _) = value.ok_or_else(|| io::Error::other(format!("no value in {answer}")))?;
    // Strip the type's tags: <string>text</string>, <i8>1</i8>, <string/>.
    let inner = value.split_once('>').map_or(value, |(_, rest)| rest);
    Ok(Some(inner.rsplit_once("</").map_or(inner, |(text, _)| text).to_owned()))
}
