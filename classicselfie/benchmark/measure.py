"""What is measured, and how: in turns, so that a slow moment of the device hits all alike."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from classicselfie.benchmark.figures import AFTER_DECODING, EIGHTH, FULL, MOBILENET, WHOLE
from classicselfie.benchmark.pictures import Picture
from classicselfie.detector import SelfieDetector
from classicselfie.errors import BenchmarkError, MissingExtraError
from classicselfie.photo import load_photo

Measure = Callable[[], Mapping[str, float]]
"""Does something once and returns milliseconds per name."""
Samples = dict[str, list[float]]

_READING_STAGES = ("open", "metadata", "thumbnail", "decode")
# Enough photos that the processes are busy for more than a moment.
PHOTOS_PER_PROCESS = 8


def in_turns(
    groups: Mapping[str, Sequence[Measure]], repetitions: int, progress: Callable[[str], None]
) -> dict[str, Samples]:
    """Run every measure once per repetition, after one round that does not count.

    Parameters
    ----------
    groups : mapping of str to sequence of Measure
    repetitions : int
    progress : callable
        Is told which group is measured.

    Returns
    -------
    dict of str to Samples
        Per group, milliseconds per name.
    """
    samples: dict[str, Samples] = {group: {} for group in groups}
    for repetition in range(repetitions + 1):
        for group, measures in groups.items():
            progress(f"round {repetition} of {repetitions} (0 warms up): {group}")
            # Each has each place in turn: who comes after a full decode finds the caches empty.
            first = repetition % len(measures)
            places = [*range(first, len(measures)), *range(first)]
            taken = {place: measures[place]() for place in places}
            if repetition:
                for place in sorted(taken):
                    for name, ms in taken[place].items():
                        samples[group].setdefault(name, []).append(ms)
    return samples


def check_stages(detector: SelfieDetector, picture: Picture) -> Measure:
    """Measure a check, stage by stage and as a whole."""
    like_this = load_photo(picture.path).image

    def measure() -> dict[str, float]:
        # YuNet is set up anew for each shape: nobody pays for the photo that was before.
        detector.face_detector.detect(like_this)
        start = perf_counter()
        verdict = detector.check(picture.path)
        whole = _ms_since(start)
        if verdict.label == "unknown":
            raise BenchmarkError(f"{picture.name} {verdict}")
        stages = verdict.timings_ms
        after = sum(ms for stage, ms in stages.items() if stage not in _READING_STAGES)
        return {**stages, AFTER_DECODING: after, WHOLE: whole}

    return measure


def decode(picture: Picture, *, eighth: bool, photos: int = 1) -> Measure:
    """Measure the decoding alone, by Pillow as in the library: milliseconds per photo."""
    size = (picture.size[0] // 8, picture.size[1] // 8)

    def measure() -> dict[str, float]:
        start = perf_counter()
        for _ in range(photos):
            with picture.path.open("rb") as stream:
                image = JpegImageFile(stream)
                if eighth:
                    image.draft(None, size)
                image.load()
        return {EIGHTH if eighth else FULL: _ms_since(start) / photos}

    return measure


def mobilenet(model: Path, picture: Picture) -> Measure:
    """Measure MobileNetV2's forward pass alone, in LiteRT on one thread.

    Raises
    ------
    MissingExtraError
        If LiteRT is not installed.
    BenchmarkError
        If `model` is no image network that LiteRT runs.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingExtraError("ai_edge_litert", "bench") from error
    try:
        net = Interpreter(str(model), num_threads=1)
        net.allocate_tensors()
        (source,) = net.get_input_details()
        _, height, width, _ = source["shape"]
        with Image.open(picture.path) as image:
            image.draft("RGB", (int(width), int(height)))
            pixels = np.asarray(image.resize((int(width), int(height))))
        net.set_tensor(source["index"], pixels[None].astype(source["dtype"]))
    except (ValueError, RuntimeError) as error:
        raise BenchmarkError(f"{model} cannot be run: {str(error).splitlines()[0]}") from error

    def measure() -> dict[str, float]:
        start = perf_counter()
        net.invoke()
        return {MOBILENET: _ms_since(start)}

    return measure


def cold_start(detector: str, picture: Picture) -> list[Measure]:
    """Measure whole processes: the command on one photo, and the imports it cannot do without."""
    check = ("-m", "classicselfie", "check", "--detector", detector, str(picture.path))
    imports = ("-c", "import cv2, numpy, PIL.Image")
    return [
        _process("`classicselfie check photo.jpg`", check, codes=(0, 1)),
        _process("`import cv2, numpy, PIL.Image`", imports, codes=(0,)),
    ]


def _process(name: str, arguments: Sequence[str], codes: Sequence[int]) -> Measure:
    def measure() -> dict[str, float]:
        start = perf_counter()
        run_python(arguments, codes)
        return {name: _ms_since(start)}

    return measure


def run_python(arguments: Sequence[str], codes: Sequence[int] = (0,)) -> str:
    """Run this Python and return what it prints.

    Raises
    ------
    BenchmarkError
        If it ends with none of `codes`.
    """
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise BenchmarkError(
            f"a process of the benchmark ended with code {done.returncode}: {last}"
        )
    return done.stdout


def peak_memory(detector: str, picture: Picture) -> dict[str, int | None]:
    """Peak memory in bytes of a fresh process that checks one photo; see `memory`."""
    module = "classicselfie.benchmark.memory"
    answer: dict[str, int | None] = json.loads(
        run_python(("-m", module, str(picture.path), detector))
    )
    return answer


def throughput(detector: SelfieDetector, picture: Picture, processes: int, name: str) -> Measure:
    """Measure `check_many` on copies of one photo: milliseconds per photo."""
    photos = [picture.path] * (PHOTOS_PER_PROCESS * processes)

    def measure() -> dict[str, float]:
        start = perf_counter()
        count = sum(1 for _ in detector.check_many(photos, n_jobs=processes))
        return {name: _ms_since(start) / count}

    return measure


def _ms_since(start: float) -> float:
    return (perf_counter() - start) * 1e3
