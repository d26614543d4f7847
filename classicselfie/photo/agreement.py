"""Whether a small picture shows the same as strips of the large one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from classicselfie.images import Plane, resize
from classicselfie.photo.strips import Strip

COLUMNS, ROWS = 160, 5
"""How wide both are when they are compared, and how high a strip is."""
# Chosen on 100 visible photos (bench/README.md): what cameras and editors do to the thumbnail of
# a picture leaves correlations above these, other pictures stay below.
_EXACT, _ROLLED = 0.88, 0.85
# The standard deviation below which a strip is a wall or a sky, and tells nothing.
_FLAT = 3.0
_NOT_FLAT = 12.0  # nor could more contrast have made it so
_SHIFT = 2  # pixels by which a thumbnail may lie beside its picture
# How far rows may lie from their bytes' place, as a share of the height: a sky takes few bytes.
_REACH = 0.25
_MIN_ROWS = 3


def agrees(small: npt.NDArray[np.uint8], strips: Iterable[Strip]) -> bool:
    """Compare by normalised correlation, which tone and contrast leave nearly as it is.

    Parameters
    ----------
    small : ndarray of uint8, shape (rows, columns)
        Brightness of the whole picture.
    strips : iterable of Strip

    Returns
    -------
    bool
        True where every strip is found in the small picture, and one at least is not flat.
    """
    height, width = small.shape
    whole = _smooth(resize(small, COLUMNS, max(1, round(height * COLUMNS / width))))
    found = False
    for strip in strips:
        ratio = COLUMNS / max(1, strip.luma.shape[1])
        rows = int(len(strip.luma) * ratio)
        if rows < _MIN_ROWS:
            return False
        part = _smooth(resize(strip.luma[: round(rows / ratio)], COLUMNS, rows))
        place = _place(whole, rows, strip)
        if len(place) < rows:
            return False
        if part.std() < _FLAT:
            if all(window.std() > _NOT_FLAT for window in sliding_window_view(place, rows, 0)):
                return False
            continue
        if not _holds(place, part, strip):
            return False
        found = True
    return found


def _place(whole: Plane, rows: int, strip: Strip) -> Plane:
    """Cut out the rows among which a strip should be found."""
    if strip.exact:
        return whole[: rows + 1]
    first = max(0, int(len(whole) * (strip.depth - _REACH)))
    return whole[first : int(len(whole) * (strip.depth + _REACH)) + rows]


def _holds(place: Plane, part: Plane, strip: Strip) -> bool:
    if strip.exact:
        return _correlation(place, part[1 : len(place) - 1, _SHIFT:-_SHIFT]) >= _EXACT
    return _correlation(np.hstack([place, place]), part) >= _ROLLED


def _smooth(luma: npt.NDArray[np.uint8]) -> Plane:
    return cast(Plane, cv2.GaussianBlur(luma.astype(np.float32), (0, 0), 1.0))


def _correlation(place: Plane, part: Plane) -> float:
    """Tell the largest over all positions."""
    return float(cv2.matchTemplate(place, part, cv2.TM_CCOEFF_NORMED).max())
