//! Real clients seed own files from where they are.

use podseed_adapters::testing::{PASSWORD, QBittorrent, Transmission, USERNAME};

use super::Inbox;
use crate::support::mp3;
use crate::support::peers::Libtorrent;

const LENGTH: usize = 1_500_000;

fn clients(tr: &Transmission, qb: &QBittorrent) -> String {
    let login = format!("username: {USERNAME}, password_file: password");
    format!(
        "clients:\n  tr: {{transmission: {{url: \"{}\", {login}}}}}\n  qb: {{qbittorrent: {{url: \"{}\", {login}}}}}\n\
         torrent: {{trackers: [[\"http://127.0.0.1:9/announce\"]]}}\n",
        tr.url(),
        qb.url()
    )
}

impl Inbox {
    async fn with_clients(tr: &Transmission, qb: &QBittorrent) -> Self {
        let inbox = Self::new("permission: own work", "").await;
        std::fs::write(inbox.world.path("password"), format!("{PASSWORD}\n")).unwrap();
        inbox.configure("permission: own work", &clients(tr, qb));
        inbox
    }

    /// A stranger gets the file in force from a client, bit for bit.
    fn leech(&self, name: &str, port: u16) {
        let into = tempfile::tempdir().unwrap();
        let torrent = self.world.path("data/torrents/own").join(format!("{name}.torrent"));
        Libtorrent::start().leech(&torrent, Some(port), into.path());
        assert_eq!(std::fs::read(into.path().join(name)).unwrap(), std::fs::read(self.path(name)).unwrap());
    }
}

#[tokio::test]
async fn clients_seed_own_files_in_place_and_let_go_of_what_is_not_there_any_more() {
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    let inbox = Inbox::with_clients(&tr, &qb).await;
    inbox.put("a.mp3", &mp3(LENGTH, 1));
    inbox.put("deep/b.mp3", &mp3(LENGTH, 2));
    let before = inbox.untouched();
    let ran = inbox.podseed(&["check"]);
    let seen = format!("it reads what is in {}", inbox.world.path("inbox").display());
    assert_eq!(ran.stdout.matches(&seen).count(), 2, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(inbox.untouched(), before, "the test file has to go again");
    let run = inbox.run(0);
    assert_eq!((run["handed_over"].as_u64(), run["seeding"].as_u64()), (Some(2), Some(2)), "{run}");
    let checked = inbox.podseed(&["check"]).stdout;
    assert!(checked.contains("inbox.own: published: by permission: own work"), "{checked}");
    assert!(!checked.contains("site.left_over"), "its place is in the configuration: {checked}");
    for port in [tr.peer_port(), qb.peer_port()] {
        inbox.leech("a.mp3", port);
    }
    assert_eq!(inbox.untouched(), before);

    // Renamed and replaced: the clients have the new torrents, and nothing else.
    std::fs::rename(inbox.path("a.mp3"), inbox.path("c.mp3")).unwrap();
    inbox.put("deep/b.mp3", &mp3(LENGTH, 3));
    let before = inbox.untouched();
    let run = inbox.run(0);
    assert_eq!(run["seeding"].as_u64(), Some(2), "{run}");
    for port in [tr.peer_port(), qb.peer_port()] {
        inbox.leech("c.mp3", port);
    }
    assert_eq!(inbox.untouched(), before);
    let of_former = |status: &serde_json::Value| {
        let enclosures = status["shows"][0]["episodes"].as_array().unwrap().iter();
        let enclosures = enclosures.flat_map(|episode| episode["enclosures"].as_array().unwrap().clone());
        let withdrawn = enclosures.filter(|one| one["stage"] == "withdrawn");
        withdrawn.map(|one| one["placements"].as_array().unwrap().len()).collect::<Vec<_>>()
    };
    assert_eq!(of_former(&inbox.world.status()), [0, 0], "a client still has a former version");

    // Moved to another folder under the same name: the same torrent, from its new place.
    std::fs::create_dir(inbox.path("other")).unwrap();
    std::fs::rename(inbox.path("c.mp3"), inbox.path("other/c.mp3")).unwrap();
    inbox.run(0);
    inbox.run(0);
    assert_eq!(inbox.shared(), ["b.mp3", "c.mp3"]);
    for port in [tr.peer_port(), qb.peer_port()] {
        let into = tempfile::tempdir().unwrap();
        let torrent = inbox.world.path("data/torrents/own/c.mp3.torrent");
        Libtorrent::start().leech(&torrent, Some(port), into.path());
        assert!(std::fs::read(into.path().join("c.mp3")).unwrap() == mp3(LENGTH, 1), "other bytes came");
    }
}
