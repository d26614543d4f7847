"""Grey pictures of more than 8 bits a pixel: whole numbers of 16 or 32 bits, and floats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from classicselfie.errors import PhotoError

_Numbers = npt.NDArray[Any]
_SAMPLE_FORMAT, _UNSIGNED = 339, 1
_WHITE_16 = 65535
# Where no usual white fits, these percentiles become black and white.
_ENDS = (0.5, 99.5)


def is_deep(image: Image.Image) -> bool:
    """Tell whether its pixels are numbers that do not fit into a byte."""
    return image.mode == "F" or image.mode.startswith("I")


def read_numbers(image: Image.Image) -> _Numbers:
    """Read the pixels of a deep picture as they are meant.

    Parameters
    ----------
    image : PIL.Image.Image
        As it was opened: whether numbers are signed stands in the file.

    Returns
    -------
    ndarray, shape (height, width)
        Finite numbers; transparent pixels are white.

    Raises
    ------
    PhotoError
        If there is no number among them.
    """
    numbers = np.asarray(image)
    tags: Mapping[int, Any] | None = getattr(image, "tag_v2", None)  # a TIFF's
    if image.mode == "I" and tags is not None:
        kind = tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))
        if kind in (_UNSIGNED, (_UNSIGNED,)):  # Pillow reads all of them as signed
            numbers = numbers.view(np.uint32)
    if image.mode == "F":
        finite = np.isfinite(numbers)
        if not finite.any():
            raise PhotoError("its pixels hold no brightness: none of them is a number")
        return numbers if finite.all() else np.where(finite, numbers, np.float32(0))
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16") and isinstance(transparent, int):
        return np.where(numbers == transparent, np.uint16(_WHITE_16), numbers)
    return numbers


def find_range(numbers: _Numbers, mode: str) -> tuple[float, float]:
    """Tell which numbers are black and white.

    Parameters
    ----------
    numbers : ndarray, shape (height, width)
        At any scale.
    mode : str
        Pillow's, "F", "I", "I;16" and so on.

    Returns
    -------
    tuple of float
        16 bits are used to their end, as files of that kind mean it. For floats 0 to 1, and for
        others one of the usual ranges where the brightest pixel is in its upper half; else what
        is there, without its very ends.
    """
    if mode.startswith("I;16"):
        return 0.0, float(_WHITE_16)
    lowest, highest = float(numbers.min()), float(numbers.max())
    usual = (1.0, 255.0, 65535.0) if mode == "F" else (255.0, 65535.0)
    for white in usual:
        if lowest >= 0 and highest <= white and (white == usual[0] or highest > white / 2):
            return 0.0, white
    black, white = np.percentile(numbers, _ENDS)
    return (float(black), float(white)) if white > black else (lowest, max(highest, lowest + 1.0))


def to_bytes(numbers: _Numbers, ends: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """Scale from black and white to 0 and 255."""
    black, white = ends
    scaled = (numbers - black) / ((white - black) / 255)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def shallow(image: Image.Image) -> Image.Image:
    """Make a deep picture one of 8 bits, at full size."""
    numbers = read_numbers(image)
    grey = Image.fromarray(to_bytes(numbers, find_range(numbers, image.mode)))
    grey.info = image.info.copy()
    grey.info.pop("transparency", None)
    return grey
