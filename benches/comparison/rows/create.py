"""Making and checking the torrent of one large file."""
from functools import partial

from comparison.measure import Program, run
from comparison.metainfo import info_hashes
from comparison.results import peak
from comparison.rows import Group, Row

PIECE = 1 << 20
AHEAD = {"cpu": 1.0, "wall": 1.0}


def v1(bench):
    """Against everybody who can make it."""
    goals = {"mktorrent -t2": {"cpu": 0.40, "wall": 0.40}, "torf": AHEAD, "libtorrent": AHEAD}
    file = bench.big_file()
    theirs = [mktorrent(bench, file), torf(bench, file), libtorrent(bench, file, "v1")]
    return bench.compare(what(file, "v1"), ours(bench, file, "v1"), theirs, goals, result=result(bench))


def on_tmpfs(bench):
    """Where the kernel looks up and copies each page of 4 KiB by itself, for all of them."""
    file = bench.big_file()
    goals = {"mktorrent -t2": {"cpu": 0.40, "wall": 0.40}}
    told = what(file, "v1, on tmpfs")
    return bench.compare(told, ours(bench, file, "v1"), [mktorrent(bench, file)], goals, result=result(bench))


def with_sha256(version, cpu, wall, bench):
    """Hybrid and v2, which of the peers libtorrent makes."""
    file = bench.big_file()
    goals = {"libtorrent": {"cpu": cpu, "wall": wall}}
    theirs = [libtorrent(bench, file, version)]
    return bench.compare(what(file, version), ours(bench, file, version), theirs, goals, result=result(bench))


def forced(kernel, cpu, bench):
    """v1 by a kernel that is not the best one here, for processors that have no better."""
    file = bench.big_file()
    goals = {"mktorrent -t2": {"cpu": cpu}}
    told = what(file, f"v1, `PODSEED_HASH={kernel}`")
    own = ours(bench, file, "v1", PODSEED_HASH=kernel)
    return bench.compare(told, own, [mktorrent(bench, file)], goals, result=result(bench))


def memory(bench):
    """The peak does not grow with the length of a piece, and with their number by what is written of each."""
    file = bench.big_file()
    results = []
    for version in ("v1", "hybrid", "v2"):
        for length in ("16 KiB", "1 MiB", "16 MiB"):
            samples = bench.sample(ours(bench, file, version, length))
            results.append(peak(f"peak memory: {what(file, version, length)}", samples, 24))
    return results


def verify(bench):
    """All of the data compared with its torrent."""
    file = bench.big_file()
    bench.empty()
    run(ours(bench, file, "v1"))
    torrent = (bench.out / "show.mp3.torrent").rename(bench.folder / "show.mp3.torrent")
    aria2 = ["aria2c", "--check-integrity", "--hash-check-only", "--quiet", "--dir", file.parent, torrent]
    theirs = [
        Program("aria2c", aria2),
        bench.script("torf", "torf_verify.py", torrent, file),
        bench.script("libtorrent", "libtorrent_verify.py", torrent, file.parent),
    ]
    goals = {program.name: AHEAD for program in theirs}
    own = bench.ours("torrent", "verify", torrent, file)
    return bench.compare(what(file, "v1, verified"), own, theirs, goals)


def what(file, how, length="1 MiB"):
    """As `1024 MiB, pieces of 1 MiB, v1`."""
    return f"{file.stat().st_size >> 20} MiB, pieces of {length}, {how}"


def ours(bench, file, version, length="1 MiB", **environment):
    """podseed torrent create."""
    options = ["--version", version, "--piece-length", length, "--output", bench.out / "show.mp3.torrent"]
    return bench.ours("torrent", "create", *options, file, **environment)


def mktorrent(bench, file):
    """With a thread for each of two cores."""
    argv = ["mktorrent", "-t2", "-l20", "-o", bench.out / "show.mp3.torrent", file]
    return Program("mktorrent -t2", argv)


def torf(bench, file):
    """Which takes a thread for each core by itself."""
    return bench.script("torf", "torf_create.py", PIECE, bench.out, file)


def libtorrent(bench, file, version):
    """With `set_piece_hashes`, as its own tools do it."""
    return bench.script("libtorrent", "libtorrent_create.py", version, PIECE, bench.out, file)


def result(bench):
    """The info hashes of what was made."""
    return lambda _: info_hashes(bench.out / "show.mp3.torrent")


GROUP = Group("Torrent of one file of 1 GiB", 3 << 30, (
    Row("v1", "v1, against mktorrent, torf and libtorrent", v1, ("mktorrent", "torf", "libtorrent")),
    Row("hybrid", "hybrid, against libtorrent", partial(with_sha256, "hybrid", 0.48, 0.27), ("libtorrent",)),
    Row("v2", "v2, against libtorrent", partial(with_sha256, "v2", 0.58, 0.32), ("libtorrent",)),
    Row("avx2", "v1 by AVX2, against mktorrent", partial(forced, "avx2", 0.58), ("mktorrent",), ("avx2",)),
    Row("shani", "v1 by SHA-NI, against mktorrent", partial(forced, "shani", 0.75), ("mktorrent",), ("sha_ni",)),
    Row("verify", "v1 checked, against aria2, torf and libtorrent", verify, ("aria2c", "torf", "libtorrent")),
    Row("memory", "peak memory at pieces of 16 KiB, 1 MiB and 16 MiB, all versions", memory),
), on_disk=True)
ON_TMPFS = Group("The same on tmpfs", 3 << 30, (
    Row("v1-tmpfs", "v1, on tmpfs, against mktorrent", on_tmpfs, ("mktorrent",)),
))
