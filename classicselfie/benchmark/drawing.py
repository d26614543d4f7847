"""Drawn pictures, for the benchmark and the tests: no photo of a person is kept here.

The drawn head is plain (ovals, shading, hair), but real enough for both face detectors.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from classicselfie.images import BgrImage

SKIN = (150, 185, 225)
HAIR = (35, 45, 60)


def draw_scene(width: int, height: int, seed: int = 0) -> BgrImage:
    """Draw a room: a graded wall with soft shapes on it."""
    generator = np.random.default_rng(seed)
    ramp = np.linspace(200, 120, height, dtype=np.float32)[:, None, None]
    image = np.broadcast_to(ramp * np.array([0.85, 0.95, 1.0]), (height, width, 3))
    canvas = np.ascontiguousarray(image.astype(np.uint8))
    for _ in range(12):
        x, y = generator.integers(0, width), generator.integers(0, height)
        w, h = (
            generator.integers(width // 12, width // 4),
            generator.integers(height // 12, height // 4),
        )
        colour = tuple(int(v) for v in generator.integers(60, 230, 3))
        cv2.rectangle(canvas, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    return cast(BgrImage, cv2.GaussianBlur(canvas, (0, 0), max(1.0, width / 400)))


def draw_head(image: BgrImage, centre: tuple[float, float], size: float) -> None:
    """Draw a head with shoulders into `image`; `size` is the face's height in pixels."""
    x, y = centre

    def at(dx: float, dy: float) -> tuple[int, int]:
        return round(x + dx * size), round(y + dy * size)

    def oval(
        dx: float, dy: float, w: float, h: float, colour: tuple[int, int, int], *, angle: float = 0
    ) -> None:
        axes = (max(1, round(w * size / 2)), max(1, round(h * size / 2)))
        cv2.ellipse(image, at(dx, dy), axes, angle, 0, 360, colour, -1, cv2.LINE_AA)

    oval(0, 1.35, 2.0, 1.5, (120, 70, 50))  # shoulders
    oval(0, 0.55, 0.4, 0.6, (130, 165, 205))  # neck
    oval(0, -0.1, 0.95, 1.2, HAIR)
    oval(0, 0, 0.74, 1.0, SKIN)
    oval(0.08, 0.05, 0.5, 0.8, (160, 195, 235))  # the lit side
    oval(0, -0.42, 0.62, 0.26, HAIR)
    for side in (-1, 1):
        oval(side * 0.17, -0.17, 0.2, 0.035, (40, 55, 80), angle=side * 8)  # brow
        oval(side * 0.17, -0.07, 0.17, 0.085, (235, 240, 245))
        oval(side * 0.17, -0.07, 0.08, 0.085, (50, 60, 70))
        oval(side * 0.17, -0.07, 0.035, 0.035, (10, 10, 10))
        oval(side * 0.05, 0.14, 0.05, 0.03, (90, 120, 165))  # nostril
    oval(0.03, 0.06, 0.07, 0.24, (150, 185, 230))
    oval(0, 0.145, 0.16, 0.07, (135, 170, 215))
    oval(0, 0.29, 0.3, 0.1, (95, 95, 185))
    cv2.line(image, at(-0.14, 0.29), at(0.14, 0.29), (60, 55, 130), max(1, round(size / 80)))


def draw_person(
    width: int = 480, height: int = 640, centre: tuple[float, float] = (0.5, 0.5), face: float = 0.4
) -> BgrImage:
    """Draw a person in a room; `centre` and `face` (height) are shares of the frame."""
    return draw_group(width, height, (*centre, face))


def draw_group(width: int, height: int, *heads: tuple[float, float, float]) -> BgrImage:
    """Draw people in a room: where each one's face is and its height, in shares of the frame."""
    image = draw_scene(width, height)
    for x, y, face in heads:
        draw_head(image, (x * width, y * height), face * height)
    sharpest = min(face for _, _, face in heads)
    return cast(BgrImage, cv2.GaussianBlur(image, (0, 0), max(0.5, sharpest * height / 300)))


def turned(upright: BgrImage, orientation: int) -> BgrImage:
    """Store a picture so that undoing the EXIF orientation makes it upright (TIFF 6.0, 274)."""
    stored = upright
    if orientation in (2, 3, 6, 7):
        stored = stored[:, ::-1]
    if orientation in (3, 4, 7, 8):
        stored = stored[::-1]
    if orientation in (5, 6, 7, 8):
        stored = stored.transpose(1, 0, 2)
    return np.ascontiguousarray(stored)


def golden_pictures() -> dict[str, BgrImage]:
    """Drawn pictures of every sort: near, far, low, lying, and an empty room."""
    return {
        "near": draw_person(480, 640, (0.5, 0.5), 0.6),
        "arm's length": draw_person(600, 800, (0.45, 0.55), 0.35),
        "far": draw_person(800, 600, (0.6, 0.4), 0.15),
        "low": draw_person(480, 480, (0.5, 0.85), 0.5),
        "lying": np.ascontiguousarray(np.rot90(draw_person(480, 640, (0.5, 0.5), 0.5))),
        "empty room": draw_scene(640, 480, seed=3),
    }


def port_pictures() -> dict[str, BgrImage]:
    """Draw what a port is compared on: the golden pictures, and what they have nothing of."""
    reaching = draw_person(480, 640, (0.55, 0.4), 0.4)
    cv2.line(reaching, (330, 480), (479, 560), SKIN, 70)
    grey = cv2.cvtColor(draw_person(480, 640, (0.5, 0.4), 0.3), cv2.COLOR_BGR2GRAY)
    return golden_pictures() | {
        "in doubt": draw_person(480, 800, (0.4, 0.6), 0.5),
        "nearest at the side": draw_group(
            800, 600, (0.5, 0.4, 0.22), (0.78, 0.45, 0.2), (0.2, 0.6, 0.38)
        ),
        "heads together": draw_group(640, 480, (0.32, 0.45, 0.3), (0.56, 0.5, 0.28)),
        "crowd": draw_group(800, 600, *((x, 0.5, 0.11) for x in (0.15, 0.4, 0.65, 0.88))),
        "arm": cast(BgrImage, cv2.GaussianBlur(reaching, (0, 0), 1.0)),
        "grey": cast(BgrImage, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)),
    }
