"""How large the face is, where it lies, how the head is held, and who else is there.

All lengths are relative to the frame or to the largest face, so that neither the pixel size nor
the original's resolution tells anything.
"""

from __future__ import annotations

from math import atan2, copysign, degrees, hypot, log2, sqrt

from classicselfie.faces import Face
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
    "off_centre": "distance of its centre from the upright middle in shares of the width",
    "centre_y": "height of its centre in the frame, from above, 0 to 1",
    "eyes_y": "height of the eyes in the frame, from above, 0 to 1",
    "cut": "share of the face's box beyond the frame",
    "edges_near": "how many edges of the frame are nearer than 0.3 faces",
}


def _place(scene: Scene) -> dict[str, float]:
    x, y, w, h = scene.faces[0].bbox
    landmarks = scene.faces[0].landmarks
    left, right = x / w, (scene.width - x - w) / w
    top, bottom = y / h, (scene.height - y - h) / h
    across = max(0.0, min(x + w, scene.width) - max(x, 0.0))
    down = max(0.0, min(y + h, scene.height) - max(y, 0.0))
    eyes_y = (landmarks[0][1] + landmarks[1][1]) / 2 if landmarks else y + 0.4 * h
    return {
        "margin_top": _clip(top, -1.0, 6.0),
        "margin_bottom": _clip(bottom, -1.0, 6.0),
        "margin_side_min": _clip(min(left, right), -1.0, 6.0),
        "margin_side_max": _clip(max(left, right), -1.0, 6.0),
        "off_centre": abs((x + w / 2) / scene.width - 0.5),
        "centre_y": (y + h / 2) / scene.height,
        "eyes_y": eyes_y / scene.height,
        "cut": 1.0 - across * down / (w * h),
        "edges_near": float(sum(margin < 0.3 - 1e-9 for margin in (left, right, top, bottom))),
    }


PLACE = FeatureGroup("place", "place of the face", _PLACE, _place, needs_face=True)


# --- pose: how the head is held ------------------------------------------------------------

_POSE = {
    "known": "1 where the detector gives landmarks; without them all else is 0",
    "roll": "slope of the line through the eyes in degrees, 0 to 90; far less than the head's tilt",
    "yaw": "the nose beside the middle of the eyes, in eye distances, up to 2",
    "pitch": "the nose below the eyes, in distances from eyes to mouth, -1 to 2",
    "eye_distance": "distance of the eyes in face widths",
    "eye_mouth": "distance from eyes to mouth in eye distances",
    "mouth_width": "width of the mouth in eye distances",
    "nose_drop": "the nose below the eyes in face heights, -1 to 1",
    "lean_in": "above 0 where the head leans away from the middle of the picture, below where "
    "towards it, -1 to 1",
}


def _pose(scene: Scene) -> dict[str, float]:
    face = scene.faces[0]
    if len(face.landmarks) != 5:
        return dict.fromkeys(_POSE, 0.0)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    x, _, w, h = face.bbox
    across = left_eye[0] - right_eye[0], left_eye[1] - right_eye[1]
    eye_distance = max(hypot(*across), 1e-3)
    axis = across[0] / eye_distance, across[1] / eye_distance
    eyes = (right_eye[0] + left_eye[0]) / 2, (right_eye[1] + left_eye[1]) / 2

    def from_eyes(point: tuple[float, float]) -> tuple[float, float]:
        """Along the line through the eyes, and at right angles below it."""
        dx, dy = point[0] - eyes[0], point[1] - eyes[1]
        return dx * axis[0] + dy * axis[1], dy * axis[0] - dx * axis[1]

    mouth = (right_mouth[0] + left_mouth[0]) / 2, (right_mouth[1] + left_mouth[1]) / 2
    eye_mouth = max(from_eyes(mouth)[1], 0.05 * h)
    aside, below = from_eyes(nose)
    mouth_width = hypot(left_mouth[0] - right_mouth[0], left_mouth[1] - right_mouth[1])
    roll = _roll(face)
    # A head that leans towards the middle of the picture is held on an arm at the other side.
    side = (x + w / 2) / scene.width - 0.5
    told = eye_distance > 0.05 * w
    return {
        "known": 1.0,
        "roll": min(abs(roll), 90.0),
        "yaw": min(abs(aside) / eye_distance, 2.0),
        "pitch": _clip(below / eye_mouth, -1.0, 2.0),
        "eye_distance": eye_distance / w,
        "eye_mouth": eye_mouth / eye_distance if told else 4.0,
        "mouth_width": mouth_width / eye_distance if told else 2.0,
        "nose_drop": _clip(below / h, -1.0, 1.0),
        "lean_in": _clip(roll / 30.0, -1.0, 1.0) * copysign(min(abs(side) * 4, 1.0), side),
    }


