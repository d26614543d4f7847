"""The kinds of arrays that pictures are, resizing, cutting and counting."""

from __future__ import annotations

from math import ceil, floor, sqrt
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
Luma: TypeAlias = npt.NDArray[np.uint8]
"""Shape (height, width), 0 to 255."""

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""

# A box's edge this near to a pixel's edge lies on it: mirrored coordinates are rounded otherwise.
_HAIR = 1e-6

_Array = TypeVar("_Array", bound=npt.NDArray[Any])


def resize(image: _Array, width: int, height: int) -> _Array:
    """Resize by averaging areas where it shrinks, linearly where it grows."""
    shrinks = width * height < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(_Array, cv2.resize(image, (width, height), interpolation=interpolation))


def fitted(image: _Array, longest: int) -> _Array:
    """Resize so that the longer side has so many pixels, the shorter one at least one."""
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    return resize(image, max(1, round(width * scale)), max(1, round(height * scale)))


def padded(image: _Array, multiple: int) -> _Array:
    """Repeat the outermost pixels at the right and below, up to multiples of some pixels."""
    height, width = image.shape[:2]
    right, below = -width % multiple, -height % multiple
    if not right and not below:
        return image
    return cast(_Array, cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE))


def reduce(image: _Array, factor: int, smallest: int = 4) -> _Array:
    """Shrink by a whole factor, to no fewer than `smallest` pixels a side."""
    height, width = image.shape[:2]
    return resize(image, max(smallest, width // factor), max(smallest, height // factor))


def halve(image: _Array) -> _Array:
    """Shrink to half the size by exact means of 2 × 2 pixels; both sides are even.

    Each value is ``(a + b + c + d + 2) >> 2``, whatever the version of OpenCV.
    """
    return resize(image, image.shape[1] // 2, image.shape[0] // 2)


def histogram(values: Luma) -> npt.NDArray[np.int64]:
    """Count the pixels at each of the 256 values."""
    if not values.size:
        return np.zeros(256, np.int64)
    return (
        cv2.calcHist([np.ascontiguousarray(values)], [0], None, [256], [0, 256])
        .ravel()
        .astype(np.int64)
    )


def quantiles(counts: npt.NDArray[np.int64], *shares: float) -> list[float]:
    """Values below which shares of the counted ones lie; there must be some.

    Equal values count as spread evenly over one unit around them, so that the answer hardly moves
    when a few pixels come or go.
    """
    total = np.cumsum(counts)
    targets = float(total[-1]) * np.array(shares)
    places = np.searchsorted(total, targets)
    inside = counts[places]
    found: list[float] = (places + 0.5 - (total[places] - targets) / inside).tolist()
    return found


def mean_and_spread(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Mean and standard deviation of counted values."""
    values = np.arange(len(counts))
    total = int(counts.sum())
    mean = int(counts @ values) / total
    return mean, sqrt(max(0.0, int(counts @ (values * values)) / total - mean * mean))


def whole_pixels(start: float, stop: float, length: int) -> slice:
    """All pixels that a stretch touches, as a slice that mirrors with it."""
    first = min(max(floor(start + _HAIR), 0), length)
    return slice(first, max(first, min(ceil(stop - _HAIR), length)))


def whole_box(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """All pixels that a box touches, as slices of rows and columns."""
    x0, y0, x1, y1 = box
    return whole_pixels(y0, y1, shape[0]), whole_pixels(x0, x1, shape[1])
