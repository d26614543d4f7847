"""Bands of light and skin tone, in which the error rates are told.

They serve reports only: no feature sees them, and no verdict names them.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from classicselfie.faces import Face
from classicselfie.images import BgrImage
from classicselfie.skin import face_middle

# Numbered, so that tables sort them.
# Upper bounds of the mean luma of the face's middle, 0 to 255.
BRIGHTNESS = (
    (60.0, "1 very dark (luma below 60)"),
    (100.0, "2 dark (60 to 100)"),
    (150.0, "3 medium (100 to 150)"),
    (190.0, "4 bright (150 to 190)"),
    (math.inf, "5 very bright (above 190)"),
)
# Upper bounds of the individual typology angle in degrees.
SKIN_TONE = (
    (-30.0, "1 dark (below -30°)"),
    (10.0, "2 brown (-30° to 10°)"),
    (28.0, "3 tan (10° to 28°)"),
    (41.0, "4 intermediate (28° to 41°)"),
    (55.0, "5 light (41° to 55°)"),
    (math.inf, "6 very light (above 55°)"),
)


def measure_face(image: BgrImage, face: Face | None) -> tuple[float, float]:
    """Measure how bright and of which tone a face's skin is in the picture.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        Working image, BGR.
    face : Face or None
        In pixels of `image`.

    Returns
    -------
    brightness : float
        Mean luma of the face's middle, 0 to 255; NaN without a face.
    typology_angle : float
        ``atan((L* - 50) / b*)`` of its median colour in degrees; NaN without a face, and where
        b* is not above 0: then the light or a filter is bluish or grey, and the angle says
        nothing.

    Notes
    -----
    Chardon, Cretois, Hourseau: Skin colour typology and suntanning pathways, International
    Journal of Cosmetic Science 13 (1991); bands after Del Bino and Bernerd, British Journal of
    Dermatology 169 (2013). Measured on uncalibrated photos, light, camera and filter count as
    much as the person: it tells how the skin was rendered.
    """
    middle = face_middle(image, face.bbox) if face is not None else None
    if middle is None:
        return math.nan, math.nan
    lab = cv2.cvtColor(middle.astype(np.float32) / 255, cv2.COLOR_BGR2LAB).reshape(-1, 3)
    lightness, _, blue_yellow = np.median(lab, axis=0).tolist()
    luma = float(cv2.cvtColor(middle, cv2.COLOR_BGR2GRAY).mean())
    if blue_yellow <= 0:
        return luma, math.nan
    return luma, math.degrees(math.atan((lightness - 50.0) / blue_yellow))


def band(value: float, bands: tuple[tuple[float, str], ...]) -> str:
    """Name the band of a value among `BRIGHTNESS` or `SKIN_TONE`; "" where it is not known."""
    return "" if math.isnan(value) else next(name for upper, name in bands if value < upper)
