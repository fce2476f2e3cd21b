"""Answers questions about torrents with libtorrent. One JSON object per line in, one per line out.

make:  the info hashes of a torrent that libtorrent makes of these files in this order (`null`: of all it finds)
read:  what libtorrent reads from a .torrent file
check: whether libtorrent, given a .torrent and the data, ends up seeding
leech: downloads a torrent from one peer on this machine, or from whom its tracker names (no port), and stays until a
       tracker knows that it is complete (tell)
"""
import faulthandler
import json
import os
import sys
import time

import libtorrent as lt

# Where a crash of the library was is told.
faulthandler.enable()

VERSIONS = {"v1": lt.create_torrent.v1_only, "hybrid": 0, "v2": lt.create_torrent.v2_only}


def hashes(info):
    both = info.info_hashes()
    return {
        "v1": str(both.v1) if both.has_v1() else None,
        "v2": str(both.v2) if both.has_v2() else None,
    }


def make(question):
    path = question["path"]
    name = os.path.basename(path)
    storage = lt.file_storage()
    flags = VERSIONS[question["version"]]
    if question["files"] is None:
        # as libtorrent walks over it, with links and executables marked (BEP 47)
        flags |= lt.create_torrent.symlinks
        lt.add_files(storage, path, flags=flags)
    for relative in question["files"] or []:
        on_disk = os.path.join(path, relative) if relative else path
        storage.add_file(os.path.join(name, relative) if relative else name, os.path.getsize(on_disk))
    torrent = lt.create_torrent(storage, question["piece_length"], flags)
    lt.set_piece_hashes(torrent, os.path.dirname(path))
    encoded = lt.bencode(torrent.generate())
    if question.get("torrent"):
        with open(question["torrent"], "wb") as out:
            out.write(encoded)
    return hashes(lt.torrent_info(encoded))


def read(question):
    info = lt.torrent_info(question["torrent"])
    files = info.files()
    data = [i for i in range(files.num_files()) if not files.file_flags(i) & lt.file_flags_t.flag_pad_file]
    return {
        **hashes(info),
        "name": info.name(),
        "piece_length": info.piece_length(),
        "pieces": info.num_pieces(),
        "files": [[files.file_path(i), files.file_size(i)] for i in data],
        "private": info.priv(),
        # libtorrent shuffles within a tier, as BEP 12 wants it
        "trackers": sorted([tracker.tier, tracker.url] for tracker in info.trackers()),
        "web_seeds": [seed["url"] for seed in info.web_seeds()],
        "comment": info.comment(),
        "created_by": info.creator(),
        "creation_date": info.creation_date(),
        "magnet": hashes_of_magnet(question.get("magnet")),
    }


def hashes_of_magnet(link):
    if not link:
        return None
    parameters = lt.parse_magnet_uri(link)
    both = parameters.info_hashes
    return {
        "v1": str(both.v1) if both.has_v1() else None,
        "v2": str(both.v2) if both.has_v2() else None,
        "name": parameters.name,
        "trackers": list(parameters.trackers),
        "web_seeds": list(parameters.url_seeds),
    }


def session(settings):
    return lt.session({
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "alert_mask": lt.alert.category_t.all_categories,
        **settings,
    })


def started(in_session, question):
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(question["torrent"])
    parameters.save_path = question["save_path"]
    # neither queued nor paused: at work at once
    parameters.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    return in_session.add_torrent(parameters)


SESSION = None


def check(question):
    global SESSION
    if SESSION is None:
        SESSION = session({"listen_interfaces": "127.0.0.1:0"})
    handle = started(SESSION, question)
    while True:
        status = handle.status()
        if status.errc.value():
            return {"error": status.errc.message()}
        if status.is_seeding:
            SESSION.remove_torrent(handle)
            return {"seeding": True}
        if status.state == lt.torrent_status.downloading:
            return {"seeding": False, "progress": status.progress}
        SESSION.wait_for_alert(100)
        SESSION.pop_alerts()


def leech(question):
    stranger = session({
        # another address than the seeder's: clients refuse to talk to themselves
        "listen_interfaces": "127.0.0.9:0",
        "outgoing_interfaces": "127.0.0.9",
        "allow_multiple_connections_per_ip": True,
        # a client that has only just got the torrent hangs up while it still checks the data
        "max_failcount": 100,
        "min_reconnect_time": 1,
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
    })
    handle = started(stranger, question)
    deadline = time.monotonic() + question["seconds"]
    asked = 0.0
    told = not question.get("tell")
    telling = None
    while time.monotonic() < deadline:
        status = handle.status()
        if status.is_seeding and told:
            return {"complete": True}
        if question.get("port") and status.num_peers == 0 and time.monotonic() - asked > 1 and status.state == lt.torrent_status.downloading:
            handle.connect_peer(("127.0.0.1", question["port"]))
            asked = time.monotonic()
        stranger.wait_for_alert(100)
        for alert in stranger.pop_alerts():
            if isinstance(alert, lt.tracker_announce_alert) and alert.event == lt.event_t.completed:
                telling = alert.tracker_url()
            elif isinstance(alert, lt.tracker_reply_alert) and alert.tracker_url() == telling:
                told = True
    return {"complete": False, "progress": handle.status().progress, "told": told}


for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = {"make": make, "read": read, "check": check, "leech": leech}[question["ask"]](question)
    except Exception as error:  # the answer to a torrent that libtorrent refuses
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
