"""A second reader of feeds, and a third one that only asks whether a document is XML.

    second_reader.py FOLDER

FOLDER holds pairs of files, NAME.before and NAME.after, and bases.json: {NAME: [address of before, address of
after]}. For each pair one line of JSON: {"name", "strict": whether feedparser read `before` without falling
back to its loose parser, "ill_formed": what expat says against `after`, or null, "feed": keys of the show that
differ, "entries": [[number, key, before, after] ...]}. All keys that feedparser knows are compared, except those
of `podcast:` elements and links to the feed itself, which are ours to change.
"""

import json
import pathlib
import sys
import xml.sax
import xml.sax.handler

import feedparser

# Home-only links, new-feed-url and the elements of Podcasting 2.0; and what is derived from the document's bytes.
OURS = ("podcast_", "itunes_new-feed-url", "newlocation", "cloud", "alternateenclosure", "integrity")


def ill_formed(document):
    reader = xml.sax.make_parser()
    reader.setFeature(xml.sax.handler.feature_namespaces, True)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(xml.sax.handler.ContentHandler())
    try:
        reader.feed(document)
        reader.close()
    except xml.sax.SAXException as error:
        return str(error)
    return None


def plain(value):
    """A value of feedparser as JSON, times as lists, without links to the feed itself."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if not key.startswith(OURS)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value if not is_about_the_feed(item)]
    return value


def is_about_the_feed(item):
    return isinstance(item, dict) and item.get("rel") in ("self", "hub")


def differences(before, after):
    keys = sorted(set(before) | set(after))
    return [[key, before.get(key), after.get(key)] for key in keys if before.get(key) != after.get(key)]


def parse(path, base):
    return feedparser.parse(path.read_bytes(), response_headers={"content-location": base})


def compare(folder, name, bases):
    paths = [folder / f"{name}.before", folder / f"{name}.after"]
    before, after = (parse(path, base) for path, base in zip(paths, bases))
    entries = []
    if len(before.entries) != len(after.entries):
        entries.append([None, "count", len(before.entries), len(after.entries)])
    for number, (one, other) in enumerate(zip(before.entries, after.entries)):
        entries += [[number, *difference] for difference in differences(plain(one), plain(other))]
    return {
        "name": name,
        "strict": not before.bozo,
        "bozo": str(before.get("bozo_exception", "")),
        "ill_formed": ill_formed(paths[1].read_bytes()),
        "feed": differences(plain(before.feed), plain(after.feed)),
        "entries": entries,
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, bases in json.loads((folder / "bases.json").read_text()).items():
        print(json.dumps(compare(folder, name, bases)))


main()
