"""From an opened picture to upright BGR pixels, no larger than the working size needs."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from classicselfie.images import BgrImage, resize
from classicselfie.photo.deep import find_range, is_deep, read_numbers, to_bytes
from classicselfie.photo.working import WORKING_SIZE


def decode(image: Image.Image, draft: bool) -> npt.NDArray[np.uint8]:
    """Decode to RGB, at the smallest scale that keeps `WORKING_SIZE` on the long side."""
    long_side = max(image.size)
    if draft and isinstance(image, ImageFile.ImageFile) and long_side > WORKING_SIZE:
        width, height = image.size
        # Only JPEG can; the others ignore it.
        image.draft(
            None,
            (
                -(-width * WORKING_SIZE // long_side),
                -(-height * WORKING_SIZE // long_side),
            ),
        )
    # By areas and before it is turned: every orientation then gives the same upright pixels.
    if is_deep(image):
        numbers = halfway(read_numbers(image))
        return _repeated(to_bytes(numbers, find_range(numbers, image.mode)))
    if image.has_transparency_data:
        # Premultiplied: the colour that hides in transparent pixels has no part in averages.
        premultiplied = halfway(np.asarray(image.convert("RGBA").convert("RGBa")))
        return cast(BgrImage, premultiplied[..., :3] + (255 - premultiplied[..., 3:]))
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    pixels = halfway(np.asarray(image))
    return _repeated(pixels) if pixels.ndim == 2 else pixels


def _repeated(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.repeat(grey[..., None], 3, axis=2)


def halfway(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Shrink what could not be decoded small to twice the working size."""
    height, width = pixels.shape[:2]
    ratio = WORKING_SIZE / max(height, width)
    if ratio > 0.5:
        return pixels
    if pixels.dtype != np.uint8:  # OpenCV cannot average every type that Pillow gives
        pixels = pixels.astype(np.float32)
    return resize(pixels, 2 * max(1, round(width * ratio)), 2 * max(1, round(height * ratio)))


def upright_bgr(pixels: npt.NDArray[np.uint8], orientation: int) -> BgrImage:
    """Turn RGB to BGR and undo one of the eight EXIF orientations (TIFF 6.0, tag 274)."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    if orientation in (5, 6, 7, 8):
        bgr = cv2.transpose(bgr)
    if orientation in (3, 4, 7, 8):
        bgr = cv2.flip(bgr, 0)
    if orientation in (2, 3, 6, 7):
        bgr = cv2.flip(bgr, 1)
    return cast(BgrImage, bgr)
