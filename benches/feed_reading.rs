//! Reading feeds: everything that podseed reads of one, against `rss` alone over the same bytes.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use podseed::feed;
use rss::Channel;

pub(crate) fn bench(criterion: &mut Criterion) {
    let full = |notes| move |out: &mut String, show, episode| push_item(out, show, episode, notes);
    both(criterion, "feeds/one of 10 MB", &[document(0, 2_000, full(4_500))]);
    let small: Vec<String> = (0..1_000).map(|show| document(show, 14, full(1_000))).collect();
    both(criterion, "feeds/1,000 of 30 KB", &small);
    both(criterion, "feeds/27,000 items of 300 bytes", &[document(0, 27_000, push_dense_item)]);
    let real = real_feeds();
    if !real.is_empty() {
        both(criterion, "feeds/real ones", &real);
    }
}

/// Those of the folder that `PODSEED_FEEDS` names which `rss` can read at all.
fn real_feeds() -> Vec<String> {
    let folder = std::env::var_os("PODSEED_FEEDS").and_then(|folder| std::fs::read_dir(folder).ok());
    let files = folder.into_iter().flatten().flatten();
    let documents = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    documents.filter(|document| rss_items(document) > 0).collect()
}

fn both(criterion: &mut Criterion, what: &str, documents: &[String]) {
    let mut group = criterion.benchmark_group(what);
    group.throughput(Throughput::Bytes(documents.iter().map(|document| document.len() as u64).sum()));
    group.sample_size(10);
    group.bench_function("podseed", |bencher| {
        bencher.iter(|| documents.iter().map(|document| podseed_items(document)).sum::<usize>());
    });
    group.bench_function("rss alone", |bencher| {
        bencher.iter(|| documents.iter().map(|document| rss_items(document)).sum::<usize>());
    });
    group.finish();
}

fn podseed_items(document: &str) -> usize {
    feed::read(black_box(document.as_bytes()), None, None).map_or(0, |feed| feed.items.len())
}

fn rss_items(document: &str) -> usize {
    Channel::read_from(black_box(document.as_bytes())).map_or(0, |channel| channel.items().len())
}

/// A feed as hosts write them today; `push_item` adds an episode of a show.
fn document(show: usize, episodes: usize, push_item: impl Fn(&mut String, usize, usize)) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" \
         xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
         xmlns:atom=\"http://www.w3.org/2005/Atom\" \
         xmlns:podcast=\"https://podcastindex.org/namespace/1.0\">\n<channel>\n\
         <title>Show {show}</title>\n<link>https://radio.example/{show}</link>\n<language>de-DE</language>\n\
         <atom:link href=\"https://radio.example/{show}/feed.xml\" rel=\"self\" type=\"application/rss+xml\"/>\n\
         <description>Über Klänge &amp; Geräusche</description>\n<itunes:author>Radio</itunes:author>\n\
         <itunes:image href=\"https://radio.example/{show}/cover.jpg\"/>\n\
         <podcast:locked owner=\"mail@radio.example\">yes</podcast:locked>\n"
    );
    (0..episodes).for_each(|episode| push_item(&mut out, show, episode));
    out.push_str("</channel>\n</rss>\n");
    out
}

/// Nothing but what podseed reads: as dense as a feed gets.
fn push_dense_item(out: &mut String, show: usize, episode: usize) {
    let (day, hour) = (episode % 28 + 1, episode % 24);
    let _ = write!(
        out,
        "<item>\n<title>Folge {episode}</title>\n<link>https://radio.example/{show}/{episode}</link>\n\
         <guid isPermaLink=\"false\">7d3c5a1e-{show:04}-4b1f-9a55-{episode:012}</guid>\n\
         <pubDate>Tue, {day:02} Feb 2026 {hour:02}:00:00 +0000</pubDate>\n\
         <enclosure url=\"https://media.radio.example/{show}/{episode}.mp3\" type=\"audio/mpeg\" length=\"48000000\"/>\n\
         </item>\n",
    );
}

/// An episode with so many bytes of notes, twice: as a page and as text.
fn push_item(out: &mut String, show: usize, episode: usize, notes: usize) {
    let text = "Ein Gespräch über das Hören, mit Gästen & Musik. ";
    let page = "<p>Ein Gespräch über <a href=\"https://radio.example/?a=1&amp;b=2\">das Hören</a>.</p>\n";
    let text = text.repeat(notes / 3 / text.len());
    let page = page.repeat(notes * 2 / 3 / page.len());
    let (day, hour) = (episode % 28 + 1, episode % 24);
    let _ = write!(
        out,
        "<item>\n<title>Folge {episode}: Töne &amp; Zeichen</title>\n\
         <link>https://radio.example/{show}/{episode}</link>\n\
         <guid isPermaLink=\"false\">7d3c5a1e-{show:04}-4b1f-9a55-{episode:012}</guid>\n\
         <pubDate>Tue, {day:02} Feb 2026 {hour:02}:00:00 +0000</pubDate>\n\
         <description>{}</description>\n<content:encoded><![CDATA[{page}]]></content:encoded>\n\
         <enclosure url=\"https://media.radio.example/{show}/{episode}.mp3\" type=\"audio/mpeg\" length=\"48000000\"/>\n\
         <itunes:title>Töne &amp; Zeichen</itunes:title>\n<itunes:episode>{episode}</itunes:episode>\n\
         <itunes:duration>01:02:03</itunes:duration>\n<itunes:explicit>false</itunes:explicit>\n\
         <itunes:image href=\"https://radio.example/{show}/{episode}.jpg\"/>\n\
         <podcast:transcript url=\"https://radio.example/{show}/{episode}.vtt\" type=\"text/vtt\"/>\n\
         <podcast:chapters url=\"https://radio.example/{show}/{episode}.json\" type=\"application/json+chapters\"/>\n\
         <podcast:person role=\"host\" href=\"https://radio.example/people/1\">Host</podcast:person>\n</item>\n",
        text.replace('&', "&amp;"),
    );
}
