"""The kinds of arrays that pictures are, and resizing that keeps the kind."""

from __future__ import annotations

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
