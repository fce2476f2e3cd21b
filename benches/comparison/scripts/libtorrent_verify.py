"""libtorrent_verify.py TORRENT FOLDER: ends with 0 once libtorrent has checked the data there and seeds it."""
import os
import sys

import libtorrent as lt

torrent, folder = sys.argv[1:]
quiet = {"enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False}
session = lt.session({
    **quiet, "listen_interfaces": "127.0.0.1:0", "alert_mask": lt.alert.category_t.status_notification,
    # as podseed and torf do it; by default there is one
    "hashing_threads": os.cpu_count(),
})
parameters = lt.add_torrent_params()
parameters.ti = lt.torrent_info(torrent)
parameters.save_path = folder
# neither queued nor paused: at work at once
parameters.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
handle = session.add_torrent(parameters)
while not any(isinstance(alert, lt.torrent_checked_alert) for alert in session.pop_alerts()):
    session.wait_for_alert(1000)
sys.exit(0 if handle.status().is_seeding else 1)
