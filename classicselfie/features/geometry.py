"""How large the face is, where it lies, how the head is held, and who else is there.

All lengths are relative to the frame or to the largest face, so that neither the pixel size nor
the original's resolution tells anything.
"""

from __future__ import annotations

from math import atan2, degrees, hypot, log2, sqrt

from classicselfie.features.group import FeatureGroup
from classicselfie.features.scene import Scene


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


# --- face: how large -----------------------------------------------------------------------

_FACE = {
    "found": "1 where there is a face; without one all else is 0",
    "score": "the detector's confidence in the largest face, 0 to 1",
    "height": "its height in shares of the picture's",
    "width": "its width in shares of the picture's",
    "diagonal": "its size in shares of the picture's diagonal; with one lens the distance depends "
    "on this alone, so it is arm's length in the picture",
    "long_side": "its size in shares of the picture's long side",
    "short_side": "its size in shares of the picture's short side",
    "log_size": "octaves of `diagonal`, 0 at 1/64",
    "shape": "its height in its widths",
}


def _face(scene: Scene) -> dict[str, float]:
    face = scene.faces[0]
    _, _, w, h = face.bbox
    size = scene.face_size
    diagonal = size / hypot(scene.width, scene.height)
    return {
        "found": 1.0,
        "score": face.score,
        "height": h / scene.height,
        "width": w / scene.width,
        "diagonal": diagonal,
        "long_side": size / max(scene.width, scene.height),
        "short_side": size / min(scene.width, scene.height),
        "log_size": log2(diagonal) + 6.0,
        "shape": h / w,
    }


FACE = FeatureGroup("face", "size of the face", _FACE, _face, needs_face=True)


# --- place: where in the frame, in face sizes ----------------------------------------------

_PLACE = {
    "margin_top": "room above the face in face heights, -1 to 6",
    "margin_bottom": "room below it in face heights, -1 to 6",
    "margin_side_min": "room at its narrower side in face widths, -1 to 6",
    "margin_side_max": "room at its wider side in face widths, -1 to 6",
    "centre_y": "height of its centre in the frame, from above, 0 to 1",
}


def _place(scene: Scene) -> dict[str, float]:
    x, y, w, h = scene.faces[0].bbox
    left, right = x / w, (scene.width - x - w) / w
    top, bottom = y / h, (scene.height - y - h) / h
    return {
        "margin_top": _clip(top, -1.0, 6.0),
        "margin_bottom": _clip(bottom, -1.0, 6.0),
        "margin_side_min": _clip(min(left, right), -1.0, 6.0),
        "margin_side_max": _clip(max(left, right), -1.0, 6.0),
        "centre_y": (y + h / 2) / scene.height,
    }


PLACE = FeatureGroup("place", "place of the face", _PLACE, _place, needs_face=True)


# --- pose: how the head is held ------------------------------------------------------------

_POSE = {
    "known": "1 where the detector gives landmarks; without them all else is 0",
    "roll": "slope of the line through the eyes in degrees, 0 to 90; far less than the head's tilt",
    "yaw": "the nose beside the middle of the eyes, in eye distances, up to 2",
}


def _pose(scene: Scene) -> dict[str, float]:
    face = scene.faces[0]
    if len(face.landmarks) != 5:
        return dict.fromkeys(_POSE, 0.0)
    (right_x, right_y), (left_x, left_y), (nose_x, nose_y) = face.landmarks[:3]
    across, down = left_x - right_x, left_y - right_y
    eye_distance = max(hypot(across, down), 1e-3)
    dx, dy = nose_x - (right_x + left_x) / 2, nose_y - (right_y + left_y) / 2
    aside = (dx * across + dy * down) / eye_distance  # along the line through the eyes
    return {
        "known": 1.0,
        "roll": min(abs(degrees(atan2(down, across))), 90.0),
        "yaw": min(abs(aside) / eye_distance, 2.0),
    }


POSE = FeatureGroup("pose", "tilt of the head", _POSE, _pose, needs_face=True)


# --- crowd: the other faces ----------------------------------------------------------------

_CROWD = {
    "faces": "number of faces, up to 12",
    "similar": "how many are at least half as high as the largest one, itself among them, up to 8",
    "second_size": "size of the second face in sizes of the largest",
    "second_gap": "distance of the second face's centre from the largest one's, in its sizes, up "
    "to 8",
    "total_area": "area of all faces in shares of the picture's",
    "group_width": "width of the box around the similar faces in shares of the picture's",
    "group_height": "its height in shares of the picture's",
}


def _crowd(scene: Scene) -> dict[str, float]:
    boxes = [face.bbox for face in scene.faces]
    group = [face.bbox for face in scene.similar]
    sizes = [sqrt(w * h) for _, _, w, h in boxes]
    largest, count = sizes[0], len(boxes)
    gap = 0.0
    if count > 1:
        (x0, y0), (x1, y1) = ((x + w / 2, y + h / 2) for x, y, w, h in boxes[:2])
        gap = hypot(x1 - x0, y1 - y0) / largest
    width = max(x + w for x, _, w, _ in group) - min(x for x, _, _, _ in group)
    height = max(y + h for _, y, _, h in group) - min(y for _, y, _, _ in group)
    return {
        "faces": float(min(count, 12)),
        "similar": float(min(len(group), 8)),
        "second_size": sizes[1] / largest if count > 1 else 0.0,
        "second_gap": min(gap, 8.0),
        "total_area": sum(size * size for size in sizes) / (scene.width * scene.height),
        "group_width": width / scene.width,
        "group_height": height / scene.height,
    }


CROWD = FeatureGroup("crowd", "number of faces", _CROWD, _crowd, needs_face=True)
