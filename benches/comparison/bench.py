"""The stage of a row: where its data is, how podseed is started, and how ours and theirs take turns."""
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from comparison import inputs
from comparison.measure import Failed, Program, run
from comparison.peers import Peers
from comparison.results import Against


@dataclass(frozen=True)
class Bench:
    """What a row needs. `folder` is for the data of its group and is gone afterwards; `pairs` is how often it runs."""

    podseed: Path
    peers: Peers
    folder: Path
    pairs: int
    quick: bool

    @property
    def out(self):
        """The folder for what programs write; empty before each of them."""
        return self.folder / "out"

    def size(self, whole):
        """So many bytes, files or episodes; with `--quick`, a tenth of it."""
        return whole // 10 if self.quick else whole

    def big_file(self):
        """One file of 1 GiB."""
        return inputs.sound(self.folder / "in" / "show.mp3", self.size(1 << 30), 1)

    def ours(self, *arguments, **environment):
        """podseed, with these arguments and variables, away from any configuration of this machine's user."""
        plain = {"PODSEED_CONFIG": "", "PODSEED_HASH": "", "XDG_CONFIG_HOME": str(self.folder), "NO_COLOR": "1"}
        variables = {**plain, **environment}
        argv = ["env", *(f"--unset={key}" for key, value in variables.items() if value == "")]
        argv += [self.podseed, *arguments]
        return Program("podseed", argv, {key: value for key, value in variables.items() if value}, self.folder)

    def script(self, peer, name, *arguments):
        """A peer that is a library, by the script of ours that uses it."""
        return Program(peer, self.peers.script(name, *arguments), folder=self.folder)

    def empty(self):
        """Makes the folder for results, with nothing in it."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)

    def compare(self, what, ours, theirs, goals=None, fresh=None, result=None):
        """Runs ours and each of theirs in turn, after a first time that does not count. `goals` is by name of the peer.

        `fresh` is called before each run. What `result` makes of its sample and of what was written must be the same
        after each: programs that do not come to the same result are not compared. Neither is timed.
        """
        programs = [ours, *theirs]
        samples = {program.name: [] for program in programs}
        expected = None
        for turn in range(self.pairs + 1):
            for program in programs:
                (fresh or self.empty)()
                sample = run(program)
                came_out = result(sample) if result else None
                expected = expected or came_out
                if came_out != expected:
                    raise Failed(f"{program.name} does not come to the result of {ours.name}")
                if turn > 0:
                    samples[program.name].append(sample)
            self.say(turn, samples)
        self.empty()
        mine = samples.pop(ours.name)
        return [Against(what, mine, hers, peer, (goals or {}).get(peer, {})) for peer, hers in samples.items()]

    def sample(self, program, fresh=None):
        """Runs a program of ours alone, as often as the others and after a first time that does not count."""
        samples = []
        for turn in range(self.pairs + 1):
            (fresh or self.empty)()
            samples.append(run(program))
            self.say(turn, {program.name: samples[1:]})
        return samples[1:]

    def say(self, turn, samples):
        """What has just been measured."""
        if turn == 0:
            told = "warm"
        else:
            last = [(name, taken[-1]) for name, taken in samples.items()]
            told = "; ".join(f"{name} {sample.cpu:.3f} s CPU, {sample.wall:.3f} s" for name, sample in last)
        print(f"    {turn}/{self.pairs}  {told}", file=sys.stderr, flush=True)

