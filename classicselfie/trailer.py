"""What stands behind a picture's end: Samsung phones write a trailer there.

Layout (ExifTool, Samsung trailer): blocks, then the directory "SEFH", version, count,
count × (unused, type, distance back from "SEFH", size), then the directory's length and "SEFT".
Zeros, a newline, a second trailer or a video of some megabytes may follow.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

TRAILER_BYTES = 256 * 2**10
# How far before the file's end a trailer may end; phones' videos are shorter.
_SEARCH_BYTES = 64 * 2**20
_MAX_MARKS = 100  # by chance one stands in four gigabytes
_MAX_TRAILERS = 16  # phones write one, and a second where the picture was edited

_END, _DIRECTORY = b"SEFT", b"SEFH"
_HEAD_BYTES, _ENTRY_BYTES = 12, 12
_JPEG_END = b"\xff\xd9"
_FRONT_BLOCK, _FRONT_NAME = 0x0910, b"Front_Cam_Selfie_Info"
_MAX_FRONT_BLOCK = 2**10


def read_trailer(stream: BinaryIO, length: int, is_jpeg: bool) -> bytes:
    """Read the end of the file, or of Samsung's trailer where more stands behind that.

    Parameters
    ----------
    stream : seekable binary file object
    length : int
        Of the whole file.
    is_jpeg : bool
        Only a JPEG is searched for a trailer that ends far before the file does.

    Returns
    -------
    bytes
        At most `TRAILER_BYTES`.
    """

    def before(end: int) -> bytes:
        start = max(0, end - TRAILER_BYTES)
        stream.seek(start)
        return stream.read(end - start)

    tail = before(length)
    if not is_jpeg or is_whole(tail):
        return tail
    step = TRAILER_BYTES - len(_END) + 1  # the mark may lie across two parts
    marks_left = _MAX_MARKS
    for end in range(length, max(0, length - _SEARCH_BYTES), -step):
        part = before(end) if end < length else tail
        place = len(part)
        while marks_left and (place := part.rfind(_END, 0, place)) >= 0:
            marks_left -= 1
            trailer_end = end - len(part) + place + len(_END)
            trailer = before(trailer_end)
            if _directory(trailer, len(trailer) - len(_END)) is not None:
                return trailer
    return tail


def is_whole(trailer: bytes) -> bool:
    """Tell whether a JPEG ends as it should: it was not cut in transfer.

    Parameters
    ----------
    trailer : bytes
        What `read_trailer` gave.

    Returns
    -------
    bool
    """
    return trailer.rstrip(b"\0").endswith((_JPEG_END, _END))


def has_front_camera_block(trailer: bytes) -> bool:
    """Look for the block that only the front camera writes, in every trailer there is.

    Parameters
    ----------
    trailer : bytes
        What `read_trailer` gave.

    Returns
    -------
    bool
        False tells nothing: no block says "back camera".
    """
    end = len(trailer)
    looked_at = 0
    while looked_at < _MAX_TRAILERS and (end := trailer.rfind(_END, 0, end)) >= 0:
        directory = _directory(trailer, end)
        if directory is not None:
            looked_at += 1
            if _tells_front(trailer, *directory):
                return True
    return False


def _directory(trailer: bytes, end: int) -> tuple[int, int] | None:
    """Find where the directory before a mark begins, and how many entries it has."""
    (length,) = struct.unpack_from("<I", trailer, end - 4) if end >= 4 else (0,)
    start = end - 4 - length
    if start < 0 or length < _HEAD_BYTES or not trailer.startswith(_DIRECTORY, start):
        return None
    (count,) = struct.unpack_from("<I", trailer, start + 8)
    return start, min(count, (length - _HEAD_BYTES) // _ENTRY_BYTES)


def _tells_front(trailer: bytes, start: int, count: int) -> bool:
    entries = trailer[start + _HEAD_BYTES :][: count * _ENTRY_BYTES]
    for _, kind, back, size in struct.iter_unpack("<HHII", entries):
        begin = start - back
        # A block that begins before what was read of the file is believed by its type.
        if kind == _FRONT_BLOCK and (
            begin < 0 or _FRONT_NAME in trailer[begin : begin + min(size, _MAX_FRONT_BLOCK)]
        ):
            return True
    return False
