//! Shows as publishing gets them: ordinary ones with all that can be told of a file, and a hostile one.

use jiff::{SignedDuration, Timestamp};
use podseed::model::{
    Basis, InfoHashV1, InfoHashV2, InfoHashes, PublishedEpisode, PublishedFile, PublishedShow, Seeder,
    SourceState, Standing,
};

const NEWEST: &str = "2026-11-20T06:00:00Z";

/// `weeks` before the newest episode.
pub(crate) fn time(weeks: usize) -> Timestamp {
    let newest: Timestamp = NEWEST.parse().unwrap();
    newest - SignedDuration::from_hours(24 * 7 * i64::try_from(weeks).unwrap())
}

pub(crate) fn seeder(client: &str, verified: Option<&str>) -> Seeder {
    Seeder { client: client.to_owned(), verified: verified.map(|date| date.parse().unwrap()) }
}

/// A file as most are.
pub(crate) fn file(name: &str, number: usize) -> PublishedFile {
    let byte = u8::try_from(number % 251).unwrap();
    let v1 = InfoHashV1([byte; 20]);
    PublishedFile {
        name: name.to_owned(),
        url: format!("https://media.resonator.example/{name}"),
        media_type: "audio/mpeg".to_owned(),
        length: 41_200_000 + 654_321 * u64::try_from(number).unwrap(),
        sha256: Some([byte; 32]),
        info_hash: InfoHashes::V1(v1),
        magnet: format!("magnet:?xt=urn:btih:{v1}&dn={name}"),
        torrent_length: 18_000,
        published: time(0),
        seeders: vec![seeder("nas", Some("2026-11-21"))],
        standing: Standing::Current { since: None, official: None },
        source: SourceState::Stable,
    }
}

pub(crate) fn episode(title: &str, file: PublishedFile, weeks: usize) -> PublishedEpisode {
    PublishedEpisode {
        guid: Some(format!("urn:episode:{weeks}")),
        title: title.to_owned(),
        date: Some(time(weeks)),
        link: Some(format!("https://resonator.example/{weeks}")),
        basis: None,
        files: vec![file],
    }
}

fn show(slug: &str, title: &str, language: &str, episodes: Vec<PublishedEpisode>) -> PublishedShow {
    PublishedShow {
        slug: slug.to_owned(),
        title: title.to_owned(),
        link: Some("https://resonator.example/".to_owned()),
        feed: Some("https://resonator.example/feed.xml".to_owned()),
        description: None,
        author: None,
        language: Some(language.to_owned()),
        basis: Basis::Licence {
            name: "CC BY-SA 4.0".to_owned(),
            url: Some("https://creativecommons.org/licenses/by-sa/4.0/".to_owned()),
        },
        cover: false,
        podcast_feed: true,
        episodes,
    }
}

const SUBJECTS: [&str; 10] = [
    "The shape of a valley",
    "Night ferries",
    "What the archive kept",
    "A short history of the hum",
    "Salt, and what it is good for",
    "Two tuning forks",
    "Why bridges sing",
    "The clockmaker’s daughter on time signals, shortwave, and the patience of instruments that nobody listens to",
    "Überlagerung",
    "Lost and found frequencies",
];

/// Everything that can be told of a file, in the first six of these many episodes.
pub(crate) fn resonator(count: usize) -> PublishedShow {
    let title = |index: usize| format!("{}: {}", count - index, SUBJECTS[(count - index) % SUBJECTS.len()]);
    let mut episodes: Vec<_> = (0..count)
        .map(|index| {
            let number = count - index;
            episode(&title(index), file(&format!("resonator-{number:03}.mp3"), number), index)
        })
        .collect();
    for (index, episode) in episodes.iter_mut().enumerate().take(6) {
        tell_more(index, count - index, episode);
    }
    PublishedShow {
        author: Some("Resonator Collective".to_owned()),
        description: Some(
            "Conversations about sound, places and the machines in between. Every other Friday, with guests who build \
             instruments, record rivers, or keep old transmitters on the air.\n\nMade by volunteers, paid for by \
             listeners."
                .to_owned(),
        ),
        cover: true,
        podcast_feed: true,
        ..show("resonator", "Resonator", "en-GB", episodes)
    }
}

fn tell_more(index: usize, number: usize, episode: &mut PublishedEpisode) {
    let first = episode.files[0].clone();
    let other = |name: &str, standing: Standing| PublishedFile { standing, ..file(name, number + 100) };
    match index {
        0 => {
            episode.files[0].seeders.push(seeder("rented box", Some("2026-11-20")));
            episode.files.push(PublishedFile {
                media_type: "audio/ogg".to_owned(),
                info_hash: InfoHashes::Hybrid(InfoHashV1([7; 20]), InfoHashV2([8; 32])),
                seeders: vec![seeder("watched folder", None)],
                ..file(&format!("resonator-{number:03}.opus"), number + 30)
            });
        }
        1 => {
            episode.files[0].standing = Standing::Current { since: Some(time(0)), official: None };
            episode.files.push(other("resonator-old.mp3", Standing::Revised { on: time(0), until: time(1) }));
        }
        2 => {
            episode.files[0].standing =
                Standing::Official { url: "https://resonator.example/torrents/3.torrent".to_owned() };
            episode
                .files
                .push(other("resonator-ours.mp3", Standing::Superseded { on: time(2), until: time(0) }));
        }
        3 => {
            let official = Some("magnet:?xt=urn:btih:00".to_owned());
            episode.files[0] = PublishedFile {
                standing: Standing::Current { since: None, official },
                seeders: Vec::new(),
                ..first
            };
        }
        4 => {
            episode.files[0].source = SourceState::ChangesPerRequest;
            episode.basis = Some(Basis::Permission("by e-mail from the guest, 2026-10-01".to_owned()));
        }
        _ => {
            episode.files[0].source = SourceState::ChangedOnce;
            episode.files[0].sha256 = None;
            episode.link = None;
            episode.date = None;
        }
    }
}

