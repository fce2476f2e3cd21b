"""BitTorrent clients on loopback, each in a folder of its own, and the question how many torrents one seeds."""
import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
import xmlrpc.client

from comparison.measure import Failed
from comparison.origin import free_port


@contextlib.contextmanager
def running(client):
    """The client, as long as the block lasts."""
    log = client.home / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            client.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(client.home), "TERM": "xterm", "LC_ALL": "C.UTF-8"},
        )
    try:
        wait_for(lambda: client.seeding() == 0, client.name, 30)
        yield client
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(holds, what, patience):
    """When it first held, by the clock."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            if holds():
                return time.time()
        time.sleep(0.02)
    raise Failed(f"{what} does not answer or does not seed")


class Transmission:
    """transmission-daemon, by its RPC."""

    name = "Transmission"

    def __init__(self, home):
        self.home, self.port, self.session = home, free_port(), ""
        settings = {
            "rpc-bind-address": "127.0.0.1", "rpc-port": self.port, "bind-address-ipv4": "127.0.0.1",
            "peer-port": free_port(), "download-dir": str(home / "downloads"), "port-forwarding-enabled": False,
            "dht-enabled": False, "lpd-enabled": False, "pex-enabled": False, "utp-enabled": False,
        }
        (home / "settings.json").write_text(json.dumps(settings))
        self.argv = ["transmission-daemon", "-f", "-g", home]
        self.configuration = f'transmission: {{url: "http://127.0.0.1:{self.port}"}}'

    def seeding(self):
        """Status 6 is seeding."""
        asked = {"method": "torrent-get", "arguments": {"fields": ["status"]}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/transmission/rpc", json.dumps(asked).encode(),
            {"X-Transmission-Session-Id": self.session},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                torrents = json.load(answer)["arguments"]["torrents"]
        except urllib.error.HTTPError as error:
            self.session = error.headers["X-Transmission-Session-Id"]
            return self.seeding() if error.code == 409 else None
        return sum(torrent["status"] == 6 for torrent in torrents)


class QBittorrent:
    """qbittorrent-nox, by its Web API."""

    name = "qBittorrent"

    def __init__(self, home):
        self.home, self.port = home, free_port()
        (home / "qBittorrent" / "config").mkdir(parents=True)
        lines = [
            "[LegalNotice]", "Accepted=true",
            "[BitTorrent]", f"Session\\Port={free_port()}", f"Session\\DefaultSavePath={home / 'downloads'}",
            "Session\\Interface=lo", "Session\\InterfaceName=lo",
            # By itself it seeds three at a time.
            "Session\\QueueingSystemEnabled=false",
            "Session\\DHTEnabled=false", "Session\\LSDEnabled=false", "Session\\PeXEnabled=false",
            "[Preferences]", "WebUI\\Address=127.0.0.1", f"WebUI\\Port={self.port}",
            "WebUI\\LocalHostAuth=false", "WebUI\\UseUPnP=false",
        ]
        (home / "qBittorrent" / "config" / "qBittorrent.conf").write_text("\n".join(lines) + "\n")
        self.argv = ["qbittorrent-nox", f"--profile={home}", f"--webui-port={self.port}"]
        self.configuration = f'qbittorrent: {{url: "http://127.0.0.1:{self.port}"}}'

    def seeding(self):
        """Complete, checked and started, whether or not somebody fetches."""
        address = f"http://127.0.0.1:{self.port}/api/v2/torrents/info"
        with urllib.request.urlopen(address, timeout=5) as answer:
            torrents = json.load(answer)
        return sum(torrent["state"] in ("stalledUP", "uploading", "forcedUP") for torrent in torrents)


class RTorrent:
    """rtorrent, by SCGI. It watches its folder by inotify: what it would lose by looking now and then is not ours."""

    name = "rTorrent"

    def __init__(self, home):
        self.home, port = home, free_port()
        for folder in ("watch", "downloads", "session"):
            (home / folder).mkdir()
        lines = [
            f"directory.default.set = {home}/downloads", f"session.path.set = {home}/session",
            "network.bind_address.set = 127.0.0.1", f"network.port_range.set = {port}-{port}",
            # Without this, 0.9.8 silently refuses torrents that name no tracker.
            "dht.mode.set = auto", f"network.scgi.open_local = {home}/scgi", "system.daemon.set = true",
            f"directory.watch.added = {home}/watch, load.start_verbose",
        ]
        (home / "rtorrent.rc").write_text("\n".join(lines) + "\n")
        self.argv = ["rtorrent", "-n", "-o", f"import={home}/rtorrent.rc"]
        self.configuration = f"watch_dir: {{path: {home}/watch, data: {home}/downloads, client: rtorrent}}"

    def seeding(self):
        """Complete, started, and with no message but that no tracker helps it."""
        torrents = self.ask("d.multicall2", ("", "main", "d.complete=", "d.is_active=", "d.message="))
        return sum(done == started == 1 and said[:8] in ("", "Tracker:") for done, started, said in torrents)

    def ask(self, method, parameters):
        """One XML-RPC call over SCGI."""
        body = xmlrpc.client.dumps(parameters, method).encode()
        headers = f"CONTENT_LENGTH\0{len(body)}\0SCGI\x001\0".encode()
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(5)
            stream.connect(str(self.home / "scgi"))
            stream.sendall(b"%d:%s,%s" % (len(headers), headers, body))
            answer = b"".join(iter(lambda: stream.recv(65536), b""))
        (value,), _ = xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])
        return value
