"""The same accidents for both classes, so that no filter, crop or re-encoding tells the class."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.faces import Bbox
from classicselfie.images import BgrImage, resize

# Changes whenever the same seed would give another picture; cached features name it.
AUGMENTATION_VERSION = 2
# What phones, cameras and social networks make: width by height.
_ASPECTS = (1, 4 / 5, 3 / 4, 2 / 3, 9 / 16, 5 / 4, 4 / 3, 3 / 2, 16 / 9)


def augment(image: BgrImage, generator: np.random.Generator, face: Bbox | None = None) -> BgrImage:
    """Make a plausible other version of a photo.

    Crops to another common aspect, tilts, crops up to 15 % off some sides, mirrors, changes
    exposure, contrast, saturation and white balance as filters do, blurs, adds noise, shrinks,
    re-encodes as JPEG of quality 15 to 92, and adds bars or a frame of one colour.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR.
    generator : numpy.random.Generator
    face : tuple of float, optional
        x, y, width, height of what the change of aspect keeps in the picture.

    Returns
    -------
    ndarray of uint8, shape (height', width', 3)
    """
    if generator.random() < 0.5:
        image = _to_aspect(image, _ASPECTS[generator.integers(len(_ASPECTS))], generator, face)
    if generator.random() < 0.25:
        image = _tilted(image, generator.uniform(-40, 40))
    height, width = image.shape[:2]
    if generator.random() < 0.7:
        left, right, top, bottom = generator.uniform(0, 0.15, 4) * (generator.random(4) < 0.6)
        image = image[
            int(top * height) : height - int(bottom * height),
            int(left * width) : width - int(right * width),
        ]
    if generator.random() < 0.5:
        image = image[:, ::-1]
    pixels: npt.NDArray[Any] = image.astype(np.float32) / 255
    if generator.random() < 0.7:
        pixels = pixels ** np.float32(np.exp(generator.uniform(-0.8, 0.9)))
    if generator.random() < 0.5:
        pixels = (pixels - 0.5) * generator.uniform(0.75, 1.3) + 0.5
        pixels += generator.uniform(-0.06, 0.06)
    if generator.random() < 0.6:
        saturation = 0.0 if generator.random() < 0.12 else generator.uniform(0.5, 1.4)
        pixels = np.clip(pixels, 0, 1).astype(np.float32)
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[..., None]
        pixels = grey + (pixels - grey) * saturation
    if generator.random() < 0.5:
        pixels = pixels * generator.uniform(0.9, 1.1, 3)
    if generator.random() < 0.4:
        pixels = cv2.GaussianBlur(pixels, (0, 0), generator.uniform(0.3, 1.3))
    if generator.random() < 0.3:
        pixels = pixels + generator.normal(0, generator.uniform(0.005, 0.03), pixels.shape)
    changed = (np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    scale = generator.uniform(0.5, 1.0)
    changed = resize(changed, round(changed.shape[1] * scale), round(changed.shape[0] * scale))
    quality = int(generator.integers(15, 93))
    _, encoded = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cast(BgrImage, cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    return _with_border(decoded, generator) if generator.random() < 0.35 else decoded


def _tilted(image: BgrImage, degrees: float) -> BgrImage:
    """Turn a picture around its middle, enlarged so that no corner stays empty."""
    height, width = image.shape[:2]
    angle = np.radians(abs(degrees))
    zoom = np.cos(angle) + np.sin(angle) * max(width / height, height / width)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, float(zoom))
    return cast(BgrImage, cv2.warpAffine(image, matrix, (width, height)))


def _to_aspect(
    image: BgrImage, aspect: float, generator: np.random.Generator, face: Bbox | None
) -> BgrImage:
    """Cut the largest window of an aspect, with the face inside as far as it fits."""
    height, width = image.shape[:2]
    x, y, w, h = face or (0.0, 0.0, float(width), float(height))
    wide, tall = int(min(width, height * aspect)), int(min(height, width / aspect))
    left = _start(x, w, wide, width, generator)
    top = _start(y, h, tall, height, generator)
    return image[top : top + tall, left : left + wide]


def _start(
    start: float, length: float, window: int, whole: int, generator: np.random.Generator
) -> int:
    """Draw where a window begins, so that it holds a part of the whole if it can."""
    bounds = np.clip([start + length - window, start], 0, whole - window)
    return int(generator.uniform(bounds.min(), bounds.max()))


def _with_border(image: BgrImage, generator: np.random.Generator) -> BgrImage:
    """Add a frame, or bars above and below or at both sides: white, black or coloured."""
    height, width = image.shape[:2]
    colour = [255 * int(generator.integers(2))] * 3
    if generator.random() < 0.2:
        colour = generator.integers(0, 256, 3).tolist()
    across, down = (generator.uniform(0.02, 0.2, 2) * (width, height)).astype(int).tolist()
    sides = generator.integers(3)  # a frame, bars above and below, bars left and right
    top, left = (0 if sides == 2 else down), (0 if sides == 1 else across)
    return cast(
        BgrImage,
        cv2.copyMakeBorder(image, top, top, left, left, cv2.BORDER_CONSTANT, value=colour),
    )
