"""Draw the pictures of docs/explain.md: drawn people, explained.

python bench/draw_explained.py docs/pictures
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import SKIN, draw_person, draw_scene
from classicselfie.explain.figure import draw_figure
from classicselfie.images import BgrImage


def main(folder: Path) -> None:
    detector = SelfieDetector()
    for name, picture in {
        "close_selfie": close_selfie(),
        "person_from_afar": draw_person(640, 480, (0.5, 0.45), 0.15),
        "room": draw_scene(640, 480, seed=3),
    }.items():
        figure = draw_figure(detector.explain(picture))
        (folder / f"explained_{name}.png").write_bytes(figure)


def close_selfie() -> BgrImage:
    """Draw a head near the camera, and an arm that runs into the right edge."""
    picture = draw_person(480, 640, (0.4, 0.4), 0.45)
    arm = np.array([(480, 420), (480, 560), (390, 640), (330, 640)])
    cv2.fillPoly(picture, [arm], SKIN, cv2.LINE_AA)
    return picture


if __name__ == "__main__":
    main(Path(sys.argv[1]))
