//! The hand-over kit, used as its README says.

use std::path::{Path, PathBuf};
use std::process::Command;

use podseed::model::{InfoHashV1, InfoHashV2, InfoHashes, PublishedShow, SourceState, TorrentVersion};
use podseed::publish::kit::{self, KitShow, PLACEHOLDER};
use podseed::publish::site::Error;
use podseed::torrent::{MetainfoRequest, hash_file, make};
use podseed_adapters::testing::Tracker;
use tempfile::TempDir;

use super::sample::{HOSTILE, hostile_show, options, show, time, xpath};
use crate::support::mp3;
use crate::support::world::files_below;

/// Shows with real files and torrents of them, in folders of ours.
struct Ours {
    folder: TempDir,
    shows: Vec<PublishedShow>,
}

impl Ours {
    fn new(shows: Vec<PublishedShow>) -> Self {
        let mut ours = Self { folder: tempfile::tempdir().unwrap(), shows };
        for show in &mut ours.shows {
            let (media, torrents) = (
                ours.folder.path().join("media").join(&show.slug),
                ours.folder.path().join("torrents").join(&show.slug),
            );
            std::fs::create_dir_all(&media).unwrap();
            std::fs::create_dir_all(&torrents).unwrap();
            for (seed, file) in (1..).zip(show.episodes.iter_mut().flat_map(|episode| &mut episode.files)) {
                std::fs::write(media.join(&file.name), mp3(100_000, seed)).unwrap();
                let hashes = hash_file(&media.join(&file.name), TorrentVersion::V1, None).unwrap();
                file.sha256 = Some(sha256(&media.join(&file.name)));
                let torrent = make(&MetainfoRequest::new(&file.name, hashes));
                file.info_hash = torrent.info_hash;
                std::fs::write(torrents.join(format!("{}.torrent", file.name)), torrent.metainfo).unwrap();
            }
        }
        ours
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes the kit into `kit/`, for a publisher at this address.
    fn kit(&self, base_url: Option<&str>) -> PathBuf {
        let options = kit::options(base_url.map(|url| url.parse().unwrap()), &options());
        let torrents: Vec<_> = self.shows.iter().map(|show| self.path("torrents").join(&show.slug)).collect();
        let shows: Vec<_> = self
            .shows
            .iter()
            .zip(&torrents)
            .map(|(show, torrents)| KitShow {
                show,
                podcast: Some(b"<rss/>".to_vec()),
                cover: None,
                torrents,
            })
            .collect();
        let draft = kit::draft(&shows, &options, time("2026-03-05T08:00:00Z")).unwrap();
        let written = draft.write_into(&self.path("kit")).unwrap();
        assert_eq!(written, files_below(&self.path("kit")).len());
        self.path("kit")
    }
}

fn sha256(path: &Path) -> [u8; 32] {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    let digits: InfoHashV2 = String::from_utf8(output.stdout).unwrap()[..64].parse().unwrap();
    digits.0
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref())
        .unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

#[test]
fn a_kit_has_everything_that_a_publisher_needs() {
    let ours = Ours::new(vec![show("alpha", 2)]);
    let kit = ours.kit(Some("https://alpha.example/torrents/"));
    for file in [
        "README.md",
        "SHA256SUMS",
        "tracker-whitelist.txt",
        "web-seeds.csv",
        "site/index.html",
        "site/torrents.xml",
        "site/feeds.opml",
        "site/catalog.json",
        "site/torrents.txt",
        "site/sitemap.xml",
        "site/alpha/index.html",
        "site/alpha/torrents.xml",
        "site/alpha/podcast.xml",
        "site/alpha/catalog.json",
    ] {
        assert!(kit.join(file).is_file(), "{file}");
    }
    let torrent = "alpha 1.mp3.torrent";
    assert_eq!(
        std::fs::read(kit.join("site/alpha/torrents").join(torrent)).unwrap(),
        std::fs::read(ours.path("torrents/alpha").join(torrent)).unwrap()
    );
    let feed = std::fs::read(kit.join("site/alpha/torrents.xml")).unwrap();
    assert_eq!(
        xpath(&feed, "string(//item[2]/enclosure/@url)"),
        "https://alpha.example/torrents/alpha/torrents/alpha%201.mp3.torrent"
    );
    // Nothing of it leads back to us.
    for file in
        files_below(&kit).iter().filter(|file| file.extension().is_none_or(|ending| ending != "torrent"))
    {
        let text = read(file);
        assert!(
            !text.contains("example.org/pods") && !text.contains(ours.folder.path().to_str().unwrap()),
            "{}",
            file.display()
        );
    }
    assert_eq!(
        read(kit.join("web-seeds.csv")).lines().nth(1),
        Some("\"alpha/alpha 2.mp3\",\"https://media.example/alpha%202.mp3\",stable")
    );
}

#[test]
fn a_kit_is_written_into_a_folder_of_its_own_only() {
    let ours = Ours::new(vec![show("alpha", 1)]);
    std::fs::create_dir(ours.path("kit")).unwrap();
    ours.kit(None);
    let again = kit::draft(&[], &options(), time("2026-03-05T08:00:00Z")).unwrap();
    let error = again.write_into(&ours.path("kit")).unwrap_err();
    assert!(
        matches!(error, Error::NotEmpty { .. }) && error.to_string().contains("name a folder"),
        "{error}"
    );
}

/// The commands of a README that begin so.
fn command(readme: &str, beginning: &str) -> String {
    let line = readme.lines().map(str::trim).find(|line| line.starts_with(beginning));
    line.unwrap_or_else(|| panic!("no {beginning} in {readme}")).to_owned()
}

fn shell(command: &str, folder: &Path) {
    let output = Command::new("sh").args(["-c", command]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    for (language, name) in [("en", "README.md"), ("de", "LIESMICH.md")] {
        let mut alpha = show("alpha", 2);
        alpha.language = Some(language.to_owned());
        let ours = Ours::new(vec![alpha]);
        let kit = ours.kit(None);
        let readme = read(kit.join(name));
        assert!(!readme.contains("\n\n\n") && !readme.contains('{'), "{readme}");
        assert!(read(kit.join("site/alpha/torrents.xml")).contains(PLACEHOLDER));
        shell(&command(&readme, "grep -rlZ"), &kit);
        for file in files_below(&kit.join("site")) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            assert!(!text.contains("your-site"), "{}", file.display());
        }
        assert!(
            read(kit.join("site/alpha/torrents.xml")).contains("https://podcast.example.org/torrents/alpha/")
        );

        let sums = kit.join("SHA256SUMS");
        let check = command(&readme, "sha256sum -c").replace("SHA256SUMS", sums.to_str().unwrap());
        shell(&check, &ours.path("media/alpha"));
    }
}

#[test]
fn shows_of_one_publisher_share_a_kit() {
    let mut beta = show("beta", 1);
    beta.language = Some("de".to_owned());
    let ours = Ours::new(vec![show("alpha", 1), beta]);
    let kit = ours.kit(None);
    // Of two languages, that of our site.
    let readme = read(kit.join("README.md"));
    assert!(readme.starts_with("# The alpha show, The beta show:"), "{readme}");
    assert!(readme.contains("Each show has a folder") && !readme.contains("\n\n\n"), "{readme}");
    let check = format!("sha256sum -c {}", kit.join("SHA256SUMS").display());
    shell(&check, &ours.path("media"));
    // Both have an episode of this guid.
    let lookup = read(kit.join("site").join(podseed::publish::catalogue::guid_path("guid-1")));
    assert!(lookup.contains("\"alpha\"") && lookup.contains("\"beta\""), "{lookup}");
    assert_eq!(read(kit.join("site/torrents.txt")).lines().count(), 2);
}

#[test]
fn hostile_text_is_text_in_the_readme_and_the_table() {
    let mut bad = hostile_show();
    bad.episodes[0].files[0].name = "a \"b\", c.mp3".to_owned();
    bad.episodes[1].files[0].source = SourceState::ChangesPerRequest;
    let ours = Ours::new(vec![bad]);
    let kit = ours.kit(None);
    let readme = read(kit.join("README.md"));
    assert!(
        readme.contains(r"\<script\>alert(1)\</script\> \& ") && !readme.contains("<script>"),
        "{readme}"
    );
    assert!(HOSTILE.contains('\0') && !readme.contains('\0') && !readme.contains("data:"));
    let table = read(kit.join("web-seeds.csv"));
    assert!(
        table.contains("\"bad/a \"\"b\"\", c.mp3\",") && table.ends_with(",changes per request\n"),
        "{table}"
    );
}

/// What a tracker says to somebody who seeds a torrent.
async fn announce(tracker: &Tracker, info_hash: [u8; 20]) -> String {
    let hash: String = info_hash.iter().map(|byte| format!("%{byte:02x}")).collect();
    let url = format!(
        "{}?info_hash={hash}&peer_id=-XX0001-123456789012&port=6881&uploaded=0&downloaded=0&left=0",
        tracker.announce_url()
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let bytes = http.get(url).send().await.unwrap().bytes().await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_real_opentracker_serves_the_torrents_of_the_whitelist_and_no_others() {
    let mut alpha = show("alpha", 3);
    let hybrid = InfoHashes::Hybrid(InfoHashV1([0xaa; 20]), InfoHashV2([0xbb; 32]));
    for (episode, info_hash) in alpha.episodes.iter_mut().zip([
        InfoHashes::V1(InfoHashV1([1; 20])),
        InfoHashes::V2(InfoHashV2([2; 32])),
        hybrid,
    ]) {
        episode.files[0].info_hash = info_hash;
    }
    let torrents = tempfile::tempdir().unwrap();
    for file in alpha.episodes.iter().flat_map(|episode| &episode.files) {
        std::fs::write(torrents.path().join(format!("{}.torrent", file.name)), "").unwrap();
    }
    let shows = [KitShow { show: &alpha, podcast: None, cover: None, torrents: torrents.path() }];
    let draft = kit::draft(&shows, &kit::options(None, &options()), time("2026-03-05T08:00:00Z")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    draft.write_into(folder.path()).unwrap();

    let whitelist = read(folder.path().join("tracker-whitelist.txt"));
    let tracker = Tracker::start_with_whitelist(&whitelist).unwrap();
    for listed in [1, 2, 0xaa, 0xbb] {
        let answer = announce(&tracker, [listed; 20]).await;
        assert!(answer.contains("8:interval") && !answer.contains("failure"), "{listed}: {answer}");
    }
    let answer = announce(&tracker, [3; 20]).await;
    assert!(answer.contains("failure reason"), "{answer}");
}
