"""torf_verify.py TORRENT FILE: ends with 0 if the file is what the torrent says."""
import sys

import torf

torrent, file = sys.argv[1:]
sys.exit(0 if torf.Torrent.read(torrent).verify(file) else 1)
