"""Reading a feed of 10 MB: as a whole program here, and the reading itself by `cargo bench`."""
import json
import os
import subprocess

from comparison import inputs
from comparison.measure import Failed
from comparison.results import Figure, Missing
from comparison.rows import ROOT, Group, Row

AHEAD = {"cpu": 1.0, "wall": 1.0}
# As `benches/feed_reading.rs` calls it, and as criterion calls its folder.
BENCHMARK, CRITERION = "feeds/one of 10 MB", "feeds_one of 10 MB"


def whole(bench):
    """`podseed feed`, with everything that it prints, against feedparser."""
    file = inputs.large_feed(bench.folder / "feed.xml", bench.size(2_000))
    size = file.stat().st_size / inputs.MIB
    ours = bench.ours("feed", "--json", file)
    theirs = bench.script("feedparser", "feedparser_read.py", file)
    what = f"`feed --json`: {size:.1f} MiB, {bench.size(2_000)} items"
    results = bench.compare(what, ours, [theirs], {"feedparser": AHEAD}, result=items)
    peaks = [sample.peak / inputs.MIB for sample in results[0].ours]
    return [*results, Figure(f"peak memory of that `feed`, a feed of {size:.1f} MiB", "MiB", peaks, 4 * size)]


def items(sample):
    """Guid and enclosures of all that was read, whichever of the two has said it."""
    said = json.loads(sample.out)
    if isinstance(said, dict):
        said = [[item["guid"], [each["url"] for each in item["enclosures"]]] for item in said["items"]]
    return said


def reading(bench):
    """The function by itself against the crate `rss` on the same bytes: what criterion has measured."""
    what = "reading alone, 10 MB: everything that podseed reads, as a multiple of what `rss` takes"
    if '"speed"' not in (ROOT / "Cargo.toml").read_text():
        return [Missing(what, "There is no benchmark `speed` in Cargo.toml.")]
    subprocess.run(["cargo", "bench", "--quiet", "--bench", "speed", "--", BENCHMARK], cwd=ROOT, check=True, stdout=2)
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    ours, theirs = (samples(target, function) for function in ("podseed", "rss alone"))
    return [Figure(what, "times", [a / b for a, b in zip(ours, theirs)], 1.0)]


def samples(target, function):
    """Nanoseconds of each sample of criterion's."""
    path = ROOT / target / "criterion" / CRITERION / function / "new" / "sample.json"
    if not path.exists():
        raise Failed(f"cargo bench has not written {path}")
    found = json.loads(path.read_text())
    return [taken / count for taken, count in zip(found["times"], found["iters"], strict=True)]


GROUP = Group("Feeds", 100 * inputs.MB, (
    Row("feed", "a feed of 10 MB read and printed, against feedparser", whole, ("feedparser",)),
    Row("reading", "the reading alone against the crate rss, by cargo bench", reading),
))
