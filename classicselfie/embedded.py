"""Exif, XMP and the orientation out of an opened image, wherever its format keeps them."""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO, cast

from PIL import Image, ImageFile

from classicselfie.exif import Exif, read_exif
from classicselfie.xmp import xmp_orientation

_ORIENTATION = 0x0112
_WIDTH, _HEIGHT = 0xA002, 0xA003
# HEIC and AVIF tell it in the container, and TIFF in a tag of its own that defaults to 1.
_FORMATS_OF_XMP_ORIENTATION = frozenset({"JPEG", "MPO", "PNG", "WEBP"})


def is_tiff(image: Image.Image) -> bool:
    """Tell whether Pillow reads it as a TIFF; its plugin is not loaded for that."""
    return hasattr(image, "tag_v2")


def embedded_exif(image: Image.Image, *, own: bool = False) -> Exif:
    """Read the Exif; empty where there is none. Damage never hides the pixels.

    Parameters
    ----------
    image : PIL.Image.Image
        Opened, its pixels not necessarily decoded. Of a PNG without Exif before its pixels these
        are decoded, for it may stand behind them.
    own : bool
        Whether it was opened here, so that nobody has put an Exif into it since.

    Returns
    -------
    Exif
    """
    file = image.fp if isinstance(image, ImageFile.ImageFile) else None
    if is_tiff(image) and file and not file.closed:
        return read_exif(cast(BinaryIO, file))
    if image.format == "PNG" and "exif" not in image.info:
        with suppress(Exception):  # what is wrong with the pixels shows when they are asked for
            image.load()
    if isinstance(block := image.info.get("exif"), bytes):
        return read_exif(block)
    for name in ("exif", "APP1"):  # ImageMagick's, in PNG: name, length, and lines of hex
        if text := image.info.get(f"Raw profile type {name}"):
            with suppress(ValueError):
                return read_exif(bytes.fromhex("".join(text.split("\n")[3:])))
    # With XMP Pillow would mix the orientation there with these.
    if not own and "xmp" not in image.info:
        with suppress(Exception):  # a caller's own image, whose Exif may be in memory only
            return read_exif(image.getexif().tobytes())
    return Exif()


def embedded_xmp(image: Image.Image) -> bytes:
    """Read the XMP packet; empty where there is none.

    Parameters
    ----------
    image : PIL.Image.Image
        After `embedded_exif`, which finds what stands behind a PNG's pixels.

    Returns
    -------
    bytes
    """
    packet = image.info.get("xmp")
    return packet if isinstance(packet, bytes) else b""


def stored_orientation(exif: Exif, xmp: bytes, image: Image.Image) -> int:
    """Tell how the stored pixels are turned: 1 to 8; 1 where nothing valid says.

    Parameters
    ----------
    exif : Exif
    xmp : bytes
    image : PIL.Image.Image

    Returns
    -------
    int
        As Exif's tag 274 counts. An orientation in XMP alone counts only with a proof:
        `classicselfie.xmp.xmp_orientation`.
    """
    told = exif.main.get(_ORIENTATION)
    if told is None and image.format in _FORMATS_OF_XMP_ORIENTATION:
        told = xmp_orientation(xmp, image.size, (exif.photo.get(_WIDTH), exif.photo.get(_HEIGHT)))
    return told if isinstance(told, int) and 1 <= told <= 8 else 1
