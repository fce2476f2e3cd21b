"""Runs a program and says what it took. Never decides what is run, nor compares."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# A program that takes longer than this has failed; the longest one that is compared takes a tenth of it.
LONGEST = 300


class Failed(Exception):
    """Something that was to be measured has not worked, or has not come to the same result as the others."""


@dataclass(frozen=True)
class Program:
    """One way to do the work: how the table calls it, and what is started."""

    name: str
    argv: list
    environment: dict = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True)
class Sample:
    """What one run took: processor and wall in seconds, peak in bytes."""

    cpu: float
    wall: float
    peak: int
    out: str


def shell(name, script, folder=None):
    """A program that is a line of shell, as its users would write it."""
    return Program(name, ["sh", "-euc", script], folder=folder)


def run(program):
    """Runs it to its end.

    The processor time is that of the whole tree, user and system, as `wait4` gives it: children count once their
    parent has waited for them, as `sh` and `xargs` do. The peak is the resident memory of the largest single process.
    `time` stands in between for its sake: until a process starts its program, it has the memory of the one it comes
    from, and that of `time` is far smaller than ours.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors, tempfile.NamedTemporaryFile() as peak:
        argv = [shutil.which("time"), "-o", peak.name, "-f", "%M", *map(str, program.argv)]
        environment = {**os.environ, **program.environment}
        begin = time.monotonic()
        process = subprocess.Popen(
            argv, env=environment, cwd=program.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
            start_new_session=True,
        )
        timer = threading.Timer(LONGEST, os.killpg, (process.pid, 9))
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - begin
        except BaseException:
            os.killpg(process.pid, 9)
            raise
        finally:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        said = text(out)
        if process.returncode != 0:
            raise Failed(f"{program.name} has ended with {process.returncode}: {(text(errors) or said)[-2000:]}")
        kibibytes = int(Path(peak.name).read_text().split()[-1])
        return Sample(usage.ru_utime + usage.ru_stime, wall, kibibytes * 1024, said)


@contextlib.contextmanager
def under_way(program):
    """Runs it beside the block, and waits for its end behind it."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*map(str, program.argv)], env={**os.environ, **program.environment}, cwd=program.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True,
        )
        try:
            yield
            process.wait(LONGEST)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            raise Failed(f"{program.name} has ended with {process.returncode}: {text(errors)[-2000:]}")


def text(file):
    """All that was written to it."""
    file.seek(0)
    return file.read().decode(errors="replace")
