"""States and feeds of many shows, by the programs beside this one."""
import subprocess
from pathlib import Path

from comparison.measure import Failed

BENCHES = Path(__file__).resolve().parents[1]
SHOWS = 10_000
EPISODES = 100


def make_state(bench, folder, *options):
    """A configuration and a state in which all of the shows and episodes are known, into a folder that is new."""
    helper("scale/make", bench.podseed, folder, "--shows", bench.size(SHOWS), "--episodes", EPISODES, *options)


def helper(name, *arguments):
    """Runs one of them; gives what it says."""
    command = [BENCHES / name, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"benches/{name} {arguments[0]} has ended with {done.returncode}")
    return done.stdout


def known(bench):
    """How much there is, in words."""
    shows = bench.size(SHOWS)
    return f"{shows:,} shows, {shows * EPISODES:,} episodes"
