"""Photo and face to skin: a colour model seeded by the face, a fixed one where there is none.

Skin colour varies with the person, the light and the camera's filter far more than within one
photo, so the face itself is the best sample of it.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.faces import Bbox
from classicselfie.images import BgrImage, Luma, Mask, histogram, quantiles, whole_box

# Fixed model: Chai and Ngan, Face segmentation using skin-color map, IEEE TCSVT 9 (1999).
_FIXED_LOW = np.array([0, 133, 77], np.uint8)
_FIXED_HIGH = np.array([255, 173, 127], np.uint8)
# Bounds of the seeded model's spread (Y, Cr, Cb): a flat face keeps a usable width.
_SPREADS = ((22.0, 48.0), (4.0, 10.0), (4.0, 10.0))
_NORMAL = 0.7413  # makes a standard deviation of the distance between the quartiles
_WIDTH = 1.35
_REACH = 2.6  # Mahalanobis distance at which a pixel stops being skin
_ONE = 1024  # squared distances are counted in whole numbers of 1 / _ONE


def segment_skin(image: BgrImage, bbox: Bbox | None) -> Mask:
    """Tell skin from the rest.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR; in the pipeline a quarter of the working image, 80 px on the long side.
    bbox : tuple of float or None
        Of the face whose colour seeds the model: x, y, width, height in pixels of `image`;
        None uses fixed bounds.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        1 where there is skin, else 0.
    """
    ycrcb = cast(BgrImage, cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb))
    seed = None if bbox is None else face_middle(ycrcb, bbox)
    if seed is None:
        mask = cv2.inRange(ycrcb, _FIXED_LOW, _FIXED_HIGH)
        return cast(Mask, mask // 255)
    y, cr, cb = (
        cv2.LUT(plane, _squares(histogram(cast(Luma, sample)), bounds))
        for plane, sample, bounds in zip(cv2.split(ycrcb), cv2.split(seed), _SPREADS, strict=True)
    )
    return (y + cr + cb < round(_REACH**2 * _ONE)).astype(np.uint8)


def _squares(counts: npt.NDArray[np.int64], bounds: tuple[float, float]) -> npt.NDArray[np.int32]:
    """Tabulate the squared distance from the seed's quantiles, for each of the 256 values."""
    low, centre, high = quantiles(counts, 0.25, 0.5, 0.75)
    spread = _WIDTH * _NORMAL * (high - low)
    spread = min(max(spread, bounds[0]), bounds[1])
    away = np.arange(256) - centre
    squares: npt.NDArray[np.int32] = np.rint((away / spread) ** 2 * _ONE).astype(np.int32)
    return squares


def face_middle(image: BgrImage, bbox: Bbox) -> BgrImage | None:
    """Cut the middle of a face, without hair, chin and background.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        In any colour space.
    bbox : tuple of float
        Of the face: x, y, width, height in pixels of `image`.

    Returns
    -------
    ndarray of uint8, or None
        A view; None where fewer than four pixels of it lie in the picture.
    """
    x, y, w, h = bbox
    x0, x1 = x + 0.22 * w, x + 0.78 * w
    y0, y1 = y + 0.25 * h, y + 0.85 * h
    middle = image[whole_box((x0, y0, x1, y1), image.shape)]
    return middle if middle.size >= 3 * 4 else None
