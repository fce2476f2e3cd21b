"""Ten thousand shows and a million episodes: what podseed does where there is next to nothing to do."""
import json

from comparison import origin
from comparison.many import EPISODES, SHOWS, helper, known, make_state
from comparison.results import Figure, peak, wall
from comparison.rows import Group, Row, scale_site

# How often the shows are polled again: each time is seconds, not a fraction.
POLLS = 3


def nothing_due(bench):
    """A pass over a state in which everything is known and at a client, and whose feeds have just been read."""
    samples = bench.sample(bench.ours("run", "--due", "--quiet", "--config", state(bench)), fresh=as_it_is)
    return [wall(f"`run --due`: {known(bench)}, nothing due", samples, 0.3), peak("its peak memory", samples)]


def status(bench):
    """One show of them."""
    program = bench.ours("status", "show-00500", "--config", state(bench))
    return [wall(f"`status SHOW`: {known(bench)}", bench.sample(program, fresh=as_it_is), 0.1)]


def polls(bench):
    """All feeds asked for, once with nothing known, then with nothing new: 304 from an nginx beside it."""
    folder, shows = bench.folder / "polls", bench.size(SHOWS)
    helper("scale.py", "feeds", folder, "--shows", shows, "--items", EPISODES, "--port", origin.free_port())
    measured = helper("scale.py", "polls", folder, "--podseed", bench.podseed, "--repeat", POLLS, "--json")
    first, *again = json.loads(measured)
    return [
        Figure(f"`run`: {shows:,} feeds of {EPISODES} items read for the first time", "s", [first["seconds"]]),
        Figure("its peak memory", "MiB", [first["peak_mib"]]),
        Figure(f"`run`: {shows:,} feeds polled, all answer 304", "s", [row["seconds"] for row in again], 30),
        Figure("its peak memory", "MiB", [row["peak_mib"] for row in again], 96),
    ]


def state(bench):
    """The configuration of such a state, which is made the first time."""
    folder = bench.folder / "state"
    if not folder.exists():
        make_state(bench, folder, "--no-permission")
    return folder / "podseed.yaml"


def as_it_is():
    """Each run finds what the one before has left."""


GROUP = Group("Many shows", 8_000_000_000, (
    Row("nothing-due", "run with 10,000 shows and 1,000,000 episodes known, nothing due", nothing_due),
    Row("status", "status of one show there", status),
    Row("publish", "one new episode there, up to the site", scale_site.publish, ("nginx",)),
    Row("polls", "10,000 feeds polled, all answered 304", polls, ("nginx",)),
), on_disk=True)
