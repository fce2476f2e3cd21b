//! Any client that watches a folder: the data is placed where it looks for it, then the .torrent appears.
//!
//! Such a client cannot be asked anything. What it has done is read from the signs that it leaves in the
//! folder, which differ by program ([`WatchedBy`]); where a program deletes what it has taken, a mark of
//! ours in `.podseed/` beside the .torrent files tells a torrent taken from one never given.
//!
//! Errors of placing are of kind `Path`. A copy takes as long as the disk needs; everything else here is
//! quick.

mod metainfo;
mod place;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use notify::event::{EventKind, ModifyKind};
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::{
    Added, Capabilities, ClientInfo, Error, ErrorKind, InfoHashes, Limits, Listed, Presence, Seed,
    TorrentClient, TorrentRef, WatchDirConfig, WatchedBy,
};
use place::{Folder, path_error};

/// Holds one empty file per torrent handed over, named by its info hash.
const MARKS: &str = ".podseed";
/// Beyond this, the .torrent is named by its hash: names have 255 bytes, and clients append endings.
const NAME_LIMIT: usize = 200;

/// The adapter. See the module.
#[derive(Clone)]
pub(crate) struct WatchDir {
    config: Arc<WatchDirConfig>,
}

/// Where everything about one torrent lies.
struct Places {
    folder: Folder,
    /// Where the .torrent waits for the client.
    torrent: PathBuf,
    /// Says that it was put there once.
    mark: PathBuf,
}

impl WatchDir {
    pub(crate) fn new(config: &WatchDirConfig) -> Self {
        Self { config: Arc::new(config.clone()) }
    }

    fn places(&self, torrent: &TorrentRef) -> Result<Places, Error> {
        let hash = key(&torrent.info_hash);
        let name = &torrent.name;
        if name.is_empty() || name.contains(['/', '\0']) || matches!(name.as_str(), "." | "..") {
            return Err(path_error(format!("\"{name}\" is no file name")));
        }
        let stem = if name.len() > NAME_LIMIT { &hash } else { name };
        let folder = Folder::new(&self.config.path, &torrent.show)?;
        let torrent = folder.path.join(format!("{stem}.torrent"));
        let mark = folder.path.join(MARKS).join(&hash);
        Ok(Places { folder, torrent, mark })
    }

