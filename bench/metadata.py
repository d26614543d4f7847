"""Count again what each sign says, what the weights rest on, and how well they separate.

    python bench/metadata.py ../shared/exif/index.csv

The weights' counts are of distinct camera models. Each model's files are judged with that model
left out of the counts. What version 0.1 made of a sign is counted beside it.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from classicselfie.camera import CameraSigns, read_apple_note, read_camera_signs
from classicselfie.exif import Exif
from classicselfie.metadata import (
    FOCAL_RANGES_MM,
    FOCAL_SHARE_BACK,
    FOCAL_SHARE_FRONT,
    PLACEHOLDER_FOCAL_MM,
    TURNED_SHARE_BACK,
    TURNED_SHARE_FRONT,
    is_android,
    read_hints,
)
from classicselfie.photo import open_photo

MAKE, ORIENTATION = 0x010F, 0x0112
USER_COMMENT, ZOOM, EQUIVALENT = 0x9286, 0xA404, 0xA405
APPLE_TYPE, APPLE_FACING = 0x002E, 0x0045
TRUTHS = ("yes", "no", "unknown")


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


def answers_of_0_1(signs: CameraSigns, exif: Exif) -> dict[str, bool | None]:
    """Tell what version 0.1 made of the signs that it knew."""
    note = read_apple_note(exif)
    apple_type = {6: True, 0: False, 1: False}.get(note.get(APPLE_TYPE))
    apple_facing = {1: True, 0: False}.get(note.get(APPLE_FACING))
    votes = {apple_type, apple_facing} - {None}
    known = {
        "lens": signs.lens,
        "apple": votes.pop() if len(votes) == 1 else None,
        "samsung": signs.samsung,
    }
    every = {signs.lens, apple_type, apple_facing, signs.samsung} - {None}
    return known | {"answer": every.pop() if len(every) == 1 else None}


def weak_signs(exif: Exif) -> dict[str, bool]:
    """Tell which of the signs a file shows that were proposed as evidence."""
    comment = exif.photo.get(USER_COMMENT, "")
    comment = comment.decode("latin-1") if isinstance(comment, bytes) else str(comment)
    zoom, equivalent = exif.photo.get(ZOOM), exif.photo.get(EQUIVALENT)
    maker = exif.main.get(MAKE)
    samsung = isinstance(maker, str) and maker.lower().startswith("samsung")
    return {
        "Android, orientation 8": is_android(maker) and exif.main.get(ORIENTATION) == 8,
        "jpegRotation: 270": "jpegRotation: 270" in comment,
        "Samsung, zoom 1.23-1.24 at 31-32 mm": samsung
        and isinstance(zoom, float)
        and 1.225 <= zoom < 1.245
        and equivalent in (31, 32),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("index", type=Path, help="index.csv of a folder of real files")
    index: Path = parser.parse_args().index
    with index.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    photos: list[tuple[Camera, str]] = []
    answers: Counter[tuple[str, str, str]] = Counter()
    said: Counter[tuple[str, str, bool | None, str]] = Counter()
    weak: Counter[tuple[str, str]] = Counter()
    turned: dict[bool, dict[str, bool]] = {True: {}, False: {}}
    for row in rows:
        try:
            with open_photo(index.parent / row["path"]) as file:
                hints = read_hints(file)
                exif = file.exif
                signs = read_camera_signs(exif, file.xmp, file.trailer)
        except Exception as error:
            answers[row["is_front"], row["how"], f"unreadable ({type(error).__name__})"] += 1
            continue
        answers[row["is_front"], row["how"], str(hints.front_camera)] += 1
        now = signs._asdict() | {"answer": signs.front_camera}
        for version, told in (("now", now), ("0.1", answers_of_0_1(signs, exif))):
            for sign, says in told.items():
                said[version, sign, says, row["is_front"]] += 1
        for sign, is_shown in weak_signs(exif).items():
            weak[sign, row["is_front"]] += is_shown
        if is_android(exif.main.get(MAKE)) and row["is_front"] != "unknown":
            models = turned[row["is_front"] == "yes"]
            name = f"{row['make']} {row['model']}"
            models[name] = models.get(name, False) or exif.main.get(ORIENTATION) == 8
        if row["is_front"] != "unknown" and hints.focal_length_mm is not None:
            model = f"{row['make']} {row['model']}"
            camera = Camera(model, hints.focal_length_mm, row["is_front"] == "yes")
            photos.append((camera, row["path"]))
    print("front_camera by truth and how it is known:")
    for key, count in sorted(answers.items()):
        print(f"  truth {key[0]:8} ({key[1] or 'nothing tells'}): {key[2]:24} {count:4}")
    print("files of front / back / unknown cameras, by sign:")
    print("| sign | says | 0.1 | now |\n|---|---|---|---|")
    for sign in (*CameraSigns._fields, "answer"):
        for says in (True, False):
            before, after = (
                " / ".join(str(said[version, sign, says, truth]) for truth in TRUTHS)
                for version in ("0.1", "now")
            )
            name = sign.replace("_", " ")
            print(f"| {name} | {'front' if says else 'back'} | {before} | {after} |")
    for sign in dict.fromkeys(sign for sign, _ in weak):
        counts = " / ".join(str(weak[sign, truth]) for truth in TRUTHS)
        print(f"| {sign} | hint only | | {counts} |")
    print("Android models with a photo of orientation 8 (smoothed here | in the library):")
    for name, front, known in (
        ("front", True, TURNED_SHARE_FRONT),
        ("back", False, TURNED_SHARE_BACK),
    ):
        with_it, all_of_them = sum(turned[front].values()), len(turned[front])
        share = (with_it + 1) / (all_of_them + 2)
        print(f"  {name:5} {with_it} of {all_of_them}: {share:.4f}|{known:.4f}")
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
