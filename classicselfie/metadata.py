"""What the file says about the camera: which one it was, and how far away the face stood.

Two questions are kept apart. `Hints.front_camera` is an answer, given only where a signal
decides it. `metadata_evidence` is a weight for the linear model, in log-odds of a selfie, and
may use the weaker signals as well.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from classicselfie.camera import read_camera_signs
from classicselfie.exif import Value
from classicselfie.faces import Face
from classicselfie.photo import PhotoFile

_MAKE, _MODEL = 0x010F, 0x0110
_DATE_TAKEN, _FOCAL_LENGTH, _FOCAL_LENGTH_35MM = 0x9003, 0x920A, 0xA405
_MIRRORED_ORIENTATIONS = frozenset({2, 4, 5, 7})
# Held upright, a phone writes 6 for its back camera; front sensors are built in the other way up.
_FRONT_ORIENTATION = 8
# Only of these it was counted, and a camera held sideways writes 8 too.
_ANDROID_MAKER = re.compile(
    r"\s*(?:asus|google|hmd|honor|htc|huawei|infinix|itel|lge|meizu|motorola|nothing|oneplus|oppo|"
    r"realme|samsung|symphony|tecno|vivo|xiaomi|zte)\b",
    re.IGNORECASE,
)

# 35-mm equivalents outside these are the nonsense that phones write (0, 3, 4, 65535).
_VALID_F35 = (10.0, 1200.0)
_FACE_WIDTH_M = 0.16  # bounding box of a head seen from the front, ears included
_FULL_FRAME_DIAGONAL_MM = 43.3


@dataclass(frozen=True)
class Hints:
    """What the metadata tells about the camera.

    Attributes
    ----------
    front_camera : bool or None
        True or False where a signal decides it, None where nothing does.
    mirrored : bool
        The camera stored the picture mirrored (orientations 2, 4, 5, 7). Counts only in a
        file that a camera wrote; an editor's orientation tag tells nothing.
    front_orientation : bool
        An Android phone stored the picture as it lies on most front cameras' sensors
        (orientation 8).
    focal_length_mm : float or None
        Real focal length.
    focal_length_35mm : float or None
        35-mm equivalent, None where the file holds none or nonsense.
    """

    front_camera: bool | None = None
    mirrored: bool = False
    front_orientation: bool = False
    focal_length_mm: float | None = None
    focal_length_35mm: float | None = None


class Evidence(NamedTuple):
    """One metadata signal and its weight.

    Attributes
    ----------
    signal : str
        "front_camera", "focal_length", "mirrored", "orientation" or "subject_distance".
    log_odds : float
        How much it shifts the log-odds of a selfie.
    value : float
        What was measured: 1 or 0, millimetres, 1, 1, metres.
    """

    signal: str
    log_odds: float
    value: float


def read_hints(file: PhotoFile) -> Hints:
    """Interpret the metadata of an opened picture; damaged metadata counts as absent.

    Parameters
    ----------
    file : PhotoFile

    Returns
    -------
    Hints
    """
    exif = file.exif
    signs = read_camera_signs(exif, file.xmp, file.trailer)
    maker = exif.main.get(_MAKE)
    has_camera = bool(maker or exif.main.get(_MODEL))
    f35 = _number(exif.photo.get(_FOCAL_LENGTH_35MM))
    return Hints(
        front_camera=signs.front_camera,
        mirrored=has_camera and file.orientation in _MIRRORED_ORIENTATIONS,
        front_orientation=is_android(maker) and file.orientation == _FRONT_ORIENTATION,
        focal_length_mm=_number(exif.photo.get(_FOCAL_LENGTH)),
        focal_length_35mm=f35 if f35 and _VALID_F35[0] <= f35 <= _VALID_F35[1] else None,
    )


def read_date(file: PhotoFile) -> datetime | None:
    """Read when the photo was taken, by the camera's clock; None where it does not tell.

    Parameters
    ----------
    file : PhotoFile

    Returns
    -------
    datetime.datetime or None
        Without a time zone.
    """
    text = file.exif.photo.get(_DATE_TAKEN)
    try:
        return datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except ValueError:  # absent, or the zeros and blanks of a clock that was never set
        return None


def is_android(maker: Value | None) -> bool:
    """Tell from the maker's name whether an Android phone wrote the file.

    Parameters
    ----------
    maker : value or None
        Exif's Make.

    Returns
    -------
    bool
    """
    return isinstance(maker, str) and _ANDROID_MAKER.match(maker) is not None


def _number(value: Value | None) -> float | None:
    """Take a number as it is; None for nothing, text, and what no length can be."""
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        return None
    return float(value)


def subject_distance(hints: Hints, face: Face, size: tuple[int, int]) -> float | None:
    """Estimate how far the face stood from the camera.

    Parameters
    ----------
    hints : Hints
    face : Face
        In pixels of the upright original.
    size : tuple of int
        Width and height of the upright original.

    Returns
    -------
    float or None
        Metres; None without a usable 35-mm equivalent. Crops and digital zoom break it.

    Notes
    -----
    Pinhole model with a head width of 0.16 m: ``0.16 m × f35 / (43.3 mm × width / diagonal)``.
    """
    if hints.focal_length_35mm is None or face.bbox[2] <= 0:
        return None
    width_share = face.bbox[2] / math.hypot(*size)
    return _FACE_WIDTH_M * hints.focal_length_35mm / (_FULL_FRAME_DIAGONAL_MM * width_share)


# The training photos carry no metadata, so these weights are not trained with the pixels'.
# They are likelihood ratios, put together from stated assumptions (A) and from counts (C).
# A: nine selfies in ten, and three other photos with a face in a hundred, are a front camera's.
FRONT_GIVEN_SELFIE = 0.90
FRONT_GIVEN_OTHER = 0.03
# C: share of camera models (not of photos) per range of real focal length, one added to every
# count, in the development set of real files; `bench/metadata.py` counts them again. The 3.5 mm
# that cheap phones write for any camera tells nothing and is left out.
FOCAL_RANGES_MM = ((1.9, 3.2), (3.2, 3.9), (3.9, 8.0))
FOCAL_SHARE_FRONT = (9 / 16, 6 / 16, 1 / 16)
FOCAL_SHARE_BACK = (5 / 113, 7 / 113, 101 / 113)
PLACEHOLDER_FOCAL_MM = 3.5
# C: no camera in a phone of the development set has 8 mm or more: surely no front camera.
_PHONE_MAX_FOCAL_MM = 8.0
# A: share of mirrored files among front and back cameras' (no visible file is mirrored).
_MIRRORED_FRONT, _MIRRORED_BACK = 0.10, 0.005
# C: share of Android phones' models with a photo of orientation 8, one added to every count.
TURNED_SHARE_FRONT, TURNED_SHARE_BACK = 2 / 16, 1 / 23
# A: log-normal distances of selfies and of other people's portraits: median in metres, spread
# of the logarithm. What counts is the difference to the usual phone lens, for the face's size in
# the picture is already in the pixels' features.
_SELFIE_DISTANCE, _OTHER_DISTANCE = (0.45, 0.45), (1.8, 0.8)
_USUAL_F35 = 27.0
_DISTANCE_LIMITS = (-3.0, 0.5)


def metadata_evidence(
    hints: Hints, face: Face | None, size: tuple[int, int]
) -> tuple[Evidence, ...]:
    """Weigh the metadata as evidence for a selfie.

    Parameters
    ----------
    hints : Hints
    face : Face or None
        The largest face, in pixels of the upright original. Without a face only evidence
        against a selfie counts: a front camera may shoot a landscape.
    size : tuple of int
        Width and height of the upright original.

    Returns
    -------
    tuple of Evidence
        Empty where the file tells nothing.
    """
    found = [_camera_evidence(hints)]
    if hints.mirrored and hints.front_camera is None:
        log_odds = _selfie_log_odds(_MIRRORED_FRONT, _MIRRORED_BACK)
        found.append(Evidence("mirrored", log_odds, 1.0))
    if hints.front_orientation and hints.front_camera is None:
        log_odds = _selfie_log_odds(TURNED_SHARE_FRONT, TURNED_SHARE_BACK)
        found.append(Evidence("orientation", log_odds, 1.0))
    distance = subject_distance(hints, face, size) if face is not None else None
    if distance is not None and hints.focal_length_35mm is not None:
        usual = distance * _USUAL_F35 / hints.focal_length_35mm
        low, high = _DISTANCE_LIMITS
        shift = _distance_log_odds(distance) - _distance_log_odds(usual)
        found.append(Evidence("subject_distance", min(max(shift, low), high), distance))
    return tuple(
        item for item in found if item is not None and (face is not None or item.log_odds < 0)
    )


def _camera_evidence(hints: Hints) -> Evidence | None:
    if hints.front_camera is not None:
        front = 1.0 if hints.front_camera else 0.0
        return Evidence("front_camera", _selfie_log_odds(front, 1.0 - front), front)
    focal = hints.focal_length_mm
    if focal is None or math.isclose(focal, PLACEHOLDER_FOCAL_MM):
        return None
    if focal >= _PHONE_MAX_FOCAL_MM:
        return Evidence("focal_length", _selfie_log_odds(0.0, 1.0), focal)
    for (low, high), front, back in zip(
        FOCAL_RANGES_MM, FOCAL_SHARE_FRONT, FOCAL_SHARE_BACK, strict=True
    ):
        if low <= focal < high:
            return Evidence("focal_length", _selfie_log_odds(front, back), focal)
    return None


def _selfie_log_odds(given_front: float, given_back: float) -> float:
    """Turn how likely a sign is for a front and a back camera into log-odds of a selfie."""
    selfie = FRONT_GIVEN_SELFIE * given_front + (1 - FRONT_GIVEN_SELFIE) * given_back
    other = FRONT_GIVEN_OTHER * given_front + (1 - FRONT_GIVEN_OTHER) * given_back
    return math.log(selfie / other)


def _distance_log_odds(metres: float) -> float:
    def log_density(median: float, spread: float) -> float:
        return -0.5 * (math.log(metres / median) / spread) ** 2 - math.log(spread)

    return log_density(*_SELFIE_DISTANCE) - log_density(*_OTHER_DISTANCE)
