"""feedparser_read.py FILE: guid and enclosures of each item, as JSON."""
import json
import sys

import feedparser

parsed = feedparser.parse(sys.argv[1])
items = [[entry.id, [enclosure.href for enclosure in entry.enclosures]] for entry in parsed.entries]
json.dump(items, sys.stdout)
