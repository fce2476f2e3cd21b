//! German.

use super::{About, Block, File, Language, Search, Show, Site, Subject, Topic};

pub(super) static GERMAN: Language = Language {
    code: "de",
    decimal_mark: ",",
    group_mark: ".",
    date_format: |day, month, year| format!("{day}. {month} {year}"),
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    languages: [
        ("cs", "Tschechisch"),
        ("da", "Dänisch"),
        ("de", "Deutsch"),
        ("en", "Englisch"),
        ("es", "Spanisch"),
        ("fr", "Französisch"),
        ("it", "Italienisch"),
        ("ja", "Japanisch"),
        ("nl", "Niederländisch"),
        ("pl", "Polnisch"),
        ("pt", "Portugiesisch"),
        ("ru", "Russisch"),
        ("sv", "Schwedisch"),
        ("zh", "Chinesisch"),
    ],
    site: Site {
        title: "Podcasts als Torrents",
        intro: "Jede Folge wurde einmal beim Herausgeber abgeholt, und von da an geben alle sie weiter, die das \
                möchten. Das schont den Server des Herausgebers, und niemand muss auf ihn warten.",
        skip: "Zum Inhalt springen",
        navigation: "Diese Website",
        all_shows: "Alle Podcasts",
        about: "So geht das",
        shows: "Podcasts",
        empty: "Hier ist noch nichts veröffentlicht.",
        newest: "neueste vom {}",
        episodes: ["Folge", "Folgen"],
        lists: "Für Programme",
        plain_list: "Alle Torrents, ein Link je Zeile",
        opml: "Alle Feeds (OPML)",
        catalogue: "Katalog (JSON)",
        promise: "Diese Seite setzt keine Cookies und lädt nichts von anderen Servern.",
        privacy: "Was BitTorrent preisgibt",
        made_with: "Gemacht mit podseed",
        not_found: "Diese Seite gibt es nicht",
        not_found_text: "Vielleicht wurde sie zurückgezogen, vielleicht war sie nie hier.",
    },
    search: Search {
        find_show: "Podcast suchen",
        find_episode: "Folge suchen",
        language: "Sprache",
        every_language: "Alle Sprachen",
        shown: "{n} von {all} angezeigt.",
        nothing: "Nichts gefunden.",
        elsewhere: "Nur diese Seite wurde durchsucht. Auf den anderen Seiten sind weitere Folgen.",
        copy: "Kopieren",
        copied: "Kopiert",
    },
    show: Show {
        by: "von",
        publishers_page: "Seite des Herausgebers",
        publishers_feed: "Feed des Herausgebers",
        licence: "Lizenz",
        permission: "Veröffentlicht mit Erlaubnis",
        subscribe: "Abonnieren",
        torrent_feed: "Torrent-Feed",
        torrent_feed_for: "für den RSS-Leser eines BitTorrent-Programms",
        podcast_feed: "Podcast-Feed mit Torrents",
        own_feed_for: "für eine Podcast-App",
        podcast_feed_for: "der Feed des Herausgebers, um die Torrents ergänzt, für eine Podcast-App",
        help: "Noch nie einen Torrent geladen? Wie das geht, und was andere dabei sehen",
        episodes: "Folgen",
        empty: "Noch ist keine Folge veröffentlicht.",
        pages: "Seiten mit Folgen",
        newest: "Neueste Folgen",
        page: "Seite {}",
        newer: "Neuere Folgen",
        older: "Ältere Folgen",
        to: "bis",
    },
    file: File {
        torrent: "Torrent",
        official_torrent: "Torrent des Herausgebers",
        magnet: "Magnet-Link",
        from_publisher: "Vom Herausgeber",
        from_here: "Von dieser Website",
        episode_page: "Seite der Folge",
        details: "Einzelheiten und Prüfsummen",
        name: "Datei",
        size: "Größe",
        bytes: "Bytes",
        info_hash: "Info-Hash",
        sha256: "SHA-256",
        seeded_by: "Verteilt von",
        confirmed: "bestätigt am {}",
        unconfirmed: "übergeben, nicht bestätigt",
        unconfirmed_only: "Zum Verteilen übergeben",
        by_one: "Wird verteilt, bestätigt am {}",
        by_many: "Von {} Programmen verteilt, bestätigt am {}",
        by_nobody: "Derzeit verteilt das niemand, von dem wir wissen",
        published: "Torrent seit",
        badge_official: "Offiziell",
        badge_former: "Frühere Fassung",
        replaces: "Der Herausgeber hat die Datei ersetzt. Dies ist die neue, seit dem {}.",
        official_elsewhere: "Der Herausgeber bietet selbst einen Torrent an, und der geht vor.",
        official: "Dies ist der Torrent des Herausgebers selbst.",
        offered_here: "Wo er ihn anbietet",
        revised: "Der Herausgeber hat diese Datei am {} ersetzt. Sie wird noch bis zum {} verteilt.",
        superseded: "Seit dem {} bietet der Herausgeber selbst einen Torrent an. Dieser wird noch bis zum {} verteilt.",
        changes_per_request: "Der Server des Herausgebers gibt allen, die ihn fragen, eine eigene Datei, etwa mit \
                              anderer Werbung. Dies ist die, die abgeholt wurde.",
        changed_once: "Der Server des Herausgebers gibt jetzt eine andere Datei. Dies ist die, die abgeholt wurde.",
    },
    about: About {
        title: "So geht das",
        contents: "Auf dieser Seite",
        other_language: "This page in English",
        contact: "So erreichen Sie den Betreiber dieser Website:",
        no_contact: "Der Betreiber dieser Website hat hier keine Adresse hinterlassen. Fragen Sie, wer Ihnen den Link \
                     gegeben hat, oder wem die Domain gehört.",
        topics: TOPICS,
    },
};

