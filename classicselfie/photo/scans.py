"""How many scans a JPEG has: each costs a pass over all its pixels."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from PIL import ImageFile

from classicselfie.errors import PhotoError

# A progressive photo has about ten scans; each costs a pass over all coefficients.
_MAX_SCANS = 100


def has_many_scans(image: ImageFile.ImageFile, stream: BinaryIO) -> bool:
    """Tell whether a JPEG comes in several scans, progressive or not, and refuse absurd ones."""
    # Pillow has stopped behind the first scan's header: its length (6 bytes and 2 a component),
    # the number of components ... A scan of all of them is the only one, unless progressive.
    components = len(image.getbands())
    stream.seek(-(6 + 2 * components), os.SEEK_CUR)
    whole = stream.read(3) == struct.pack(">HB", 6 + 2 * components, components)
    if whole and not image.info.get("progressive"):
        return False
    stream.seek(0)
    scans = 0
    tail = b""
    while block := stream.read(1 << 20):
        scans += (tail + block).count(b"\xff\xda")  # cannot occur within entropy-coded data
        tail = block[-1:]
    if scans > _MAX_SCANS:
        raise PhotoError(f"it is a JPEG of {scans} scans, more than the limit of {_MAX_SCANS}")
    return True