/// In German, published with a permission.
pub(crate) fn aetherwellen(count: usize) -> PublishedShow {
    let title = |number: usize| match number % 3 {
        0 => format!("Folge {number}: Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen"),
        1 => format!("Folge {number}: Über das Rauschen"),
        _ => format!("Folge {number}: Der Nachtdienst am Sender"),
    };
    let mut episodes: Vec<_> = (0..count)
        .map(|index| {
            episode(&title(count - index), file(&format!("ä {}.mp3", count - index), count - index), index)
        })
        .collect();
    episodes[0].files.push(PublishedFile {
        standing: Standing::Revised { on: time(0), until: time(1) },
        source: SourceState::ChangesPerRequest,
        ..file("alt.mp3", 99)
    });
    PublishedShow {
        author: Some("Redaktion Ätherwellen".to_owned()),
        description: Some("Gespräche über Funk, Radio und alles, was dazwischen rauscht.".to_owned()),
        basis: Basis::Permission("mündlich vom Herausgeber, 1. November 2026".to_owned()),
        ..show("aetherwellen", "Ätherwellen", "de-DE", episodes)
    }
}

/// Scripts in every shape; each would set `window.pwned`.
const SCRIPTS: [&str; 14] = [
    "<script>window.pwned=1</script>",
    "</title><script>window.pwned=2</script>",
    "\"><img src=x onerror=window.pwned=3>",
    "' onmouseover='window.pwned=4' autofocus onfocus='window.pwned=4",
    "<svg/onload=window.pwned=5>",
    "<svg><script>window.pwned=6</script></svg>",
    "</bdi></h3></article></li></ol></main><script>window.pwned=7</script>",
    "<iframe srcdoc='<script>parent.pwned=8</script>'></iframe>",
    "--><script>window.pwned=9</script><!--",
    "{{window.pwned=10}}${window.pwned=10}<%=window.pwned=10%>",
    "&lt;script&gt;window.pwned=11&lt;/script&gt;&#60;img src=x onerror=window.pwned=11&#62;",
    "<base href=https://evil.example/><meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<link rel=stylesheet href=https://evil.example/x.css><style>*{display:none}</style>",
    "</script></textarea></style></noscript><details open ontoggle=window.pwned=14>",
];

/// Addresses that are none.
const ADDRESSES: [&str; 8] = [
    "javascript:window.pwned=20",
    "JaVa\tScRiPt:window.pwned=21",
    "\u{1}javascript:window.pwned=22",
    "data:text/html,<script>opener.pwned=23</script>",
    "vbscript:window.pwned=24",
    "https://evil.example/\"onclick=\"window.pwned=25",
    "//evil.example/",
    "https://resonator.example@evil.example/",
];

/// Nothing in it means well.
pub(crate) fn hostile() -> PublishedShow {
    let reordered = "\u{202e}3pm.exe\u{2066}\u{200f}";
    let pile = format!("Z{}", "\u{301}\u{334}".repeat(200));
    let titles = SCRIPTS.iter().map(|text| (*text).to_owned()).chain([
        "word ".repeat(100_000),
        "W".repeat(5_000),
        format!("{reordered} and after"),
        pile,
        "\u{200b}\u{2060}\u{feff}".to_owned(),
        "مرحبا بالعالم: حلقة 5 (mp3)".to_owned(),
        "\u{0}\u{7}\u{1b}[31mred\u{9b}0m\u{fffe}".to_owned(),
    ]);
    let episodes = titles.enumerate().map(|(index, title)| {
        let address = ADDRESSES[index % ADDRESSES.len()];
        let text = SCRIPTS[index % SCRIPTS.len()];
        let hostile = PublishedFile {
            url: address.to_owned(),
            magnet: address.to_owned(),
            media_type: text.to_owned(),
            seeders: vec![seeder(text, Some("2026-11-21"))],
            standing: Standing::Official { url: address.to_owned() },
            ..file(&format!("{}{index}.mp3", text.replace('/', "_")), index)
        };
        PublishedEpisode {
            link: Some(address.to_owned()),
            basis: Some(Basis::Licence { name: text.to_owned(), url: Some(address.to_owned()) }),
            ..episode(&title, hostile, index)
        }
    });
    PublishedShow {
        link: Some(ADDRESSES[0].to_owned()),
        feed: Some(ADDRESSES[3].to_owned()),
        author: Some(SCRIPTS[4].to_owned()),
        description: Some(format!("{}\n{}", SCRIPTS.join("\n"), "description ".repeat(200_000))),
        language: Some("en\" onclick=\"window.pwned=30".to_owned()),
        basis: Basis::Permission(SCRIPTS[1].to_owned()),
        ..show("hostile", SCRIPTS[1], "en", episodes.collect())
    }
}

/// A show with one episode.
pub(crate) fn single() -> PublishedShow {
    let episodes = vec![episode("Pilot", file("pilot.mp3", 1), 0)];
    PublishedShow { feed: None, ..show("single", "The One", "fr", episodes) }
}
