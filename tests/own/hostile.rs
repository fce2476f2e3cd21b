//! Tags that somebody has made to do harm.

use super::Inbox;
use crate::support::mp3;

/// A frame of an ID3v2.3 tag, in UTF-8 as many programs write it.
fn frame(id: &str, content: &[u8]) -> Vec<u8> {
    let mut frame = id.as_bytes().to_vec();
    frame.extend_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(&[0, 0]);
    frame.extend_from_slice(content);
    frame
}

/// An MP3 with these frames, and this length claimed for its tag.
fn tagged(frames: &[Vec<u8>], claimed: Option<u32>, seed: u64) -> Vec<u8> {
    let frames = frames.concat();
    let length = claimed.unwrap_or(u32::try_from(frames.len()).unwrap());
    let mut bytes = b"ID3\x03\x00\x00".to_vec();
    bytes.extend([21, 14, 7, 0].map(|shift| (length >> shift) as u8 & 0x7f));
    bytes.extend(frames);
    bytes.extend_from_slice(&mp3(20_000, seed)[27..]);
    bytes
}

fn text(id: &str, text: &[u8]) -> Vec<u8> {
    frame(id, &[b"\0", text].concat())
}

#[tokio::test]
async fn hostile_tags_become_harmless_text_and_broken_ones_none() {
    let inbox = Inbox::new(
        "permission: own work, title: \"<script>alert(1)</script>\"",
        "publish: {base_url: \"https://t.example.org/\"}",
    )
    .await;
    let long = [b"\0eng\0".as_slice(), &vec![b'x'; 10_000_000]].concat();
    let picture = [b"\0image/png\0\x03\0".as_slice(), b"<script>this is no picture</script>"].concat();
    let files: [(&str, Vec<u8>); 6] = [
        (
            "html.mp3",
            tagged(
                &[text("TIT2", b"<img src=x onerror=alert(1)>]]><item>"), text("TPE1", b"</channel>")],
                None,
                1,
            ),
        ),
        (
            "control.mp3",
            tagged(&[text("TIT2", b"a\x07\x1b[31mb\0c"), text("TRCK", b"99999999999999/-1")], None, 2),
        ),
        ("long.mp3", tagged(&[text("TIT2", b"Long"), frame("COMM", &long)], None, 3)),
        ("broken.mp3", tagged(&[text("TIT2", b"Broken")], Some(0x0fff_ffff), 4)),
        ("frame.mp3", tagged(&[b"TIT2\xff\xff\xff\xff\0\0\0".to_vec()], None, 5)),
        ("picture.mp3", tagged(&[text("TIT2", b"Picture"), frame("APIC", &picture)], None, 6)),
    ];
    for (name, bytes) in &files {
        inbox.put(name, bytes);
    }
    inbox.run(0);
    assert_eq!(inbox.check_torrents(), 6);
    let site = inbox.world.path("data/site");
    let page = std::fs::read_to_string(site.join("own/index.html")).unwrap();
    for forbidden in ["<script>alert", "<img src=x", "\u{7}", "\u{1b}", inbox.path("").to_str().unwrap()] {
        assert!(!page.contains(forbidden), "{forbidden:?} is on the page");
    }
    assert!(page.len() < 300_000, "a page of {} bytes", page.len());
    assert!(!site.join("own/cover.jpg").exists(), "what is no picture became one");
    let place = inbox.path("").to_str().unwrap().as_bytes().to_vec();
    for file in crate::support::world::files_below(&site) {
        let bytes = std::fs::read(&file).unwrap();
        let tells = bytes.windows(place.len()).any(|window| window == place);
        assert!(!tells, "{} says where the user has his files", file.display());
    }
    let feed = std::fs::read_to_string(site.join("own/podcast.xml")).unwrap();
    assert!(feed.len() < 100_000 && !feed.contains(inbox.path("").to_str().unwrap()), "{} bytes", feed.len());
    let document = podseed::feed::read(feed.as_bytes(), None, None).unwrap();
    assert_eq!(document.items.len(), 6, "{:?}", document.warnings);
}
