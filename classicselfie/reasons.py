"""Contributions to reasons: what can be seen, what the file tells, and one last one for the rest.

The wording stays modest: it describes the picture, never the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from classicselfie.features import GROUPS, Scene, measured_groups
from classicselfie.features.group import Values
from classicselfie.metadata import Evidence
from classicselfie.model import Floats, Integers, LinearModel
from classicselfie.observations import ARMS_REACH_M, OBSERVATIONS, SIZE, Sight, describe_size
from classicselfie.verdict import LOOK, NO_FACE, Reason
from classicselfie.wording import distance

# The least that something tells, in log-odds: in the middle about one percent of probability.
_TOLD = 0.05

_DISTANCE = "subject_distance"
METADATA_TITLES = {
    "front_camera": "front or back camera",
    "focal_length": "focal length",
    "mirrored": "mirrored storage",
    "orientation": "stored orientation",
    _DISTANCE: "distance of the face",
}
GROUP_TITLES = {group.name: group.title for group in GROUPS}
"""Each feature group in a few words."""
TITLES = (
    {observation.name: observation.title for observation in OBSERVATIONS}
    | METADATA_TITLES
    | {NO_FACE: "missing face", LOOK: "picture's general look"}
)
"""Each kind of reason in a few words."""


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
    return f"the face is about {distance(evidence.value)} from the camera, {reach}"


@lru_cache(maxsize=8)
def _groups(feature_names: tuple[str, ...]) -> tuple[list[str], Integers]:
    """List the groups' names, and tell the place of each feature's group among them."""
    of_features = [name.partition(".")[0] for name in feature_names]
    groups = list(dict.fromkeys(of_features))
    return groups, np.array([groups.index(group) for group in of_features], np.int64)


def explain(
    model: LinearModel,
    scene: Scene,
    values: Values,
    shares: Floats,
    evidence: Sequence[Evidence],
) -> tuple[Reason, ...]:
    """Sum the contributions per reason and put them into words.

    Parameters
    ----------
    model : LinearModel
    scene : Scene
        The photo with its faces.
    values : mapping of str to float
        The photo's features by their names; all of them, for the words may need more than the
        model reads.
    shares : ndarray of float64, shape (f,)
        The shares of the model's features in the decision value.
    evidence : sequence of Evidence
        What the metadata adds, in log-odds.

    Returns
    -------
    tuple of Reason
        That no face was found; then what can be seen or read, strongest first; last the picture's
        general look, which is all that has no words of its own. Their contributions and the
        model's bias add up to the decision value.
    """
    names, places = _groups(model.feature_names)
    slope = model.calibration[0]  # log-odds per unit of the decision value
    sums = dict(zip(names, np.bincount(places, shares, len(names)).tolist(), strict=True))
    metadata = {item.signal: item for item in evidence}
    first: list[Reason] = []
    told: list[Reason] = []
    if scene.faces:
        far = metadata.get(_DISTANCE)
        told = _observe(Sight(scene, values, far.value if far else None), sums, metadata, slope)
    else:
        measured = {group.name for group in measured_groups(scene)}
        missing = sum(sums.pop(name) for name in names if name not in measured)
        first.append(Reason(NO_FACE, "no face was found", missing))
    told += [
        Reason(item.signal, _metadata_sentence(item), item.log_odds / slope)
        for item in metadata.values()
    ]
    told.sort(key=lambda reason: (-abs(reason.contribution), reason.signal))
    look = sum(sums.values())
    side = "for" if look > 0 else "against"
    last = Reason(LOOK, f"the picture's general look speaks {side} a selfie", look)
    return (*first, *told, last)


def _observe(
    sight: Sight, sums: dict[str, float], metadata: dict[str, Evidence], slope: float
) -> list[Reason]:
    """Tell what is to be seen, and take its shares out of those of the groups and metadata."""
    found: list[Reason] = []
    for each in OBSERVATIONS:
        share = sum(sums.get(group, 0.0) for group in each.groups) + sum(
            metadata[signal].log_odds / slope for signal in each.signals if signal in metadata
        )
        clause = each.tell(sight, share > 0) if abs(share) * slope >= _TOLD else None
        if clause is None:
            continue
        found.append(Reason(each.name, clause, share))
        for group in each.groups:
            sums.pop(group, None)
        for signal in each.signals:
            metadata.pop(signal, None)
    # Where nothing that can be seen has moved the answer, one thing is said of the picture anyway.
    return found or [Reason(SIZE.name, describe_size(sight), 0.0)]
