"""What is compared: groups of rows that use the same data, in the order of the table."""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# The checkout.
ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Row:
    """A name for the command line, what it does in one line, and the function that gives its results.

    `programs` are the peers that it starts, as `peers.PACKAGES` names them, and `libraries` whether Python's are
    among them. `flags` are those of the processor that it needs.
    """

    name: str
    about: str
    measure: Callable
    programs: tuple = ()
    libraries: bool = False
    flags: tuple = ()


@dataclass(frozen=True)
class Group:
    """Rows over the same data, and how many bytes that takes together with what is written, at its most.

    What lives by its database is measured `on_disk`, where writing it down costs what it costs.
    """

    title: str
    room: int
    rows: tuple
    on_disk: bool = False


def groups():
    """All of them."""
    from comparison.rows import create, download, feed, folder, scale, seeding

    return (create.GROUP, folder.GROUP, download.GROUP, feed.GROUP, scale.GROUP, seeding.GROUP)
