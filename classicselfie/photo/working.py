"""The small upright picture on which every later stage works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classicselfie.images import BgrImage, resize
from classicselfie.photo.borders import find_borders

# YuNet is trained for faces of 10 to 300 px: at 320 px the largest selfie still fits.
WORKING_SIZE = 320
# A stretched strip is no photo; the floor keeps every later stage free of empty arrays.
MIN_WORKING_SIDE = 16
_MULTIPLE = 4  # the shape changes by 1.5 % at most, of anything less than a strip


@dataclass(frozen=True)
class Photo:
    """One picture, upright, at the working size.

    Attributes
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR, upright, uniform borders cut off, longest side `WORKING_SIZE` pixels, both
        sides multiples of four.
    size : tuple of int
        Width and height of the upright original in pixels.
    offset : tuple of float
        Where the corner of `image` lies in the upright original, (x, y) in pixels.
    scale : tuple of float
        Original pixels per working pixel along x and y.
    """

    image: BgrImage
    size: tuple[int, int]
    offset: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)

    def to_original(self, points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map points from the working image to the upright original.

        Parameters
        ----------
        points : ndarray of float32, shape (n, 2)
            x and y in pixels of `image`.

        Returns
        -------
        ndarray of float32, shape (n, 2)
        """
        scale, offset = np.array(self.scale, np.float32), np.array(self.offset, np.float32)
        return points * scale + offset


def to_working_size(pixels: BgrImage, size: tuple[int, int]) -> Photo:
    """Cut uniform borders off and shrink to the working size; `size` is that of the original."""
    image = _shrink(pixels)
    left, top, right, bottom = find_borders(image)
    height, width = pixels.shape[:2]
    if left or top or right or bottom:
        # Cut the border from the decoded picture, so that the content is not enlarged twice.
        x_ratio, y_ratio = width / image.shape[1], height / image.shape[0]
        x0, x1 = round(left * x_ratio), round((image.shape[1] - right) * x_ratio)
        y0, y1 = round(top * y_ratio), round((image.shape[0] - bottom) * y_ratio)
        pixels = np.ascontiguousarray(pixels[y0:y1, x0:x1])
        image = _shrink(pixels)
    else:
        x0, y0 = 0, 0
    x_scale, y_scale = size[0] / width, size[1] / height
    return Photo(
        image=image,
        size=size,
        offset=(x0 * x_scale, y0 * y_scale),
        scale=(
            x_scale * pixels.shape[1] / image.shape[1],
            y_scale * pixels.shape[0] / image.shape[0],
        ),
    )


def _shrink(pixels: BgrImage) -> BgrImage:
    height, width = pixels.shape[:2]
    ratio = WORKING_SIZE / max(height, width)
    target = _working_side(width * ratio), _working_side(height * ratio)
    if target == (width, height):
        return pixels
    return resize(pixels, *target)


def _working_side(length: float) -> int:
    """Nearest multiple of `_MULTIPLE`, so that halves and quarters of it are exact."""
    return max(MIN_WORKING_SIDE, _MULTIPLE * round(length / _MULTIPLE))
