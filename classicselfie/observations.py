"""What can be seen in a photo and told in a clause: size of the face, background, arm, and so on.

An observation stands for whole feature groups of the linear model, so that its share of the
decision value is exact: the sum of theirs. It is told only for the side to which a person would
count it: a face that fills half of the height is no reason against a selfie, whatever its share.
What is told must be there for everybody to see: how often it is, was counted on contact sheets, see
docs/experiments.md.
"""

from __future__ import annotations

from collections.abc import Callable
from math import hypot
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.features import Scene
from classicselfie.features.group import Values
from classicselfie.images import Mask, whole_pixels
from classicselfie.wording import distance, percent

ARMS_REACH_M = 0.9  # a long arm, or a short stick


class Sight(NamedTuple):
    """What observations are made of.

    Attributes
    ----------
    scene : Scene
        With at least one face.
    values : mapping of str to float
        All features of the photo, by "group.part".
    distance_m : float or None
        Of the largest face, where the file tells the focal length.
    """

    scene: Scene
    values: Values
    distance_m: float | None = None


class Observation(NamedTuple):
    """Something that a person can see in the picture or read in the file.

    Attributes
    ----------
    name : str
        The signal of its reason.
    title : str
        What it is called to people, as in "decided by the size of the face".
    groups : tuple of str
        The feature groups for which it stands.
    tell : callable
        Of the sight and whether its share speaks for a selfie: a clause; None where there is
        nothing to see that a person would count to that side.
    signals : tuple of str
        The metadata signals for which it stands as well.
    """

    name: str
    title: str
    groups: tuple[str, ...]
    tell: Callable[[Sight, bool], str | None]
    signals: tuple[str, ...] = ()


# --- the face's size -------------------------------------------------------------------------

_LARGE, _SMALL = 0.2, 0.3  # of the height; what lies between may be either
_ALL = 0.95


def _which_face(sight: Sight) -> str:
    return "the largest face" if len(sight.scene.faces) > 1 else "the face"


def describe_size(sight: Sight, supports: bool | None = None) -> str:
    """Tell how much of the height the largest face fills, and from how far away."""
    height = sight.values["face.height"]
    which = _which_face(sight)
    only = "only " if height < _LARGE or supports is False else ""
    share = "nearly all" if height > _ALL else f"{only}{percent(height)}"
    told = f"{which} fills {share} of the height"
    if sight.distance_m is not None:
        told += f", about {distance(sight.distance_m)} away"
    return told


def _size(sight: Sight, supports: bool) -> str | None:
    height = sight.values["face.height"]
    near = None if sight.distance_m is None else sight.distance_m <= ARMS_REACH_M
    fits = height >= _LARGE if supports else height < _SMALL
    return describe_size(sight, supports) if fits and near in (None, supports) else None


# --- the other faces -------------------------------------------------------------------------

_SURE = 0.7  # detections below are often no second face
_CLOSE, _APART = (0.7, 1.8), 3.0  # from face to face, in sizes of the largest
_NEAREST = 1.3  # how much larger than the second the nearest face is
_ASIDE = 0.15  # of the width, from the middle
_FAR = 0.12  # of the height: no face is near
_MANY = 4


def _others(sight: Sight, supports: bool) -> str | None:
    scene, values = sight.scene, sight.values
    count, similar = len(scene.faces), len(scene.similar)
    if count < 2 or any(face.score < _SURE for face in scene.similar):
        return None
    centres = [face.bbox[0] + face.bbox[2] / 2 for face in scene.faces]
    if not supports:
        if count >= _MANY and values["face.height"] < _FAR:
            return f"{count} faces are in sight, none of them near"
        return "the faces stand apart" if values["crowd.second_gap"] > _APART else None
    aside = centres[0] / scene.width - 0.5
    outermost = centres[0] in (min(centres), max(centres))
    if outermost and abs(aside) > _ASIDE and values["crowd.second_size"] * _NEAREST < 1.0:
        side = "left" if aside < 0 else "right"
        return f"the nearest of {count} faces is at the {side}"
    if similar > 1 and _CLOSE[0] < _widest_gap(scene) < _CLOSE[1]:
        return f"{similar} heads are close together at one distance"
    return None


