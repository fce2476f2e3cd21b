"""From the last byte of an episode to the client that says itself that it seeds it."""
from functools import partial

from comparison import clients, inputs, origin
from comparison.measure import under_way
from comparison.results import Figure
from comparison.rows import Group, Row

# An hour of speech in a small file: 4.6 MiB.
LENGTH = 4_823_450
CONFIGURATION = """\
data_dir: {data}
shows: {{compared: {{feed: "{address}/feed.xml"}}}}
clients: {{here: {{{client}}}}}
limits: {{allow_private_addresses: true, disk_free: 1 MiB}}
"""


def seconds(bench, kind, goal):
    """A new show of one episode for each time; the client keeps the former ones."""
    home = bench.folder / kind.name
    home.mkdir()
    taken = []
    with clients.running(kind(home)) as client:
        for turn in range(bench.pairs + 1):
            taken.append(one(bench, client, turn))
    what = f"one episode of 4.6 MiB: last byte to seeding at {kind.name}"
    return [Figure(what, "s", taken[1:], goal)]


def one(bench, client, turn):
    """Seconds from when the origin had sent everything to when the client first said that it seeds one more."""
    home = bench.folder / "origin"
    file = inputs.sound(home / "www" / f"{client.name}-{turn}.mp3", LENGTH, turn)
    configuration = bench.folder / "podseed.yaml"
    with origin.serving(home) as address:
        (home / "www" / "feed.xml").write_text(origin.feed(address, [file]))
        data = bench.folder / f"{client.name}-{turn}"
        text = CONFIGURATION.format(data=data, address=address, client=client.configuration)
        configuration.write_text(text)
        with under_way(bench.ours("run", "--quiet", "--config", configuration)):
            seeding = clients.wait_for(lambda: client.seeding() == turn + 1, client.name, 60)
        return seeding - origin.sent(home, file.name)


def row(kind, goal, program):
    """A row for each client."""
    about = f"at {kind.name}, one episode of 4.6 MiB"
    return Row(kind.name.lower(), about, partial(seconds, kind=kind, goal=goal), (program, "nginx"))


GROUP = Group("Last byte to seeding", 200 * inputs.MB, (
    row(clients.Transmission, 0.5, "transmission-daemon"),
    row(clients.QBittorrent, 3.0, "qbittorrent-nox"),
    row(clients.RTorrent, 0.5, "rtorrent"),
))
