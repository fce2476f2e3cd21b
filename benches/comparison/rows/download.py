"""A whole show fetched over HTTP, its torrents made: 6 GB from a server that shares the processor."""
import contextlib
from pathlib import Path

from comparison import inputs, origin
from comparison.measure import Failed, shell
from comparison.metainfo import info_hashes
from comparison.results import peak
from comparison.rows import Group, Row

# The piece length of podseed's recipe for this size.
PIECE, EXPONENT = 1 << 16, 16
# So many different files; the others are links to them, to leave memory for what is fetched.
CONTENTS = 10
CONFIGURATION = """\
data_dir: {out}
shows: {{compared: {{feed: "{address}/feed.xml"}}}}
torrent: {{version: {version}}}
limits: {{downloads: 4, per_host: 4, allow_private_addresses: true, disk_free: 1 MiB}}
"""


def v1(bench):
    """Against what users of wget and aria2 type."""
    with show(bench) as (address, names):
        peer = "xargs -P4 (wget; mktorrent)"
        make = f"mktorrent -t1 -l{EXPONENT} -o @.torrent @"
        listed = write_list(bench, address, names)
        theirs = [
            shell(peer, f"xargs -P4 -a {bench.folder}/names -I@ sh -c 'wget -q {address}/@ && {make}'", bench.out),
            shell(
                "aria2c -j4; xargs -P2 mktorrent",
                f"aria2c -q -j4 -x1 --file-allocation=none -i {listed}; ls | xargs -P2 -I@ {make}", bench.out,
            ),
        ]
        goals = {peer: {"cpu": 0.63, "wall": 0.65}, theirs[1].name: {"cpu": 1.0, "wall": 1.0}}
        return compare(bench, address, names, "v1", theirs, goals)


def hybrid(bench):
    """Against curl, and libtorrent in two processes."""
    with show(bench) as (address, names):
        create = " ".join(map(str, bench.peers.script("libtorrent_create.py", "hybrid", PIECE, bench.out)))
        half = (len(names) + 1) // 2
        listed = write_list(bench, address, names)
        peer = "curl -Z; libtorrent twice"
        fetch = f"sed 's/.*/url=&\\nremote-name/' {listed} | curl -sZ --parallel-max 4 -K -"
        theirs = [shell(peer, f"{fetch}; ls *.mp3 | xargs -P2 -n{half} {create}", bench.out)]
        return compare(bench, address, names, "hybrid", theirs, {peer: {"cpu": 0.63, "wall": 1.0}})


def compare(bench, address, names, version, theirs, goals):
    """One pass of podseed from nothing, and all of what they do."""
    configuration = bench.folder / f"{version}.yaml"
    configuration.write_text(CONFIGURATION.format(out=bench.out, address=address, version=version))
    ours = bench.ours("run", "--quiet", "--config", configuration)
    what = f"`run`: {len(names)} episodes of 60 MB, four at once, {version}"

    def made(_):
        found = {path.name: info_hashes(path) for path in bench.out.rglob("*.torrent")}
        if len(found) != len(names):
            raise Failed(f"{len(found)} torrents were made of {len(names)} files")
        return dict(sorted(found.items()))

    results = bench.compare(what, ours, theirs, goals, result=made)
    return [*results, peak(f"peak memory of that `run`, {version}", results[0].ours, 48)]


@contextlib.contextmanager
def show(bench):
    """The show, served: the address, and the names of its episodes."""
    home = bench.folder / "origin"
    www = home / "www"
    names = [f"episode-{number:03}.mp3" for number in range(bench.size(100))]
    for number, name in enumerate(names):
        contents = inputs.sound(home / f"contents-{number % CONTENTS}", 60 * inputs.MB, number % CONTENTS)
        (www / name).parent.mkdir(parents=True, exist_ok=True)
        if not (www / name).exists():
            (www / name).hardlink_to(contents)
    with origin.serving(home) as address:
        (www / "feed.xml").write_text(origin.feed(address, [www / name for name in names]))
        yield address, names


def write_list(bench, address, names):
    """The addresses, one a line, and beside them the names."""
    (bench.folder / "names").write_text("".join(f"{name}\n" for name in names))
    listed = Path(bench.folder / "addresses")
    listed.write_text("".join(f"{address}/{name}\n" for name in names))
    return listed


GROUP = Group("100 episodes of 60 MB fetched, and made into torrents", 7_000 * inputs.MB, (
    Row("run-v1", "v1, against wget, aria2 and mktorrent", v1, ("nginx", "wget", "aria2c", "mktorrent")),
    Row("run-hybrid", "hybrid, against curl and libtorrent", hybrid, ("nginx", "curl", "libtorrent")),
))
