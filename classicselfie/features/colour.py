"""Colours of the whole frame, and how those of the face vary.

In place of L*a*b* stand the luma and two opponent colours in whole numbers: red against green and
yellow against blue.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.features.group import FeatureGroup
from classicselfie.features.sampling import Floats
from classicselfie.features.scene import Scene
from classicselfie.images import BgrImage, Luma, histogram, whole_box

Opponent = npt.NDArray[np.int16]

_HUES = 8
_LEVELS = 4
_CHANNELS = ("luma", "red_green", "yellow_blue")
# Where the second level begins, and how wide one is. Colours of photos lie near the grey axis,
# so the opponent colours are cut finely there; those of a face around its own median.
_FRAME_STEPS = (64, 32, 64)
_FACE_STEPS = (32, 16, 32)
_UNITS = np.array([32.0, 32.0, 64.0])  # bring the moments to about 1
# The square root of three as a ratio of whole numbers, which keeps to 16 bits.
_ROOT_ABOVE, _ROOT_BELOW = 97, 56
# By whether the hue is nearer to the axis of yellow and blue, is green, and is blue.
_OCTANTS = np.array([0, 1, 3, 2, 7, 6, 4, 5], np.uint8)
_LEAST = 4  # pixels at half the size
_PAIRS = ((0, 1), (0, 2), (1, 2))


def _joint(prefix: str, of: str) -> dict[str, str]:
    return {
        f"{prefix}joint_{luma}_{red_green}_{yellow_blue}": f"share of {of} at level {luma} "
        f"of luma, {red_green} of red against green and {yellow_blue} of yellow against blue"
        for luma in range(_LEVELS)
        for red_green in range(_LEVELS)
        for yellow_blue in range(_LEVELS)
    }


def _moment_names(prefix: str, of: str) -> dict[str, str]:
    names = {
        f"{prefix}spread_{channel}": f"standard deviation of {channel} over {of}"
        for channel in _CHANNELS
    }
    for one, other in _PAIRS:
        first, second = _CHANNELS[one], _CHANNELS[other]
        names[f"{prefix}covariance_{first}_{second}"] = (
            f"covariance of {first} and {second} over {of}"
        )
    return names


_FRAME = (
    {
        f"hue_{index}": "share of the picture, weighed by saturation, with a hue from "
        f"{45 * index}° on; 0° is red against green, 90° yellow against blue"
        for index in range(_HUES)
    }
    | {
        f"saturation_{index}": f"share of the picture in quarter {index} of saturation"
        for index in range(_LEVELS)
    }
    | {
        f"value_{index}": f"share of the picture in quarter {index} of the largest channel"
        for index in range(_LEVELS)
    }
    | _joint("", "the picture")
    | {f"mean_{channel}": f"mean of {channel} over the picture" for channel in _CHANNELS}
    | _moment_names("", "the picture")
)
_FACE = _joint("face_", "the face, around its own median,") | _moment_names("face_", "the face")
_COLOUR = _FRAME | _FACE


def _colour(scene: Scene) -> Floats:
    blue, green, red = cv2.split(scene.quarter)
    value = cast(Luma, cv2.max(cv2.max(blue, green), red))
    red_green, yellow_blue = opponents(scene.quarter)
    planes = (scene.luma_quarter, red_green, yellow_blue)
    octants, saturation = _octants(red_green, yellow_blue).ravel(), scene.saturation.ravel()
    mean, moments = _moments(planes)
    frame = [
        *(np.bincount(octants, saturation, _HUES) / (255 * value.size)),
        *_quarters(scene.saturation),
        *_quarters(value),
        *_joint_histogram(planes, (128, 0, 0), _FRAME_STEPS),
        *mean,
        *moments,
    ]
    return np.array([*frame, *_face(scene)], np.float64)


def _face(scene: Scene) -> list[float]:
    """Tell how the colours of a face vary around its own median, whatever its tone."""
    if scene.face is not None:
        x0, y0, x1, y1 = scene.inner_face
        part = whole_box((x0 / 2, y0 / 2, x1 / 2, y1 / 2), scene.luma_half.shape)
        inner = scene.half[part]
        if inner.size >= 3 * _LEAST:
            planes = (scene.luma_half[part], *opponents(inner))
            middle = tuple(int(np.partition(p.ravel(), p.size // 2)[p.size // 2]) for p in planes)
            return [*_joint_histogram(planes, middle, _FACE_STEPS), *_moments(planes)[1]]
    return [0.0] * len(_FACE)


def _quarters(plane: Luma) -> Floats:
    """Share of the pixels in each quarter of the values."""
    shares: Floats = histogram(plane).reshape(_LEVELS, -1).sum(axis=1) / plane.size
    return shares


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


def _octants(red_green: Opponent, yellow_blue: Opponent) -> npt.NDArray[np.uint8]:
    """Eighth of the circle of hues, by comparisons alone; from R - G towards R + G - 2 B.

    R + G - 2 B is the square root of three times as long as R - G for colours as far from grey.
    """
    octants = (_ROOT_BELOW * np.abs(yellow_blue) > _ROOT_ABOVE * np.abs(red_green)).astype(np.uint8)
    octants += np.uint8(2) * (red_green < 0)
    octants += np.uint8(4) * (yellow_blue < 0)
    return _OCTANTS[octants]


def _joint_histogram(
    planes: tuple[Luma, Opponent, Opponent],
    middle: tuple[int, ...],
    steps: tuple[int, int, int],
) -> Floats:
    """Share of the pixels in each of 4 × 4 × 4 cells; values outside fall into the outermost."""
    place = np.zeros(planes[0].shape, np.int16)
    wide = (np.asarray(plane, np.int16) for plane in planes)
    for plane, centre, step in zip(wide, middle, steps, strict=True):
        level = (plane - (centre - 2 * step)) // step
        place = place * _LEVELS + np.clip(level, 0, _LEVELS - 1)
    return np.bincount(place.ravel(), minlength=_LEVELS**3) / place.size


def _moments(planes: tuple[Luma, Opponent, Opponent]) -> tuple[Floats, list[float]]:
    """Means; then the spread of each channel and the covariance of each pair."""
    values = np.stack([plane.ravel() for plane in planes]).astype(np.float64)
    values /= _UNITS[:, None]
    mean = values.mean(axis=1)
    values -= mean[:, None]
    covariance = values @ values.T / values.shape[1]
    spread = np.sqrt(np.diagonal(covariance)).tolist()
    return mean, spread + [float(covariance[pair]) for pair in _PAIRS]


COLOUR = FeatureGroup("colour", "colours", _COLOUR, _colour)