    /// Disk work, off the threads that everything else runs on.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = self.clone();
        let outcome = tokio::task::spawn_blocking(move || work(&this)).await;
        outcome.map_err(|error| path_error("the work on the watched folder was broken off").source(error))?
    }

    fn probe_now(&self) -> Result<ClientInfo, Error> {
        Folder::new(&self.config.path, "show")?.check()?;
        if let Some(data) = &self.config.data {
            Folder::new(data, "show")?.check()?;
        }
        let (program, hybrid, v2) = match self.config.client {
            WatchedBy::RTorrent => ("rTorrent", true, false),
            // Which generation watches cannot be asked, and 3.00 never takes a hybrid.
            WatchedBy::Transmission => ("Transmission", false, false),
            WatchedBy::QBittorrent => ("qBittorrent", true, true),
            WatchedBy::Deluge => ("Deluge", true, true),
            // It is up to the user, who knows what watches.
            WatchedBy::Other => ("watched folder", true, true),
        };
        let capabilities = Capabilities {
            hybrid,
            v2,
            confirms: false,
            hashes_on_add: true,
            renames_incomplete_files: false,
        };
        Ok(ClientInfo { program: program.to_owned(), version: String::new(), capabilities })
    }

    fn add_now(&self, seed: &Seed) -> Result<Added, Error> {
        self.check_version(&seed.torrent.info_hash)?;
        let places = self.places(&seed.torrent)?;
        places.folder.make()?;
        let data = self.place_data(seed)?;
        match self.presence(&places, &seed.torrent.info_hash) {
            Presence::Waiting | Presence::Delivered => {
                // The process may have died between the two.
                self.mark(&places)?;
                return Ok(Added::AlreadyPresent);
            }
            // Given once more, it is not to be taken for refused once more.
            Presence::Refused(_) => self.clear_signs(&places, &seed.torrent.info_hash)?,
            Presence::Absent | Presence::Present(_) => {}
        }
        place::torrent(&self.copy_for_client(seed, &data)?, &places.torrent)?;
        self.mark(&places)?;
        Ok(Added::New)
    }

    fn check_version(&self, info_hash: &InfoHashes) -> Result<(), Error> {
        let Capabilities { hybrid, v2, .. } = self.probe_now()?.capabilities;
        let what = match info_hash {
            InfoHashes::Hybrid(..) if !hybrid => "hybrid",
            InfoHashes::V2(_) if !v2 => "v2",
            _ => return Ok(()),
        };
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("the client that watches this folder takes no {what} torrents"),
        )
        .hint("set torrent.version to v1"))
    }

    /// Puts the data where the client looks for it; gives the path at which it then is.
    fn place_data(&self, seed: &Seed) -> Result<PathBuf, Error> {
        let Some(template) = &self.config.data else { return Ok(seed.data.clone()) };
        let folder = Folder::new(template, &seed.torrent.show)?;
        folder.make()?;
        let target = folder.path.join(&seed.torrent.name);
        place::data(&seed.data, &target, &format!(".podseed-{}.tmp", key(&seed.torrent.info_hash)))?;
        Ok(target)
    }

    fn copy_for_client(&self, seed: &Seed, data: &Path) -> Result<Vec<u8>, Error> {
        if self.config.client != WatchedBy::RTorrent {
            return Ok(seed.metainfo.to_vec());
        }
        let modified = if self.config.fast_resume { modified(data) } else { None };
        metainfo::for_rtorrent(&seed.metainfo, modified).ok_or_else(|| {
            Error::new(ErrorKind::Rejected, format!("what is given for {} is no torrent", data.display()))
        })
    }

    /// rTorrent needs none: it deletes a .torrent only when the user removes the torrent there.
    fn uses_marks(&self) -> bool {
        self.config.client != WatchedBy::RTorrent
    }

    fn mark(&self, places: &Places) -> Result<(), Error> {
        if !self.uses_marks() {
            return Ok(());
        }
        place::make_folder(&places.folder.path.join(MARKS))?;
        place::mark(&places.mark)
    }

    /// Reads the signs in the folder.
    fn presence(&self, places: &Places, info_hash: &InfoHashes) -> Presence {
        let leaves_a_sign = !matches!(self.config.client, WatchedBy::RTorrent | WatchedBy::Other);
        if is_torrent(&places.torrent, info_hash) {
            return if leaves_a_sign { Presence::Waiting } else { Presence::Delivered };
        }
        for (ending, refusal) in self.signs() {
            if is_torrent(&with_ending(&places.torrent, ending), info_hash) {
                return refusal.map_or(Presence::Delivered, |words| Presence::Refused(words.to_owned()));
            }
        }
        if self.uses_marks() && places.mark.exists() {
            return Presence::Delivered;
        }
        Presence::Absent
    }

    /// Endings that the client appends to what it has dealt with, with words if it did not take it.
    fn signs(&self) -> &'static [(&'static str, Option<&'static str>)] {
        match self.config.client {
            WatchedBy::RTorrent | WatchedBy::Other => &[],
            WatchedBy::Transmission => &[("added", None)],
            WatchedBy::QBittorrent => &[
                ("qbt_rejected", Some("qBittorrent could not use it and renamed it to .qbt_rejected")),
                ("invalid", Some("qBittorrent could not use it and renamed it to .invalid")),
            ],
            WatchedBy::Deluge => {
                &[("added", None), ("invalid", Some("Deluge could not use it and renamed it to .invalid"))]
            }
        }
    }

    fn clear_signs(&self, places: &Places, info_hash: &InfoHashes) -> Result<(), Error> {
        let signs = self.signs().iter().map(|(ending, _)| with_ending(&places.torrent, ending));
        signs.filter(|sign| is_torrent(sign, info_hash)).try_for_each(|sign| place::remove(&sign))
    }

    fn remove_now(&self, torrent: &TorrentRef) -> Result<(), Error> {
        let places = self.places(torrent)?;
        let presence = self.presence(&places, &torrent.info_hash);
        if is_torrent(&places.torrent, &torrent.info_hash) {
            place::remove(&places.torrent)?;
        }
        // With its signs gone, the torrent can be handed over anew.
        self.clear_signs(&places, &torrent.info_hash)?;
        place::remove(&places.mark)?;
        if presence == Presence::Delivered {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{} was handed to a client that only watches a folder", torrent.name),
            )
            .hint("remove it in the client itself"));
        }
        Ok(())
    }
}

