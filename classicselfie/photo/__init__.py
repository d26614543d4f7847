"""Bytes to photo: open any supported picture safely and shrink it to the working size.

Every later stage works on one small upright BGR image, `Photo.image`, whose longest side is
`WORKING_SIZE`. Pillow decodes for every OpenCV version, so the same bytes give the same pixels,
and the header's pixel count is checked before any pixel is decoded.

In the order in which a picture passes: `source` (paths, bytes, streams), `formats` and `jpeg`
(what the header promises), `file` (`PhotoFile`), `thumbnail` (with `strips` and
`agreement`: does it show this picture?), `decode` (with `deep` and `bmp`), `borders` and `working`
(`Photo`); `cut` takes parts out at full resolution.
"""

from classicselfie.photo.borders import find_borders
from classicselfie.photo.file import MIN_SIDE, PhotoFile, load_photo, open_photo
from classicselfie.photo.formats import SUFFIXES
from classicselfie.photo.source import MAX_BYTES, PhotoSource, open_path
from classicselfie.photo.working import WORKING_SIZE, Photo

__all__ = [
    "MAX_BYTES",
    "MIN_SIDE",
    "SUFFIXES",
    "WORKING_SIZE",
    "Photo",
    "PhotoFile",
    "PhotoSource",
    "find_borders",
    "load_photo",
    "open_path",
    "open_photo",
]
