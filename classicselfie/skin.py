"""Photo and face to skin: a colour model seeded by the face, a fixed one where there is none.

Skin colour varies with the person, the light and the camera's filter far more than within one
photo, so the face itself is the best sample of it.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from classicselfie.faces import Bbox
from classicselfie.images import BgrImage, Mask, median

# Fixed model: Chai and Ngan, Face segmentation using skin-color map, IEEE TCSVT 9 (1999).
_FIXED_LOW = np.array([0, 133, 77], np.uint8)
_FIXED_HIGH = np.array([255, 173, 127], np.uint8)
# Floors of the seeded model's spread (Y, Cr, Cb), so that a flat face keeps a usable width.
_MIN_SPREAD = np.array([22.0, 4.0, 4.0], np.float32)
_MAX_SPREAD = np.array([48.0, 10.0, 10.0], np.float32)
_REACH = 2.6  # Mahalanobis distance at which a pixel stops being skin


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
    values = seed.reshape(-1, 3).astype(np.float32)
    centre = median(values)
    spread = 1.4826 * median(np.abs(values - centre))  # MAD as a standard deviation
    spread = np.clip(1.5 * spread, _MIN_SPREAD, _MAX_SPREAD)
    y, cr, cb = cv2.split(((ycrcb.astype(np.float32) - centre) / spread) ** 2)
    return cast(Mask, (y + cr + cb < _REACH**2).astype(np.uint8))


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
    middle = image[max(0, int(y0)) : max(0, round(y1)), max(0, int(x0)) : max(0, round(x1))]
    return middle if middle.size >= 3 * 4 else None
