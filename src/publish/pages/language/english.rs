//! English.

use super::{About, Block, File, Language, Search, Show, Site, Subject, Topic};

pub(super) static ENGLISH: Language = Language {
    code: "en",
    decimal_mark: ".",
    group_mark: ",",
    date_format: |day, month, year| format!("{day} {month} {year}"),
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    languages: [
        ("cs", "Czech"),
        ("da", "Danish"),
        ("de", "German"),
        ("en", "English"),
        ("es", "Spanish"),
        ("fr", "French"),
        ("it", "Italian"),
        ("ja", "Japanese"),
        ("nl", "Dutch"),
        ("pl", "Polish"),
        ("pt", "Portuguese"),
        ("ru", "Russian"),
        ("sv", "Swedish"),
        ("zh", "Chinese"),
    ],
    site: Site {
        title: "Podcasts, as torrents",
        intro: "Each episode was fetched once from its publisher and is shared from there on by everybody who \
                wants to. That spares the publisher’s server, and nobody has to wait for it.",
        skip: "Skip to the content",
        navigation: "This site",
        all_shows: "All podcasts",
        about: "How this works",
        shows: "Podcasts",
        empty: "Nothing is published here yet.",
        newest: "newest {}",
        episodes: ["episode", "episodes"],
        lists: "For programs",
        plain_list: "All torrents, one link per line",
        opml: "All feeds (OPML)",
        catalogue: "Catalogue (JSON)",
        promise: "This page sets no cookies and loads nothing from any other server.",
        privacy: "What BitTorrent reveals",
        made_with: "Made with podseed",
        not_found: "There is no such page",
        not_found_text: "It may have been withdrawn, or it never was here.",
    },
    search: Search {
        find_show: "Find a podcast",
        find_episode: "Find an episode",
        language: "Language",
        every_language: "Every language",
        shown: "{n} of {all} shown.",
        nothing: "Nothing found.",
        elsewhere: "Only this page was searched. There are more episodes on the other pages.",
        copy: "Copy",
        copied: "Copied",
    },
    show: Show {
        by: "by",
        publishers_page: "Publisher’s page",
        publishers_feed: "Publisher’s feed",
        licence: "Licence",
        permission: "Published with permission",
        subscribe: "Subscribe",
        torrent_feed: "Torrent feed",
        torrent_feed_for: "for the RSS reader of a BitTorrent program",
        podcast_feed: "Podcast feed with torrents",
        own_feed_for: "for a podcast app",
        podcast_feed_for: "the publisher’s feed with the torrents added, for a podcast app",
        help: "New to torrents? How to open them, and what others see when you do",
        episodes: "Episodes",
        empty: "No episode is published yet.",
        pages: "Pages of episodes",
        newest: "Newest episodes",
        page: "Page {}",
        newer: "Newer episodes",
        older: "Older episodes",
        to: "to",
    },
    file: File {
        torrent: "Torrent",
        official_torrent: "Publisher’s torrent",
        magnet: "Magnet link",
        from_publisher: "From the publisher",
        from_here: "From this site",
        episode_page: "Episode’s page",
        details: "Details and checksums",
        name: "File",
        size: "Size",
        bytes: "bytes",
        info_hash: "Info hash",
        sha256: "SHA-256",
        seeded_by: "Seeded by",
        confirmed: "confirmed on {}",
        unconfirmed: "handed over, not confirmed",
        unconfirmed_only: "Handed over for seeding",
        by_one: "Seeded, confirmed on {}",
        by_many: "Seeded by {} clients, confirmed on {}",
        by_nobody: "Nobody is known to seed this",
        published: "Torrent since",
        badge_official: "Official",
        badge_former: "Earlier version",
        replaces: "The publisher replaced the file. This is the new one, since {}.",
        official_elsewhere: "The publisher offers a torrent of their own, which comes first.",
        official: "This is the publisher’s own torrent.",
        offered_here: "Where they offer it",
        revised: "The publisher replaced this file on {}. It is still seeded until {}.",
        superseded: "Since {} the publisher offers a torrent of their own. This one is still seeded until {}.",
        changes_per_request: "The publisher’s server gives each listener a file of its own, with other advertising \
                              for instance. This is the one that was fetched.",
        changed_once: "The publisher’s server now gives another file. This is the one that was fetched.",
    },
    about: About {
        title: "How this works",
        contents: "On this page",
        other_language: "Diese Seite auf Deutsch",
        contact: "You reach the operator of this site at:",
        no_contact: "The operator of this site has left no address here. Ask whoever gave you the link, or whom the \
                     domain belongs to.",
        topics: TOPICS,
    },
};

