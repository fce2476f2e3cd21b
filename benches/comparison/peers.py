"""Who podseed is compared with, and how they come here: programs from Debian, libraries from PyPI.

The libraries go into an environment of their own below `target/compare/`; nothing is installed for the whole machine
but Debian's packages, and those only by root.
"""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PACKAGES = {
    "mktorrent": "mktorrent", "wget": "wget", "curl": "curl", "aria2c": "aria2", "nginx": "nginx-light", "time": "time",
    "transmission-daemon": "transmission-daemon", "qbittorrent-nox": "qbittorrent-nox", "rtorrent": "rtorrent",
}
LIBRARIES = ("libtorrent", "torf", "feedparser")
SCRIPTS = Path(__file__).parent / "scripts"


class NotHere(Exception):
    """What is needed, and how to get it."""


@dataclass(frozen=True)
class Peers:
    """The peers that are ready to be run."""

    python: Path

    def script(self, name, *arguments):
        """How to run one of the scripts that use a library of Python's."""
        # Without the site's and the user's own modules it starts faster: that is in its favour.
        return [self.python, "-sE", SCRIPTS / name, *arguments]


def install(needed, folder):
    """Gets what is needed of the programs and libraries and is not here yet; `folder` is for the libraries."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    packages = [PACKAGES[name] for name in needed if name in PACKAGES and shutil.which(name) is None]
    if packages:
        apt(packages)
    python = folder / "venv" / "bin" / "python"
    if any(name in LIBRARIES for name in needed) and not has_libraries(python):
        print("installing " + ", ".join(LIBRARIES), file=sys.stderr)
        try:
            subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, stdout=sys.stderr)
            pip = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *LIBRARIES]
            subprocess.run(pip, check=True, stdout=sys.stderr)
        except subprocess.CalledProcessError as error:
            raise NotHere(
                f"{', '.join(LIBRARIES)} cannot be had from PyPI; on Debian pip needs python3-venv. Or put them into "
                f"an environment at {folder / 'venv'} by hand, or leave out the rows that need them."
            ) from error
    return Peers(python)


def apt(packages):
    """Debian's packages, if we may; what they bring as services is not started."""
    words = " ".join(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotHere(f"Programs are needed that are not here. On Debian, as root:\n    apt-get install {words}")
    print(f"installing {words}", file=sys.stderr)
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        get = ["apt-get", "-qq", "-o", "APT::Install-Recommends=false"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*get, "update"], check=True, env=environment, stdout=sys.stderr)
        subprocess.run([*get, "-y", "install", *packages], check=True, env=environment, stdout=sys.stderr)
    except subprocess.CalledProcessError as error:
        raise NotHere(f"apt-get has not installed {words}: see above") from error
    finally:
        if ours:
            policy.unlink()


def has_libraries(python):
    """Whether the environment is complete."""
    if not python.exists():
        return False
    imports = "import " + ", ".join(LIBRARIES)
    return subprocess.run([python, "-c", imports], stderr=subprocess.DEVNULL, check=False).returncode == 0


def versions(needed, python):
    """Name and version of each, for the head of the table."""
    found = [f"{name} {version_of(PACKAGES[name])}".strip() for name in needed if name in PACKAGES]
    for site in (python.parent.parent / "lib").glob("python3*/site-packages"):
        libraries = metadata.distributions(path=[str(site)])
        found += [f"{each.name} {each.version} (PyPI)" for each in libraries if each.name in needed]
    return found


def version_of(package):
    """The version of a Debian package, or nothing where it came some other way."""
    if shutil.which("dpkg-query") is None:
        return ""
    query = ["dpkg-query", "--show", "--showformat", "${Version}", package]
    asked = subprocess.run(query, capture_output=True, text=True, check=False)
    return asked.stdout.strip()
