"""Two strips of a JPEG's rows, decoded without the rest of it.

What takes time is the entropy coding, and it has no index: the lower rows are reached through all
those above. But its codes fall into step by themselves, with restart markers and without. A decoder
that is let in in the middle makes rubbish at first and is then right, but for the brightness (only
differences are stored) and for the column at which it began. That is enough to recognise a
picture.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import JpegImagePlugin

from classicselfie.photo.jpeg import (
    MARKER,
    RESTART_INTERVAL,
    SOF_PROGRESSIVE,
    START_OF_FRAME,
    START_OF_SCAN,
    segments,
)

# The first rows, whose place is exact, and some of the middle, where edits are.
_DEPTHS = (0.0, 0.5)
_BLOCK = 16  # the usual height of a row of blocks in pixels
_OUT_OF_STEP = 0.25  # of a strip from the middle
_SMALL = 2_000_000  # pixels
_MIN_BYTES = 1000  # less holds no picture
_UNTOUCHED = 128  # what a decoder leaves where it had no data
_TABLES = frozenset({0xC4, 0xDB, RESTART_INTERVAL, 0xEE})  # 0xEE: Adobe's, on the colour space


class Strip(NamedTuple):
    """Some rows of a picture.

    Attributes
    ----------
    luma : ndarray of uint8, shape (rows, columns)
        Over the whole width. Where it is not `exact`, rolled by an unknown number of columns and
        brighter or darker by an unknown amount.
    depth : float
        Where it begins, as a share of the height.
    exact : bool
        Whether `depth`, columns and brightness are those of the picture.
    """

    luma: npt.NDArray[np.uint8]
    depth: float
    exact: bool


def read_strips(stream: IO[bytes], columns: int, rows: int) -> Iterator[Strip]:
    """Decode strips of a JPEG.

    Parameters
    ----------
    stream : binary file object
        Seekable, a JPEG from its first byte on. It is left anywhere.
    columns, rows : int
        How large a strip should be when it is shrunk; smaller ones come of damaged files.

    Yields
    ------
    Strip
        At least `columns` wide, where the picture is. Of a small or progressive photo one, of the
        whole height. None at all where no part of this kind of JPEG can be decoded.
    """
    header = _read_header(stream)
    if header is None:
        return
    end = stream.seek(0, os.SEEK_END)
    # A small photo costs little. The first scan of a progressive one holds the means of all blocks:
    # the whole picture at 1/8.
    if header.progressive or header.width * header.height <= _SMALL:
        data = _first_scan(stream, header, end)
        yield Strip(_decode(header, data, header.height, columns), 0.0, exact=True)
        return
    height = header.width * rows / columns
    for depth in _DEPTHS:
        exact = depth == 0
        wanted = int(height if exact else height / (1 - _OUT_OF_STEP)) + 2 * _BLOCK
        data, end = _part(stream, header.data_at, end, depth, min(1.0, wanted / header.height))
        luma = _decode(header, data, min(header.height, 2 * wanted), columns)  # flat ones are long
        yield Strip(luma if exact else luma[int(len(luma) * _OUT_OF_STEP) :], depth, exact)


class _Header(NamedTuple):
    """What a decoder must know before a scan: segments as they stand in the file."""

    tables: bytes
    frame: bytes
    scan: bytes
    data_at: int

    @property
    def progressive(self) -> bool:
        return self.frame[1] in SOF_PROGRESSIVE

    @property
    def height(self) -> int:
        return int.from_bytes(self.frame[5:7], "big")

    @property
    def width(self) -> int:
        return int.from_bytes(self.frame[7:9], "big")


def _read_header(stream: IO[bytes]) -> _Header | None:
    """Read up to the first scan; None unless that holds all components."""
    tables, frame = b"", b""
    for segment in segments(stream):
        if segment.code not in _TABLES | START_OF_FRAME | {START_OF_SCAN}:
            continue
        stream.seek(segment.start)
        whole = stream.read(segment.end - segment.start)
        if segment.code in START_OF_FRAME:
            frame = whole
        elif segment.code in _TABLES:
            tables += whole
        elif len(frame) > 9 and frame[9] == segment.components:
            return _Header(tables, frame, whole, segment.end)
        else:
            return None
    return None


def _part(stream: IO[bytes], start: int, end: int, depth: float, share: float) -> tuple[bytes, int]:
    """Read a part of the data between `start` and `end`; tell also where they end at the most."""
    while True:
        stream.seek(start + int((end - start) * depth))
        data = stream.read(max(0, int((end - start) * share)))
        behind = MARKER.search(data)
        if behind is None or end - start < _MIN_BYTES:
            return data, end
        # A video or another picture follows this one.
        end = start + int((end - start) * depth) + behind.start()


def _first_scan(stream: IO[bytes], header: _Header, end: int) -> bytes:
    stream.seek(header.data_at)
    data = stream.read(min(end - header.data_at, header.width * header.height))
    behind = MARKER.search(data)
    return data[: behind.start()] if behind else data


def _decode(header: _Header, data: bytes, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Decode the brightness of as many rows as there are data for."""
    frame = header.frame[:5] + rows.to_bytes(2, "big") + header.frame[7:]
    jpeg = b"\xff\xd8" + header.tables + frame + header.scan + data + b"\xff\xd9"
    with JpegImagePlugin.JpegImageFile(io.BytesIO(jpeg)) as image:
        width = image.width
        image.draft("L", (min(columns, width), 1))
        if image.mode != "L":
            return np.empty((0, 0), np.uint8)
        luma = np.asarray(image)
    told = np.flatnonzero((luma != _UNTOUCHED).any(axis=1))
    block = _BLOCK * luma.shape[1] // width  # the last row of blocks may not be whole
    return luma[: max(0, told[-1] + 1 - block)] if len(told) else luma[:0]
