"""Reading a feed of 10 MB: as a whole program here, and the reading itself by `cargo bench`."""
import json
import os
import subprocess
import sys

from comparison import inputs
from comparison.results import Figure, peak
from comparison.rows import ROOT, Group, Row

AHEAD = {"cpu": 1.0, "wall": 1.0}
# As `benches/feed_reading.rs` calls them.
BENCHMARKS = ("one of 10 MB", "1,000 of 30 KB", "27,000 items of 300 bytes")


def whole(bench):
    """`podseed feed`, with everything that it prints, against feedparser."""
    file = inputs.large_feed(bench.folder / "feed.xml", bench.size(2_000))
    size = file.stat().st_size / inputs.MIB
    ours = bench.ours("feed", "--json", file)
    theirs = bench.script("feedparser", "feedparser_read.py", file)
    what = f"`feed --json`: {size:.1f} MiB, {bench.size(2_000)} items"
    results = bench.compare(what, ours, [theirs], {"feedparser": AHEAD}, result=items)
    return [*results, peak(f"its peak memory, for a feed of {size:.1f} MiB", results[0].ours, 4 * size)]


def items(sample):
    """Guid and enclosures of all that was read, whichever of the two has said it."""
    said = json.loads(sample.out)
    if isinstance(said, dict):
        said = [[item["guid"], [each["url"] for each in item["enclosures"]]] for item in said["items"]]
    return said


def reading(bench):
    """The function by itself against the crate `rss` on the same bytes: what criterion has measured."""
    names = "|".join(BENCHMARKS)
    command = ["cargo", "bench", "--quiet", "--bench", "speed", "--", f"feeds/({names})/"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    return [against_rss(target / "criterion" / f"feeds_{name}", name) for name in BENCHMARKS]


def against_rss(folder, name):
    """The n-th sample of ours divided by the n-th of `rss`."""
    ours, theirs = (samples(folder / function / "new" / "sample.json") for function in ("podseed", "rss alone"))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Figure(f"`feed::read` against crate `rss` alone, feeds: {name}", "times", ratios, 1.0)


def samples(path):
    """Nanoseconds of each of criterion's samples."""
    found = json.loads(path.read_text())
    return [taken / count for taken, count in zip(found["times"], found["iters"], strict=True)]


GROUP = Group("Feeds", 100 * inputs.MB, (
    Row("feed", "a feed of 10 MB read and printed, against feedparser", whole, ("feedparser",)),
    Row("reading", "the reading alone against the crate rss, by cargo bench", reading),
))
