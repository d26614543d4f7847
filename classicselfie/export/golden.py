"""Golden values: what every stage gives for pictures of the working size."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicselfie.detector import SelfieDetector
from classicselfie.features import GROUPS, Scene, Vector, extract_features
from classicselfie.images import BgrImage
from classicselfie.model import Floats
from classicselfie.photo import open_photo

_DIGITS = 7


def measure(detector: SelfieDetector, image: BgrImage) -> dict[str, Any]:
    """Judge a picture and keep what every stage gave.

    Parameters
    ----------
    detector : SelfieDetector
        With YuNet.
    image : ndarray of uint8, shape (height, width, 3)
        BGR, of the working size and without borders.

    Returns
    -------
    dict
        Plain values for JSON; see docs/port.md.
    """
    found = detector.face_detector.detect(image)
    scene = Scene(image, found.faces, found.views)
    again = detector.face_detector.look_again(image, found)
    first = extract_features(scene)
    with open_photo(image) as file:
        analysis = detector.analyse(file)
    shares, bias = detector.model.contributions(analysis.features[None])
    verdict = analysis.verdict.to_dict()
    del verdict["path"], verdict["timings_ms"]
    return {
        "width": scene.width,
        "height": scene.height,
        "mirrored": found.views[0].mirrored,
        "best_score": found.best_score,
        "faces": [
            {"bbox": face.bbox, "landmarks": face.landmarks, "score": face.score}
            for face in found.faces
        ],
        "first_look": by_group(first),
        "both_looks": by_group(extract_features(scene.seen_again(again.views))),
        "looks": 1 if np.array_equal(first, analysis.features) else 2,
        "shares": {name: float(part.sum()) for name, part in split(shares[0]).items()},
        "bias": bias,
        "decision": analysis.decision_value,
        "verdict": verdict,
    }


def by_group(vector: Vector) -> dict[str, list[float]]:
    """Write the features of each group with as many digits as float32 has."""
    return {
        name: [float(f"{value:.{_DIGITS}g}") for value in part.tolist()]
        for name, part in split(vector).items()
    }


def split(vector: Vector | Floats) -> dict[str, Vector | Floats]:
    """Split a vector, in the order of `FEATURE_NAMES`, into the groups' parts."""
    ends = np.cumsum([len(group.parts) for group in GROUPS]).tolist()
    return {
        group.name: vector[end - len(group.parts) : end]
        for group, end in zip(GROUPS, ends, strict=True)
    }
