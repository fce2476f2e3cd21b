"""Making torrents of many files: one for each, and one for all of them."""
from comparison import inputs
from comparison.measure import Program, shell
from comparison.metainfo import info_hashes
from comparison.results import peak
from comparison.rows import Group, Row

FASTER = {"cpu": 0.40, "wall": 0.40}
AHEAD = {"cpu": 1.0, "wall": 1.0}


def each(bench):
    """A torrent for each file, in one process of ours, and in a process for each file of theirs."""
    folder = large_files(bench)
    ours = bench.ours("torrent", "create", "--each", "--piece-length", "256 KiB", "--output", bench.out, folder)
    peer = "xargs -P2 mktorrent"
    theirs = shell(peer, f"ls {folder} | xargs -P2 -I@ mktorrent -t1 -l18 -o {bench.out}/@.torrent {folder}/@")
    what = f"{bench.size(100)} files of 20 to 80 MB, a torrent for each, v1"
    return bench.compare(what, ours, [theirs], {peer: FASTER}, result=lambda _: made(bench))


def together(bench):
    """One torrent of all of them."""
    what = f"{bench.size(100)} files of 20 to 80 MB, one torrent, v1"
    return one_torrent(bench, what, large_files(bench), FASTER)


def small(bench):
    """One torrent of files that are each smaller than a piece."""
    folder = small_files(bench)
    return one_torrent(bench, f"{bench.size(20_000)} files of 1 to 99 kB, one torrent, v1", folder, AHEAD)


def memory(bench):
    """The peak for many files: of each there is the name, and what is written of it; most of all in a hybrid."""
    results = []
    for version, goal in (("v1", 24), ("v2", None), ("hybrid", None)):
        torrent = ("--version", version, "--output", bench.out / "show.torrent")
        samples = bench.sample(bench.ours("torrent", "create", *torrent, small_files(bench)))
        told = f"peak memory: {bench.size(20_000)} files of 1 to 99 kB, one torrent, {version}"
        results.append(peak(told, samples, goal))
    each = bench.sample(bench.ours("torrent", "create", "--each", "--output", bench.out, small_files(bench)))
    told = f"peak memory: {bench.size(20_000)} files of 1 to 99 kB, a torrent for each, v1"
    return [*results, peak(told, each, 24)]


def one_torrent(bench, what, folder, goals):
    """Pieces of 1 MiB, which go on over the ends of files."""
    torrent = bench.out / "show.torrent"
    ours = bench.ours("torrent", "create", "--piece-length", "1 MiB", "--output", torrent, folder)
    theirs = Program("mktorrent -t2", ["mktorrent", "-t2", "-l20", "-o", torrent, folder])
    return bench.compare(what, ours, [theirs], {theirs.name: goals}, result=lambda _: made(bench))


def large_files(bench):
    """About 5 GB."""
    return inputs.episodes(bench.folder / "large", bench.size(100), 20 * inputs.MB, 80 * inputs.MB)


def small_files(bench):
    """A gigabyte of them."""
    return inputs.episodes(bench.folder / "small", bench.size(20_000), 1_000, 99_000)


def made(bench):
    """The info hashes of all torrents that were made, by name."""
    return {path.name: info_hashes(path) for path in sorted(bench.out.rglob("*.torrent"))}


GROUP = Group("Torrents of many files", 7_000 * inputs.MB, (
    Row("each", "a torrent for each of 100 files of 20 to 80 MB, against xargs mktorrent", each, ("mktorrent",)),
    Row("together", "the same files in one torrent, against mktorrent", together, ("mktorrent",)),
    Row("small", "20,000 small files in one torrent, against mktorrent", small, ("mktorrent",)),
    Row("memory-small", "peak memory for 20,000 small files, in one torrent and each by itself", memory),
), on_disk=True)
