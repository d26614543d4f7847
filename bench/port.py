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
import sys
import tempfile
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np

from classicselfie import SelfieDetector
from classicselfie.export.command import export
from classicselfie.photo import load_photo, open_photo
from classicselfie.training.manifest import read_manifest

STAGES = ("faces", "skin", "features", "score", "reasons")
CHECK = """
import json, sys, numpy as np
from pathlib import Path
from classicselfie import SelfieDetector
name, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
SelfieDetector().check(np.fromfile(name, np.uint8).reshape(height, width, 3), colour="rgb")
status = Path("/proc/self/status").read_text().split()  # getrusage tells the parent's peak too
print(json.dumps({"peak_kb": int(status[status.index("VmHWM:") + 1])}))
"""
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


def cold_starts(
    exported: Path, folder: Path, name: str, turns: int = 7
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds from a process' start to its end, in turns, and kilobytes of memory at their most."""
    width, height = name.removesuffix(".rgb").partition("-")[2].split("x")
    commands = {
        "node": ["node", str(RUNNER), str(exported), str(folder), name],
        "python": [sys.executable, "-c", CHECK, str(folder / name), width, height],
    }
    seconds: dict[str, list[float]] = {side: [] for side in commands}
    memory = dict.fromkeys(commands, 0)
    for _ in range(turns):
        for side, command in commands.items():
            start = perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds[side].append(perf_counter() - start)
            memory[side] = max(memory[side], json.loads(done.stdout)["peak_kb"])
    return seconds, memory


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
    boxes, points, exact, maps, odds, ratios, flipped = [], [], [], [], [], [], []
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
        cold, rss = cold_starts(exported, folder, next(iter(python)))
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
    ours, theirs = (median(cold[side]) for side in ("node", "python"))
    print(
        f"a whole process for one picture: {ours:.2f} s in Node, {theirs:.2f} in Python: "
        f"× {ours / theirs:.2f}"
    )
    print(f"its memory: {rss['node'] / 1e3:.0f} MB in Node, {rss['python'] / 1e3:.0f} in Python")


if __name__ == "__main__":
    main()
