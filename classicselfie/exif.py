"""Exif, read entry by entry: a damaged entry is skipped, and all others still count.

Exif is a TIFF file without pixels: directories of 12-byte entries (tag, type, count, and the
value or where it lies). Nothing here trusts a count or an offset, follows a chain of directories,
or raises because of what the bytes say.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, TypeAlias

Value: TypeAlias = int | float | str | bytes | tuple[int | float, ...]
Tags: TypeAlias = Mapping[int, Value]
ByteOrder: TypeAlias = Literal["<", ">"]

_BYTE_ORDERS: dict[bytes, ByteOrder] = {b"II*\0": "<", b"MM\0*": ">"}
_SEGMENT_HEAD = b"Exif\0\0"
_EXIF_IFD = 0x8769

# TIFF 6.0, section 2, and Exif 3.0, section 4.6.2: letters of `struct` for one value of a type.
_BYTE, _ASCII, _UNDEFINED, _UTF8 = 1, 2, 7, 129
_BYTES = frozenset({_BYTE, _ASCII, _UNDEFINED, _UTF8})
_NUMBERS = {3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_RATIONALS = {5: "II", 10: "ii"}

# No camera writes more. The budget keeps entries that share a place from multiplying it.
_MAX_ENTRIES = 1000
_MAX_VALUE_BYTES = 2**18
_MAX_TOTAL_BYTES = 2**20


@dataclass(frozen=True)
class Exif:
    """The directories of one file's Exif that tell about the picture; empty where there is none.

    Attributes
    ----------
    main : mapping of int to value
        The first directory: make, model, orientation, the date of the last change.
    photo : mapping of int to value
        The Exif directory: lens, focal length, date taken, maker note, user comment.
    thumbnail : mapping of int to value
        The second directory: where the embedded thumbnail lies.

    Notes
    -----
    A value is an int or a float (a rational with a denominator of 0 is NaN), a tuple of them
    where the count is not 1, text without the zeros behind it, or bytes.
    """

    main: Tags = field(default_factory=dict)
    photo: Tags = field(default_factory=dict)
    thumbnail: Tags = field(default_factory=dict)


def read_exif(source: bytes | BinaryIO) -> Exif:
    """Read whatever of a file's Exif is sound.

    Parameters
    ----------
    source : bytes or seekable binary file object
        The Exif block with or without its head, or an open TIFF file. A file object
        is left where it stood.

    Returns
    -------
    Exif
        Empty where `source` is no TIFF structure. BigTIFF is none: no camera writes Exif so.
    """
    if isinstance(source, bytes):
        while source.startswith(_SEGMENT_HEAD):  # some programs write the head twice
            source = source[len(_SEGMENT_HEAD) :]
        return _read(io.BytesIO(source))
    place = source.tell()
    try:
        return _read(source)
    finally:
        source.seek(place)


def read_directory(data: bytes, offset: int, order: ByteOrder) -> Tags:
    """Read one directory within a maker note that is built like one.

    Parameters
    ----------
    data : bytes
        Offsets in the directory count from its beginning.
    offset : int
        Where the directory begins.
    order : {"<", ">"}
        Little or big endian.

    Returns
    -------
    mapping of int to value
        The sound entries.
    """
    return _Reader(io.BytesIO(data), order).directory(offset)[0]


def _read(stream: BinaryIO) -> Exif:
    stream.seek(0)
    head = stream.read(8)
    order = _BYTE_ORDERS.get(head[:4])
    if order is None or len(head) < 8:
        return Exif()
    reader = _Reader(stream, order)
    (first,) = struct.unpack(order + "I", head[4:])
    main, following = reader.directory(first)
    inner = main.get(_EXIF_IFD)
    photo, _ = reader.directory(inner) if isinstance(inner, int) else ({}, 0)
    thumbnail, _ = reader.directory(following) if following else ({}, 0)
    return Exif(main, photo, thumbnail)


class _Reader:
    """Reads directories out of one stream, within one budget."""

    def __init__(self, stream: BinaryIO, order: ByteOrder) -> None:
        self._stream = stream
        self._order = order
        self._length = stream.seek(0, io.SEEK_END)
        self._budget = _MAX_TOTAL_BYTES

    def directory(self, offset: int) -> tuple[Tags, int]:
        """Read the sound entries, and where the next directory lies (0: nowhere)."""
        head = self._bytes(offset, 2)
        if len(head) < 2:
            return {}, 0
        (count,) = struct.unpack(self._order + "H", head)
        wanted = 12 * min(count, _MAX_ENTRIES)
        block = self._bytes(offset + 2, wanted + 4)
        entries = block[: min(wanted, len(block) // 12 * 12)]
        tags: dict[int, Value] = {}
        for tag, kind, number, place in struct.iter_unpack(self._order + "HHI4s", entries):
            value = self._value(kind, number, place)
            if value is not None:
                tags.setdefault(tag, value)
        following = block[wanted : wanted + 4] if count <= _MAX_ENTRIES else b""
        return tags, struct.unpack(self._order + "I", following)[0] if len(following) == 4 else 0

    def _bytes(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes; fewer where the stream ends."""
        if not 0 <= offset < self._length:
            return b""
        self._stream.seek(offset)
        return self._stream.read(size)

    def _value(self, kind: int, count: int, place: bytes) -> Value | None:
        """Read one entry's value; None where it is damaged, empty or beyond the limits."""
        codes = _RATIONALS.get(kind) or _NUMBERS.get(kind) or ("B" if kind in _BYTES else "")
        size = count * struct.calcsize("=" + codes)
        if not 0 < size <= min(_MAX_VALUE_BYTES, self._budget):
            return None
        data = place[:size]
        if size > len(place):
            data = self._bytes(struct.unpack(self._order + "I", place)[0], size)
        if len(data) < size:
            return None
        self._budget -= size
        if kind in (_ASCII, _UTF8):
            return _text(data)
        if kind == _UNDEFINED or (kind == _BYTE and count > 1):
            return data
        numbers = struct.unpack(self._order + codes * count, data)
        if kind in _RATIONALS:
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            numbers = tuple(above / below if below else float("nan") for above, below in pairs)
        return numbers[0] if count == 1 else numbers


def _text(data: bytes) -> str:
    """Decode text: ASCII by the older standard, UTF-8 by the newer, Latin-1 by habit."""
    data = data.rstrip(b"\0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
