"""torf_create.py PIECE_LENGTH FOLDER FILE: a v1 torrent of a file, into a folder."""
import os
import sys

import torf

piece_length, folder, file = sys.argv[1:]
torrent = torf.Torrent(path=file, piece_size=int(piece_length))
torrent.generate()
torrent.write(os.path.join(folder, os.path.basename(file) + ".torrent"))
