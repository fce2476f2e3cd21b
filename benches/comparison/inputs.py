"""The data that everything is measured on. The same names and seeds give the same bytes, everywhere and always."""
import random

MB = 1_000_000
MIB = 1 << 20

# An ID3v2 tag, by which podseed knows a file for sound.
BEGINNING = b"ID3\x03\0\0\0\0\0\x11TIT2\0\0\0\x07\0\0\0podcas"


def sound(path, length, seed):
    """A file of so many bytes that nothing can compress, and that begins as an MP3 does. It stays if it is there."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    with open(path, "wb") as file:
        file.write(BEGINNING[:length])
        for left in range(length - len(BEGINNING), 0, -MIB):
            file.write(source.randbytes(min(left, MIB)))
    return path


def episodes(folder, count, shortest, longest):
    """So many files in a folder, of lengths evenly spread, in an order that is not that of their lengths."""
    order = list(range(count))
    random.Random(count).shuffle(order)
    for number, place in enumerate(order):
        length = shortest + (longest - shortest) * place // (count - 1)
        sound(folder / f"episode-{number:05}.mp3", length, number)
    return folder


def large_feed(path, episodes):
    """A feed as hosts write them today: 2,000 episodes with notes as text and as a page are 10 MB."""
    text = "Ein Gespräch über das Hören, mit Gästen &amp; Musik. " * 30
    page = '<p>Ein Gespräch über <a href="https://radio.example/?a=1&amp;b=2">das Hören</a>.</p>\n' * 34
    numbers = range(episodes)
    items = "".join(FEED_ITEM.format(number=each, day=each % 28 + 1, text=text, page=page) for each in numbers)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FEED.format(items=items), encoding="utf-8")
    return path


FEED = """\
<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:podcast="https://podcastindex.org/namespace/1.0">
<channel><title>Klänge &amp; Geräusche</title><link>https://radio.example/</link><language>de</language>
<description>Über das Hören</description><itunes:author>Radio</itunes:author>
{items}</channel></rss>
"""
FEED_ITEM = """\
<item><title>Folge {number}: Töne &amp; Zeichen</title><link>https://radio.example/{number}</link>
<guid isPermaLink="false">7d3c5a1e-4b1f-9a55-{number:012}</guid><pubDate>{day:02} Feb 2026 06:00:00 +0000</pubDate>
<description>{text}</description><content:encoded><![CDATA[{page}]]></content:encoded>
<enclosure url="https://media.radio.example/{number}.mp3" type="audio/mpeg" length="48000000"/>
<itunes:duration>01:02:03</itunes:duration><itunes:episode>{number}</itunes:episode>
<podcast:transcript url="https://radio.example/{number}.vtt" type="text/vtt"/></item>
"""
