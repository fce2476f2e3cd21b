"""One new episode where there are ten thousand shows: from the feed to the site."""
import subprocess

from comparison import inputs, origin
from comparison.many import EPISODES, SHOWS, known, make_state
from comparison.measure import Failed, run
from comparison.results import Figure, peak, wall

# So many of each show are fetched, at a client, and on the site; of the others it is only known that there are such.
PUBLISHED = 10
# ext4 takes 65,000 links to one file, and the site makes three of one.
LINKS = 20_000
TORRENT = b"d4:infod6:lengthi65536e4:name5:x.mp312:piece lengthi65536e6:pieces20:" + bytes(20) + b"ee"
# As `benches/scale/make` writes it down.
ITEM = (
    '<item><title>Episode {number}: what was said of {show} and what was not</title><guid isPermaLink="false">'
    'urn:podseed:{show}:{number}</guid><link>https://example.org/{show}/{number}</link>'
    '<enclosure url="https://media.example.org/{show}/{id}.mp3" type="audio/mpeg" length="65536"/></item>\n'
)


def publish(bench):
    """The first publication, then one episode more with each run."""
    folder, port, home = bench.folder / "published", origin.free_port(), bench.folder / "origin"
    make_state(bench, folder, "--wanted", PUBLISHED, "--feeds", f"http://127.0.0.1:{port}/")
    make_torrents(folder / "data")
    number = bench.size(SHOWS) // 2
    one_show = bench.ours("run", f"show-{number:05}", "--quiet", "--config", folder / "podseed.yaml")
    samples, written = [], []
    with origin.serving(home, port) as address:
        announce(home / "www", address, number, 0)
        first = run(one_show)
        for turn in range(bench.pairs + 1):
            announce(home / "www", address, number, turn + 1)
            marker = bench.folder / "marker"
            marker.touch()
            samples.append(run(one_show))
            written.append(newer(folder / "data" / "site", marker))
            bench.say(turn, {"podseed": samples})
    if not all(written):
        raise Failed("an episode did not come onto the site")
    there = f"{known(bench)}, {bench.size(SHOWS) * PUBLISHED:,} of them published"
    return [
        wall(f"first publication: {there}", [first]), peak("its peak memory", [first]),
        wall("`run SHOW` there: one new episode, published", samples[1:], 1.0), peak("its peak memory", samples[1:]),
        Figure("its files written on the site", "files", written[1:], 10),
    ]


def newer(folder, marker):
    """How many files there were written since the marker."""
    find = ["find", folder, "-newer", marker, "-type", "f", "-printf", "."]
    return len(subprocess.run(find, stdout=subprocess.PIPE, check=True).stdout)


def announce(www, address, number, count):
    """The feed of a show as it is known, with so many episodes that are not."""
    new = [inputs.sound(www / f"new-{each}.mp3", 100_000, each) for each in range(count)]
    before = (number - 1) * EPISODES
    known_ones = range(EPISODES, 0, -1)
    items = "".join(ITEM.format(show=number, id=before + each, number=each) for each in known_ones)
    (www / f"{number}.xml").write_text(origin.feed(address, new[::-1], items))


def make_torrents(data):
    """A .torrent for each file of the state, all of them links to a few: that they are there is enough."""
    source = None
    for count, media in enumerate((data / "media").glob("*/*.mp3")):
        path = data / "torrents" / media.parent.name / f"{media.name}.torrent"
        path.parent.mkdir(parents=True, exist_ok=True)
        if count % LINKS == 0:
            path.write_bytes(TORRENT)
            source = path
        else:
            path.hardlink_to(source)
