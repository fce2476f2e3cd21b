//! What every adapter has to keep, checked against a running client.
//!
//! A check that a client's capabilities rule out says so on standard error and passes.
#![expect(clippy::print_stderr, reason = "a skipped check has to be seen")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{PASSWORD, QBittorrent, Sample, Transmission};
use crate::{
    Activity, Added, Capabilities, ClientConfig, Error, ErrorKind, InfoHashV1, InfoHashes, Limits, Listed,
    Presence, Secret, TorrentClient, TorrentRef, TorrentStatus, TorrentVersion, open,
};

/// Far beyond what any client needs for a file of 200 kB.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// A client that the suite may stop and start.
pub trait RealClient {
    /// For [`open`].
    fn config(&self) -> ClientConfig;
    /// Ends it; its state stays.
    fn stop(&mut self);
    /// Starts it with that state.
    fn start_again(&mut self);
}

impl RealClient for Transmission {
    fn config(&self) -> ClientConfig {
        Transmission::config(self)
    }
    fn stop(&mut self) {
        Transmission::stop(self);
    }
    fn start_again(&mut self) {
        Transmission::start_again(self).unwrap();
    }
}

impl RealClient for QBittorrent {
    fn config(&self) -> ClientConfig {
        QBittorrent::config(self)
    }
    fn stop(&mut self) {
        QBittorrent::stop(self);
    }
    fn start_again(&mut self) {
        QBittorrent::start_again(self).unwrap();
    }
}

/// Runs every check against one client that confirms what it seeds.
pub async fn check(real: &mut impl RealClient) {
    let bench = Bench::new(&real.config()).await;
    // Each has its own torrent and folder. Side by side, as podseed works too: qBittorrent answers in its
    // own rhythm, and waiting for it a dozen times takes a minute.
    tokio::join!(
        unknown_torrent_is_absent(&bench),
        adding_twice_is_one_torrent(&bench),
        complete_data_is_seeded(&bench),
        names_are_found(&bench),
        wrong_data_is_never_complete(&bench),
        missing_data_is_never_fetched(&bench),
        a_flipped_bit_under_an_old_date_is_found_by_verify(&bench),
        configuring_twice_is_fine(&bench),
        removing_keeps_the_data(&bench),
        other_versions_work_or_are_unsupported(&bench),
        a_file_that_is_no_torrent_is_rejected(&bench),
        the_list_tells_what_find_tells(&bench),
    );
    a_stopped_client_is_unreachable_and_comes_back(&bench, real).await;
    a_wrong_password_is_sent_once(real).await;
}

/// Gives a torrent to a client as the hand-over does, and returns when it seeds.
///
/// Panics when the client does not find the data complete.
pub async fn hand_over(client: &dyn TorrentClient, sample: &Sample, data: &Path) {
    let capabilities = client.probe().await.unwrap().capabilities;
    client.add(&sample.seed(data)).await.unwrap();
    let mut status = settled(client, &sample.torrent()).await;
    if !capabilities.hashes_on_add {
        client.verify(&sample.torrent()).await.unwrap();
        status = settled(client, &sample.torrent()).await;
    }
    assert!(status.complete, "{}: {status:?}", sample.name);
    client.start(&sample.torrent()).await.unwrap();
    until(client, &sample.torrent(), |status| status.activity == Activity::Seeding).await;
}

/// Waits until the client has taken the torrent and is not checking it.
pub async fn settled(client: &dyn TorrentClient, torrent: &TorrentRef) -> TorrentStatus {
    until(client, torrent, |status| !matches!(status.activity, Activity::Checking(_))).await
}

async fn until(
    client: &dyn TorrentClient,
    torrent: &TorrentRef,
    wanted: impl Fn(&TorrentStatus) -> bool,
) -> TorrentStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let presence = client.find(torrent).await.unwrap();
        match presence {
            Presence::Present(status) if wanted(&status) => return status,
            other => assert!(Instant::now() < deadline, "{} stays {other:?}", torrent.name),
        }
        client.changed(torrent, POLL).await;
    }
}

