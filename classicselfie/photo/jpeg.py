"""The segments of a JPEG, told by its markers and not by bytes that look like them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from classicselfie.errors import PhotoError

SOF_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
START_OF_SCAN = 0xDA
RESTART_INTERVAL = 0xDD
_START_OF_IMAGE, _END_OF_IMAGE = 0xD8, 0xD9
# Entropy-coded data hold no marker but restarts (ITU T.81, B.1.1.5): a zero follows their FF.
MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_BLOCK = 2**16
_HEAD = 10  # of a segment, marker and length included: up to the number of components
# A progressive photo has about ten scans; each costs a pass over all coefficients.
_MAX_SCANS = 100
# Of 64 kB each they would fill the largest file that is read; photos have some ten.
_MAX_SEGMENTS = 10_000


class Segment(NamedTuple):
    """One marker segment of a JPEG.

    Attributes
    ----------
    code : int
        The marker's second byte.
    start : int
        Where its marker stands, in bytes from the beginning of the file.
    end : int
        Where its parameters end; a scan's data follow there.
    head : bytes
        Its first bytes, the marker's among them.
    """

    code: int
    start: int
    end: int
    head: bytes

    @property
    def components(self) -> int:
        """How many colour components a frame or scan has."""
        at = 4 if self.code == START_OF_SCAN else 9
        return self.head[at] if len(self.head) > at else 0


def segments(stream: IO[bytes]) -> Iterator[Segment]:
    """Walk the segments as a decoder does: over their bodies, up to the end of the image.

    Parameters
    ----------
    stream : binary file object
        Seekable; a JPEG from its first byte on. It is left anywhere.

    Yields
    ------
    Segment
        Those with a length, in the order of the file.

    Raises
    ------
    PhotoError
        If there are far more than any photo has.
    """
    at = 2  # behind the start of the image
    for _ in range(_MAX_SEGMENTS):
        start = _next_marker(stream, at)
        if start is None:
            return
        stream.seek(start)
        head = stream.read(_HEAD)
        code = head[1]
        if code == _END_OF_IMAGE or len(head) < 4:
            return
        if code < 0xC0 or code == _START_OF_IMAGE:  # without a body
            at = start + 2
            continue
        at = start + 2 + max(2, int.from_bytes(head[2:4], "big"))
        yield Segment(code, start, at, head)
    raise PhotoError(f"it is a JPEG of more than {_MAX_SEGMENTS} segments")


def _next_marker(stream: IO[bytes], at: int) -> int | None:
    stream.seek(at)
    while len(block := stream.read(_BLOCK)) > 1:
        if found := MARKER.search(block):
            return at + found.start()
        at += len(block) - 1  # a marker may lie across the end
        stream.seek(at)
    return None


def has_many_scans(stream: IO[bytes]) -> bool:
    """Tell whether a JPEG comes in several scans, progressive or not.

    Parameters
    ----------
    stream : binary file object
        As of `segments`.

    Raises
    ------
    PhotoError
        If there are absurdly many.
    """
    frame: Segment | None = None
    scans = 0
    for segment in segments(stream):
        if segment.code in START_OF_FRAME:
            frame = frame or segment
        if segment.code != START_OF_SCAN:
            continue
        # A scan of all components is the only one, unless the photo is progressive.
        whole = frame is None or segment.components == frame.components
        if whole and (frame is None or frame.code not in SOF_PROGRESSIVE):
            return False
        scans += 1
        if scans > _MAX_SCANS:
            raise PhotoError(f"it is a JPEG of more than the limit of {_MAX_SCANS} scans")
    return scans > 0
