"""Draw a folder of pictures to try `classicselfie explore` on, without a photo of anybody.

    python bench/draw_gallery.py FOLDER

The pictures of docs/explore.md show its gallery.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from classicselfie.benchmark.drawing import draw_head, draw_scene
from classicselfie.images import BgrImage

SIZES = ((480, 640), (600, 600), (800, 600), (720, 405))


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(240):
        kind = ("near", "arm", "group", "far", "crowd", "room")[number % 6]
        width, height = SIZES[rng.integers(len(SIZES))]
        image = draw_scene(width, height, seed=number)
        if kind in ("near", "arm"):
            low, high = (0.5, 0.75) if kind == "near" else (0.3, 0.45)
            x, y = rng.uniform(0.38, 0.62), rng.uniform(0.48, 0.6)
            draw_head(image, (x * width, y * height), rng.uniform(low, high) * height)
        elif kind != "room":
            count = {"group": 3, "far": 1, "crowd": 6}[kind]
            size = {"group": 0.28, "far": 0.14, "crowd": 0.1}[kind] * height
            for place in range(count):
                x = width * (place + rng.uniform(0.4, 0.6)) / count
                y = height * rng.uniform(0.4, 0.55)
                draw_head(image, (x, y), size * rng.uniform(0.85, 1.15))
        cv2.imwrite(str(folder / f"{kind} {number:03}.jpg"), camera(image, rng))


def camera(image: BgrImage, rng: np.random.Generator) -> BgrImage:
    """Look through another camera: light, colours, sharpness, noise, a slight tilt."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 6), 1.12)
    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    soft = cv2.GaussianBlur(turned, (0, 0), rng.uniform(0.3, 2.0))
    light = (soft / 255.0) ** rng.uniform(0.6, 1.6) * 255 * rng.uniform(0.85, 1.1, 3)
    noise = rng.normal(0, rng.uniform(1, 9), image.shape)
    return np.clip(light + noise, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