def _widest_gap(scene: Scene) -> float:
    """How far the loneliest of the similar faces is from its neighbour, in face sizes."""
    boxes = [face.bbox for face in scene.similar]
    centres = [(x + w / 2, y + h / 2) for x, y, w, h in boxes]
    return max(
        min(hypot(x - a, y - b) for other, (a, b) in enumerate(centres) if other != place)
        for place, (x, y) in enumerate(centres)
    ) / max(scene.face_size, 1.0)


# --- where the face lies ---------------------------------------------------------------------

_CROWN = 0.1  # the detector's box begins at the forehead: a head needs more room, in face heights
_CUT = 0.06  # of the face's box, beyond the frame
_ROOM, _ROOM_BELOW = 2.5, 1.5  # faces
_SMALL_GROUP = 0.5  # of the frame, across and down


def _place(sight: Sight, supports: bool) -> str | None:
    values, scene = sight.values, sight.scene
    if not supports:
        below = values["place.margin_bottom"]
        if len(scene.similar) > 1:
            fills = max(values["crowd.group_width"], values["crowd.group_height"])
            roomy = below > _ROOM and fills < _SMALL_GROUP
            return "there is much room around the faces" if roomy else None
        if min(below, values["place.margin_side_max"]) > _ROOM:
            return "there is much room around the face"
        return "the face leaves much room below it" if below > _ROOM_BELOW else None
    cut = find_cut(scene)
    if cut is not None:
        return f"the {cut[0]} is cut by the {cut[1]} edge"
    if values["place.margin_bottom"] < 1.0 and values["place.centre_y"] > 0.55:
        return "the face is low in the frame"
    return None


def find_cut(scene: Scene) -> tuple[str, str] | None:
    """Tell what of the largest face lies beyond the frame.

    Parameters
    ----------
    scene : Scene
        With at least one face.

    Returns
    -------
    tuple of str or None
        "face" or "head", and the edge that cuts it: "left", "right", "lower" or "upper"; None where
        all of it is in the frame.
    """
    x, y, w, h = scene.faces[0].bbox
    beyond = {
        "left": -x / w,
        "right": (x + w - scene.width) / w,
        "lower": (y + h - scene.height) / h,
    }
    edge = max(beyond, key=beyond.__getitem__)
    if beyond[edge] > _CUT:
        return "face", edge
    return ("head", "upper") if y < _CROWN * h else None


# --- how the head is held --------------------------------------------------------------------

# 60 selfies turned by known angles: YuNet's eyes follow a turn of 20° by 2.6° in the median, one of
# 32° by 4.2° and one of 40° by 4.9°. A slope of 8° shows in 1 % of those turned by 10° or less and
# in 19 % of those turned by 20° and more, so it tells that a head is tilted, but not how far.
_TILTED = 8.0
_LYING = 45.0
_STRAIGHT, _TURNED = 0.12, 0.3  # the nose beside the middle of the eyes, in eye distances


def _pose(sight: Sight, supports: bool) -> str | None:
    values, which = sight.values, _which_face(sight)
    if not values["pose.known"]:
        return None
    if not supports:
        return f"{which} is turned to the side" if values["pose.yaw"] > _TURNED else None
    if values["pose.roll"] > _LYING:
        return f"{which} lies sideways in the picture"
    if values["pose.roll"] >= _TILTED:
        return "the head is tilted"
    return f"{which} is turned straight to the camera" if values["pose.yaw"] < _STRAIGHT else None


# --- an arm, a hand or a shoulder ------------------------------------------------------------

_ARM_FACES = (0.25, 0.6)  # heights of faces beside which an arm can be told from the rest
_ARM_AREA = (0.12, 1.2)  # in face areas
_ARM_WIDTH = (0.15, 1.2)  # where it meets the edge, in face heights or widths
_BESIDE = 0.75  # of a face's width: what is below the face itself is neck and chest
_SKIN_BEHIND = 0.06  # share of the background: more is a wall of that colour
_GREY = 12.0  # mean saturation, of 255, below which a picture is black and white


def _arm(sight: Sight, supports: bool) -> str | None:
    # That none is bare is no reason against a selfie: most are in sleeves.
    edge = find_arm(sight.scene) if supports and not is_grey(sight.scene) else None
    return None if edge is None else f"an arm, hand or shoulder runs into the {edge} edge"