def _roll(face: Face) -> float:
    """Slope of the line through the eyes in degrees, clockwise."""
    (right_x, right_y), (left_x, left_y) = face.landmarks[:2]
    return degrees(atan2(left_y - right_y, left_x - right_x))


POSE = FeatureGroup("pose", "tilt of the head", _POSE, _pose, needs_face=True)


# --- crowd: the other faces ----------------------------------------------------------------

_CROWD = {
    "faces": "number of faces, up to 12",
    "similar": "how many are at least half as high as the largest one, itself among them, up to 8",
    "small": "how many are smaller, up to 10",
    "second_size": "size of the second face in sizes of the largest",
    "third_size": "size of the third",
    "second_gap": "distance of the second face's centre from the largest one's, in its sizes, up "
    "to 8",
    "second_drop": "how much lower the second face is, in sizes of the largest, -4 to 4",
    "total_area": "area of all faces in shares of the picture's",
    "group_width": "width of the box around the similar faces in shares of the picture's",
    "group_height": "its height in shares of the picture's",
    "group_top": "room above it in shares of the picture's height",
    "group_bottom": "room below it in shares of the picture's height",
    "group_roll": "mean of the similar faces' `pose.roll`",
    "sizes_spread": "standard deviation of the faces' sizes in sizes of the largest",
    "largest_off_centre": "distance of the largest face from the mean of all, across, in shares "
    "of the picture's width",
    "largest_lower": "how much lower it is than the mean of all, in shares of the height",
}


def _crowd(scene: Scene) -> dict[str, float]:
    boxes = [face.bbox for face in scene.faces]
    group = [face.bbox for face in scene.similar]
    sizes = [sqrt(w * h) for _, _, w, h in boxes]
    largest, count = sizes[0], len(boxes)
    centres = [(x + w / 2, y + h / 2) for x, y, w, h in boxes]
    across = sum(x for x, _ in centres) / count - centres[0][0]
    down = sum(y for _, y in centres) / count - centres[0][1]
    second = count > 1
    gap_x = (centres[1][0] - centres[0][0]) / largest if second else 0.0
    gap_y = (centres[1][1] - centres[0][1]) / largest if second else 0.0
    rolls = [abs(_roll(face)) for face in scene.similar if face.landmarks]
    top, bottom = min(y for _, y, _, _ in group), max(y + h for _, y, _, h in group)
    width = max(x + w for x, _, w, _ in group) - min(x for x, _, _, _ in group)
    mean = sum(sizes) / count
    return {
        "faces": float(min(count, 12)),
        "similar": float(min(len(group), 8)),
        "small": float(min(count - len(group), 10)),
        "second_size": sizes[1] / largest if second else 0.0,
        "third_size": sizes[2] / largest if count > 2 else 0.0,
        "second_gap": min(hypot(gap_x, gap_y), 8.0),
        "second_drop": _clip(gap_y, -4.0, 4.0),
        "total_area": sum(size * size for size in sizes) / (scene.width * scene.height),
        "group_width": width / scene.width,
        "group_height": (bottom - top) / scene.height,
        "group_top": top / scene.height,
        "group_bottom": 1.0 - bottom / scene.height,
        "group_roll": sum(rolls) / len(rolls) if rolls else 0.0,
        "sizes_spread": sqrt(sum((size - mean) ** 2 for size in sizes) / count) / largest,
        "largest_off_centre": abs(across) / scene.width,
        "largest_lower": -down / scene.height,
    }


CROWD = FeatureGroup("crowd", "number of faces", _CROWD, _crowd, needs_face=True)