/// An adapter, what its client can do, and a folder that both see.
struct Bench {
    client: Box<dyn TorrentClient>,
    capabilities: Capabilities,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new(config: &ClientConfig) -> Self {
        let client = open(config).unwrap();
        let info = client.probe().await.unwrap();
        assert!(!info.program.is_empty() && !info.version.is_empty(), "{info:?}");
        assert!(info.capabilities.confirms, "the suite is for clients that confirm");
        eprintln!("{} {}: {:?}", info.program, info.version, info.capabilities);
        Self { client, capabilities: info.capabilities, folder: super::daemon::temporary_home().unwrap() }
    }

    /// A folder of its own for one check.
    fn room(&self, name: &str) -> PathBuf {
        let room = self.folder.path().join(name);
        std::fs::create_dir_all(&room).unwrap();
        room
    }

    /// Adds and lets the client make up its mind, by a check that it really makes.
    async fn add_and_verify(&self, sample: &Sample, data: &Path) -> TorrentStatus {
        assert_eq!(self.client.add(&sample.seed(data)).await.unwrap(), Added::New);
        let status = settled(&*self.client, &sample.torrent()).await;
        if self.capabilities.hashes_on_add {
            return status;
        }
        self.client.verify(&sample.torrent()).await.unwrap();
        settled(&*self.client, &sample.torrent()).await
    }
}

async fn unknown_torrent_is_absent(bench: &Bench) {
    for info_hash in [
        InfoHashes::V1(InfoHashV1([9; 20])),
        InfoHashes::V2(crate::InfoHashV2([9; 32])),
        InfoHashes::Hybrid(InfoHashV1([9; 20]), crate::InfoHashV2([8; 32])),
    ] {
        let unknown = TorrentRef { info_hash, name: "unknown.mp3".to_owned(), show: "show".to_owned() };
        assert_eq!(bench.client.find(&unknown).await.unwrap(), Presence::Absent);
        bench.client.remove(&unknown).await.unwrap();
    }
}

async fn adding_twice_is_one_torrent(bench: &Bench) {
    let sample = Sample::new("twice.mp3", TorrentVersion::V1);
    let data = sample.write_to(&bench.room("twice"));
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::New);
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::AlreadyPresent);
    let before = settled(&*bench.client, &sample.torrent()).await;
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::AlreadyPresent);
    assert_eq!(settled(&*bench.client, &sample.torrent()).await, before);
}

async fn complete_data_is_seeded(bench: &Bench) {
    let sample = Sample::new("complete.mp3", TorrentVersion::V1);
    let room = bench.room("complete");
    let data = sample.write_to(&room);
    let started = Instant::now();
    let status = bench.add_and_verify(&sample, &data).await;
    assert!(status.complete && status.missing_bytes == 0, "{status:?}");
    assert_eq!(status.activity, Activity::Stopped);
    assert_eq!(status.error, None);
    let path = status.save_path.unwrap();
    assert_eq!(Path::new(path.trim_end_matches('/')), room);
    bench.client.start(&sample.torrent()).await.unwrap();
    let status =
        until(&*bench.client, &sample.torrent(), |status| status.activity == Activity::Seeding).await;
    eprintln!("  seeding {:.2} s after add", started.elapsed().as_secs_f64());
    assert!(status.complete && status.error.is_none(), "{status:?}");
    bench.client.start(&sample.torrent()).await.unwrap();
    assert_eq!(std::fs::read(data).unwrap(), sample.content);
}

async fn names_are_found(bench: &Bench) {
    let room = bench.room("Größe 名前");
    for name in ["Übergröße – Folge 1 名前.mp3", "a%20b & 'c' [d].mp3", &format!("{}.mp3", "ü".repeat(88))]
    {
        let sample = Sample::new(name, TorrentVersion::V1);
        let data = sample.write_to(&room);
        hand_over(&*bench.client, &sample, &data).await;
    }
}

