"""Count again what the metadata's weights rest on, and report how well they separate.

    python bench/metadata.py ../shared/exif/index.csv

The counts are of distinct camera models. Each model's files are judged with that model left out
of the counts.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from classicselfie.metadata import (
    FOCAL_RANGES_MM,
    FOCAL_SHARE_BACK,
    FOCAL_SHARE_FRONT,
    PLACEHOLDER_FOCAL_MM,
    read_hints,
)
from classicselfie.photo import open_photo


class Camera(NamedTuple):
    model: str
    focal_mm: float
    front: bool


def focal_range(focal_mm: float) -> int | None:
    """Index of the range a focal length falls into; None where it tells nothing."""
    if math.isclose(focal_mm, PLACEHOLDER_FOCAL_MM):
        return None
    for index, (low, high) in enumerate(FOCAL_RANGES_MM):
        if low <= focal_mm < high:
            return index
    return None


def shares(cameras: set[Camera], front: bool) -> list[float]:
    """Smoothed share of camera models per range."""
    counts = Counter(focal_range(c.focal_mm) for c in cameras if c.front == front)
    total = sum(counts[index] + 1 for index in range(len(FOCAL_RANGES_MM)))
    return [(counts[index] + 1) / total for index in range(len(FOCAL_RANGES_MM))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("index", type=Path, help="index.csv of a folder of real files")
    index: Path = parser.parse_args().index
    with index.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    photos: list[tuple[Camera, str]] = []
    answers: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        try:
            with open_photo(index.parent / row["path"]) as file:
                hints = read_hints(file)
        except Exception as error:
            answers[row["is_front"], row["how"], f"unreadable ({type(error).__name__})"] += 1
            continue
        answers[row["is_front"], row["how"], str(hints.front_camera)] += 1
        if row["is_front"] != "unknown" and hints.focal_length_mm is not None:
            model = f"{row['make']} {row['model']}"
            camera = Camera(model, hints.focal_length_mm, row["is_front"] == "yes")
            photos.append((camera, row["path"]))
    print("front_camera by truth and how it is known:")
    for key, count in sorted(answers.items()):
        print(f"  truth {key[0]:8} ({key[1] or 'nothing tells'}): {key[2]:24} {count:4}")
    cameras = {camera for camera, _ in photos}
    print("camera models per focal range, smoothed shares (counted here | in the library):")
    for name, front, known in (
        ("front", True, FOCAL_SHARE_FRONT),
        ("back", False, FOCAL_SHARE_BACK),
    ):
        counted = shares(cameras, front)
        print(
            f"  {name:5}", " ".join(f"{a:.4f}|{b:.4f}" for a, b in zip(counted, known, strict=True))
        )
    tally: Counter[tuple[bool, str]] = Counter()
    for camera, _ in photos:
        rest = {other for other in cameras if other.model != camera.model}
        range_ = focal_range(camera.focal_mm)
        if camera.focal_mm >= FOCAL_RANGES_MM[-1][1]:
            verdict = "not a phone"
        elif range_ is None:
            verdict = "tells nothing"
        else:
            ratio = shares(rest, True)[range_] / shares(rest, False)[range_]
            verdict = "front" if ratio > 1 else "back"
        tally[camera.front, verdict] += 1
    print("focal-length evidence, each camera model left out of the counts that judge it:")
    for (front, verdict), count in sorted(tally.items()):
        print(f"  truth {'front' if front else 'back '} -> points to {verdict:14} {count:4} files")


if __name__ == "__main__":
    main()
