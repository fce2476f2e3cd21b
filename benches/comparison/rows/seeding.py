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


def seconds(kind, goal, bench):
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
        configuration.write_text(
            CONFIGURATION.format(data=bench.folder / f"{client.name}-{turn}", address=address, client=client.configuration)
        )
        with under_way(bench.ours("run", "--quiet", "--config", configuration)):
            seeding = clients.wait_for(lambda: client.seeding() == turn + 1, client.name, 60)
        return seeding - origin.sent(home, file.name)


GROUP = Group("Last byte to seeding", 200 * inputs.MB, (
    Row("transmission", "last byte to seeding at Transmission", partial(seconds, clients.Transmission, 0.5), ("transmission-daemon", "nginx")),
    Row("qbittorrent", "last byte to seeding at qBittorrent", partial(seconds, clients.QBittorrent, 3.0), ("qbittorrent-nox", "nginx")),
    Row("rtorrent", "last byte to seeding at rTorrent", partial(seconds, clients.RTorrent, 0.5), ("rtorrent", "nginx")),
))
