"""A publisher's server on this machine: nginx with one worker, in a folder of its own."""
import contextlib
import os
import socket
import subprocess
import time
from email.utils import format_datetime
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.sax.saxutils import escape

from comparison.measure import Failed

CONFIGURATION = """\
{user}
daemon off;
worker_processes 1;
pid {home}/pid;
error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{
    log_format sent '$msec $status $uri';
    access_log {home}/access.log sent;
    sendfile on;
    tcp_nopush on;
    types {{ audio/mpeg mp3; application/rss+xml xml; }}
    {temporary}
    server {{
        listen 127.0.0.1:{port};
        root {home}/www;
    }}
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextlib.contextmanager
def serving(home, port=None):
    """nginx over `home/www`, as long as the block lasts; gives its address."""
    (home / "www").mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    temporary = "\n    ".join(f"{name}_temp_path {home}/{name};" for name in TEMPORARY)
    configuration = home / "nginx.conf"
    # Its worker would be of another user if the master is root's, and may not read our folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(CONFIGURATION.format(home=home, port=port, temporary=temporary, user=user))
    argv = ["nginx", "-p", home, "-c", configuration, "-e", home / "error.log"]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process, home / "error.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def sent(home, name):
    """When the last byte of the whole of a file was given to the network for the first time, by the clock."""
    for line in (home / "access.log").read_text().splitlines():
        at, status, path = line.split(" ", 2)
        if status == "200" and path == f"/{name}":
            return float(at)
    raise Failed(f"nobody has asked for {name}")


def free_port():
    """One that nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(port, process, log, patience=20):
    """Until somebody listens there."""
    end = time.monotonic() + patience
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    told = Path(log).read_text(errors="replace")[-500:] if Path(log).exists() else ""
    raise Failed(f"{process.args[0]} does not listen: {told}")


def feed(address, files, more=""):
    """An RSS feed with an episode for each file, the first one the newest, and these items behind them."""
    newest = datetime(2026, 11, 1, 6, tzinfo=timezone.utc)
    items = "".join(item(address, file, newest - timedelta(days=number)) for number, file in enumerate(files))
    head = "<title>Compared</title><link>https://podcast.example/</link><description>Sound</description>"
    return f'<?xml version="1.0"?>\n<rss version="2.0"><channel>{head}\n{items}{more}</channel></rss>\n'


def item(address, file, date):
    """One episode."""
    url = escape(f"{address}/{file.name}", {'"': "&quot;"})
    return (
        f"<item><title>{file.stem}</title><guid isPermaLink=\"false\">{file.stem}</guid>"
        f"<pubDate>{format_datetime(date)}</pubDate>"
        f"<enclosure url=\"{url}\" type=\"audio/mpeg\" length=\"{file.stat().st_size}\"/></item>\n"
    )
