"""Letterbox bars and frames around a picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classicselfie.images import BgrImage


def find_borders(image: BgrImage) -> tuple[int, int, int, int]:
    """Measure uniform bands (letterbox bars, white frames) around a picture.

    A band counts when its lines have one colour and end at a straight step across most of the
    picture; a plain studio backdrop ends at a head instead and stays.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)

    Returns
    -------
    tuple of int
        Widths of the left, top, right and bottom band in pixels; 0 where there is none.
    """
    top, bottom = _band(image), _band(image[::-1])
    inner = image[top : image.shape[0] - bottom].transpose(1, 0, 2)
    return _band(inner), top, _band(inner[::-1]), bottom


# Chosen by eye on letterboxed pictures: JPEG noise of a flat band stays below FLAT, and a real
# picture edge differs from the band by more than STEP in most of its pixels.
_FLAT = 14
_STEP = 20
_STEP_SHARE = 0.6
_MAX_BAND_SHARE = 0.42
_MIN_BAND = 3


def _band(image: BgrImage) -> int:
    """Count the lines of a uniform band at the top of `image`."""
    limit = int(image.shape[0] * _MAX_BAND_SHARE)
    if limit <= _MIN_BAND:
        return 0
    line = image[0]
    # Farther apart than two colours can be that are both near the mean; most pictures end here.
    if (line.max(axis=0) - line.min(axis=0)).max() > 2 * _FLAT:
        return 0
    colour = line.mean(axis=0).astype(np.int16)
    count = _even_lines(image, colour, limit)
    if not _MIN_BAND <= count <= limit:
        return 0
    # The first lines after the band may be a blend; the third one belongs to the picture.
    line = image[min(count + 2, limit + 2)]
    if np.mean(_distance(line, colour) > _STEP) < _STEP_SHARE:
        return 0
    return min(count + 1, limit)


def _even_lines(image: BgrImage, colour: npt.NDArray[np.int16], limit: int) -> int:
    """Count the lines of one colour at the top; 0 where they go on beyond `limit + 3`."""
    start, step = 0, 1
    while start < limit + 3:
        lines = image[start : min(start + step, limit + 3)]
        uneven = _distance(lines, colour).max(axis=1) > _FLAT
        if uneven.any():
            return start + int(np.argmax(uneven))
        start, step = start + step, 2 * step  # most pictures have no band: one line tells
    return 0


def _distance(pixels: BgrImage, colour: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Largest difference over the channels."""
    difference: npt.NDArray[np.int16] = np.abs(pixels.astype(np.int16) - colour).max(axis=-1)
    return difference
