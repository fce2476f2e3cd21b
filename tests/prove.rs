//! Strangers who fetch a piece from real clients, and what podseed tells of it.

use podseed_adapters::testing::{QBittorrent, RTorrent, Transmission};
use serde_json::{Value, json};

use crate::clients::{qbittorrent, transmission, watched};
use crate::support::hands::transmission_rpc;
use crate::support::mp3;
use crate::support::world::{Item, World};

async fn one_episode(clients: &str, torrents: &str) -> World {
    let world = World::new("").await;
    world.publish(&[Item { guid: "g1", title: "One", enclosure: "/one.mp3" }]);
    world.origin.file("/one.mp3", mp3(300_000, 1));
    world.with_clients(clients);
    let config = std::fs::read_to_string(world.path("podseed.yaml")).unwrap();
    std::fs::write(world.path("podseed.yaml"), format!("{config}{torrents}prove: true\n")).unwrap();
    world
}

impl World {
    fn proof(&self, client: &str) -> Value {
        let placements = self.enclosures()[0]["placements"].clone();
        let of_client = |placement: &&Value| placement["client"] == client;
        placements.as_array().unwrap().iter().find(of_client).unwrap().clone()
    }

    /// The finding of this id, from `podseed check`.
    fn finding(&self, id: &str) -> Value {
        let check = self.podseed(&["check", "--json"]).json();
        let found = check["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == id);
        found.unwrap_or_else(|| panic!("no {id}: {check}")).clone()
    }
}

/// Transmission 3.00 hangs up on who greets it a second time while it answers his first greeting.
#[tokio::test]
async fn every_torrent_of_a_client_is_proven_in_one_round() {
    let tr = Transmission::start().unwrap();
    let world = World::new("").await;
    let names: Vec<_> = (1..=8).map(|number| format!("/{number}.mp3")).collect();
    let items: Vec<_> = names.iter().map(|name| Item { guid: name, title: name, enclosure: name }).collect();
    world.publish(&items);
    names.iter().zip(1..).for_each(|(name, seed)| world.origin.file(name, mp3(200_000, seed)));
    world.with_clients(&transmission(&tr, ""));
    let config = std::fs::read_to_string(world.path("podseed.yaml")).unwrap();
    std::fs::write(world.path("podseed.yaml"), format!("{config}prove: true\n")).unwrap();
    world.run(0);
    let status = world.podseed(&["status"]).stdout;
    assert_eq!(status.matches("tr: seeding, proven").count(), 8, "{status}");
    let why = world.podseed(&["why", "1.mp3"]).stdout;
    assert!(why.contains("      proven 2") && why.contains("a stranger got a piece"), "{why}");
}

#[tokio::test]
async fn a_stranger_gets_a_piece_from_each_client() {
    let (tr, qb, rt) =
        (Transmission::start().unwrap(), QBittorrent::start().unwrap(), RTorrent::start().unwrap());
    let peer = format!("}}, peer: \"127.0.0.1:{}\"}}", rt.peer_port());
    let rtorrent = watched(&rt.watch_dir(), &rt.downloads(), "rtorrent").replace("}}", &peer);
    let world = one_episode(&(transmission(&tr, "") + &qbittorrent(&qb, "") + &rtorrent), "").await;
    world.run(0);
    // rTorrent looks into its folder when it likes; a proof that comes too early comes again.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while world.proof("rt")["proven"].is_null() && std::time::Instant::now() < deadline {
        let state = format!("sqlite:{}", world.path("data/state.db").display());
        let mut state = <sqlx::SqliteConnection as sqlx::Connection>::connect(&state).await.unwrap();
        sqlx::query("UPDATE placements SET proof_next = 0 WHERE proven IS NULL")
            .execute(&mut state)
            .await
            .unwrap();
        sqlx::Connection::close(state).await.unwrap();
        world.run(0);
    }
    for client in ["tr", "qb", "rt"] {
        let proof = world.proof(client);
        assert!(proof["proven"].is_string() && proof["proof_error"].is_null(), "{proof}");
    }
    let status = world.podseed(&["status"]).stdout;
    assert!(status.contains("rt: delivered, proven"), "{status}");
    assert_eq!(world.finding("client.proven")["severity"], "ok");
    // podseed itself is no listener. The clients count a few bytes beside those of the piece.
    world.run(0);
    let report = world.podseed(&["report", "--json"]).json();
    let served = report["shows"][0]["served_bytes"].as_u64().unwrap();
    assert!(served < 4_096, "{report}");
}

#[tokio::test]
async fn hybrids_and_v2_are_proven_too() {
    for version in ["hybrid", "v2"] {
        let qb = QBittorrent::start().unwrap();
        let world = one_episode(&qbittorrent(&qb, ""), &format!("  version: {version}\n")).await;
        world.run(0);
        let proof = world.proof("qb");
        assert!(proof["proven"].is_string(), "{version}: {proof}");
    }
}

#[tokio::test]
async fn a_client_that_wants_encryption_or_cannot_be_reached_is_told_in_words() {
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    transmission_rpc(&tr, "session-set", json!({"encryption": "required"})).await;
    let clients = transmission(&tr, "") + &qbittorrent(&qb, ", peer: \"127.0.0.1:9\"");
    let world = one_episode(&clients, "").await;
    let run = world.podseed(&["run"]);
    assert_eq!(run.code, 0, "it seeds all the same: {}", run.stderr);
    for (client, words) in [("tr", "encrypted"), ("qb", "strangers cannot reach 127.0.0.1:9")] {
        let proof = world.proof(client);
        assert!(proof["proof_error"].as_str().unwrap().contains(words), "{proof}");
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let status = world.podseed(&["status"]).stdout;
    assert!(status.contains("tr: seeding, unproven"), "{status}");
    let finding = world.finding("client.unreachable_for_strangers");
    assert!(
        finding["severity"] == "error" && finding["hint"].as_str().unwrap().contains("`peer`"),
        "{finding}"
    );
}