async fn wrong_data_is_never_complete(bench: &Bench) {
    let sample = Sample::new("wrong.mp3", TorrentVersion::V1);
    let room = bench.room("wrong");
    let other = vec![1; sample.content.len()];
    let data = sample.write_altered(&room, other.clone());
    let status = bench.add_and_verify(&sample, &data).await;
    assert!(!status.complete && status.missing_bytes > 0, "{status:?}");
    assert_eq!(status.activity, Activity::Stopped);
    if bench.capabilities.renames_incomplete_files {
        eprintln!("  skipped: this client renames incomplete files, as it says");
        return;
    }
    assert_eq!(std::fs::read(data).unwrap(), other);
    assert_eq!(std::fs::read_dir(room).unwrap().count(), 1);
}

async fn missing_data_is_never_fetched(bench: &Bench) {
    let sample = Sample::new("missing.mp3", TorrentVersion::V1);
    let data = bench.folder.path().join("nowhere/missing.mp3");
    let status = bench.add_and_verify(&sample, &data).await;
    assert!(!status.complete, "{status:?}");
    assert_eq!(status.activity, Activity::Stopped);
    assert!(!data.exists());
}

async fn a_flipped_bit_under_an_old_date_is_found_by_verify(bench: &Bench) {
    let sample = Sample::new("flipped.mp3", TorrentVersion::V1);
    let room = bench.room("flipped");
    let data = sample.write_to(&room);
    assert!(bench.add_and_verify(&sample, &data).await.complete);
    sample.write_altered(&room, sample.with_a_flipped_bit());
    bench.client.verify(&sample.torrent()).await.unwrap();
    // Whoever asks now must not be told the result of the check before.
    let status = settled(&*bench.client, &sample.torrent()).await;
    assert!(!status.complete, "{status:?}");
    assert!(status.missing_bytes > 0 && status.missing_bytes < sample.content.len() as u64, "{status:?}");
}

async fn configuring_twice_is_fine(bench: &Bench) {
    let sample = Sample::new("configured.mp3", TorrentVersion::V1);
    let data = sample.write_to(&bench.room("configured"));
    bench.add_and_verify(&sample, &data).await;
    let limits = Limits { ratio: Some(2.5), upload: Some(1 << 20), seeding_time: None };
    for limits in [Limits::default(), limits, limits, Limits::default()] {
        bench.client.configure(&sample.torrent(), &limits).await.unwrap();
    }
    let status = settled(&*bench.client, &sample.torrent()).await;
    assert!(status.complete && status.activity == Activity::Stopped, "{status:?}");
}

async fn removing_keeps_the_data(bench: &Bench) {
    let sample = Sample::new("removed.mp3", TorrentVersion::V1);
    let data = sample.write_to(&bench.room("removed"));
    hand_over(&*bench.client, &sample, &data).await;
    bench.client.remove(&sample.torrent()).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while bench.client.find(&sample.torrent()).await.unwrap() != Presence::Absent {
        assert!(Instant::now() < deadline, "the torrent does not go");
        bench.client.changed(&sample.torrent(), POLL).await;
    }
    bench.client.remove(&sample.torrent()).await.unwrap();
    assert_eq!(std::fs::read(data).unwrap(), sample.content);
}

async fn other_versions_work_or_are_unsupported(bench: &Bench) {
    let Capabilities { hybrid, v2, .. } = bench.capabilities;
    let room = bench.room("versions");
    for (version, name, able) in
        [(TorrentVersion::Hybrid, "hybrid.mp3", hybrid), (TorrentVersion::V2, "v2.mp3", v2)]
    {
        let sample = Sample::new(name, version);
        let data = sample.write_to(&room);
        if able {
            hand_over(&*bench.client, &sample, &data).await;
        } else {
            let error = bench.client.add(&sample.seed(&data)).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unsupported, "{error:?}");
            assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Absent);
        }
    }
}

