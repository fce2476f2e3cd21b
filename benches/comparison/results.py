"""What came out of a row: ratios to a peer, or figures of our own, each with its goal. Never runs nor prints."""
from dataclasses import dataclass, field
from statistics import median

METRICS = ("cpu", "wall", "peak")


@dataclass(frozen=True)
class Against:
    """Ours and a peer's samples, taken in turn: the n-th of ours is to be compared with the n-th of theirs alone, for
    both have met the machine in the same state.

    Goals are by metric, as the highest median of the ratios.
    """

    what: str
    ours: list
    theirs: list
    peer: str
    goals: dict = field(default_factory=dict)

    def ratios(self, metric):
        """Ours divided by theirs, for each pair, from the lowest."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return sorted(getattr(a, metric) / getattr(b, metric) for a, b in pairs)

    def misses(self):
        """The metrics in which a goal is not reached."""
        return [metric for metric, goal in self.goals.items() if median(self.ratios(metric)) > goal]


@dataclass(frozen=True)
class Figure:
    """One of our own figures, measured several times, and the highest that its median may be."""

    what: str
    unit: str
    values: list
    goal: float | None = None

    def misses(self):
        """The unit, if the goal is not reached."""
        return [self.unit] if self.goal is not None and median(self.values) > self.goal else []


def wall(what, samples, goal=None):
    """How long it took."""
    return Figure(what, "s", [sample.wall for sample in samples], goal)


def peak(what, samples, goal=None):
    """How much memory it needed."""
    return Figure(what, "MiB", [sample.peak / (1 << 20) for sample in samples], goal)


@dataclass(frozen=True)
class Missing:
    """A row that could not be measured here, and why."""

    what: str
    why: str

    def misses(self):
        """What was not measured misses nothing."""
        return []
