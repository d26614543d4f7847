"""Contributions to sentences: why the linear model decided as it did.

The wording stays modest: it describes the picture, never the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from classicselfie.features import GROUPS
from classicselfie.features.group import Values, faceless, whose
from classicselfie.metadata import Evidence
from classicselfie.model import Floats, Integers
from classicselfie.verdict import Reason

ARMS_REACH_M = 0.9  # a long arm, or a short stick

NO_FACE = "no_face"
METADATA_TITLES = {
    "front_camera": "front or back camera",
    "focal_length": "focal length",
    "mirrored": "mirrored storage",
    "orientation": "stored orientation",
    "subject_distance": "distance of the face",
}
TITLES = (
    {group.name: group.title for group in GROUPS} | METADATA_TITLES | {NO_FACE: "no face in sight"}
)
"""Each kind of reason in a few words."""

_GROUPS = {group.name: group for group in GROUPS}


def _metadata_sentence(evidence: Evidence) -> str:
    supports = evidence.log_odds > 0
    if evidence.signal == "front_camera":
        which = "the front camera" if evidence.value else "a back camera"
        return f"the file says that {which} took it"
    if evidence.signal == "focal_length":
        kind = "common among" if supports else "not usual for"
        return f"a focal length of {evidence.value:.1f} mm is {kind} front cameras"
    if evidence.signal == "mirrored":
        return "the camera stored the picture mirrored"
    if evidence.signal == "orientation":
        return "the picture is stored turned the way front cameras turn it"
    reach = "within arm's reach" if evidence.value <= ARMS_REACH_M else "beyond arm's reach"
    return f"the face was about {evidence.value:.1f} m from the camera, {reach}"


@lru_cache(maxsize=8)
def _groups(feature_names: tuple[str, ...]) -> tuple[list[str], Integers]:
    """List the groups' names, and tell the place of each feature's group among them."""
    of_features = [name.partition(".")[0] for name in feature_names]
    groups = list(dict.fromkeys(of_features))
    return groups, np.array([groups.index(group) for group in of_features], np.int64)


def explain(
    feature_names: tuple[str, ...],
    values: Values,
    shares: Floats,
    evidence: Sequence[Evidence],
    slope: float,
) -> tuple[Reason, ...]:
    """Sum the contributions per signal and put them into words, strongest first.

    Parameters
    ----------
    feature_names : tuple of str
        The model's features, "group.name".
    values : mapping of str to float
        The photo's features by their names; all of them, for the words may need more than the
        model reads.
    shares : ndarray of float64, shape (f,)
        The shares of the model's features in the decision value.
    evidence : sequence of Evidence
        What the metadata adds, in log-odds.
    slope : float
        The calibration's slope: log-odds per unit of the decision value.

    Returns
    -------
    tuple of Reason
        Their contributions and the model's bias add up to the decision value.
    """
    without_face = faceless(values)
    sums: dict[str, float] = {}
    names, places = _groups(feature_names)
    for name, share in zip(names, np.bincount(places, shares).tolist(), strict=True):
        signal = NO_FACE if without_face and _GROUPS[name].needs_face else name
        sums[signal] = sums.get(signal, 0.0) + share
    reasons = [
        Reason(signal, _sentence(signal, values, total > 0), total)
        for signal, total in sums.items()
        if total != 0.0
    ]
    reasons += [
        Reason(item.signal, _metadata_sentence(item), item.log_odds / slope) for item in evidence
    ]
    return tuple(sorted(reasons, key=lambda reason: (-abs(reason.contribution), reason.signal)))


def _sentence(signal: str, values: Values, supports: bool) -> str:
    if signal == NO_FACE:
        return "no face was found"
    sentence = _GROUPS[signal].sentence(values, supports)
    return sentence or f"as a whole, the picture is as in {whose(supports)}"
