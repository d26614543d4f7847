"""Which camera of a phone took the picture: what each maker's signs say, and what follows.

Only signs that were right in every real file seen are here; `docs/metadata.md` has the counts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from classicselfie.exif import Exif, Tags, Value, read_directory
from classicselfie.trailer import has_front_camera_block
from classicselfie.xmp import xmp_lenses

_MAKE = 0x010F
_F_NUMBER, _FOCAL_LENGTH = 0x829D, 0x920A
_MAKER_NOTE, _USER_COMMENT = 0x927C, 0x9286
_XIAOMI_JSON = 0x9999
_LENS_MODEL = 0xA434

_MAX_LENS_TEXT = 200  # the patterns' time grows with its square
_FRONT_LENS = re.compile(r"\bfront\b.*\bcamera\b", re.IGNORECASE)
_BACK_LENS = re.compile(r"\b(?:back|rear)\b.*\bcamera\b", re.IGNORECASE)

_APPLE_NOTE = b"Apple iOS\0"
_APPLE_ORDER, _APPLE_IFD_OFFSET = slice(12, 14), 14
_APPLE_CAMERA_TYPE, _APPLE_FRONT_FACING = 0x002E, 0x0045
_APPLE_FRONT_TYPE = 6
# Millimetres. Ultra-wide back cameras have 1.5 to 2.23 mm, older front cameras 2.15 mm at f/2.4;
# 3.8 mm and more has no front camera of theirs.
_APPLE_FRONT_MM = (2.6, 2.95)
_APPLE_OLD_FRONT_MM, _APPLE_OLD_FRONT_F = (2.1, 2.19), (2.35, 2.45)
_APPLE_BACK_MM = 3.8

_OPPO_COMMENT = re.compile(r"oppo_(\d{1,18})(?!\d)", re.IGNORECASE)
_OPPO_FRONT_BIT = 1
_XIAOMI_SENSOR = re.compile(r'"sensorType"\s{0,8}:\s{0,8}"(front|rear)"')


class CameraSigns(NamedTuple):
    """What each sign in a file says: True for the front camera, False for a back one, or None."""

    lens: bool | None
    """The lens' name, in Exif or, where an editor moved it, in XMP."""
    apple: bool | None
    """CameraType and FrontFacingCamera of Apple's maker note; front only."""
    samsung: bool | None
    """The front camera's block in Samsung's trailer; front only."""
    oppo: bool | None
    """The lowest bit of the number in OPPO's and realme's user comment."""
    xiaomi: bool | None
    """The sensor's type in Xiaomi's JSON."""
    apple_focal_length: bool | None
    """The focal length, in a file of Apple's."""

    @property
    def front_camera(self) -> bool | None:
        """What follows from all of them.

        The lens' name decides alone; then the makers' own signs, where they agree; Apple's
        focal length only where there is none of these.
        """
        if self.lens is not None:
            return self.lens
        votes = {self.apple, self.samsung, self.oppo, self.xiaomi} - {None}
        if votes:
            return votes.pop() if len(votes) == 1 else None
        return self.apple_focal_length


def read_camera_signs(exif: Exif, xmp: bytes, trailer: bytes) -> CameraSigns:
    """Look for every sign.

    Parameters
    ----------
    exif : Exif
    xmp : bytes
        The XMP packet.
    trailer : bytes
        The file's end, with what stands behind a JPEG's.

    Returns
    -------
    CameraSigns
    """
    return CameraSigns(
        lens=_from_lens(exif.photo.get(_LENS_MODEL), xmp),
        apple=_from_apple(read_apple_note(exif)),
        samsung=True if has_front_camera_block(trailer) else None,
        oppo=_from_oppo(exif.photo.get(_USER_COMMENT)),
        xiaomi=_from_xiaomi(exif.photo.get(_XIAOMI_JSON) or exif.main.get(_XIAOMI_JSON)),
        apple_focal_length=_from_apple_focal_length(exif),
    )


def _from_lens(lens_model: Value | None, xmp: bytes) -> bool | None:
    """Apple, Google and some others name the camera in LensModel."""
    text = _text(lens_model).strip("\0 ")
    texts = [text] if text else xmp_lenses(xmp)
    votes = {_side(text) for text in texts} - {None}
    return votes.pop() if len(votes) == 1 else None


def _side(lens: str) -> bool | None:
    lens = lens[:_MAX_LENS_TEXT]
    front, back = bool(_FRONT_LENS.search(lens)), bool(_BACK_LENS.search(lens))
    return front if front != back else None


def read_apple_note(exif: Exif) -> Tags:
    """Read the directory in Apple's maker note; empty in other makers' files.

    It is a TIFF directory behind a head of 14 bytes; offsets count from the head. Tag numbers:
    ExifTool's Apple tag table.
    """
    note = exif.photo.get(_MAKER_NOTE)
    if not isinstance(note, bytes) or not note.startswith(_APPLE_NOTE):
        return {}
    return read_directory(note, _APPLE_IFD_OFFSET, "<" if note[_APPLE_ORDER] == b"II" else ">")


def _from_apple(note: Tags) -> bool | None:
    """CameraType 6 and FrontFacingCamera 1 say front; 0 and 1, or 0, say nothing.

    iOS 16 and later write the zeros, and CameraType 1, in photos of the front camera as well.
    """
    front = note.get(_APPLE_CAMERA_TYPE) == _APPLE_FRONT_TYPE or note.get(_APPLE_FRONT_FACING) == 1
    return True if front else None


def _from_oppo(comment: Value | None) -> bool | None:
    match = _OPPO_COMMENT.match(_comment(comment))
    return bool(int(match[1]) & _OPPO_FRONT_BIT) if match else None


def _from_xiaomi(value: Value | None) -> bool | None:
    told = set(_XIAOMI_SENSOR.findall(_text(value)))
    return "front" in told if len(told) == 1 else None


def _from_apple_focal_length(exif: Exif) -> bool | None:
    focal, f_number = exif.photo.get(_FOCAL_LENGTH), exif.photo.get(_F_NUMBER)
    if _text(exif.main.get(_MAKE)).strip().lower() != "apple" or not isinstance(focal, float):
        return None
    if focal >= _APPLE_BACK_MM:
        return False
    low, high = _APPLE_OLD_FRONT_F
    old = isinstance(f_number, float) and low <= f_number <= high
    ranges = (_APPLE_FRONT_MM, _APPLE_OLD_FRONT_MM) if old else (_APPLE_FRONT_MM,)
    return True if any(low <= focal <= high for low, high in ranges) else None


def _text(value: Value | None) -> str:
    """Take text as text, and bytes as what they probably meant."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _comment(value: Value | None) -> str:
    """Take the text out of a user comment, with or without the eight bytes that name its code."""
    text = _text(value)
    if text.startswith("UNICODE\0"):  # UTF-16; only ASCII matters here
        text = text.replace("\0", "").removeprefix("UNICODE")
    return text.removeprefix("ASCII\0\0\0").strip("\0 ")
