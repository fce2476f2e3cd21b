"""What is compared: groups of rows that use the same data, in the order of the table."""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# The checkout.
ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Row:
    """A name for the command line, what it does in one line, and the function that gives its results.

    `needs` are the programs and libraries that it starts, as `peers` names them; `flags` what the processor must have.
    """

    name: str
    about: str
    measure: Callable
    needs: tuple = ()
    flags: tuple = ()


@dataclass(frozen=True)
class Group:
    """Rows over the same data, and how many bytes that takes together with what is written, at its most.

    What lies on disks is measured `on_disk`, from the page cache; what writes as much as it reads is measured
    in memory, where no disk sets the pace.
    """

    title: str
    room: int
    rows: tuple
    on_disk: bool = False


def groups():
    """All of them."""
    from comparison.rows import create, download, feed, folder, scale, seeding

    return (create.GROUP, create.ON_TMPFS, folder.GROUP, download.GROUP, feed.GROUP, scale.GROUP, seeding.GROUP)
