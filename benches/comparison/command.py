"""The command line: which rows, on what, and where the table goes."""
import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from comparison import machine, peers, table
from comparison.bench import Bench
from comparison.measure import Failed
from comparison.results import Missing
from comparison.rows import ROOT, groups

TARGET = ROOT / "target" / "compare"
RESULTS = ROOT / "benches" / "RESULTS.md"
PAIRS = 5


def main():
    """Ends with 0 if all goals are reached, 1 if one is missed or a row has failed, 2 if nothing could be measured."""
    wanted = arguments()
    chosen = [(group, rows) for group in groups() if (rows := [row for row in group.rows if wanted.takes(row)])]
    if wanted.list:
        for group, rows in chosen:
            print(group.title, *(f"  {row.name:14} {row.about}" for row in rows), sep="\n")
        return 0
    try:
        return measure(wanted, chosen)
    except (peers.NotHere, NoRoom) as error:
        print(error, file=sys.stderr)
        return 2


def arguments():
    """What the user wants."""
    parser = argparse.ArgumentParser(
        prog="benches/compare",
        description="podseed against its peers, in turn and on the same data; all rows write benches/RESULTS.md.",
        epilog="PODSEED=PROGRAM measures that one; otherwise the release build is made first.",
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these (see --list); prints, and writes no file")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, two pairs: a look, and no file")
    parser.add_argument("--dir", type=Path, help="where the data goes; by default /dev/shm if it has room")
    wanted = parser.parse_args()
    known = {row.name for group in groups() for row in group.rows}
    unknown = [name for name in wanted.rows if name not in known]
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; --list says which there are")
    wanted.takes = lambda row: not wanted.rows or row.name in wanted.rows
    return wanted


def measure(wanted, chosen):
    """Measures the rows and tells the results."""
    began = time.monotonic()
    needed = ["time", *sorted({name for _, rows in chosen for row in rows for name in row.needs})]
    places = [place(wanted, group) for group, _ in chosen]
    ready = peers.install(needed, TARGET)
    podseed = program()
    sections, failed = [], False
    for (group, rows), where in zip(chosen, places, strict=True):
        with tempfile.TemporaryDirectory(prefix="podseed-compare-", dir=where) as scratch:
            kind = machine.file_system(scratch)
            print(f"{group.title}: the data is in {scratch}, on {kind}", file=sys.stderr)
            bench = Bench(podseed, ready, Path(scratch), 2 if wanted.quick else PAIRS, wanted.quick)
            played = [play(row, bench) for row in rows]
        failed |= any(has_failed for _, has_failed in played)
        sections.append((f"{group.title} (data on {kind})", [result for found, _ in played for result in found]))
    head = describe(podseed, peers.versions(needed, ready.python))
    text = table.report(head, sections, not wanted.quick)
    print(f"this took {time.monotonic() - began:.0f} s", file=sys.stderr)
    if wanted.rows or wanted.quick or failed:
        print(text, end="")
        print("only a look: benches/RESULTS.md is written when all rows have run, whole", file=sys.stderr)
    else:
        RESULTS.write_text(text)
        print(f"written: {RESULTS}", file=sys.stderr)
    missed = any(result.misses() for _, results in sections for result in results)
    return 1 if failed or (missed and not wanted.quick) else 0


def play(row, bench):
    """One row: its results, and whether it has failed."""
    lacking = [flag for flag in row.flags if flag not in machine.flags()]
    if lacking:
        return [Missing(row.about, f"The processor has no {', '.join(lacking)}.")], False
    print(f"  {row.name}: {row.about}", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        results = row.measure(bench)
        print(f"    took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        return results, False
    except (Failed, OSError, subprocess.SubprocessError) as error:
        print(f"{row.name} has failed: {error}", file=sys.stderr)
        return [Missing(row.about, f"It has failed: {str(error).splitlines()[0]}")], True


class NoRoom(Exception):
    """There is nowhere to put the data."""


def place(wanted, group):
    """A folder with room for this group: the one that is wanted, else in memory unless it is to be on the disk."""
    TARGET.mkdir(parents=True, exist_ok=True)
    room = group.room // (10 if wanted.quick else 1)
    folders = [wanted.dir] if wanted.dir else [TARGET] if group.on_disk else [Path("/dev/shm"), TARGET]
    for folder in folders:
        if folder.is_dir() and os.access(folder, os.W_OK) and machine.has_room(folder, room):
            return folder
    raise NoRoom(
        f"{group.title}: the data takes {room / 1e9:.1f} GB, of memory too, which {' and '.join(map(str, folders))} "
        f"has not. Choose another folder by --dir, or other rows (--list)."
    )


def program():
    """The podseed that is measured: the one in PODSEED, else the release build."""
    named = os.environ.get("PODSEED")
    if named:
        if not os.access(named, os.X_OK):
            raise peers.NotHere(f"PODSEED names {named}, which cannot be run")
        return Path(named).resolve()
    print("cargo build --release", file=sys.stderr)
    build = ["cargo", "build", "--release", "--bin", "podseed"]
    if subprocess.run(build, cwd=ROOT, check=False).returncode != 0:
        raise peers.NotHere("podseed cannot be built: see above, or name one in PODSEED")
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "podseed"


def describe(podseed, versions):
    """The head of the table: date, machine, versions, and how to read it."""
    version = subprocess.run([podseed, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    commit = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    today = datetime.now(timezone.utc).date()
    return [
        f"Written by `benches/compare` on {today}; it is never edited. {version}, commit {commit or 'unknown'}.",
        "",
        f"- **Machine:** {machine.processor()}; {machine.memory()[0] / (1 << 30):.0f} GiB of memory; "
        f"{machine.system()}; all data is in the page cache.",
        f"- **Peers:** {', '.join(versions)}.",
        "- **How:** ours and theirs run in turn over the same data, after a run of each that does not count. A ratio "
        "is ours divided by theirs, for each pair: the median, and in brackets the lowest and the highest. Seconds and "
        "MiB are medians, ours first. CPU is that of all processes of a command, peak that of the largest one. A row "
        "counts only if all come to the same result: the same info hashes, or the same items of a feed.",
    ]
