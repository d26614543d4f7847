"""How near the JavaScript port comes to Python, given the same pictures of the working size.

    python bench/port.py ../shared/data/manifest.csv --photos 300

Needs Node. Differences of faces in pixels, of features in spreads of the training photos, of
probabilities; and the time of each stage as a ratio to Python's, one thread each, in turns of ten
photos. The first ten warm up both and do not count as time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from classicselfie import SelfieDetector
from classicselfie.export.command import export
from classicselfie.photo import load_photo, open_photo
from classicselfie.training.manifest import read_manifest

STAGES = ("faces", "skin", "features", "score", "reasons")
RUNNER = Path(__file__).with_name("port.mjs")
ASKED = 1e-3


def by_node(exported: Path, folder: Path, names: list[str]) -> Iterator[dict[str, Any]]:
    command = ["node", str(RUNNER), str(exported), str(folder), *names]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return map(json.loads, done.stdout.splitlines())


def by_python(detector: SelfieDetector, image: np.ndarray[Any, Any]) -> dict[str, Any]:
    with open_photo(image) as file:
        analysis = detector.analyse(file)
    return {"analysis": analysis, "faces": detector.face_detector.detect(image).faces}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--split", default="train")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = SelfieDetector()
    names, scale = detector.model.feature_names, detector.model.scale
    of_maps = np.array([name.startswith("maps") for name in names])
    rows = [row for row in read_manifest(arguments.manifest) if row.split == arguments.split]
    chosen = [rows[i] for i in np.linspace(0, len(rows) - 1, arguments.photos).astype(int)]
    lost_faces = same_labels = same_words = 0
    boxes, points, exact, maps, steps, odds, ratios, flipped = [], [], [], [], [], [], [], []
    stage_ms: dict[str, list[tuple[float, float]]] = {stage: [] for stage in STAGES}
    with tempfile.TemporaryDirectory() as name:
        folder, exported = Path(name), Path(name) / "export"
        export(exported, {})
        python = {}
        for index, row in enumerate(chosen):
            image = load_photo(row.path).image
            key = f"{index:04}-{image.shape[1]}x{image.shape[0]}.rgb"
            (folder / key).write_bytes(image[..., ::-1].tobytes())
            python[key] = by_python(detector, image)
        javascript = list(by_node(exported, folder, list(python)))
    for index, told in enumerate(javascript):
        analysis, faces = python[told["name"]]["analysis"], python[told["name"]]["faces"]
        lost_faces += len(faces) != len(told["faces"])
        if len(faces) == len(told["faces"]):
            for ours, theirs in zip(faces, told["faces"], strict=True):
                boxes.append(np.abs(np.subtract(ours.bbox, theirs["bbox"])).max())
                points.append(np.abs(np.subtract(ours.landmarks, theirs["landmarks"])).max())
        groups = {group: iter(values) for group, values in told["features"].items()}
        port = [next(groups.get(name.partition(".")[0], repeat(0.0))) for name in names]
        away = np.abs(np.subtract(analysis.features, port))
        exact.append((away / scale)[~of_maps].max())
        maps.append((away / scale)[of_maps].max())
        steps.append(away[of_maps].max() * 1024)
        flipped.append(int((away / scale > ASKED).sum()))
        odds.append(abs(analysis.verdict.probability - told["probability"]))
        same_labels += analysis.verdict.label == told["label"]
        same_words += analysis.verdict.to_dict().get("summary") == told["summary"]
        if index >= 10:
            for stage in STAGES:
                pair = told["timings_ms"].get(stage, 0.0), analysis.verdict.timings_ms[stage]
                stage_ms[stage].append(pair)
            whole = [
                sum(pair[side] for pair in (v[-1] for v in stage_ms.values())) for side in (0, 1)
            ]
            ratios.append(whole[0] / whole[1])
    count = len(javascript)
    print(f"{count} photos: {lost_faces} with another number of faces")
    print(f"the same label: {same_labels}; the same summary, word for word: {same_words}")
    for title, values in (
        ("box, px", boxes),
        ("landmarks, px", points),
        ("features but the maps', spreads", exact),
        ("the maps', spreads", maps),
        ("the maps', steps of 1/1024", steps),
        ("probability", odds),
    ):
        told = ", ".join(f"{np.quantile(values, q):.2g}" for q in (0.5, 0.99, 1.0))
        print(f"{title}: median, 99 %, largest: {told}")
    touched = sum(map(bool, flipped))
    print(
        f"more than {ASKED} spreads away: {sum(flipped)} of {count * len(names)} features, "
        f"on {touched} photos, at most {max(flipped)} on one"
    )
    for stage, pairs in stage_ms.items():
        ours, theirs = (median(pair[side] for pair in pairs) for side in (0, 1))
        print(f"{stage}: {ours:.2f} ms in Node, {theirs:.2f} in Python: × {ours / theirs:.2f}")
    print(f"all: × {median(ratios):.2f}; Node loads in {javascript[0]['load_ms']:.0f} ms")
    print(f"Node's memory at the end: {javascript[-1]['rss_mb']:.0f} MB")


if __name__ == "__main__":
    main()
