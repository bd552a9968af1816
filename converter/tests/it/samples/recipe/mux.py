#!/usr/bin/env python3
"""Wraps raw HE-AAC access units, each behind its 16-bit length, into an m4a whose edit list leaves exactly the clip.

mux.py UNITS M4A CONFIG DELAY: the AudioSpecificConfig in hexadecimal, and the encoder's delay in samples at 44.1 kHz.
A config of two bytes is implicit signalling: then sample entry and media header tell the rate of the core, too.
"""

import struct
import sys

RATE = 44_100
SAMPLES = 3 * RATE
UNIT_SAMPLES = 2048


def box(kind, *content):
    content = b"".join(content)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind, *content, flags=0):
    return box(kind, struct.pack(">I", flags), *content)


def descriptor(tag, *content):
    content = b"".join(content)
    return struct.pack(">BB", tag, len(content)) + content


def access_units(packed):
    while packed:
        (size,) = struct.unpack_from(">H", packed)
        yield packed[2 : 2 + size]
        packed = packed[2 + size :]


def movie(units, config, delay, offset):
    halves = 2 if len(config) == 2 else 1
    rate, unit_samples = RATE // halves, UNIT_SAMPLES // halves
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    esds = full_box(
        b"esds",
        descriptor(
            3,
            struct.pack(">HB", 1, 0),
            descriptor(4, struct.pack(">BB3xII", 0x40, 0x15, 64_000, 0), descriptor(5, config)),
            descriptor(6, b"\2"),
        ),
    )
    entry = box(b"mp4a", struct.pack(">6xH8xHH4xI", 1, 2, 16, rate << 16), esds)
    table = box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), entry),
        full_box(b"stts", struct.pack(">III", 1, len(units), unit_samples)),
        full_box(b"stsc", struct.pack(">IIII", 1, 1, len(units), 1)),
        full_box(b"stsz", struct.pack(">II", 0, len(units)), *(struct.pack(">I", len(unit)) for unit in units)),
        full_box(b"stco", struct.pack(">II", 1, offset)),
    )
    media = box(
        b"mdia",
        full_box(b"mdhd", struct.pack(">IIIIHH", 0, 0, rate, len(units) * unit_samples, 0x55C4, 0)),
        full_box(b"hdlr", struct.pack(">I4s12x", 0, b"soun"), b"sound\0"),
        box(b"minf", full_box(b"smhd", bytes(4)), box(b"dinf", full_box(b"dref", struct.pack(">I", 1), full_box(b"url ", flags=1))), table),
    )
    edits = box(b"edts", full_box(b"elst", struct.pack(">IIiHH", 1, SAMPLES, delay // halves, 1, 0)))
    header = full_box(b"tkhd", struct.pack(">IIIIII", 0, 0, 1, 0, SAMPLES, 0), struct.pack(">4xHHH2x", 0, 0, 0x100), matrix, bytes(8), flags=3)
    start = full_box(b"mvhd", struct.pack(">IIIIIH10x", 0, 0, RATE, SAMPLES, 0x10000, 0x100), matrix, bytes(24), struct.pack(">I", 2))
    return box(b"moov", start, box(b"trak", header, edits, media))


def main(packed_path, m4a_path, config, delay):
    with open(packed_path, "rb") as packed:
        units = list(access_units(packed.read()))
    kind = box(b"ftyp", b"M4A \0\0\0\0", b"M4A mp42isom")
    config = bytes.fromhex(config)
    offset = len(kind) + len(movie(units, config, int(delay), 0)) + 8
    with open(m4a_path, "wb") as m4a:
        m4a.write(kind + movie(units, config, int(delay), offset) + box(b"mdat", *units))


if __name__ == "__main__":
    main(*sys.argv[1:])
