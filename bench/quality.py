"""Check the quality score on real selfies: known damage must lower it, skin colour must not.

    python bench/quality.py manifest.csv --split valid [--photos 250] [--json FILE]

Per damage, every pair of two strengths of the same photo (strength 0 is the photo itself) is in
order if the stronger one scores lower. A damaged photo in which no face is found any more has no
score; such pairs are counted apart. Recoloured skin is scored twice: with the heads where they
were found in the photo itself, and with the face detector's new answer, which moves by itself.
Sharpened and filtered photos are counted in which the part of that name is told; and pictures of
animals, statues and things that have a face for the detector, and get no score all the same.
Last comes the CPU time of a score over that of a check of the same decoded picture, one thread.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from damage import (
    add_noise,
    blur,
    crop_tightly,
    darken,
    recolour_skin,
    sharpen,
    smooth_skin,
    tilt,
)
from joblib import Parallel, delayed

from classicselfie.detector import SelfieDetector
from classicselfie.errors import NoFaceError
from classicselfie.faces import Face, YuNetDetector
from classicselfie.features import Scene
from classicselfie.images import BgrImage, resize
from classicselfie.photo import load_photo
from classicselfie.quality.measures import QualityMaps, find_heads
from classicselfie.quality.score import QualityScore, rate, score_quality, survey, view_detector

Damage = Callable[[BgrImage, Face, float], BgrImage]
# Strengths: stops; thousandths of the longest side; grey levels; share of the frame's height that
# the face fills; degrees further to the side to which the head leans already.
DAMAGES: dict[str, tuple[Damage, tuple[float, ...]]] = {
    "darkening": (lambda image, face, stops: darken(image, stops), (1, 2, 3, 4)),
    "blur": (lambda image, face, sigma: blur(image, sigma), (4, 8, 12, 16)),
    "noise": (lambda image, face, sigma: add_noise(image, sigma), (8, 16, 32, 48)),
    "over-tight crop": (
        lambda image, face, share: crop_tightly(image, face.bbox, share),
        (0.75, 0.9, 1.05, 1.2),
    ),
    "tilt": (
        lambda image, face, degrees: tilt(
            image, float(np.copysign(degrees, find_heads(image, [face], view_detector())[0].tilt))
        ),
        (8, 16, 24, 32),
    ),
}
# A tighter crop harms a picture only in which the head is not small; nor can it be cut any
# tighter than it is.
CROPPABLE = (0.25, 0.65)
# Blue, green, red: darker and lighter skin, redder, and yellower.
SKINS = {
    "much darker": (0.35, 0.42, 0.5),
    "darker": (0.62, 0.67, 0.75),
    "lighter": (1.3, 1.25, 1.2),
    "redder": (0.85, 0.85, 1.1),
    "yellower": (0.75, 1.0, 1.0),
}
# Part, what shall make it show, and how much of it.
TREATMENTS: dict[str, tuple[str, Callable[[BgrImage], BgrImage]]] = {
    "sharpened twofold": ("halos", lambda image: sharpen(image, 2)),
    "sharpened fourfold": ("halos", lambda image: sharpen(image, 4)),
    "smoothed once": ("smoothing", lambda image: smooth_skin(image, 1)),
    "smoothed three times": ("smoothing", lambda image: smooth_skin(image, 3)),
}
LONG_SIDE = 640  # pixels, of what is sharpened and smoothed
NOBODY = ("animal_face", "statue", "no_people")
REPEATS = 3


def told(image: BgrImage) -> list[str]:
    found = score(image)
    return [part.name for part in found.parts if part.sentence] if found else []


def fastest(function: Callable[[BgrImage], object], image: BgrImage) -> float:
    times = []
    for _ in range(REPEATS):
        start = process_time()
        function(image)
        times.append(process_time() - start)
    return min(times)


def is_refused(path: Path) -> bool | None:
    """Tell whether a picture has no score; None where the detector finds no face either."""
    photo = load_photo(path)
    if not YuNetDetector().detect(photo.image).faces:
        return None
    return score(photo.image) is None


def score(image: BgrImage) -> QualityScore | None:
    try:
        return score_quality(image)
    except NoFaceError:
        return None


def examine(path: Path) -> dict[str, object] | None:
    """Score one photo in every state; None where it has no face to begin with."""
    cv2.setNumThreads(1)
    image = cv2.imread(str(path))
    whole = score(image) if image is not None else None
    if image is None or whole is None:
        return None
    face = whole.faces[0]
    states: dict[str, list[float | None]] = {}
    for name, (damage, strengths) in DAMAGES.items():
        size = face.bbox[3] / image.shape[0]
        if name == "over-tight crop" and not CROPPABLE[0] <= size <= CROPPABLE[1]:
            continue
        damaged = [score(damage(image, face, strength)) for strength in strengths]
        states[name] = [whole.score, *(found and found.score for found in damaged)]
    skins = {}
    before = load_photo(image)
    maps = survey(before)
    for name, albedo in SKINS.items():
        other = replace(before, image=recolour_skin(before.image, maps.scene.faces[0].bbox, albedo))
        kept = QualityMaps(Scene(other.image, maps.scene.faces), maps.heads)
        anew = score(other.image)
        skins[name] = {
            "kept": rate(other, kept).score - whole.score,
            "anew": None if anew is None else anew.score - whole.score,
        }
    long_side = max(image.shape)
    small = image
    if long_side > LONG_SIDE:
        small = resize(image, *(LONG_SIDE * side // long_side for side in image.shape[1::-1]))
    shown = {name: part in told(treat(small)) for name, (part, treat) in TREATMENTS.items()}
    untreated = told(small)
    shown |= {part: part in untreated for part in ("halos", "smoothing")}
    check = SelfieDetector().check
    cost = [fastest(each, before.image) for each in (score_quality, check)]
    return {
        "path": path.name,
        "score": whole.score,
        "states": states,
        "skins": skins,
        "shown": shown,
        "cost": cost,
    }


def pairs(states: list[float | None]) -> Iterator[str]:
    for weaker, stronger in combinations(states, 2):
        if weaker is None or stronger is None:
            yield "lost"
        else:
            yield "ordered" if stronger < weaker else "tied" if stronger == weaker else "wrong"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--split", choices=("train", "valid"), default="valid")
    parser.add_argument("--photos", type=int, default=250)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with arguments.manifest.open(newline="", encoding="utf-8") as stream:
        everything = [row for row in csv.DictReader(stream) if row["split"] == arguments.split]
    rows = [row for row in everything if row["label"] == "selfie"]
    # Spread over all sources.
    chosen = sorted({int(i) for i in np.linspace(0, len(rows) - 1, arguments.photos)})
    folder = arguments.manifest.parent
    answers = Parallel(n_jobs=2)(delayed(examine)(folder / rows[i]["path"]) for i in chosen)
    found = [answer for answer in answers if answer is not None]
    print(f"{len(found)} of {len(chosen)} selfies ({arguments.split}) show a face")
    print("undamaged scores, percentiles 5 25 50 75 95:", end=" ")
    print(np.round(np.percentile([answer["score"] for answer in found], (5, 25, 50, 75, 95)), 2))
    for name in DAMAGES:
        states = [answer["states"][name] for answer in found if name in answer["states"]]
        counts = Counter(pair for each in states for pair in pairs(each))
        scored = counts["ordered"] + counts["wrong"] + counts["tied"]
        print(
            f"{name:16s} {len(states)} photos, {counts['ordered']} of {scored} pairs in order "
            f"({counts['ordered'] / scored:.1%}), {counts['tied']} tied, "
            f"{counts['lost']} without a face"
        )
    for name in SKINS:
        for way, meaning in (("kept", "heads where they were"), ("anew", "heads found anew")):
            moved = [answer["skins"][name][way] for answer in found]
            shifts = np.abs([shift for shift in moved if shift is not None])
            print(
                f"skin {name:12s} ({meaning}): {len(shifts)} photos, "
                f"{np.count_nonzero(shifts <= 0.1)} within 0.1, median {np.median(shifts):.3f}, "
                f"95 % {np.percentile(shifts, 95):.3f}, worst {shifts.max():.3f}"
            )
    for part in ("halos", "smoothing"):
        print(f"{part} told of {sum(answer['shown'][part] for answer in found)} untreated photos")
    for name, (part, _) in TREATMENTS.items():
        count = sum(answer["shown"][name] for answer in found)
        print(f"{name}: {part} told of {count} of {len(found)}")
    for kind in NOBODY:
        paths = [folder / row["path"] for row in everything if row["kind"] == kind]
        answers = Parallel(n_jobs=2)(delayed(is_refused)(path) for path in paths)
        faces = [answer for answer in answers if answer is not None]
        print(f"{kind}: no score for {sum(faces)} of {len(faces)} in which a face is found")
    quality, check = np.median([answer["cost"] for answer in found], axis=0)
    print(f"a score costs {quality / check:.2f} checks (medians of {len(found)} photos)")
    if arguments.json:
        arguments.json.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
