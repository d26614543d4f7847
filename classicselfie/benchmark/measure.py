"""What is measured, and how: in turns, so that a slow moment of the device hits all alike."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from classicselfie.benchmark.figures import (
    AFTER_DECODING,
    EIGHTH,
    FULL,
    IMPORTS_MEMORY,
    MOBILENET,
    PEAK_MEMORY,
    WHOLE,
)
from classicselfie.detector import SelfieDetector
from classicselfie.errors import BenchmarkError, MissingExtraError
from classicselfie.photo import open_photo
from classicselfie.progress import progress_bar

Measure = Callable[[], Mapping[str, float]]
"""Does something once and returns milliseconds per name."""
Samples = dict[str, list[float]]

CHECK_PROCESS = "`classicselfie check photo.jpg`"
READING_STAGES = ("open", "metadata", "thumbnail", "decode")
# Enough photos that the processes are busy for more than a moment.
PASSES_PER_PROCESS = 4


def in_turns(groups: Mapping[str, Sequence[Measure]], repetitions: int) -> dict[str, Samples]:
    """Run every measure once per repetition, after one round that does not count.

    Parameters
    ----------
    groups : mapping of str to sequence of Measure
    repetitions : int

    Returns
    -------
    dict of str to Samples
        Per group, milliseconds per name.
    """
    samples: dict[str, Samples] = {group: {} for group in groups}
    turns = [(repetition, group) for repetition in range(repetitions + 1) for group in groups]
    for repetition, group in progress_bar(turns, desc="measuring", unit="turn", leave=False):
        measures = groups[group]
        # Each has each place in turn: who comes after a full decode finds the caches empty.
        first = repetition % len(measures)
        places = [*range(first, len(measures)), *range(first)]
        taken = {place: measures[place]() for place in places}
        if repetition:
            for place in sorted(taken):
                for name, ms in taken[place].items():
                    samples[group].setdefault(name, []).append(ms)
    return samples


def timed(name: str, work: Callable[[], object], photos: int = 1) -> Measure:
    """Measure whatever work: milliseconds per photo of those it deals with."""

    def measure() -> dict[str, float]:
        start = perf_counter()
        work()
        return {name: _ms_since(start) / photos}

    return measure


def check_stages(detector: SelfieDetector, photo: Path) -> Measure:
    """Measure a check, stage by stage and as a whole."""
    with open_photo(photo) as file:
        small = file.thumbnail() if detector.check(photo).stage == "thumbnail" else None
        like_this = (small or file.decode()).image

    def measure() -> dict[str, float]:
        # YuNet is set up anew for each shape: nobody pays for the photo that was before.
        detector.face_detector.detect(like_this)
        start = perf_counter()
        verdict = detector.check(photo)
        whole = _ms_since(start)
        stages = verdict.timings_ms
        after = sum(ms for stage, ms in stages.items() if stage not in READING_STAGES)
        return {**stages, AFTER_DECODING: after, WHOLE: whole}

    return measure


def decode(photos: Sequence[Path], *, eighth: bool) -> Measure:
    """Measure the decoding alone, by Pillow as in the library: milliseconds per photo."""

    def work() -> None:
        for photo in photos:
            with photo.open("rb") as stream:
                image = JpegImageFile(stream)
                if eighth:
                    image.draft(None, (image.width // 8, image.height // 8))
                image.load()

    return timed(EIGHTH if eighth else FULL, work, len(photos))


def mobilenet(model: Path) -> Measure:
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
        # The time does not depend on what is in the picture.
        net.set_tensor(source["index"], np.zeros(source["shape"], source["dtype"]))
        net.invoke()
    except (ValueError, RuntimeError) as error:
        raise BenchmarkError(f"{model} cannot be run: {str(error).splitlines()[0]}") from error
    return timed(MOBILENET, net.invoke)


def cold_start(detector: str, photo: Path) -> list[Measure]:
    """Measure whole processes: the command on one photo, and the imports it cannot do without."""
    check = ("-m", "classicselfie", "check", "--detector", detector, str(photo))
    imports = ("-c", "import cv2, numpy, PIL.Image")
    return [
        timed(CHECK_PROCESS, lambda: run_python(check, codes=(0, 1))),
        timed("`import cv2, numpy, PIL.Image`", lambda: run_python(imports)),
    ]


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


def peak_memory(detector: str, photo: Path) -> dict[str, int]:
    """Peak memory in bytes, by figure, of a fresh process that checks one photo; see `memory`."""
    module = "classicselfie.benchmark.memory"
    answer: list[int] = json.loads(run_python(("-m", module, str(photo), detector)))
    return dict(zip((IMPORTS_MEMORY, PEAK_MEMORY), answer, strict=True))


def throughput(
    detector: SelfieDetector, photos: Sequence[Path], processes: int, name: str
) -> Measure:
    """Measure `check_many` once its processes have started: milliseconds per photo."""
    tasks = [*photos] * (PASSES_PER_PROCESS * processes)

    def measure() -> dict[str, float]:
        verdicts = detector.check_many(tasks, n_jobs=processes)
        deque(islice(verdicts, processes), maxlen=0)
        start = perf_counter()
        count = sum(1 for _ in verdicts)
        return {name: _ms_since(start) / count}

    return measure


def _ms_since(start: float) -> float:
    return (perf_counter() - start) * 1e3
