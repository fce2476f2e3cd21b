//! The steps against a client that says what a test tells it. Time is the test's own.
#![expect(clippy::disallowed_methods, reason = "tests lay out files for the module under test")]

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use podseed_adapters::{Activity, Added, Capabilities, Error, Presence, Seed, TorrentRef};

use super::*;

/// Answers `find` from a script, the last answer for ever, and notes what it is asked to do.
struct Scripted {
    answers: Mutex<VecDeque<Presence>>,
    lists: Arc<Mutex<VecDeque<Vec<Listed>>>>,
    calls: Arc<Mutex<Vec<&'static str>>>,
    capabilities: Capabilities,
    password: bool,
}

impl Scripted {
    fn note(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
    }
}

#[async_trait]
impl TorrentClient for Scripted {
    async fn probe(&self) -> Result<ClientInfo, Error> {
        self.note("probe");
        if !self.password {
            return Err(Error::new(ErrorKind::Unauthorized, "the password is refused"));
        }
        let (program, version) = ("Scripted".to_owned(), "1.0".to_owned());
        Ok(ClientInfo { program, version, capabilities: self.capabilities.clone() })
    }

    async fn add(&self, _: &Seed) -> Result<Added, Error> {
        self.note("add");
        Ok(Added::New)
    }

    async fn find(&self, _: &TorrentRef) -> Result<Presence, Error> {
        let mut answers = self.answers.lock().unwrap();
        Ok(if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.unwrap())
    }

    async fn list(&self) -> Result<Option<Vec<Listed>>, Error> {
        Ok(self.lists.lock().unwrap().pop_front())
    }

    async fn peer_port(&self) -> Result<Option<u16>, Error> {
        Ok(None)
    }

    async fn configure(&self, _: &TorrentRef, limits: &Limits) -> Result<(), Error> {
        self.note("configure");
        match limits.seeding_time {
            Some(_) => Err(Error::new(ErrorKind::Unsupported, "it knows no seeding time")),
            None => Ok(()),
        }
    }

    async fn verify(&self, _: &TorrentRef) -> Result<(), Error> {
        self.note("verify");
        Ok(())
    }

    async fn start(&self, _: &TorrentRef) -> Result<(), Error> {
        self.note("start");
        Ok(())
    }

    async fn remove(&self, _: &TorrentRef) -> Result<(), Error> {
        self.note("remove");
        Ok(())
    }

