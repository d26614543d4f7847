"""The same accidents for both classes, so that no filter, crop or re-encoding tells the class."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.images import BgrImage, resize

# Changes whenever the same seed would give another picture; cached features name it.
AUGMENTATION_VERSION = 1


def augment(image: BgrImage, generator: np.random.Generator) -> BgrImage:
    """Make a plausible other version of a photo.

    Crops up to 15 % off some sides, mirrors, changes exposure, contrast, saturation and white
    balance as filters do, blurs, adds noise, shrinks, and re-encodes as JPEG of quality 40 to 92.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR.
    generator : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (height', width', 3)
    """
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
        pixels = pixels ** np.float32(generator.uniform(0.65, 1.5))
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
    quality = int(generator.integers(40, 93))
    _, encoded = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cast(BgrImage, cv2.imdecode(encoded, cv2.IMREAD_COLOR))
