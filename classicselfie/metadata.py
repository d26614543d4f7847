"""What the file says about the camera: which one it was, and how far away the face stood.

Two questions are kept apart. `Hints.front_camera` is an answer, given only where a signal
decides it. `metadata_evidence` is a weight for the linear model, in log-odds of a selfie, and
may use the weaker signals as well.
"""

from __future__ import annotations

import io
import math
import re
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image, TiffImagePlugin

from classicselfie.faces import Face
from classicselfie.photo import PhotoFile

_MAKE, _MODEL = 0x010F, 0x0110
_EXIF_IFD = 0x8769
_DATE_TAKEN = 0x9003
_MAKER_NOTE, _FOCAL_LENGTH = 0x927C, 0x920A
_FOCAL_LENGTH_35MM, _LENS_MODEL = 0xA405, 0xA434
_MIRRORED_ORIENTATIONS = frozenset({2, 4, 5, 7})

_MAX_LENS_TEXT = 200  # the patterns' time grows with its square
_FRONT_LENS = re.compile(r"\bfront\b.*\bcamera\b", re.IGNORECASE)
_BACK_LENS = re.compile(r"\b(?:back|rear)\b.*\bcamera\b", re.IGNORECASE)
# As an attribute or as an element; no XML parser is let near untrusted files.
_XMP_LENS = re.compile(
    rb"(?:exifEX:LensModel|aux:Lens)\s*(?:=\s*[\"']([^\"'<>]{1,200})[\"']|>([^<]{1,200})<)"
)

_APPLE_NOTE = b"Apple iOS\0"
_APPLE_IFD_OFFSET = 14
_APPLE_CAMERA_TYPE, _APPLE_FRONT_FACING = 0x002E, 0x0045
_APPLE_TYPE_BACK, _APPLE_TYPE_FRONT = (0, 1), 6

_SAMSUNG_FRONT_BLOCK = 0x0910
_SAMSUNG_FRONT_NAME = b"Front_Cam_Selfie_Info"

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
    focal_length_mm : float or None
        Real focal length.
    focal_length_35mm : float or None
        35-mm equivalent, None where the file holds none or nonsense.
    """

    front_camera: bool | None = None
    mirrored: bool = False
    focal_length_mm: float | None = None
    focal_length_35mm: float | None = None


@dataclass(frozen=True)
class Evidence:
    """One metadata signal and its weight.

    Attributes
    ----------
    signal : str
        "front_camera", "focal_length", "mirrored" or "subject_distance".
    log_odds : float
        How much it shifts the log-odds of a selfie.
    value : float
        What was measured: 1 or 0, millimetres, 1, metres.
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
    tags, exif = _tags(file.exif)
    votes = {
        _from_lens(exif.get(_LENS_MODEL) or _xmp_lens(file.xmp)),
        *_from_apple(exif.get(_MAKER_NOTE)),
        _from_samsung(file.trailer),
    } - {None}
    has_camera = bool(tags.get(_MAKE) or tags.get(_MODEL))
    f35 = _number(exif.get(_FOCAL_LENGTH_35MM))
    return Hints(
        # Signals that contradict each other (an edited file) decide nothing.
        front_camera=votes.pop() if len(votes) == 1 else None,
        mirrored=has_camera and file.orientation in _MIRRORED_ORIENTATIONS,
        focal_length_mm=_number(exif.get(_FOCAL_LENGTH)),
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
    text = _tags(file.exif)[1].get(_DATE_TAKEN)
    try:
        return datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except ValueError:  # absent, or the zeros and blanks of a clock that was never set
        return None


def _tags(exif: Image.Exif | None) -> tuple[dict[int, Any], dict[int, Any]]:
    """Read main and Exif tags; every access may meet damage that Pillow finds only then."""
    if exif is None:
        return {}, {}
    try:
        return dict(exif), dict(exif.get_ifd(_EXIF_IFD))
    except Exception:
        return {}, {}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _xmp_lens(xmp: bytes) -> bytes | None:
    match = _XMP_LENS.search(xmp)
    return (match[1] or match[2]) if match else None


def _from_lens(text: Any) -> bool | None:
    """Apple and Google name the camera in LensModel (Exif 0xA434)."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    if not isinstance(text, str):
        return None
    text = text[:_MAX_LENS_TEXT]
    front, back = bool(_FRONT_LENS.search(text)), bool(_BACK_LENS.search(text))
    return front if front != back else None


def _from_apple(note: Any) -> tuple[bool | None, bool | None]:
    """Read CameraType (0x002E) and FrontFacingCamera (0x0045) of Apple's MakerNote.

    The note is a big-endian TIFF directory behind a 14-byte head; offsets count from the head.
    Tag numbers: ExifTool's Apple tag table.
    """
    if not isinstance(note, bytes) or not note.startswith(_APPLE_NOTE):
        return None, None
    directory = TiffImagePlugin.ImageFileDirectory_v2(b"MM\0*\0\0\0\0")
    stream = io.BytesIO(note)
    stream.seek(_APPLE_IFD_OFFSET)
    try:
        directory.load(stream)
        kind, facing = directory.get(_APPLE_CAMERA_TYPE), directory.get(_APPLE_FRONT_FACING)
    except Exception:
        return None, None
    by_type: dict[Any, bool] = {_APPLE_TYPE_FRONT: True, **dict.fromkeys(_APPLE_TYPE_BACK, False)}
    by_facing: dict[Any, bool] = {1: True, 0: False}
    return by_type.get(kind), by_facing.get(facing)


def _from_samsung(trailer: bytes) -> bool | None:
    """Look for the front camera's block in Samsung's SEF trailer.

    Layout (ExifTool, Samsung trailer): blocks, then the directory "SEFH", version, count,
    count × (unused, type, distance back from "SEFH", size), then the directory's length and
    "SEFT". The trailer tells front only; nothing in it says back.
    """
    if not trailer.endswith(b"SEFT") or len(trailer) < 20:
        return None
    (length,) = struct.unpack_from("<I", trailer, len(trailer) - 8)
    start = len(trailer) - 8 - length
    if start < 0 or length < 12 or trailer[start : start + 4] != b"SEFH":
        return None
    (count,) = struct.unpack_from("<I", trailer, start + 8)
    for index in range(min(count, (length - 12) // 12)):
        _, kind, back, size = struct.unpack_from("<HHII", trailer, start + 12 + 12 * index)
        if kind != _SAMSUNG_FRONT_BLOCK:
            continue
        begin = start - back
        block = trailer[begin : begin + size] if begin >= 0 else b""
        if not block or _SAMSUNG_FRONT_NAME in block:
            return True
    return None


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
FOCAL_SHARE_BACK = (5 / 112, 7 / 112, 100 / 112)
PLACEHOLDER_FOCAL_MM = 3.5
# C: no camera in a phone of the development set has 8 mm or more: surely no front camera.
_PHONE_MAX_FOCAL_MM = 8.0
# A: share of mirrored files among front and back cameras' (no visible file is mirrored).
_MIRRORED_FRONT, _MIRRORED_BACK = 0.10, 0.005
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
