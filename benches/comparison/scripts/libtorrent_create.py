"""libtorrent_create.py v1|hybrid|v2 PIECE_LENGTH FOLDER FILE...: a torrent of each file, into a folder."""
import os
import sys

import libtorrent as lt

VERSIONS = {"v1": lt.create_torrent.v1_only, "hybrid": 0, "v2": lt.create_torrent.v2_only}

version, piece_length, folder, *files = sys.argv[1:]
for file in files:
    name = os.path.basename(file)
    storage = lt.file_storage()
    storage.add_file(name, os.path.getsize(file))
    torrent = lt.create_torrent(storage, int(piece_length), VERSIONS[version])
    lt.set_piece_hashes(torrent, os.path.dirname(os.path.abspath(file)))
    with open(os.path.join(folder, name + ".torrent"), "wb") as out:
        out.write(lt.bencode(torrent.generate()))
