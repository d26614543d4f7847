"""Photo to its best crop: every aspect, scale and place is scored from one pass over the pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from classicselfie.errors import CropError, NoFaceError
from classicselfie.photo import WORKING_SIZE, Photo, PhotoSource, open_photo
from classicselfie.quality.measures import Floats, QualityMaps
from classicselfie.quality.score import DEFAULT_SCORER, QualityScore, rate, score_quality, survey

Box = tuple[int, int, int, int]

ASPECTS: dict[str, float] = {"1:1": 1 / 1, "4:5": 4 / 5, "3:4": 3 / 4, "16:9": 16 / 9}
FREE = "free"
# What a free crop may be: from upright to lying phone screens.
_FREE_ASPECTS = tuple(np.geomspace(9 / 16, 16 / 9, 13).tolist())
_SCALES, _PLACES = 24, 15
_SHRINK = 0.5  # of the step between candidates, from one round of refining to the next
_ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Crop:
    """The best crop of a photo.

    Attributes
    ----------
    image : PIL.Image.Image
        The crop at full resolution, upright, with the photo's colour profile.
    box : tuple of int
        Left, top, right and bottom in pixels of the upright original.
    before : QualityScore
        Of the whole photo.
    expected : float
        The score that the search expected of the crop.
    after : QualityScore or None
        Of the crop itself, looked at anew; None where no face is found in it any more.
    """

    image: Image.Image
    box: Box
    before: QualityScore
    expected: float
    after: QualityScore | None

    def to_dict(self) -> dict[str, Any]:
        """Return what was found as plain values for JSON."""
        return {
            "box": list(self.box),
            "before": self.before.to_dict(),
            "expected": round(self.expected, 3),
            "after": self.after and self.after.to_dict(),
        }

    def __str__(self) -> str:
        """Return one readable line."""
        left, top, right, bottom = self.box
        real = "no face found" if self.after is None else f"{self.after.score:.1f}"
        return (
            f"{right - left} × {bottom - top} pixels from ({left}, {top}); "
            f"{self.before.score:.1f} points before, {real} after ({self.expected:.1f} expected)"
        )


def find_crop(source: PhotoSource, aspect: str = FREE) -> Crop:
    """Find and cut the crop of the best quality score that keeps the main faces whole.

    Parameters
    ----------
    source : path, bytes, binary file object, PIL image or ndarray
        As for `SelfieDetector.check`.
    aspect : {"1:1", "4:5", "3:4", "16:9", "free"}
        Width to height.

    Returns
    -------
    Crop
        Never enlarged; of a free aspect the whole photo, where no part scores better.

    Raises
    ------
    PhotoError
        If the photo cannot be read.
    NoFaceError
        If no face is found in it.
    CropError
        If no crop of the aspect keeps the faces whole.

    Examples
    --------
    >>> from classicselfie.crop import find_crop
    >>> crop = find_crop("photo.jpg", "1:1")
    >>> width, height = crop.image.size
    >>> width == height
    True
    """
    if hasattr(source, "read"):
        source = source.read()  # it is opened twice: small to look at, whole to cut from
    with open_photo(source) as file:
        photo = file.decode()
    maps = survey(photo)
    before = rate(photo, maps)
    try:
        box, expected = _search(photo, maps, aspect)
    except CropError:
        if aspect != FREE:
            raise
        box, expected = (0, 0, *photo.size), before.score  # faces all across a wide picture
    image = _cut(source, box)
    after = _look(image)
    if aspect == FREE and (after is None or after.score < before.score):
        box = (0, 0, *photo.size)
        image, expected, after = _cut(source, box), before.score, before
    return Crop(image, box, before, expected, after)


def _cut(source: PhotoSource, box: Box) -> Image.Image:
    with open_photo(source) as file:
        return file.cut(box)


def _look(image: Image.Image) -> QualityScore | None:
    try:
        return score_quality(image)
    except NoFaceError:
        return None


def _search(photo: Photo, maps: QualityMaps, aspect: str) -> tuple[Box, float]:
    """Score candidates everywhere, then finer ones around the best of them."""
    ratio = photo.scale[1] / photo.scale[0]  # of pixels that are not quite square
    aspects = _FREE_ASPECTS if aspect == FREE else (ASPECTS[aspect],)
    whole = _faces_box(maps)
    candidates = [
        boxes for each in aspects for boxes in _candidates(photo, maps, whole, each * ratio)
    ]
    if not candidates:
        raise CropError(f"no crop of the aspect {aspect} keeps the face whole")
    boxes = np.concatenate(candidates)
    scores = DEFAULT_SCORER.scores(maps.measure(boxes))
    best, score = boxes[np.argmax(scores)], float(scores.max())
    step = (best[3] - best[1]) / _SCALES
    for _ in range(_ROUNDS):
        boxes = _around(best, step)
        boxes = boxes[_allowed(boxes, photo, maps, whole)]
        if len(boxes):
            scores = DEFAULT_SCORER.scores(maps.measure(boxes))
            if scores.max() > score:
                best, score = boxes[np.argmax(scores)], float(scores.max())
        step *= _SHRINK
    return _in_original(best, photo, None if aspect == FREE else ASPECTS[aspect]), score


def _faces_box(maps: QualityMaps) -> Floats:
    """Box around the main faces, as far as they lie in the picture."""
    boxes = np.array([face.bbox for face in maps.scene.similar])
    limits = [maps.scene.width, maps.scene.height]
    low = np.clip(boxes[:, :2].min(axis=0), 0, limits)
    high = np.clip((boxes[:, :2] + boxes[:, 2:]).max(axis=0), 0, limits)
    return np.concatenate([low, high])


def _smallest(photo: Photo) -> float:
    """Height and width that a crop must not both stay below, in working pixels.

    What has fewer pixels than the working size would look blurred at it.
    """
    return min(WORKING_SIZE / max(photo.scale), float(max(photo.image.shape[:2])))


def _candidates(photo: Photo, maps: QualityMaps, whole: Floats, aspect: float) -> Iterator[Floats]:
    """Spread boxes of one aspect over all scales and places that keep the faces whole."""
    width, height = maps.scene.width, maps.scene.height
    tallest = min(height, width / aspect)
    lowest = max(whole[3] - whole[1], (whole[2] - whole[0]) / aspect)
    lowest = max(lowest, _smallest(photo) / max(1.0, aspect))
    if lowest > tallest:
        return
    for tall in np.geomspace(lowest, tallest, _SCALES):
        wide = tall * aspect
        left = np.linspace(max(0.0, whole[2] - wide), min(whole[0], width - wide), _PLACES)
        top = np.linspace(max(0.0, whole[3] - tall), min(whole[1], height - tall), _PLACES)
        x, y = (grid.ravel() for grid in np.meshgrid(left, top))
        yield np.stack([x, y, x + wide, y + tall], axis=1)


def _around(box: Floats, step: float) -> Floats:
    """Move a box, and grow or shrink it in its aspect."""
    left, top, right, bottom = box
    shifts = np.array([-1.0, 0.0, 1.0]) * step
    x, y, grow = (grid.ravel() for grid in np.meshgrid(shifts, shifts, shifts))
    tall = bottom - top + grow
    wide = tall * (right - left) / (bottom - top)
    x0, y0 = (left + right - wide) / 2 + x, (top + bottom - tall) / 2 + y
    return np.stack([x0, y0, x0 + wide, y0 + tall], axis=1)


def _allowed(
    boxes: Floats, photo: Photo, maps: QualityMaps, whole: Floats
) -> npt.NDArray[np.bool_]:
    x0, y0, x1, y1 = boxes.T
    inside = (x0 >= 0) & (y0 >= 0) & (x1 <= maps.scene.width) & (y1 <= maps.scene.height)
    kept = (x0 <= whole[0]) & (y0 <= whole[1]) & (x1 >= whole[2]) & (y1 >= whole[3])
    large = np.maximum(x1 - x0, y1 - y0) >= _smallest(photo)
    allowed: npt.NDArray[np.bool_] = inside & kept & large
    return allowed


def _in_original(box: Floats, photo: Photo, aspect: float | None) -> Box:
    """Bring a box to whole pixels of the upright original, in the exact aspect."""
    corners = photo.to_original(box.reshape(2, 2).astype(np.float32)).astype(np.float64)
    (x0, y0), (x1, y1) = corners
    width, height = round(x1 - x0), round(y1 - y0)
    if aspect is not None:
        height = min(height, int(photo.size[0] / aspect), photo.size[1])
        width = min(round(height * aspect), photo.size[0])
    left = int(np.clip(round((x0 + x1 - width) / 2), 0, photo.size[0] - width))
    top = int(np.clip(round((y0 + y1 - height) / 2), 0, photo.size[1] - height))
    return left, top, left + width, top + height


def check_suffix(suffix: str) -> None:
    """Raise `CropError` where a file's suffix names no format of a crop."""
    if suffix.lower() not in _FORMATS:
        raise CropError(f"the crop must end in {', '.join(_FORMATS)}, not {suffix or 'nothing'}")


def encode(image: Image.Image, suffix: str) -> bytes:
    """Encode a crop with its colour profile.

    Parameters
    ----------
    image : PIL.Image.Image
    suffix : {".jpg", ".jpeg", ".png", ".webp"}

    Raises
    ------
    CropError
        If the suffix names no such format, or the crop is too large for it.
    """
    check_suffix(suffix)
    options = _FORMATS[suffix.lower()]
    stream = io.BytesIO()
    try:
        image.save(stream, icc_profile=image.info.get("icc_profile"), **options)
    except (OSError, ValueError) as error:  # WebP ends at 16383 pixels a side, JPEG at 65500
        raise CropError(f"the crop cannot be written as {options['format']}: {error}") from error
    return stream.getvalue()


_JPEG: dict[str, Any] = {"format": "JPEG", "quality": 95}
_FORMATS: dict[str, dict[str, Any]] = {
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".png": {"format": "PNG"},
    ".webp": {"format": "WebP", "quality": 95},
}
