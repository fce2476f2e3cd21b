"""Ten thousand shows and a million episodes: what podseed does where there is next to nothing to do."""
import json
import subprocess

from comparison import inputs
from comparison.measure import Failed
from comparison.results import Figure
from comparison.rows import ROOT, Group, Row

SHOWS = 10_000
# How often the shows are polled again: each time is seconds, not a fraction.
POLLS = 3


def nothing_due(bench):
    """A pass over a state in which everything is known and seeding, and whose feeds have just been read."""
    samples = bench.sample(bench.ours("run", "--due", "--quiet", "--config", state(bench)), fresh=as_it_is)
    what = f"`run --due`: {known(bench)}, nothing due"
    return [seconds(what, samples, 0.3), peak(f"peak memory of that `run`", samples)]


def status(bench):
    """One show of them."""
    program = bench.ours("status", "show-00500", "--config", state(bench))
    return [seconds(f"`status SHOW`: {known(bench)}", bench.sample(program, fresh=as_it_is), 0.1)]


def polls(bench):
    """All feeds asked for, once with nothing known, then with nothing new: 304 from an nginx beside it."""
    folder = bench.folder / "polls"
    shows = bench.size(SHOWS)
    helper("scale.py", "feeds", folder, "--shows", shows)
    measured = helper("scale.py", "polls", folder, "--podseed", bench.podseed, "--repeat", POLLS, "--json")
    first, *again = json.loads(measured)
    return [
        Figure(f"`run`: {shows} feeds of 100 items read for the first time", "s", [first["seconds"]]),
        Figure("peak memory of that `run`", "MiB", [first["peak_mib"]]),
        Figure(f"`run`: {shows} feeds polled, all answer 304", "s", [row["seconds"] for row in again], 30),
        Figure("peak memory of that `run`", "MiB", [row["peak_mib"] for row in again], 96),
    ]


def state(bench):
    """The configuration of such a state, which is made the first time."""
    folder = bench.folder / "state"
    if not folder.exists():
        helper("scale/make", bench.podseed, folder, "--shows", bench.size(SHOWS), "--no-permission")
    return folder / "podseed.yaml"


def helper(name, *arguments):
    """Runs one of the programs beside this one; gives what it says."""
    command = [ROOT / "benches" / name, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"benches/{name} {arguments[0]} has ended with {done.returncode}")
    return done.stdout


def as_it_is():
    """Each run finds what the one before has left."""


def known(bench):
    """How much there is."""
    return f"{bench.size(SHOWS)} shows, {bench.size(SHOWS) * 100} episodes"


def seconds(what, samples, goal):
    """Wall."""
    return Figure(what, "s", [sample.wall for sample in samples], goal)


def peak(what, samples, goal=None):
    """Of the one process."""
    return Figure(what, "MiB", [sample.peak / inputs.MIB for sample in samples], goal)


GROUP = Group("Many shows", 8_000 * inputs.MB, (
    Row("nothing-due", "run with 10,000 shows and 1,000,000 episodes known, nothing due", nothing_due),
    Row("status", "status of one show there", status),
    Row("polls", "10,000 feeds polled, all answered 304", polls, ("nginx",)),
), on_disk=True)
