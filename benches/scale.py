#!/usr/bin/env python3
"""What many shows cost: a local origin with thousands of feeds, and `podseed run` measured against it.

    benches/scale.py feeds DIR [--shows 10000] [--items 100] [--port 8960] [--files]
    benches/scale.py polls DIR [--podseed target/release/podseed] [--repeat 3] [--json]
    benches/scale.py change DIR [--items 5000] [--podseed ...] [--json]

`feeds` writes feeds, an nginx configuration, and a configuration of podseed that wants no episode: only the polling is
measured. `polls` serves them with nginx and runs podseed over them: once with nothing known, then again with every
answer a 304. `change` measures one show by itself: a feed of many items in which one title changes between two runs.
Needs nginx; keeps to DIR, in which about 45 KB go on each show.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

ITEM = """<item><title>Episode {number} of show {show}</title><guid isPermaLink="false">show-{show}-{number}</guid>
<pubDate>{date}</pubDate><link>https://show{show}.example/{number}</link>
<description>What is talked about in episode {number}: this and that, and a few words more.</description>
<enclosure url="https://media{host}.example/show{show}/episode-{number:04}.mp3" length="{length}" type="audio/mpeg"/></item>
"""
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
<title>Show {show}</title><link>https://show{show}.example/</link><description>One of many.</description>
<itunes:author>Somebody</itunes:author><language>en</language>
{items}</channel></rss>
"""
NGINX = """{user}daemon off; pid {here}/nginx.pid; error_log {here}/error.log; worker_processes 1;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {here}/tmp; proxy_temp_path {here}/tmp; fastcgi_temp_path {here}/tmp;
    uwsgi_temp_path {here}/tmp; scgi_temp_path {here}/tmp;
    access_log {here}/access.log; sendfile on; keepalive_requests 100000;
    types {{ application/rss+xml xml; }}
    server {{ listen 127.0.0.1:{port}; root {here}; }}
}}
"""
CONFIG = """data_dir: {here}/data
limits: {{allow_private_addresses: true}}
"""
SHOW = "  show-{show:05}: {{feed: 'http://127.0.0.1:{port}/feeds/{show:05}.xml', episodes: {{since: 2999-01-01}}}}\n"
# The configuration may be a mebibyte at most; there may be as many files beside it.
SHOWS_A_FILE = 1000


def feed(show, items, edition=""):
    """A feed of so many items, the newest first, a day between two."""
    newest = 1_780_000_000 + show * 61

    def item(number):
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(newest - (items - number) * 86_400))
        length = 30_000_000 + (show * 7919 + number * 104_729) % 20_000_000
        return ITEM.format(number=number, show=show, date=date, host=show % 50, length=length)

    text = FEED.format(show=show, items="".join(map(item, range(items, 0, -1))))
    return text.replace("</title><guid", f"{edition}</title><guid", 1)


def write_feeds(folder, shows, items, port, one_file_each):
    feeds, more = folder / "feeds", folder / "shows.d"
    for made in (feeds, more):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
    for show in range(shows):
        (feeds / f"{show:05}.xml").write_text(feed(show, items))
    size = 1 if one_file_each else SHOWS_A_FILE
    for first in range(0, shows, size):
        lines = (SHOW.format(show=show, port=port) for show in range(first, min(first + size, shows)))
        (more / f"{first:05}.yaml").write_text("shows:\n" + "".join(lines))
    (folder / "podseed.yaml").write_text(CONFIG.format(here=folder))
    write_origin(folder, port)


def write_origin(folder, port):
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(here=folder, port=port, user=user))
    (folder / "port").write_text(str(port))


