"""Info hashes of .torrent files, read by a decoder of its own: what is compared must not check itself."""
import hashlib


def info_hashes(path):
    """SHA-1 and SHA-256 of the very bytes of the info dictionary, as far as its version has them (BEP 3, BEP 52)."""
    document = path.read_bytes()
    top, _ = dictionary(document, 0)
    begin, end = top[b"info"]
    info, _ = dictionary(document, begin)
    raw = document[begin:end]
    v1 = hashlib.sha1(raw).hexdigest() if b"pieces" in info else None
    v2 = hashlib.sha256(raw).hexdigest() if b"file tree" in info else None
    return v1, v2


def dictionary(document, at):
    """Where the values of the dictionary that begins here stand, by key, and where it ends."""
    found, at = {}, at + 1
    while document[at:at + 1] != b"e":
        key_end = skip(document, at)
        key = document[document.index(b":", at) + 1:key_end]
        at = skip(document, key_end)
        found[key] = (key_end, at)
    return found, at + 1


def skip(document, at):
    """Where the value that begins here ends."""
    kind = document[at:at + 1]
    if kind == b"i":
        return document.index(b"e", at) + 1
    if kind in (b"l", b"d"):
        at += 1
        while document[at:at + 1] != b"e":
            at = skip(document, at)
        return at + 1
    colon = document.index(b":", at)
    return colon + 1 + int(document[at:colon])
