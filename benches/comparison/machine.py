"""What the machine is and has: for the head of the table, and to refuse what it has no room for."""
import os
import platform
import shutil
from pathlib import Path


def flags():
    """What the processor can, as Linux names it; on other architectures nothing."""
    return set(of_cpu("flags").split())


def processor():
    """As `AMD EPYC 9R14, 2 cores, with avx512f avx2 sha_ni`."""
    known = [flag for flag in ("avx512f", "avx512bw", "avx2", "sha_ni") if flag in flags()]
    name = of_cpu("model name") or platform.machine()
    return f"{name}, {os.cpu_count()} cores, " + (f"with {' '.join(known)}" if known else "without AVX2 and SHA-NI")


def of_cpu(key):
    """The value of the first line of `/proc/cpuinfo` with this key, or nothing."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        found, _, value = line.partition(":")
        if found.strip() == key:
            return value.strip()
    return ""


def memory():
    """Bytes of memory, all and available."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    sizes = {words[0]: int(words[1]) * 1024 for words in lines if words[-1] == "kB"}
    return sizes["MemTotal:"], sizes["MemAvailable:"]


def system():
    """As `Debian GNU/Linux 12 (bookworm), Linux 6.1.0`."""
    name = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return f"{name}, Linux {platform.release()}"


def file_system(folder):
    """The type of the file system that a folder is on."""
    device = os.stat(folder).st_dev
    found = "unknown"
    # As mountinfo(5): the third field is the device, and the type follows after the dash.
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == f"{os.major(device)}:{os.minor(device)}":
            found = after.split()[0]
    return found


def has_room(folder, needed):
    """Whether so many bytes fit there: on its disk, and in memory, since all that is read is to be in the cache."""
    return shutil.disk_usage(folder).free > needed and memory()[1] > needed + (1 << 30)
