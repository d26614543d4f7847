"""The kinds of arrays that pictures are, and resizing that keeps the kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar, cast

import cv2
import numpy as np
import numpy.typing as npt

BgrImage: TypeAlias = npt.NDArray[np.uint8]
"""Shape (height, width, 3), blue, green, red."""
Plane: TypeAlias = npt.NDArray[np.float32]
"""Shape (height, width), one value a pixel."""
Mask: TypeAlias = npt.NDArray[np.uint8]
"""Shape (height, width), 0 or 1."""

_Integers: TypeAlias = npt.NDArray[np.int32]

_Array = TypeVar("_Array", bound=npt.NDArray[Any])


def resize(image: _Array, width: int, height: int) -> _Array:
    """Resize by averaging areas where it shrinks, linearly where it grows."""
    shrinks = width * height < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(_Array, cv2.resize(image, (width, height), interpolation=interpolation))


def reduce(image: _Array, factor: int, smallest: int = 4) -> _Array:
    """Shrink by a whole factor, to no fewer than `smallest` pixels a side."""
    height, width = image.shape[:2]
    return resize(image, max(smallest, width // factor), max(smallest, height // factor))


def median(values: Plane) -> Plane:
    """Median along the first axis, as of `np.median`, which would load a large module."""
    middle = len(values) // 2, (len(values) - 1) // 2
    part = np.partition(values, middle, axis=0)
    return cast(Plane, part[middle[1] : middle[0] + 1].mean(axis=0))


# Fixed point: 12 bits for weights, 3 more for linear light, 15 for the cube root.
_LINEAR_SCALE = 1 << 3
_ROOT_SHIFT = 15
# sRGB to XYZ (IEC 61966-2-1, D65), each row divided by the white point.
_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
) / [[0.950456], [1.0], [1.088754]]
# For columns in BGR; the last column rounds.
_TO_XYZ = np.hstack([np.rint(_XYZ[:, ::-1] * 4096) / 4096, np.full((3, 1), 0.5)]).astype(np.float32)


def _linear_light() -> Plane:
    """Undo sRGB's gamma for each of the 256 values."""
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return cast(Plane, np.rint(255 * _LINEAR_SCALE * light).astype(np.float32))


def _lightness_root() -> _Integers:
    """CIE's cube root with its straight foot, for each value of linear light up to 1.5."""
    light = np.arange(384 * _LINEAR_SCALE) / (255 * _LINEAR_SCALE)
    foot = light * 841 / 108 + 16 / 116
    root = np.where(light < 216 / 24389, foot, np.cbrt(light))
    table: _Integers = np.rint(root * (1 << _ROOT_SHIFT)).astype(np.int32)
    table[[49, 628]] += [-1, 1]  # OpenCV's own root is approximate: these it rounds otherwise
    return table


_LINEAR_LIGHT = _linear_light()
_LIGHTNESS_ROOT = _lightness_root()


def to_lab(image: BgrImage) -> tuple[Mask, Mask, Mask]:
    """Turn BGR to the planes L* (times 2.55), a* and b* (plus 128) of CIE 1976.

    Bit for bit what OpenCV's ``COLOR_BGR2LAB`` gives, which would first spend as long on tables
    for other conversions as a whole check takes, and 4 MB.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)

    Returns
    -------
    tuple of ndarray of uint8, shape (height, width)
    """
    light = cv2.transform(cv2.LUT(image, _LINEAR_LIGHT), _TO_XYZ)
    roots = _LIGHTNESS_ROOT.take(light.astype(np.int32))
    x, y, z = cast(Sequence[_Integers], cv2.split(roots))
    # 116 f - 16 and so on, L* in units of 100 / 255; what is added rounds.
    lightness = 296 * y - (_FOOT - _HALF)
    a, b = 500 * (x - y) + (_MIDDLE + _HALF), 200 * (y - z) + (_MIDDLE + _HALF)
    return _rounded(lightness), _rounded(a), _rounded(b)


_FOOT = 16 * 255 * (1 << _ROOT_SHIFT) // 100
_HALF = 1 << (_ROOT_SHIFT - 1)
_MIDDLE = 128 << _ROOT_SHIFT


def _rounded(plane: _Integers) -> Mask:
    return (plane >> _ROOT_SHIFT).astype(np.uint8)
