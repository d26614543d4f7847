"""The same accidents for both classes, so that no filter, crop or re-encoding tells the class."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.images import BgrImage, resize

# Changes whenever the same seed would give another picture; cached features name it.
AUGMENTATION_VERSION = 3


def augment(image: BgrImage, generator: np.random.Generator) -> BgrImage:
    """Make a plausible other version of a photo.

    Crops up to 8 % off some sides, changes exposure, contrast, saturation and white balance as
    filters do, blurs or sharpens, shrinks, and re-encodes most as JPEG of quality 45 to 95.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR.
    generator : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (height', width', 3)

    Notes
    -----
    Harder accidents (tilts, other aspects, bars, half the light) made the face detector's maps
    worse: docs/experiments.md.
    """
    height, width = image.shape[:2]
    if generator.random() < 0.6:
        left, right, top, bottom = generator.uniform(0, 0.08, 4) * (generator.random(4) < 0.6)
        image = image[
            int(top * height) : height - int(bottom * height),
            int(left * width) : width - int(right * width),
        ]
    pixels: npt.NDArray[Any] = image.astype(np.float32) / 255
    if generator.random() < 0.6:
        pixels = pixels ** np.float32(np.exp(generator.uniform(-0.35, 0.35)))
    if generator.random() < 0.5:
        pixels = np.clip((pixels - 0.5) * np.float32(generator.uniform(0.85, 1.15)) + 0.5, 0, 1)
    if generator.random() < 0.5:
        saturation = 0.0 if generator.random() < 0.06 else generator.uniform(0.7, 1.25)
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[..., None]
        pixels = grey + (pixels - grey) * np.float32(saturation)
    if generator.random() < 0.4:
        pixels = pixels * generator.uniform(0.95, 1.05, 3).astype(np.float32)
    lens = generator.random()
    if lens < 0.3:
        pixels = cv2.GaussianBlur(pixels, (0, 0), generator.uniform(0.3, 0.8))
    elif lens < 0.5:
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.0)
        pixels = pixels + (pixels - soft) * np.float32(generator.uniform(0.2, 0.7))
    changed = (np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    scale = generator.uniform(0.65, 1.0)
    height, width = changed.shape[:2]
    changed = resize(changed, max(8, round(width * scale)), max(8, round(height * scale)))
    if generator.random() < 0.7:
        quality = int(generator.integers(45, 96))
        _, encoded = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, quality])
        changed = cast(BgrImage, cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    return cast(BgrImage, changed)
