"""Known damage, and skin of another colour: what a quality score must and must not see."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from classicselfie.faces import Bbox
from classicselfie.images import BgrImage
from classicselfie.skin import segment_skin

_GAMMA = 2.2


def darken(image: BgrImage, stops: float) -> BgrImage:
    """Take light away: half of it per stop."""
    levels = 255.0 * (np.arange(256) / 255.0 * 2.0 ** (-stops / _GAMMA))
    return cast(BgrImage, cv2.LUT(image, np.rint(levels).astype(np.uint8)))


def blur(image: BgrImage, sigma: float) -> BgrImage:
    """Put out of focus; `sigma` in thousandths of the longest side."""
    return cast(BgrImage, cv2.GaussianBlur(image, (0, 0), sigma * max(image.shape) / 1000))


def add_noise(image: BgrImage, sigma: float) -> BgrImage:
    """Add Gaussian noise of `sigma` grey levels; the same on every call."""
    noise = np.random.default_rng(0).normal(0.0, sigma, image.shape)
    return cast(BgrImage, np.clip(np.rint(image + noise), 0, 255).astype(np.uint8))


def sharpen(image: BgrImage, amount: float) -> BgrImage:
    """Sharpen by an unsharp mask of 6 thousandths of the longest side."""
    detail = image - cv2.GaussianBlur(image, (0, 0), 0.006 * max(image.shape)).astype(np.float32)
    return cast(BgrImage, np.clip(np.rint(image + amount * detail), 0, 255).astype(np.uint8))


def smooth_skin(image: BgrImage, times: int) -> BgrImage:
    """Smooth all but edges, as beauty filters do, so many times over."""
    for _ in range(times):
        image = cast(BgrImage, cv2.bilateralFilter(image, 0, 30, 0.006 * max(image.shape)))
    return image


def crop_tightly(image: BgrImage, bbox: Bbox, share: float) -> BgrImage:
    """Cut around a face until it fills `share` of the height, in the frame's own aspect."""
    height, width = image.shape[:2]
    x, y, w, h = bbox
    rows = min(height, round(h / share))
    columns = min(width, round(rows * width / height))
    left = int(np.clip(round(x + w / 2 - columns / 2), 0, width - columns))
    top = int(np.clip(round(y + h / 2 - rows / 2), 0, height - rows))
    return np.ascontiguousarray(image[top : top + rows, left : left + columns])


def tilt(image: BgrImage, degrees: float) -> BgrImage:
    """Turn the picture clockwise within its frame; corners are mirrored in."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    return cast(
        BgrImage, cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    )


def recolour_skin(image: BgrImage, bbox: Bbox, albedo: tuple[float, float, float]) -> BgrImage:
    """Give the person of a face another skin under the same light.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR.
    bbox : tuple of float
        Of the face, in pixels of `image`.
    albedo : tuple of float
        What the skin's blue, green and red light are multiplied by.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Only skin that hangs together with the face is changed: nothing beside the head, where
        a wall may have its colour.
    """
    skin = segment_skin(image, bbox)
    x, y, w, h = bbox
    chin = max(0, round(y + h))
    skin[: max(0, round(y - 0.2 * h))] = 0
    skin[:chin, : max(0, round(x - 0.1 * w))] = 0
    skin[:chin, max(0, round(x + 1.1 * w)) :] = 0
    count, labels = cv2.connectedComponents(skin)
    inner = labels[
        max(0, round(y + 0.2 * h)) : max(0, round(y + 0.9 * h)),
        max(0, round(x + 0.2 * w)) : max(0, round(x + 0.8 * w)),
    ]
    sizes = np.bincount(inner.ravel(), minlength=count)
    sizes[0] = 0
    mask = ((labels == int(np.argmax(sizes))) & bool(sizes.any())).astype(np.uint8)
    # Close the holes that highlights leave: an edge within the skin would be new detail.
    side = 1 + 2 * round(0.08 * h)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    soft = cv2.GaussianBlur(closed.astype(np.float32), (0, 0), max(0.7, 0.03 * h))[..., None]
    light = (image.astype(np.float32) / 255) ** np.float32(_GAMMA)
    changed = light * (1 + soft * (np.array(albedo, np.float32) - 1))
    return cast(BgrImage, np.rint(255 * np.clip(changed, 0, 1) ** (1 / _GAMMA)).astype(np.uint8))
