"""Draw the two samples of the README: friends at arm's length, and somebody across a room.

python bench/draw_samples.py docs/pictures
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from classicselfie.benchmark.drawing import SKIN, draw_head, draw_scene
from classicselfie.benchmark.pictures import add_grain, sensor_noise
from classicselfie.images import BgrImage

WIDTH, HEIGHT = 640, 480
# Each friend's place and face height as shares of the frame, and the tint of whatever is drawn.
FRIENDS = (
    ((0.51, 0.60), 0.33, (0.55, 0.60, 0.68)),
    ((0.15, 0.52), 0.36, (1.05, 1.00, 1.00)),
    ((0.86, 0.50), 0.45, (0.80, 0.92, 0.98)),
)


def main(folder: Path) -> None:
    for name, picture in {"friends": friends(), "across_the_room": across_the_room()}.items():
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        (folder / f"drawn_{name}.jpg").write_bytes(jpeg.tobytes())


def friends() -> BgrImage:
    """Draw three friends with their heads together, the nearest of them half out of the frame."""
    picture = draw_scene(WIDTH, HEIGHT, seed=5)
    for (x, y), face, tint in FRIENDS:
        one = picture.copy()
        draw_smiling(one, x * WIDTH, y * HEIGHT, face * HEIGHT)
        drawn = (one != picture).any(axis=2)
        picture[drawn] = np.clip(one[drawn] * tint, 0, 255)
    return photographed(picture)


def across_the_room() -> BgrImage:
    """Draw somebody whom somebody else has photographed."""
    picture = draw_scene(WIDTH, HEIGHT, seed=3)
    x, y, size = round(0.42 * WIDTH), round(0.3 * HEIGHT), round(0.14 * HEIGHT)
    for side in (-1, 1):
        hip, foot = (x + side * size // 3, y + 3 * size), (x + side * size // 2, y + 5 * size)
        cv2.line(picture, hip, foot, (60, 50, 45), size // 2, cv2.LINE_AA)
        shoulder, hand = (
            (x + side * 4 * size // 5, y + 5 * size // 4),
            (x + side * size, y + 3 * size),
        )
        cv2.line(picture, shoulder, hand, SKIN, size // 4, cv2.LINE_AA)
    cv2.ellipse(
        picture,
        (x, y + 2 * size),
        (4 * size // 5, 3 * size // 2),
        0,
        0,
        360,
        (120, 70, 50),
        -1,
        cv2.LINE_AA,
    )
    draw_smiling(picture, x, y, size)
    return photographed(picture)


def draw_smiling(picture: BgrImage, x: float, y: float, size: float) -> None:
    """Draw a head whose mouth goes up at its corners."""
    draw_head(picture, (x, y), size)
    mouth = (round(x), round(y + 0.2 * size)), (round(0.18 * size), round(0.1 * size))
    cv2.ellipse(picture, *mouth, 0, 15, 165, (60, 55, 130), max(1, round(size / 40)), cv2.LINE_AA)


def photographed(picture: BgrImage) -> BgrImage:
    """Look at a drawing through a lens that is not quite sharp and a sensor with some noise."""
    soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.uint8)
    add_grain(soft, sensor_noise(WIDTH))
    return soft


if __name__ == "__main__":
    main(Path(sys.argv[1]))
