"""The small JPEG in a photo's metadata, and whether it shows this very picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import cv2
from PIL import Image, ImageFile, JpegImagePlugin

from classicselfie.exif import Exif
from classicselfie.images import BgrImage, Mask
from classicselfie.photo.agreement import COLUMNS, ROWS, agrees
from classicselfie.photo.borders import find_borders
from classicselfie.photo.decode import decode, upright_bgr
from classicselfie.photo.jpeg import has_many_scans
from classicselfie.photo.strips import read_strips

# A smaller embedded thumbnail shows too little of a face; larger ones are previews.
MIN_THUMBNAIL = 150
MAX_THUMBNAIL = 640
MAX_THUMBNAIL_BYTES = 2**16
_DATE_TAG, _DATE_TAKEN_TAG = 0x0132, 0x9003
_WIDTH_TAG, _HEIGHT_TAG = 0xA002, 0xA003
_THUMBNAIL_START_TAG, _THUMBNAIL_LENGTH_TAG = 0x0201, 0x0202


def read_thumbnail(exif: Exif, image: ImageFile.ImageFile, turn: int) -> BgrImage | None:
    """Decode the thumbnail of a JPEG upright, where it can be trusted to show this very picture.

    Parameters
    ----------
    exif : Exif
    image : PIL.ImageFile.ImageFile
        Not decoded yet.
    turn : int
        The orientation to be undone.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3), or None
    """
    try:
        if image.fp is None or _was_edited(exif, image):
            return None
        with _embedded(exif, image) as small:
            if small is None or not _same_aspect(small.size, image.size):
                return None
            pixels = decode(small, draft=False)
        if any(find_borders(pixels)):
            return None
        luma = cast(Mask, cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
        if not agrees(luma, read_strips(image.fp, COLUMNS, ROWS)):
            return None
    except Exception:  # damaged metadata must not hide good pixels
        return None
    return upright_bgr(pixels, turn)


@contextmanager
def _embedded(exif: Exif, image: Image.Image) -> Iterator[Image.Image | None]:
    """Open the thumbnail of EXIF's second directory; None where there is none of use."""
    tags = exif.thumbnail
    start, length = tags.get(_THUMBNAIL_START_TAG), tags.get(_THUMBNAIL_LENGTH_TAG)
    segment = image.info.get("exif", b"")
    if not (isinstance(start, int) and isinstance(length, int) and segment[:6] == b"Exif\0\0"):
        yield None
        return
    # Offsets count from the TIFF header behind "Exif\0\0".
    data = segment[6 + start : 6 + start + min(length, MAX_THUMBNAIL_BYTES)]
    if not data.startswith(b"\xff\xd8\xff"):
        yield None
        return
    stream = io.BytesIO(data)
    if has_many_scans(stream):  # each costs a pass, and cameras write one
        yield None
        return
    stream.seek(0)
    with JpegImagePlugin.JpegImageFile(stream) as small:
        fits = MIN_THUMBNAIL <= max(small.size) <= min(MAX_THUMBNAIL, max(image.size))
        yield small if fits else None


def _was_edited(exif: Exif, image: Image.Image) -> bool:
    """Tell whether the metadata are those of another state of the picture."""
    taken = exif.photo
    changed, first = exif.main.get(_DATE_TAG), taken.get(_DATE_TAKEN_TAG)
    if changed and first and changed != first:
        return True
    told = taken.get(_WIDTH_TAG), taken.get(_HEIGHT_TAG)
    return all(told) and sorted(map(str, told)) != sorted(map(str, image.size))


def _same_aspect(small: tuple[int, int], whole: tuple[int, int]) -> bool:
    """Compare shapes, as far as the small one's rounding to whole pixels allows."""
    width, height = small
    return (
        abs(width - height * whole[0] / whole[1]) <= 1.0
        or abs(height - width * whole[1] / whole[0]) <= 1.0
    )
