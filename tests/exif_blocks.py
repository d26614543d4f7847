"""Exif blocks made by hand, with whatever damage a test wants; Pillow writes sound ones only."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED_LONG, UTF8 = 1, 2, 3, 4, 5, 7, 9, 129
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1, SIGNED_LONG: 4, UTF8: 1}
EXIF_IFD = 0x8769


class Entry(NamedTuple):
    tag: int
    kind: int
    data: bytes
    count: int | None = None
    """Where it lies about its length."""
    offset: int | None = None
    """Where it lies about its place."""


def text(tag: int, value: str, kind: int = ASCII) -> Entry:
    return Entry(tag, kind, value.encode() + b"\0")


def directory(entries: Sequence[Entry], start: int, order: str = ">", following: int = 0) -> bytes:
    """Lay out a directory that begins at `start`, and its values behind it."""
    head = struct.pack(order + "H", len(entries))
    values = b""
    values_start = start + 2 + 12 * len(entries) + 4
    for entry in entries:
        count = len(entry.data) // SIZES.get(entry.kind, 1) if entry.count is None else entry.count
        place = entry.data.ljust(4, b"\0")
        if len(entry.data) > 4 or entry.offset is not None:
            offset = values_start + len(values) if entry.offset is None else entry.offset
            place = struct.pack(order + "I", offset)
            values += entry.data
        head += struct.pack(order + "HHI", entry.tag, entry.kind, count) + place
    return head + struct.pack(order + "I", following) + values


def exif_block(
    main: Sequence[Entry] = (),
    photo: Sequence[Entry] = (),
    thumbnail: Sequence[Entry] | None = None,
    order: str = ">",
) -> bytes:
    """Lay out a whole block, without the head "Exif"."""
    start = 8
    pointer = Entry(EXIF_IFD, LONG, b"\0" * 4)
    photo_start = start + len(directory([*main, pointer], start, order))
    inner = directory(photo, photo_start, order)
    thumbnail_start = photo_start + len(inner) if thumbnail is not None else 0
    pointer = pointer._replace(data=struct.pack(order + "I", photo_start))
    outer = directory([*main, pointer], start, order, thumbnail_start)
    last = directory(thumbnail, thumbnail_start, order) if thumbnail is not None else b""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", start) + outer + inner + last


def app1(jpeg: bytes, body: bytes) -> bytes:
    """Put one application segment behind a JPEG's start."""
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def in_jpeg(jpeg: bytes, block: bytes) -> bytes:
    return app1(jpeg, b"Exif\0\0" + block)


def with_xmp(jpeg: bytes, properties: str, elements: str = "") -> bytes:
    """Put an XMP packet into a JPEG."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="" '
        f"{properties}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    return app1(jpeg, b"http://ns.adobe.com/xap/1.0/\0" + packet.encode())


def apple_note(**tags: int) -> bytes:
    """Lay out Apple's maker note: `type` is CameraType, `facing` FrontFacingCamera."""
    numbers = {"type": 0x2E, "facing": 0x45, "other": 0x14}
    entries = [
        Entry(numbers[name], SIGNED_LONG, struct.pack(">i", value)) for name, value in tags.items()
    ]
    return b"Apple iOS\0\0\x01MM" + directory(entries, 14)