class Origin:
    """nginx over the feeds of a folder, as long as the block lasts."""

    def __init__(self, folder):
        self.folder = folder
        self.port = int((folder / "port").read_text())
        self.log = folder / "access.log"

    def __enter__(self):
        self.log.unlink(missing_ok=True)
        self.nginx = subprocess.Popen(["nginx", "-e", self.folder / "error.log", "-c", self.folder / "nginx.conf"])
        for _ in range(200):
            try:
                urlopen(f"http://127.0.0.1:{self.port}/").close()
            except HTTPError:
                break
            except OSError:
                if self.nginx.poll() is not None:
                    sys.exit(f"nginx has ended; {self.folder}/error.log says why")
                time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.nginx.terminate()
        self.nginx.wait()

    def answers(self):
        """How many requests had which status since it was last asked."""
        statuses = {}
        for line in self.log.read_text().splitlines():
            status = line.split('" ')[1].split()[0]
            if "/feeds/" in line:
                statuses[status] = statuses.get(status, 0) + 1
        os.truncate(self.log, 0)
        return statuses


def measured(command):
    """Runs it, and gives wall and CPU seconds and the peak in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{errors[-2000:]}")
    figures = {
        "seconds": round(time.monotonic() - began, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(usage.ru_maxrss / 1024, 1),
    }
    return figures, json.loads(output)


def run(podseed, folder):
    return measured([podseed, "--config", folder / "podseed.yaml", "--quiet", "--json", "run"])


def polls(folder, podseed, repeat):
    shows = len(list((folder / "feeds").iterdir()))
    shutil.rmtree(folder / "data", ignore_errors=True)
    rows = []
    with Origin(folder) as origin:
        for name, wanted in [("import", "200")] + [("unchanged", "304")] * repeat:
            figures, summary = run(podseed, folder)
            answers = origin.answers()
            if summary["shows"] != shows or answers != {wanted: shows}:
                sys.exit(f"{name}: {shows} answers of {wanted} were expected, and there were {answers}")
            rows.append({"row": name, "shows": shows, **figures})
    return rows


def change(folder, podseed, items, port):
    """One show of many items: read for the first time, then with one title changed."""
    folder = folder / "change"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "feeds").mkdir(parents=True)
    write_origin(folder, port)
    lines = CONFIG.format(here=folder) + "shows:\n" + SHOW.format(show=0, port=port)
    (folder / "podseed.yaml").write_text(lines)
    rows = []
    with Origin(folder) as origin:
        for name, edition in [("first reading", ""), ("one title changed", " (mended)"), ("and back", "")]:
            path = folder / "feeds/00000.xml"
            path.write_text(feed(0, items, edition))
            # nginx tells editions apart by length and second.
            os.utime(path, (1_790_000_000 + len(rows), 1_790_000_000 + len(rows)))
            figures, _ = run(podseed, folder)
            if origin.answers() != {"200": 1}:
                sys.exit(f"{name}: the feed was not read")
            rows.append({"row": name, "items": items, **figures})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name):
        added = commands.add_parser(name)
        added.add_argument("dir", type=lambda path: Path(path).absolute())
        return added

    feeds = command("feeds")
    feeds.add_argument("--shows", type=int, default=10_000)
    feeds.add_argument("--items", type=int, default=100)
    feeds.add_argument("--port", type=int, default=8960)
    feeds.add_argument("--files", action="store_true", help="a file of the configuration for each show")
    for name in ("polls", "change"):
        added = command(name)
        added.add_argument("--podseed", default="target/release/podseed")
        added.add_argument("--json", action="store_true")
        if name == "polls":
            added.add_argument("--repeat", type=int, default=3)
        else:
            added.add_argument("--items", type=int, default=5000)
            added.add_argument("--port", type=int, default=8961)
    args = parser.parse_args()
    if args.command == "feeds":
        write_feeds(args.dir, args.shows, args.items, args.port, args.files)
        return
    if args.command == "polls":
        rows = polls(args.dir, args.podseed, args.repeat)
    else:
        rows = change(args.dir, args.podseed, args.items, args.port)
    if args.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['row']:<20} {row['seconds']:8.2f} s {row['cpu_seconds']:8.2f} CPU s {row['peak_mib']:8.1f} MiB")


if __name__ == "__main__":
    main()
