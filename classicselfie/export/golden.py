"""Golden values: what every stage gives for pictures of the working size."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicselfie.detector import SelfieDetector
from classicselfie.features import FEATURE_NAMES, GROUPS, Scene, Vector, extract_features
from classicselfie.images import BgrImage
from classicselfie.model import Floats, LinearModel
from classicselfie.observations import OBSERVATIONS, Sight
from classicselfie.photo import open_photo

_DIGITS = 7
_DISTANCES_M = None, 0.5, 2.0  # that a file may tell: nothing, within and beyond an arm's reach


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
        "looks": 1 if np.array_equal(first[detector.model.columns], analysis.features) else 2,
        "shares": _by_group_of(detector.model, shares[0]),
        "bias": bias,
        "clauses": _clauses(scene, first) if found.faces else [],
        "decision": analysis.decision_value,
        "verdict": verdict,
    }


def _clauses(scene: Scene, features: Vector) -> list[dict[str, Any]]:
    """Tell what each observation would say for a selfie and against one, whatever the weights."""
    values = dict(zip(FEATURE_NAMES, features.tolist(), strict=True))
    sights = [Sight(scene, values, metres) for metres in _DISTANCES_M]
    return [
        {
            "metres": sight.distance_m,
            "told": {
                each.name: [each.tell(sight, True), each.tell(sight, False)]
                for each in OBSERVATIONS
            },
        }
        for sight in sights
    ]


def _by_group_of(model: LinearModel, shares: Floats) -> dict[str, float]:
    """Sum the shares of the features that a model weighs."""
    sums: dict[str, float] = {}
    for name, share in zip(model.feature_names, shares.tolist(), strict=True):
        group = name.partition(".")[0]
        sums[group] = sums.get(group, 0.0) + share
    return sums


def by_group(vector: Vector) -> dict[str, list[float]]:
    """Write the features of each group with as many digits as float32 has."""
    ends = np.cumsum([len(group.parts) for group in GROUPS]).tolist()
    return {
        group.name: [
            float(f"{value:.{_DIGITS}g}") for value in vector[end - len(group.parts) : end].tolist()
        ]
        for group, end in zip(GROUPS, ends, strict=True)
    }
