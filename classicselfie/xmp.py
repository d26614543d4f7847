"""The few things that are read out of an XMP packet: the lens, and how the picture is turned.

Patterns look for them, as attributes and as elements, under any namespace prefix; no XML parser
is let near untrusted files. Every repetition is bounded, so that the time grows with the length
of the packet alone.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PREFIX = rb"(?:[\w.-]{1,40}:)?"
_LIST = (
    rb"(?:<[\w.-]{1,40}:(?:Alt|Bag|Seq)\s*>\s{0,40}<[\w.-]{1,40}:li(?:\s[^<>]{0,200})?>\s{0,40})?"
)


@lru_cache(maxsize=8)
def _property(names: bytes) -> re.Pattern[bytes]:
    """Compile when a packet is first looked into: most photos have none."""
    name = _PREFIX + rb"(?:" + names + rb")"
    attribute = rb"\s" + name + rb"\s{0,8}=\s{0,8}[\"']([^\"'<>]{1,200})[\"']"
    element = rb"<" + name + rb"(?:\s[^<>]{0,200})?>\s{0,40}" + _LIST + rb"([^<>]{1,200})<"
    return re.compile(attribute + rb"|" + element)


# LensModel is of Exif's own namespace (exifEX), Lens of Adobe's older one (aux).
_LENS = rb"LensModel|Lens"
_ORIENTATION = rb"Orientation"
# As Exif tells them, and as TIFF does.
_WIDTH_HEIGHT = (
    (rb"PixelXDimension", rb"PixelYDimension"),
    (rb"ImageWidth", rb"ImageLength"),
)


def xmp_lenses(packet: bytes) -> list[str]:
    """Read every name of a lens, in the packet's order."""
    if not packet:
        return []
    return [_value(match).decode("utf-8", "replace") for match in _property(_LENS).finditer(packet)]


def xmp_orientation(
    packet: bytes, size: tuple[int, int], told_size: tuple[object, object]
) -> int | None:
    """Read how to turn a picture whose Exif tells no orientation; None to leave it as it is.

    Parameters
    ----------
    packet : bytes
    size : tuple of int
        Width and height of the stored pixels.
    told_size : tuple
        The same as the Exif tells it, whatever it tells; it may be older than the pixels.

    Returns
    -------
    int or None
        5 to 8: the quarter turns, where the evidence allows.

    Notes
    -----
    Programs that turn the pixels (Pillow among them) drop Exif's orientation and may keep the
    packet as it was, and most viewers look at Exif alone, so that a lone orientation in XMP is
    mostly a leftover. It counts only where the file proves that its pixels still lie
    as they lay when the packet was written: a width and a height beside it, in XMP or Exif, that
    are exactly the stored ones. After a quarter turn they would be exchanged. For half turns,
    mirrored and square pictures no such proof exists; they stay as they are.
    """
    told = _integer(_ORIENTATION, packet) if packet else None
    if told not in (5, 6, 7, 8) or size[0] == size[1]:
        return None
    sizes = [(_integer(width, packet), _integer(height, packet)) for width, height in _WIDTH_HEIGHT]
    known = [pair for pair in (*sizes, told_size) if None not in pair]
    return told if known and all(pair == size for pair in known) else None


def _value(match: re.Match[bytes]) -> bytes:
    value: bytes = match[1] or match[2]
    return value.strip()


def _integer(names: bytes, packet: bytes) -> int | None:
    match = _property(names).search(packet)
    text = _value(match) if match else b""
    return int(text) if text.isdigit() and len(text) < 10 else None