async fn a_file_that_is_no_torrent_is_rejected(bench: &Bench) {
    let sample = Sample::new("broken.mp3", TorrentVersion::V1);
    let data = sample.write_to(&bench.room("broken"));
    let mut seed = sample.seed(&data);
    seed.metainfo = b"d4:spam4:eggse".as_slice().into();
    let error = bench.client.add(&seed).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected, "{error:?}");
}

async fn the_list_tells_what_find_tells(bench: &Bench) {
    let client = &*bench.client;
    let room = bench.room("listed");
    let version = if bench.capabilities.hybrid { TorrentVersion::Hybrid } else { TorrentVersion::V1 };
    let (seeding, other) =
        (Sample::new("listed.mp3", TorrentVersion::V1), Sample::new("stopped.mp3", version));
    // Clients count whole seconds.
    let before = now() - 1;
    hand_over(client, &seeding, &seeding.write_to(&room)).await;
    bench.add_and_verify(&other, &room.join("nowhere.mp3")).await;
    for sample in [&seeding, &other] {
        let listed = listed(client, sample).await.expect("it is there");
        let Presence::Present(found) = client.find(&sample.torrent()).await.unwrap() else {
            panic!("{} is listed and not found", sample.name)
        };
        assert_eq!(listed.status, found, "{}", sample.name);
        let added = listed.added.expect("every client of ours tells it");
        assert!((before..=now() + 1).contains(&added), "{}: {added}", sample.name);
    }
    client.remove(&other.torrent()).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while listed(client, &other).await.is_some() {
        assert!(Instant::now() < deadline, "the torrent stays in the list");
        client.changed(&other.torrent(), POLL).await;
    }
}

async fn listed(client: &dyn TorrentClient, sample: &Sample) -> Option<Listed> {
    let all = client.list().await.unwrap().expect("the suite is for clients that can be asked");
    all.into_iter().find(|listed| listed.info_hash.is_same_torrent(&sample.info_hash))
}

fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    elapsed.as_secs().try_into().unwrap()
}

async fn a_stopped_client_is_unreachable_and_comes_back(bench: &Bench, real: &mut impl RealClient) {
    let sample = Sample::new("down and back.mp3", TorrentVersion::V1);
    let data = sample.write_to(&bench.room("down and back"));
    hand_over(&*bench.client, &sample, &data).await;
    real.stop();
    for error in
        [bench.client.find(&sample.torrent()).await.unwrap_err(), bench.client.list().await.unwrap_err()]
    {
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error:?}");
        assert_silent(&error);
    }
    real.start_again();
    until(&*bench.client, &sample.torrent(), |status| status.activity == Activity::Seeding).await;
}

/// The client is stopped after the first refusal: who asks it again finds nobody and says so.
async fn a_wrong_password_is_sent_once(real: &mut impl RealClient) {
    const WRONG: &str = "battery staple";
    let mut config = real.config();
    match &mut config {
        ClientConfig::Transmission(config) => config.password = Some(Secret::new(WRONG)),
        ClientConfig::QBittorrent(config) => config.password = Some(Secret::new(WRONG)),
        ClientConfig::WatchDir(_) => return eprintln!("  skipped: a watched folder has no password"),
    }
    let client = open(&config).unwrap();
    let first = client.probe().await.unwrap_err();
    assert_eq!(first.kind, ErrorKind::Unauthorized, "{first:?}");
    real.stop();
    let second = client.probe().await.unwrap_err();
    assert_eq!((second.kind, &second.message), (ErrorKind::Unauthorized, &first.message));
    for error in [first, second] {
        assert_silent(&error);
        assert!(!format!("{error:?} {error}").contains(WRONG));
    }
    real.start_again();
}

fn assert_silent(error: &Error) {
    let mut text = format!("{error:?} {error} {:?}", error.hint);
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    assert!(!text.contains(PASSWORD), "{text}");
}
