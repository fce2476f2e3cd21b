"""A second reader of feeds, and a third one that only asks whether a document is XML.

    second_reader.py FOLDER

FOLDER holds pairs of files, NAME.before and NAME.after, and bases.json: {NAME: [address of before, address of
after]}. For each pair one line of JSON: {"name", "strict": whether feedparser read `before` without falling
back to its loose parser, "ill_formed": what expat says against `after`, or null,
"sources": the URIs of `podcast:source` in `after`, or null where expat does not know the encoding, "titles": those of the entries of
`after`, "feed": [[key, before, after] ...] of the show where they differ, "entries": [[number, key, before, after]
...] likewise, with number null for their count}. All keys that feedparser knows are compared, except those
of `podcast:` elements and links to the feed itself, which are ours to change.
"""

import gzip
import json
import pathlib
import sys
import urllib.parse
import xml.sax
import xml.sax.handler

import feedparser

# The addresses of the namespace, in lower case; the second is an old one that is in use.
PODCAST = (
    "https://podcastindex.org/namespace/1.0",
    "https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md",
)

# Elements of Podcasting 2.0, what holds at the publisher's address only, and the attributes of RSS 1.0's root.
OURS = ("podcast_", "itunes_new-feed-url", "newlocation", "cloud", "rdf")


class Sources(xml.sax.handler.ContentHandler):
    """The sources of alternate enclosures."""

    def __init__(self):
        super().__init__()
        self.parents, self.found = [], []

    def startElementNS(self, name, qname, attributes):
        parent = self.parents[-1] if self.parents else (None, None)
        if is_podcast(name, "source") and is_podcast(parent, "alternateEnclosure"):
            self.found.append(attributes.get((None, "uri")))
        self.parents.append(name)

    def endElementNS(self, name, qname):
        self.parents.pop()


def is_podcast(name, local):
    return (name[0] or "").lower() in PODCAST and name[1] == local


def read_strictly(document):
    """The sources that expat sees, and what it has against the document."""
    reader, sources = xml.sax.make_parser(), Sources()
    reader.setFeature(xml.sax.handler.feature_namespaces, True)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(sources)
    try:
        reader.feed(document)
        reader.close()
    except xml.sax.SAXException as error:
        return None, str(error)
    except ValueError as error:
        # Python's expat knows no encodings of several bytes besides Unicode's; libxml2 does.
        if "multi-byte encodings" not in str(error):
            raise
        return None, None
    return sources.found, None


def plain(value):
    """A value of feedparser as JSON, times as lists, without links to the feed itself."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if not key.startswith(OURS) and key != "base"}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value if not is_about_the_feed(item)]
    return value


def is_about_the_feed(item):
    return isinstance(item, dict) and item.get("rel") in ("self", "hub")


def is_same(before, after):
    """Equal, but for relative addresses of files, which feedparser does not resolve and we do."""
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return all(is_same(one, other) for one, other in zip(before, after))
    if isinstance(before, dict) and isinstance(after, dict) and before.get("rel") == "enclosure":
        one, other = before.get("href", ""), after.get("href", "")
        if not urllib.parse.urlsplit(one).scheme and other.endswith(one.lstrip(".")):
            return {**before, "href": other} == after
    return before == after


def differences(before, after):
    keys = sorted(set(before) | set(after))
    pairs = [[key, before.get(key), after.get(key)] for key in keys]
    return [[key, one, other] for key, one, other in pairs if not is_same(one, other)]


def parse(path, base):
    document = path.read_bytes()
    if document.startswith(b"\x1f\x8b"):
        document = gzip.decompress(document)
    headers = {"content-location": base, "content-type": "application/xml"}
    return feedparser.parse(document, response_headers=headers)


def compare(folder, name, bases):
    paths = [folder / f"{name}.before", folder / f"{name}.after"]
    before, after = (parse(path, base) for path, base in zip(paths, bases))
    entries = []
    if len(before.entries) != len(after.entries):
        entries.append([None, "count", len(before.entries), len(after.entries)])
    for number, (one, other) in enumerate(zip(before.entries, after.entries)):
        entries += [[number, *difference] for difference in differences(plain(one), plain(other))]
    sources, ill_formed = read_strictly(paths[1].read_bytes())
    return {
        "name": name,
        "strict": not before.bozo,
        "titles": [entry.get("title") for entry in after.entries],
        "ill_formed": ill_formed,
        "sources": sources,
        "feed": differences(plain(before.feed), plain(after.feed)),
        "entries": entries,
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, bases in json.loads((folder / "bases.json").read_text()).items():
        print(json.dumps(compare(folder, name, bases)))


main()
