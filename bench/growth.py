"""How time and memory grow with megapixels, faces and processes; a table and a plot.

    python -m pip install -e '.[dev]'
    python bench/growth.py --plot bench/growth.svg

All figures are ratios to the first of their row, from one run, interleaved; one thread unless told.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_head, draw_scene
from classicselfie.benchmark.measure import READING_STAGES, run_python
from classicselfie.benchmark.pictures import draw_stored

MEGAPIXELS = (2, 12, 48, 108, 200)
FACES = (0, 1, 10, 50)


def write(path: Path, image: np.ndarray) -> Path:
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return path


def crowd(faces: int) -> np.ndarray:
    """Draw a hall of 1280 × 960 with so many heads in rows."""
    image = draw_scene(1280, 960, seed=1)
    columns = max(1, round((faces * 4 / 3) ** 0.5))
    rows = -(-faces // columns) if faces else 0
    for place in range(faces):
        x = 1280 * (place % columns + 0.5) / columns
        y = 960 * (place // columns + 0.5) / rows
        draw_head(image, (x, y), min(320.0, 0.72 * 960 / rows))
    return image


def interleaved(measures: Mapping[str, Callable[[], float]], repetitions: int) -> dict[str, float]:
    """Medians over rounds in which each takes its turn; a first round does not count."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for turn in range(repetitions + 1):
        for name, measure in measures.items():
            value = measure()
            if turn:
                found[name].append(value)
    return {name: median(values) for name, values in found.items()}


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def peak(path: Path) -> float:
    """Peak memory of a fresh process that checks one photo, in MB."""
    import json

    told = run_python(["-m", "classicselfie.benchmark.memory", str(path), "yunet"])
    return float(json.loads(told)[1]) / 1e6


def row(name: str, values: Mapping[str, float], unit: str = "") -> str:
    first = next(iter(values.values()))
    cells = (f"{v / first:.2f}" + (f" ({v:.0f} {unit})" if unit else "") for v in values.values())
    return f"| {name} | {' | '.join(cells)} |"


def head(names: Mapping[str, float]) -> str:
    return f"| | {' | '.join(names)} |\n|---|{'---|' * len(names)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--plot", type=Path, help="write the plot here, an .svg or .png file")
    parser.add_argument("--repetitions", type=int, default=7)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = SelfieDetector()
    with tempfile.TemporaryDirectory() as folder:
        sized = {
            f"{mp} MP": write(Path(folder, f"{mp}.jpg"), draw_stored("person", "landscape", mp))
            for mp in MEGAPIXELS
        }
        checked = interleaved(
            {name: lambda p=p: seconds(lambda: detector.check(p)) for name, p in sized.items()},
            arguments.repetitions,
        )
        memory = {name: peak(path) for name, path in sized.items()}
        print(head(checked))
        print(row("time of a check", checked))
        print(row("peak memory of the process", memory, "MB"), end="\n\n")

        crowds = {f"{n} faces": write(Path(folder, f"f{n}.jpg"), crowd(n)) for n in FACES}
        found = [len(detector.check(path).faces) for path in crowds.values()]

        def after_decoding(path: Path) -> float:
            laps = detector.check(path).timings_ms
            return sum(ms for stage, ms in laps.items() if stage not in READING_STAGES)

        faced = interleaved(
            {name: lambda p=p: after_decoding(p) for name, p in crowds.items()},
            arguments.repetitions,
        )
        print(head(faced))
        print(row("time after decoding", faced))
        print(f"| faces found | {' | '.join(map(str, found))} |", end="\n\n")

        photos = [sized["12 MP"]] * 48
        counts = sorted({1, 2, os.cpu_count() or 1})
        rates = interleaved(
            {
                f"{n} processes": lambda n=n: (
                    len(photos) / seconds(lambda: list(detector.check_many(photos, n_jobs=n)))
                )
                for n in counts
            },
            max(2, arguments.repetitions // 2),
        )
        print(head(rates))
        print(row("photos per second", rates))
    if arguments.plot:
        plot(arguments.plot, checked, memory, faced, rates)


def plot(path: Path, *series: Mapping[str, float]) -> None:
    titles = (
        "time of a check",
        "peak memory of the process",
        "time after decoding",
        "photos per second",
    )
    with rc_context({"svg.hashsalt": "growth", "font.size": 9}):
        figure = Figure(figsize=(9, 5.5), layout="constrained")
        for axes, title, values in zip(figure.subplots(2, 2).ravel(), titles, series, strict=True):
            numbers = [float(name.split()[0]) for name in values]
            first = next(iter(values.values()))
            axes.plot(numbers, [v / first for v in values.values()], "o-", color="#0072b2")
            axes.set_title(title)
            axes.set_xlabel(next(iter(values)).split(maxsplit=1)[1].replace("MP", "megapixels"))
            axes.set_ylabel("ratio to the first")
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