def find_arm(scene: Scene) -> str | None:
    """Tell which edge of the frame bare skin runs into beside the face: see `segment_arm`."""
    found = segment_arm(scene)
    return None if found is None else found[0]


def segment_arm(scene: Scene) -> tuple[str, npt.NDArray[np.bool_]] | None:
    """Find bare skin beside the face that runs into an edge of the frame.

    Parameters
    ----------
    scene : Scene
        With at least one face.

    Returns
    -------
    edge : {"left", "right", "lower"}
    arm : ndarray of bool, shape of `scene.skin`
        Or None where no part has the size, the place and the colour of an arm, or where the
        background has the colour of skin.
    """
    mask = scene.skin
    rows, columns = mask.shape
    side = scene.width / columns
    x, y, w, h = (value / side for value in scene.faces[0].bbox)
    if not _ARM_FACES[0] <= h / rows <= _ARM_FACES[1]:
        return None
    head = whole_pixels(x - 0.3 * w, x + 1.3 * w, columns)
    behind: Mask = np.delete(mask[whole_pixels(0, y + 0.8 * h, rows)], head, axis=1)
    if behind.size and behind.mean() > _SKIN_BEHIND:
        return None
    body = mask.copy()
    body[whole_pixels(0, y + 0.4 * h, rows)] = 0
    body[whole_pixels(y, y + 1.3 * h, rows), whole_pixels(x - 0.15 * w, x + 1.15 * w, columns)] = 0
    body = cv2.morphologyEx(body, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(np.uint8)
    _, labels, stats, centres = cv2.connectedComponentsWithStats(body, connectivity=4)
    found: list[tuple[float, str, int]] = []
    for index in range(1, len(stats)):
        area = stats[index, cv2.CC_STAT_AREA] / (w * h)
        if not _ARM_AREA[0] <= area <= _ARM_AREA[1]:
            continue
        part = labels == index
        if part[-1, whole_pixels(x, x + w, columns)].any():
            continue  # below the face: neck and chest, or a shirt of the skin's colour
        widths = {"left": part[:, 0].sum() / h, "right": part[:, -1].sum() / h}
        if abs(centres[index][0] + 0.5 - (x + w / 2)) >= _BESIDE * w:
            widths["lower"] = part[-1].sum() / w
        found += [
            (area, edge, index)
            for edge, width in widths.items()
            if _ARM_WIDTH[0] <= width <= _ARM_WIDTH[1]
        ]
    if not found:
        return None
    _, edge, index = max(found)
    return edge, labels == index


# --- the background and the colours ----------------------------------------------------------

_PLAIN = 0.7  # share of the background near its median grey
_SOFT, _SHARP = -1.0, -0.25  # octaves of fine detail, against the face's


def _background(sight: Sight, supports: bool) -> str | None:
    values = sight.values
    if not values["backdrop.mean"]:  # too little of it to tell
        return None
    detail = values["backdrop.detail_to_face"]
    if supports:
        return "the background is about as sharp as the face" if detail > _SHARP else None
    if values["backdrop.plain"] > _PLAIN:
        return "the background is plain"
    # The two look alike in the detail that they lack.
    soft = max(detail, values["focus.background_ratio"]) < _SOFT
    return "the background is plain or blurred behind the face" if soft else None


def is_grey(scene: Scene) -> bool:
    """Tell whether a picture is black and white."""
    return float(scene.saturation.mean()) < _GREY


def _colours(sight: Sight, supports: bool) -> str | None:
    return "the picture is black and white" if not supports and is_grey(sight.scene) else None


SIZE = Observation("face", "size of the face", ("face",), _size, signals=("subject_distance",))
OBSERVATIONS = (
    SIZE,
    Observation("crowd", "other faces", ("crowd",), _others),
    Observation("place", "place of the face", ("place",), _place),
    Observation("pose", "way the head is held", ("pose",), _pose),
    Observation("arm", "arm or shoulder", ("skin",), _arm),
    Observation("background", "background", ("focus", "backdrop", "scenery"), _background),
    Observation("colours", "colours", ("colour",), _colours),
)