#[async_trait]
impl TorrentClient for WatchDir {
    /// Whether the folders are there and can be written to. The client's version cannot be asked.
    async fn probe(&self) -> Result<ClientInfo, Error> {
        self.blocking(Self::probe_now).await
    }

    /// Data first, .torrent last. The client starts it by itself; with the data complete and in its
    /// place there is nothing for it to download.
    async fn add(&self, seed: &Seed) -> Result<Added, Error> {
        let seed = seed.clone();
        self.blocking(move |this| this.add_now(&seed)).await
    }

    async fn find(&self, torrent: &TorrentRef) -> Result<Presence, Error> {
        let torrent = torrent.clone();
        self.blocking(move |this| Ok(this.presence(&this.places(&torrent)?, &torrent.info_hash))).await
    }

    async fn list(&self) -> Result<Option<Vec<Listed>>, Error> {
        Ok(None)
    }

    async fn peer_port(&self) -> Result<Option<u16>, Error> {
        Ok(None)
    }

    /// Nothing can be set through a folder: `Unsupported` if a limit is asked for.
    async fn configure(&self, _torrent: &TorrentRef, limits: &Limits) -> Result<(), Error> {
        if *limits == Limits::default() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, "a watched folder cannot carry limits")
            .hint("set them in the client itself and remove limits of this client"))
    }

    /// Always `Unsupported`.
    async fn verify(&self, _torrent: &TorrentRef) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "a watched folder cannot ask its client to verify"))
    }

    /// Nothing to do: the client starts what it finds.
    async fn start(&self, _torrent: &TorrentRef) -> Result<(), Error> {
        Ok(())
    }

    /// Takes back a .torrent that still waits. One that was taken stays in the client, and the call ends
    /// with `Unsupported`; so it does for rTorrent, where a .torrent that lies there may have been taken.
    async fn remove(&self, torrent: &TorrentRef) -> Result<(), Error> {
        let torrent = torrent.clone();
        self.blocking(move |this| this.remove_now(&torrent)).await
    }

    async fn changed(&self, torrent: &TorrentRef, pause: Duration) {
        let (sender, mut receiver) = mpsc::channel(1);
        let folder = self.places(torrent).map(|places| places.folder.path);
        // Where the system cannot watch, as on network file systems, the pause alone decides: our own
        // sender keeps the channel open.
        let _watcher = folder.ok().and_then(|folder| watch(&folder, sender.clone()).ok());
        let _ = tokio::time::timeout(pause, receiver.recv()).await;
        drop(sender);
    }
}

/// Tells of files that appear, go or get another name. Reading, which we do ourselves, is no news.
fn watch(folder: &Path, news: mpsc::Sender<()>) -> notify::Result<impl Watcher + use<>> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let kind = event.map_or(EventKind::Any, |event| event.kind);
        if matches!(
            kind,
            EventKind::Create(_)
                | EventKind::Remove(_)
                | EventKind::Modify(ModifyKind::Name(_))
                | EventKind::Any
        ) {
            // A full channel has the news already.
            let _ = news.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

fn is_torrent(path: &Path, info_hash: &InfoHashes) -> bool {
    place::read(path).is_some_and(|bytes| metainfo::is(&bytes, info_hash))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(".");
    text.push(ending);
    text.into()
}

/// One hash to name files by.
fn key(info_hash: &InfoHashes) -> String {
    match info_hash {
        InfoHashes::V1(v1) | InfoHashes::Hybrid(v1, _) => v1.to_string(),
        InfoHashes::V2(v2) => v2.to_string(),
    }
}

/// Seconds since 1970, as rTorrent compares them.
fn modified(path: &Path) -> Option<i64> {
    let modified = std::fs::metadata(path).and_then(|data| data.modified()).ok()?;
    i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}