const TOPICS: &[Topic] = &[
    Topic {
        subject: Subject::This,
        heading: "Was das hier ist",
        blocks: &[
            Block::Paragraph(
                "Die Podcasts, die hier stehen, gehören ihren Herausgebern. Jede Datei wurde einmal vom Server des \
                 Herausgebers geholt, genau wie sie dort lag, und daraus wurde ein Torrent gemacht. Wer sie mit \
                 BitTorrent lädt, bekommt sie von anderen, die sie haben, und gibt sie weiter.",
            ),
            Block::Paragraph(
                "„Verteilt“ heißt: Ein BitTorrent-Programm, das die ganze Datei hat, hat das an dem genannten Tag selbst \
                 gemeldet.",
            ),
        ],
    },
    Topic {
        subject: Subject::Open,
        heading: "Einen Torrent öffnen",
        blocks: &[
            Block::Steps(&[
                "Ein BitTorrent-Programm installieren, falls noch keines da ist: Transmission, qBittorrent oder Deluge \
                 für Linux, macOS und Windows, LibreTorrent für Android. Sie alle sind frei und ohne Werbung.",
                "„Torrent“ wählen und die kleine Datei mit diesem Programm öffnen. Oder „Magnet-Link“ wählen: Das übergibt \
                 den Torrent ohne eine Datei dazwischen.",
                "Einen Ordner wählen und warten. Was ankommt, ist die gewöhnliche Audio- oder Videodatei.",
                "Das Programm eine Weile laufen lassen: Dann bekommen auch andere die Datei von Ihnen.",
            ]),
            Block::Heading("Wenn nichts passiert"),
            Block::Points(&[
                "Der Browser weiß mit einem Magnet-Link nichts anzufangen: Die Adresse des Links kopieren und im \
                 BitTorrent-Programm unter „Magnet-Link hinzufügen“ oder „URL öffnen“ einfügen.",
                "Der Browser zeigt seltsame Zeichen, statt zu speichern: bei „Torrent“ den Befehl „Ziel speichern unter“ \
                 nehmen.",
                "Der Torrent bleibt bei 0 %: Im Augenblick ist niemand erreichbar, der die Datei hat, oder Ihr Netz sperrt \
                 BitTorrent. „Vom Herausgeber“ geht, solange sein Server die Datei hat.",
            ]),
        ],
    },
    Topic {
        subject: Subject::Subscribe,
        heading: "Abonnieren",
        blocks: &[Block::Points(&[
            "Der Torrent-Feed ist für den RSS-Leser eines BitTorrent-Programms. In qBittorrent: Ansicht, RSS-Reader, Neues \
             Abonnement. Eine Download-Regel holt dann jede neue Folge von selbst.",
            "Der Podcast-Feed ist der des Herausgebers, um die Torrents ergänzt. Eine gewöhnliche Podcast-App spielt wie \
             bisher vom Server des Herausgebers; eine App, die Torrents kennt, kann diese nehmen.",
        ])],
    },
    Topic {
        subject: Subject::Privacy,
        heading: "Was BitTorrent preisgibt",
        blocks: &[
            Block::Paragraph(
                "BitTorrent verbindet alle, die eine Datei laden und weitergeben, unmittelbar miteinander. Wer am selben \
                 Torrent teilnimmt, kann deshalb Ihre Internetadresse (IP-Adresse) sehen und dass Sie diese Datei laden \
                 oder weitergeben. Auch Tracker und die verteilte Tabelle (DHT), die alle zusammenbringen, sehen das. \
                 Aufzeichnen kann es jeder.",
            ),
            Block::Paragraph(
                "Bei „Vom Herausgeber“ ist niemand dazwischen: Nur der Server des Herausgebers, und wen er damit \
                 beauftragt hat, sieht Ihre Adresse.",
            ),
            Block::Paragraph(
                "Diese Website selbst setzt keine Cookies, zählt niemanden und lädt nichts von anderen Servern. Was ihr \
                 Webserver aufzeichnet, entscheidet der Betreiber.",
            ),
        ],
    },
    Topic {
        subject: Subject::Check,
        heading: "Eine Datei prüfen",
        blocks: &[
            Block::Paragraph(
                "Ein BitTorrent-Programm prüft jedes Stück von selbst. Von einer Datei, die auf anderem Weg kam, berechnen Sie \
                 den SHA-256 und vergleichen ihn mit dem unter „Einzelheiten und Prüfsummen“. Sind beide gleich, sind es \
                 auch die Dateien.",
            ),
            Block::Commands(&[
                ("Linux", "sha256sum DATEI"),
                ("macOS", "shasum -a 256 DATEI"),
                ("Windows (PowerShell)", "Get-FileHash DATEI"),
            ]),
        ],
    },
    Topic {
        subject: Subject::Basis,
        heading: "Warum das hier sein darf",
        blocks: &[Block::Paragraph(
            "Ein Podcast steht nur auf einer Grundlage hier, und seine Seite nennt sie: eine Lizenz im Feed des Herausgebers, \
             die das Weitergeben erlaubt, oder eine Erlaubnis, die der Betreiber dieser Website vom Herausgeber hat. Feeds, \
             die ein Passwort brauchen, und Feeds, deren Herausgeber nicht gelistet werden will, werden nie veröffentlicht.",
        )],
    },
    Topic {
        subject: Subject::Publishers,
        heading: "Für Herausgeber",
        blocks: &[Block::Points(&[
            "Dieser Spiegel fragt Ihren Server nach jeder Datei einmal. Was mit BitTorrent geladen wird, kostet Sie nichts. Jede \
             Folge hat einen Link zu Ihrer Seite und einen zu Ihrem Server.",
            "Sie möchten etwas entfernt haben: Schreiben Sie dem Betreiber. Eine Folge oder eine ganze Sendung verschwindet dann \
             von diesen Seiten, aus den Feeds und aus den BitTorrent-Programmen, und das wird gemerkt, so dass sie nicht \
             wiederkommt.",
            "Ihnen fehlen diese Downloads in Ihren Zahlen: Der Betreiber kann Ihnen einen Bericht über abgeschlossene Downloads \
             je Folge und Tag geben, als Tabelle oder im Format eines Webserver-Logs, ohne Adressen von Hörern.",
            "Sie möchten es offiziell machen: Die Torrents entstehen nach einem aufgeschriebenen Rezept, so dass Ihre aus denselben \
             Dateien dieselben Torrents sind, und alle, die sie jetzt verteilen, für Sie weitermachen. Der Betreiber kann Ihnen \
             alles geben, was auf diesen Seiten ist, fertig für Ihren eigenen Server. Sobald Ihr Feed Torrents anbietet, gehen \
             Ihre hier vor.",
        ])],
    },
];
