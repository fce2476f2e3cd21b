"""The data that everything is measured on. The same names and seeds give the same bytes, everywhere and always."""
import random

MB = 1_000_000
MIB = 1 << 20

# An ID3v2 tag, by which podseed knows a file for sound.
BEGINNING = b"ID3\x03\0\0\0\0\0\x11TIT2\0\0\0\x07\0\0\0podcas"


def sound(path, length, seed):
    """A file of so many bytes that nothing can compress, and that begins as an MP3 does. It stays if it is there."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    with open(path, "wb") as file:
        file.write(BEGINNING[:length])
        for left in range(length - len(BEGINNING), 0, -MIB):
            file.write(source.randbytes(min(left, MIB)))
    return path


def episodes(folder, count, shortest, longest):
    """So many files in a folder, of lengths evenly spread, in an order that is not that of their lengths."""
    order = list(range(count))
    random.Random(count).shuffle(order)
    for number, place in enumerate(order):
        length = shortest + (longest - shortest) * place // (count - 1)
        sound(folder / f"episode-{number:05}.mp3", length, number)
    return folder
