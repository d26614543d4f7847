"""Colours of the whole frame, and how those of the face vary.

In place of L*a*b* stand the luma and two opponent colours in whole numbers: red against green and
yellow against blue.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.features.group import FeatureGroup
from classicselfie.features.sampling import Floats
from classicselfie.features.scene import Scene
from classicselfie.images import BgrImage, Luma, whole_box

Opponent = npt.NDArray[np.int16]

_LEVELS = 4
# How wide a level is, as a power of two. Colours of photos lie near the grey axis, so the opponent
# colours are cut finely there; those of a face around its own median.
_FRAME_BITS = (6, 5, 6)
_FACE_BITS = (5, 4, 5)
_LEAST = 4  # pixels at half the size


def _joint(prefix: str, of: str) -> dict[str, str]:
    return {
        f"{prefix}joint_{luma}_{red_green}_{yellow_blue}": f"share of {of} at level {luma} "
        f"of luma, {red_green} of red against green and {yellow_blue} of yellow against blue"
        for luma in range(_LEVELS)
        for red_green in range(_LEVELS)
        for yellow_blue in range(_LEVELS)
    }


_FACE = _joint("face_", "the face, around its own median,")
_COLOUR = _joint("", "the picture") | _FACE


def _colour(scene: Scene) -> Floats:
    planes = (scene.luma_quarter, *opponents(scene.quarter))
    frame = _joint_histogram(planes, (128, 0, 0), _FRAME_BITS)
    return np.concatenate([frame, _face(scene)])


def _face(scene: Scene) -> Floats:
    if scene.face is not None:
        x0, y0, x1, y1 = scene.inner_face
        part = whole_box((x0 / 2, y0 / 2, x1 / 2, y1 / 2), scene.luma_half.shape)
        inner = scene.half[part]
        if inner.size >= 3 * _LEAST:
            planes = (scene.luma_half[part], *opponents(inner))
            middle = tuple(int(np.partition(p.ravel(), p.size // 2)[p.size // 2]) for p in planes)
            return _joint_histogram(planes, middle, _FACE_BITS)
    return np.zeros(len(_FACE))


def opponents(image: BgrImage) -> tuple[Opponent, Opponent]:
    """Tell red from green and yellow from blue, in whole numbers.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR.

    Returns
    -------
    red_green, yellow_blue : ndarray of int16, shape (height, width)
        R - G, -255 to 255, and R + G - 2 B, -510 to 510; both 0 for greys.
    """
    planes = cv2.split(image)
    blue, green, red = (np.asarray(plane, np.int16) for plane in planes)
    return red - green, red + green - 2 * blue


def _joint_histogram(
    planes: tuple[Luma, Opponent, Opponent],
    middle: tuple[int, ...],
    bits: tuple[int, int, int],
) -> Floats:
    """Share of the pixels in each of 4 × 4 × 4 cells; values outside fall into the outermost."""
    place = np.zeros(planes[0].shape, np.int16)
    for plane, centre, width in zip(planes, middle, bits, strict=True):
        level = (np.asarray(plane, np.int16) - np.int16(centre - (2 << width))) >> np.int16(width)
        place *= np.int16(_LEVELS)
        place += np.minimum(np.maximum(level, 0), _LEVELS - 1)
    return np.bincount(place.ravel(), minlength=_LEVELS**3) / place.size


COLOUR = FeatureGroup("colour", "colours", _COLOUR, _colour)