    async fn changed(&self, _: &TorrentRef, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

fn status(activity: Activity, complete: bool) -> Presence {
    Presence::Present(TorrentStatus {
        activity,
        complete,
        missing_bytes: if complete { 0 } else { 3 },
        save_path: Some("/downloads".to_owned()),
        uploaded_bytes: 0,
        error: None,
    })
}

struct Bench {
    _folder: tempfile::TempDir,
    client: Client,
    order: Order,
    calls: Arc<Mutex<Vec<&'static str>>>,
    lists: Arc<Mutex<VecDeque<Vec<Listed>>>>,
}

impl Bench {
    fn new(answers: &[Presence], hashes_on_add: bool) -> Self {
        Self::with(answers, hashes_on_add, true, Limits::default())
    }

    fn with(answers: &[Presence], hashes_on_add: bool, password: bool, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("one.mp3");
        std::fs::write(&data, "abc").unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let capabilities = Capabilities {
            hybrid: false,
            v2: false,
            confirms: true,
            hashes_on_add,
            renames_incomplete_files: false,
        };
        let answers = Mutex::new(answers.iter().cloned().collect());
        let lists = Arc::default();
        let scripted = Scripted {
            answers,
            lists: Arc::clone(&lists),
            calls: Arc::clone(&calls),
            capabilities,
            password,
        };
        let client = Client::with_adapter("nas", Box::new(scripted), PathMap::default(), limits);
        let order = Order {
            show: "show".to_owned(),
            name: "one.mp3".to_owned(),
            length: 3,
            info_hash: InfoHashes::V1("0123456789012345678901234567890123456789".parse().unwrap()),
            metainfo: Arc::from(*b"d4:infode"),
            data,
        };
        Self { _folder: folder, client, order, calls, lists }
    }

    /// Steps until there is nothing more to do, as a pass does.
    async fn visit(&self, memory: Memory) -> (Look, Vec<Option<String>>) {
        let mut visit = self.client.visit(&self.order, memory);
        let mut notes = Vec::new();
        loop {
            let look = visit.step().await;
            notes.push(look.note.clone());
            if !look.again {
                return (look, notes);
            }
            visit.changed().await;
        }
    }

    fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }
}

const OURS: Memory = Memory { added: true, verified: false, seeded: false };

#[tokio::test(start_paused = true)]
async fn a_new_torrent_is_added_checked_configured_and_started() {
    let story = [
        Presence::Absent,
        Presence::Absent,
        status(Activity::Checking(0.0), false),
        status(Activity::Stopped, true),
        status(Activity::Seeding, true),
    ];
    let bench = Bench::new(&story, true);
    let (look, _) = bench.visit(Memory::default()).await;
    assert_eq!((look.state, look.problem), (PlacementState::Seeding, None));
    assert_eq!(bench.calls(), ["probe", "add", "configure", "start"]);
}

#[tokio::test(start_paused = true)]
async fn where_complete_is_no_evidence_the_client_is_told_to_hash() {
    let story = [
        Presence::Absent,
        Presence::Absent,
        status(Activity::Stopped, true),
        status(Activity::Checking(0.5), true),
        status(Activity::Stopped, true),
        status(Activity::Seeding, true),
    ];
    let bench = Bench::new(&story, false);
    let (look, _) = bench.visit(Memory::default()).await;
    assert_eq!(look.memory, Memory { added: true, verified: true, seeded: false });
    assert_eq!(bench.calls(), ["probe", "add", "verify", "configure", "start"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_did_something_meanwhile_is_not_away_for_the_sake_of_one_torrent() {
    let client = Bench::new(&[], true).client;
    let fails_since = |began, kind| {
        let failed: Result<(), Problem> = Err(problem("nas", Error::new(kind, "it went wrong")));
        client.heard(began, failed).unwrap_err().of_client
    };
    let began = Instant::now();
    assert!(!fails_since(began, ErrorKind::Rejected), "it has said no to this torrent");
    tokio::time::advance(Duration::from_secs(1)).await;
    let began = Instant::now();
    assert!(fails_since(began, ErrorKind::Unreachable));
    assert!(fails_since(began, ErrorKind::Unauthorized));
    tokio::time::advance(Duration::from_secs(1)).await;
    client.heard(began, Ok(())).unwrap();
    assert!(!fails_since(began, ErrorKind::Unreachable));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(fails_since(Instant::now(), ErrorKind::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn data_that_the_client_does_not_find_is_taken_back_and_never_started() {
    let bench = Bench::new(&[status(Activity::Stopped, false)], true);
    let (look, _) = bench.visit(OURS).await;
    assert_eq!((look.state, look.memory), (PlacementState::Failed, Memory::default()));
    assert!(look.problem.unwrap().message.contains("clients.nas.paths"));
    assert_eq!(bench.calls(), ["probe", "remove"]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_put_there_is_left_alone() {
    let bench = Bench::new(&[status(Activity::Stopped, false)], true);
    let (look, _) = bench.visit(Memory::default()).await;
    assert_eq!(look.state, PlacementState::Failed);
    assert_eq!(bench.calls(), ["probe"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_accepts_and_lists_nothing_is_named() {
    let bench = Bench::new(&[Presence::Absent], true);
    let (look, _) = bench.visit(Memory::default()).await;
    let problem = look.problem.unwrap();
    assert_eq!((look.state, problem.retry), (PlacementState::Waiting, Retry::Later));
    assert!(problem.message.contains("does not list it"));
    assert_eq!(bench.calls(), ["probe", "add"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_a_torrent_stopped_is_told_once() {
    let bench = Bench::new(&[status(Activity::Stopped, true)], true);
    let (look, _) = bench.visit(OURS).await;
    assert_eq!(look.state, PlacementState::Stopped);
    assert_eq!(bench.calls(), ["probe", "configure", "start"]);
}

#[tokio::test(start_paused = true)]
async fn data_that_has_changed_is_not_handed_over() {
    let bench = Bench::new(&[Presence::Absent], true);
    std::fs::write(&bench.order.data, "abcd").unwrap();
    let (look, _) = bench.visit(Memory::default()).await;
    assert_eq!(look.state, PlacementState::Failed);
    assert!(look.problem.unwrap().message.contains("4 bytes where 3"));
    assert_eq!(bench.calls(), ["probe"]);
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_sent_once_for_all_torrents() {
    let bench = Bench::with(&[Presence::Absent], true, false, Limits::default());
    for _ in 0..3 {
        let (look, _) = bench.visit(Memory::default()).await;
        assert_eq!(look.state, PlacementState::Failed);
    }
    assert_eq!(bench.calls(), ["probe"]);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_the_client_cannot_take_is_refused_before_it_is_asked() {
    let mut bench = Bench::new(&[Presence::Absent], true);
    bench.order.info_hash = InfoHashes::V2("01".repeat(32).parse().unwrap());
    let (look, _) = bench.visit(Memory::default()).await;
    assert!(look.problem.unwrap().message.contains("version: v1"));
    assert_eq!(bench.calls(), ["probe"]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_the_client_does_not_know_is_said_once_and_no_reason_not_to_seed() {
    let limits = Limits { seeding_time: Some(Duration::from_secs(60)), ..Limits::default() };
    let story = [status(Activity::Stopped, true), status(Activity::Seeding, true)];
    let bench = Bench::with(&story, true, true, limits);
    let (look, notes) = bench.visit(OURS).await;
    assert_eq!(look.state, PlacementState::Seeding);
    assert_eq!(notes.iter().flatten().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn whether_a_client_sees_a_folder_is_proven_once_for_all_torrents() {
    for sees in [true, false] {
        let bench = Bench::new(&[status(Activity::Stopped, sees)], true);
        let folder = bench.order.data.parent().unwrap();
        let proofs =
            futures_util::future::join_all((0..8).map(|_| probe::prove(&bench.client, folder))).await;
        assert!(proofs.iter().all(|proof| proof.is_ok() == sees), "{proofs:?}");
        assert_eq!(bench.calls(), ["add", "probe", "remove"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_answers_is_asked_again_after_a_minute_and_after_a_failure_in_the_next_round() {
    let minute = Duration::from_secs(61);
    let bench = Bench::new(&[Presence::Absent], true);
    for expected in [1, 1, 2] {
        if expected == 2 {
            tokio::time::advance(minute).await;
        }
        bench.client.info().await.unwrap();
        assert_eq!(bench.calls().len(), expected);
    }
    bench.client.forget_failures().await;
    bench.client.info().await.unwrap();
    assert_eq!(bench.calls().len(), 2, "what went well is no failure");

    let refused = Bench::with(&[Presence::Absent], true, false, Limits::default());
    for expected in [1, 1, 2] {
        if expected == 2 {
            refused.client.forget_failures().await;
        }
        let problem = refused.client.info().await.unwrap_err();
        assert!(problem.needs_the_user && matches!(problem.retry, Retry::After(_)), "{problem:?}");
        assert_eq!(refused.calls().len(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sees_is_proven_anew_when_it_may_be_another_one() {
    let bench = Bench::new(&[status(Activity::Stopped, true)], true);
    let folder = bench.order.data.parent().unwrap();
    let proofs = || bench.calls().iter().filter(|call| **call == "add").count();
    for expected in [1, 1] {
        probe::prove(&bench.client, folder).await.unwrap();
        assert_eq!(proofs(), expected);
    }
    bench.client.forget().await;
    probe::prove(&bench.client, folder).await.unwrap();
    assert_eq!(proofs(), 2);
    tokio::time::advance(Duration::from_secs(3601)).await;
    probe::prove(&bench.client, folder).await.unwrap();
    assert_eq!(proofs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_still_reads_what_it_has_is_given_the_time() {
    let bench = Bench::new(&[Presence::Absent], true);
    let info_hash = bench.order.info_hash;
    let listed = |count: u8| -> Vec<Listed> {
        let Presence::Present(status) = status(Activity::Seeding, true) else { unreachable!() };
        let hash = |index| match index {
            3 => info_hash,
            other => InfoHashes::V1(crate::model::InfoHashV1([other; 20])),
        };
        (1..=count)
            .map(|index| Listed { info_hash: hash(index), status: status.clone(), added: None })
            .collect()
    };
    let held = Held {
        info_hash,
        name: "one.mp3".to_owned(),
        state: PlacementState::Seeding,
        memory: Memory { seeded: true, ..OURS },
        since: None,
        confirmed: None,
        lost: None,
    };
    for (lists, expected) in [(vec![0, 1, 3, 9], 3), (vec![1, 1, 3], 1), (vec![3, 9], 3)] {
        *bench.lists.lock().unwrap() = lists.into_iter().map(listed).collect();
        let found = bench.client.settled_list(std::slice::from_ref(&held)).await.unwrap().unwrap();
        assert_eq!(found.len(), expected);
    }
}
