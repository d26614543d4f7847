"""How the face is lit."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.features.group import FeatureGroup
from classicselfie.features.scene import Scene
from classicselfie.images import histogram, mean_and_spread, whole_box

_BRIGHT, _DARK = 245, 16

_LIGHT = {
    "frame_mean": "mean luma of the picture, 0 to 1",
    "frame_spread": "standard deviation of the luma of the picture",
    "face_mean": "mean luma of the face, 0 to 1",
    "face_spread": "standard deviation of the luma of the face",
    "face_minus_rest": "mean luma of the face minus that of all else",
    "face_side_difference": "difference of the mean luma of the face's two sides, 0 to 1",
    "face_highlights": f"share of the face with a luma above {_BRIGHT}",
    "face_shadows": f"share of the face with a luma below {_DARK}",
    "frame_highlights": f"share of the picture with a luma above {_BRIGHT}",
    "frame_shadows": f"share of the picture with a luma below {_DARK}",
}


def _light(scene: Scene) -> dict[str, float]:
    luma = scene.luma
    counts = histogram(luma)
    mean, spread = mean_and_spread(counts)
    highlights, shadows = _clipped(counts)
    values = dict.fromkeys(_LIGHT, 0.0) | {
        "frame_mean": mean / 255,
        "frame_spread": spread / 255,
        "frame_highlights": highlights,
        "frame_shadows": shadows,
    }
    if scene.face is None:
        return values
    x, y, w, h = scene.face.bbox
    top, bottom = y + 0.15 * h, y + 0.95 * h
    face, *sides = (
        luma[whole_box((x0, top, x1, bottom), luma.shape)]
        for x0, x1 in ((x, x + w), (x, x + w / 2), (x + w / 2, x + w))
    )
    if not face.size:
        return values
    counts = histogram(face)
    face_mean, face_spread = mean_and_spread(counts)
    left, right = (cv2.mean(side)[0] if side.size else face_mean for side in sides)
    rest = (mean * luma.size - face_mean * face.size) / max(1, luma.size - face.size)
    highlights, shadows = _clipped(counts)
    return values | {
        "face_mean": face_mean / 255,
        "face_spread": face_spread / 255,
        "face_minus_rest": (face_mean - rest) / 255,
        "face_side_difference": abs(left - right) / 255,
        "face_highlights": highlights,
        "face_shadows": shadows,
    }


def _clipped(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Share of the pixels that are nearly white, and nearly black."""
    total = int(counts.sum())
    return int(counts[_BRIGHT + 1 :].sum()) / total, int(counts[:_DARK].sum()) / total


LIGHT = FeatureGroup("light", "light", _LIGHT, _light, without_maps=True)