const TOPICS: &[Topic] = &[
    Topic {
        subject: Subject::This,
        heading: "What this is",
        blocks: &[
            Block::Paragraph(
                "The podcasts listed here belong to their publishers. Each file was fetched once from the publisher’s \
                 server, exactly as it was there, and a torrent was made of it. Whoever loads it by BitTorrent \
                 gets it from others who have it, and passes it on.",
            ),
            Block::Paragraph(
                "“Seeded” means that a BitTorrent program that has the whole file has itself reported so, on the day \
                 that is shown.",
            ),
        ],
    },
    Topic {
        subject: Subject::Open,
        heading: "How to open a torrent",
        blocks: &[
            Block::Steps(&[
                "Install a BitTorrent program, if you have none: Transmission, qBittorrent or Deluge for Linux, macOS \
                 and Windows, LibreTorrent for Android. All of these are free, and without advertising.",
                "Choose “Torrent” and open the small file with that program. Or choose “Magnet link”, which hands \
                 the torrent over without a file in between.",
                "Choose a folder and wait. What you get is the ordinary audio or video file.",
                "Leave the program running for a while: then others get the file from you, too.",
            ]),
            Block::Heading("If nothing happens"),
            Block::Points(&[
                "The browser does not know what to do with a magnet link: copy its address, and paste it in the \
                 BitTorrent program under “Add magnet link” or “Open URL”.",
                "The browser shows odd characters instead of saving: choose “Save link as” on “Torrent”.",
                "The torrent stays at 0 %: nobody who has the file can be reached at the moment, or your network \
                 blocks BitTorrent. “From the publisher” works as long as their server has the file.",
            ]),
        ],
    },
    Topic {
        subject: Subject::Subscribe,
        heading: "How to subscribe",
        blocks: &[Block::Points(&[
            "The torrent feed is for the RSS reader of a BitTorrent program. In qBittorrent: View, RSS Reader, New \
             subscription. A download rule then fetches each new episode by itself.",
            "The podcast feed is the publisher’s own with the torrents added. An ordinary podcast app plays from the \
             publisher’s server as before; an app that knows torrents may take those.",
        ])],
    },
    Topic {
        subject: Subject::Privacy,
        heading: "What BitTorrent reveals",
        blocks: &[
            Block::Paragraph(
                "BitTorrent connects those who load and share a file directly with one another. So everybody who takes part \
                 in the same torrent can see your internet address (IP address), and that you are loading or sharing \
                 this file. Trackers and the distributed table (DHT) that bring you together see it, too. That can \
                 be recorded by anybody.",
            ),
            Block::Paragraph(
                "With “From the publisher” there is nobody in between: only the publisher’s server, and those who \
                 run it for them, see your address.",
            ),
            Block::Paragraph(
                "This site itself sets no cookies, counts nobody, and loads nothing from other servers. What its \
                 web server records is up to its operator.",
            ),
        ],
    },
    Topic {
        subject: Subject::Check,
        heading: "How to check a file",
        blocks: &[
            Block::Paragraph(
                "A BitTorrent program checks each piece by itself. For a file that came another way, calculate its \
                 SHA-256 and compare it with the one under “Details and checksums”. If the two are the same, so are \
                 the files.",
            ),
            Block::Commands(&[
                ("Linux", "sha256sum FILE"),
                ("macOS", "shasum -a 256 FILE"),
                ("Windows (PowerShell)", "Get-FileHash FILE"),
            ]),
        ],
    },
    Topic {
        subject: Subject::Basis,
        heading: "Why this may be here",
        blocks: &[Block::Paragraph(
            "A podcast is listed only on a basis, which its page shows: a licence in the publisher’s feed that \
             allows it to be passed on, or a permission that the operator of this site has from the publisher. Feeds \
             that need a password, and feeds whose publisher asks not to be listed, are never published.",
        )],
    },
    Topic {
        subject: Subject::Publishers,
        heading: "For publishers",
        blocks: &[Block::Points(&[
            "This mirror asks your server for each file once. What listeners load by BitTorrent costs you nothing. Each \
                 episode has a link to your page, and one to your server.",
            "You want something taken down: write to the operator. An episode or a whole show then goes from \
                 these pages, from the feeds and from the BitTorrent programs, and it is remembered, so that it does \
                 not come back.",
            "You miss these downloads in your figures: the operator can give you a report of completed downloads \
                 per episode and day, as a table or in the format of a web server’s log, without addresses of \
                 listeners.",
            "You want to make it official: the torrents are made by a written recipe, so that yours of the \
                 same files are the same torrents, and those who share them now go on for you. The operator can give \
                 you everything that is on these pages, ready to be put on your own server. As soon as your feed \
                 offers torrents, yours come first here.",
        ])],
    },
];
