"""Contributions to sentences: why the linear model decided as it did.

The wording stays modest: it describes the picture, never the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from classicselfie.metadata import Evidence
from classicselfie.model import Floats, Integers
from classicselfie.verdict import Reason

ARMS_REACH_M = 0.9  # a long arm, or a short stick

Values = Mapping[str, float]

# Where no face is found, these groups say nothing but that.
_FACE_GROUPS = frozenset({"face", "place", "pose", "crowd"})


def _face(values: Values, supports: bool) -> str:
    share = f"{values['face.height']:.0%} of the picture's height"
    return f"the largest face fills {share}" if supports else f"the largest face fills only {share}"


def _place(values: Values, supports: bool) -> str:
    if not supports:
        return "the face is placed as in pictures taken by somebody else"
    if values["place.margin_bottom"] < 1.0 and values["place.centre_y"] > 0.55:
        return "the face is low in the frame, with little of the body below it"
    return "the face is placed as at the end of an arm"


def _pose(values: Values, supports: bool) -> str:
    if supports and values["pose.roll"] >= 8:
        return f"the head is tilted by {values['pose.roll']:.0f}°, as in many selfies"
    return f"the head is held as in {_whose(supports)}"


def _crowd(values: Values, supports: bool) -> str:
    count, similar = int(values["crowd.faces"]), int(values["crowd.similar"])
    if count == 1:
        return f"a single face, as in many {_whose(supports)}"
    if supports and similar > 1:
        return f"{similar} faces crowd together at a similar distance"
    if supports:
        return "one face is much nearer than the others"
    return f"{count} faces stand as in {_whose(supports)}"


def _skin(values: Values, supports: bool) -> str:
    if supports and values["skin.arm_frame_width"] > 0.15:
        return "bare skin runs from the body to the frame, like a stretched arm or a shoulder"
    if supports:
        return "skin is spread as in selfies"
    if values["skin.arm_frame_width"] < 0.05:
        return "no arm or shoulder reaches towards the camera"
    return "skin is spread as in pictures taken by somebody else"


def _focus(values: Values, supports: bool) -> str:
    ratio = values["focus.background_ratio"]
    if supports and ratio > -0.5:
        return "the surroundings are about as sharp as the face"
    if not supports and ratio < -0.8:
        return "the background is blurred behind a sharp face"
    return f"sharpness is spread as in {_whose(supports)}"


def _backdrop(values: Values, supports: bool) -> str:
    if not supports and values["backdrop.plain"] > 0.7:
        return "the background is plain, as in portraits"
    return f"the background is as in {_whose(supports)}"


def _like(what: str) -> Callable[[Values, bool], str]:
    return lambda values, supports: f"{what} as in {_whose(supports)}"


def _whose(supports: bool) -> str:
    return "selfies" if supports else "pictures taken by somebody else"


_SENTENCES: dict[str, Callable[[Values, bool], str]] = {
    "face": _face,
    "place": _place,
    "pose": _pose,
    "crowd": _crowd,
    "skin": _skin,
    "focus": _focus,
    "light": _like("the light is"),
    "texture": _like("the fine texture of the picture is"),
    "backdrop": _backdrop,
    "colour": _like("the colours are"),
    "hog_face": _like("the outlines around the face are"),
    "hog_frame": _like("the outlines of the whole picture are"),
}


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
    """List the groups, and tell the place of each feature's group among them."""
    of_features = [name.partition(".")[0] for name in feature_names]
    groups = list(dict.fromkeys(of_features))
    return groups, np.array([groups.index(group) for group in of_features], np.int64)


def explain(
    feature_names: tuple[str, ...],
    values: Floats,
    shares: Floats,
    evidence: Sequence[Evidence],
    slope: float,
) -> tuple[Reason, ...]:
    """Sum the contributions per signal and put them into words, strongest first.

    Parameters
    ----------
    feature_names : tuple of str
        The model's features, "group.name".
    values, shares : ndarray of float64, shape (f,)
        The features and their shares of the decision value.
    evidence : sequence of Evidence
        What the metadata adds, in log-odds.
    slope : float
        The calibration's slope: log-odds per unit of the decision value.

    Returns
    -------
    tuple of Reason
        Their contributions and the model's bias add up to the decision value.
    """
    by_name = dict(zip(feature_names, values.tolist(), strict=True))
    faceless = by_name.get("face.found", 1.0) == 0.0
    sums: dict[str, float] = {}
    groups, places = _groups(feature_names)
    for group, share in zip(groups, np.bincount(places, shares).tolist(), strict=True):
        signal = "no_face" if faceless and group in _FACE_GROUPS else group
        sums[signal] = sums.get(signal, 0.0) + share
    reasons = [
        Reason(
            signal,
            "no face was found"
            if signal == "no_face"
            else _sentence(signal, by_name, total > 0, faceless),
            total,
        )
        for signal, total in sums.items()
        if total != 0.0
    ]
    reasons += [
        Reason(item.signal, _metadata_sentence(item), item.log_odds / slope) for item in evidence
    ]
    return tuple(sorted(reasons, key=lambda reason: (-abs(reason.contribution), reason.signal)))


def _sentence(signal: str, values: Values, supports: bool, faceless: bool) -> str:
    if faceless and signal in ("skin", "focus", "hog_face"):
        what = {"skin": "skin is", "focus": "sharpness is", "hog_face": "outlines are"}[signal]
        return f"{what} spread as in {_whose(supports)}"
    return _SENTENCES[signal](values, supports)
