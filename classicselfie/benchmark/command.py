"""`classicselfie bench`: draw photos, measure in turns, tell."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from joblib import cpu_count

from classicselfie.benchmark import measure
from classicselfie.benchmark.device import describe_device, describe_moment, free_memory_mb
from classicselfie.benchmark.estimate import Costs, batch_rounds, expected_seconds, in_words
from classicselfie.benchmark.figures import (
    ALL_CORES,
    ONE_PROCESS,
    Figure,
    beside,
    many_group,
    table,
    times,
    told,
    write_run,
)
from classicselfie.benchmark.pictures import (
    BYTES_PER_PIXEL_IN_MEMORY,
    BYTES_PER_PIXEL_ON_DISK,
    KINDS,
    SETTLED,
    SUMMARISED,
    Kind,
    Picture,
    make_pictures,
)
from classicselfie.benchmark.summary import summarise
from classicselfie.console import say
from classicselfie.detector import SelfieDetector
from classicselfie.errors import BenchmarkError, MissingExtraError
from classicselfie.progress import progress_bar

# Python with OpenCV, the weights and a first check.
_BASE_MB = 200

ABOUT = """\
Times of one run are compared only with one another; another device, or this one on a warmer
day, has others. All measurements of a group are taken in turns, after one round that does not
count. Every time is also given as a ratio to the decoding of the same photo at 1/8 scale.
OpenCV has 1 thread in all of them; "all cores" is one process per core with 1 thread each. The
fresh processes (cold start, peak memory) leave OpenCV's threads as they are. The photos lie in
the system's file cache."""


def bench(
    *,
    detector: str,
    sizes: Sequence[float],
    repetitions: int,
    mobilenet: Path | None = None,
    output: Path | None = None,
    force: bool = False,
) -> None:
    """Measure on this device and print the figures.

    Parameters
    ----------
    detector : {"yunet", "haar"}
    sizes : sequence of float
        Megapixels.
    repetitions : int
        Rounds that count.
    mobilenet : Path, optional
        A .tflite file of MobileNetV2, a yardstick.
    output : Path, optional
        Where the figures are written as JSON.
    force : bool
        Whether `output` may be replaced.

    Raises
    ------
    BenchmarkError
        If the device has too little memory or space for the photos.
    TargetError
        If `output` exists already; better ask before, by `refuse_targets`.
    OutputError
        If `output` cannot be written.
    MissingExtraError
        If `mobilenet` is given and LiteRT is not installed.
    ModelError
        If the detector or its weights cannot be used.
    """
    sizes = list(dict.fromkeys(sizes))
    judge = SelfieDetector(detector=detector)
    network = [measure.mobilenet(mobilenet)] if mobilenet else []
    processes = {ONE_PROCESS: 1, ALL_CORES: cpu_count()}
    _refuse_too_little_memory(max(sizes))
    device, before = describe_device(), describe_moment()
    say(f"classicselfie bench: detector {detector}, {repetitions} repetitions", "")
    say(*ABOUT.splitlines(), "", *told(device), "")

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with _enough_memory(), _folder(sizes) as folder:
            costs = Costs.measured(folder, judge)
            expected = in_words(expected_seconds(costs, sizes, repetitions))
            say(f"This takes about {expected}, if nothing else runs meanwhile.")
            start = perf_counter()
            drawn = (make_pictures(folder, size) for size in sizes)
            bar = progress_bar(drawn, desc="drawing", total=len(sizes), unit="size", leave=False)
            pictures = [picture for each in bar for picture in each]
            facts = {picture.name: _facts(judge, picture) for picture in pictures}
            run = _Bench(judge, pictures, repetitions)
            figures = run.photos(network) + run.cold_starts() + run.many(processes)
    finally:
        cv2.setNumThreads(threads)

    took = in_words(perf_counter() - start)
    after = describe_moment()
    say(*table(figures, {name: _in_words(fact) for name, fact in facts.items()}))
    say("", "before and after the run:", *told(beside(before, after, "before", "after")))
    say("", f"It took {took}; {expected} were expected.", "", *summarise(figures, facts, sizes))
    if not mobilenet:
        say(_missing_network())
    if output:
        about = {
            "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "settings": {
                "detector": detector,
                "sizes": sizes,
                "repetitions": repetitions,
                "processes": processes,
                "mobilenet": mobilenet.name if mobilenet else None,
            },
            "device": device,
            "before": before,
            "after": after,
            "pictures": facts,
        }
        write_run(about, figures, output, force=force)


@dataclass(frozen=True)
class _Bench:
    """What every measurement needs."""

    judge: SelfieDetector
    pictures: Sequence[Picture]
    repetitions: int

    @property
    def detector(self) -> str:
        return self.judge.face_detector.name

    def of_sizes(self, *kinds: Kind) -> Iterator[tuple[float, list[Path]]]:
        """Yield each size with its photos of some kinds."""
        for size in dict.fromkeys(picture.megapixels for picture in self.pictures):
            yield (
                size,
                [p.path for p in self.pictures if p.megapixels == size and p.kind in kinds],
            )

    def photos(self, network: Sequence[measure.Measure]) -> list[Figure]:
        """Measure the stages of every photo beside the yardsticks, and its memory."""
        groups = {
            picture.name: [
                measure.check_stages(self.judge, picture.path),
                measure.decode([picture.path], eighth=True),
                measure.decode([picture.path], eighth=False),
                *network,
            ]
            for picture in self.pictures
        }
        samples = measure.in_turns(groups, self.repetitions)
        figures = []
        for picture in progress_bar(self.pictures, desc="peak memory", unit="photo", leave=False):
            figures += times(picture.name, samples[picture.name])
            for name, peak in measure.peak_memory(self.detector, picture.path).items():
                megabytes = round(peak / 1e6, 1)
                figures.append(Figure(picture.name, name, "MB", megabytes, megabytes))
        return figures

    def cold_starts(self) -> list[Figure]:
        """Measure whole processes."""
        groups = {
            f"{size:g} MP, cold start of a process": [
                *measure.cold_start(self.detector, photo),
                measure.decode([photo], eighth=True),
            ]
            for size, (photo,) in self.of_sizes(SETTLED)
        }
        samples = measure.in_turns(groups, self.repetitions)
        return [figure for group in groups for figure in times(group, samples[group])]

    def many(self, processes: Mapping[str, int]) -> list[Figure]:
        """Measure many photos in a row, with each number of processes."""
        groups = {
            many_group(size): [
                *(
                    measure.throughput(self.judge, photos, count, name)
                    for name, count in processes.items()
                ),
                measure.decode(photos, eighth=True),
            ]
            for size, photos in self.of_sizes(*SUMMARISED)
        }
        samples = measure.in_turns(groups, batch_rounds(self.repetitions))
        figures = []
        for group in groups:
            figures += times(group, samples[group])
            figures += _rates(group, {name: samples[group][name] for name in processes})
        return figures


def _missing_network() -> str:
    """Tell what a comparison with MobileNetV2 wants."""
    if find_spec("ai_edge_litert") is None:
        return f"MobileNetV2 is left out: {MissingExtraError('ai_edge_litert', 'bench')}"
    return "MobileNetV2 is left out: give its file with --mobilenet FILE.tflite"


def _rates(group: str, samples: Mapping[str, Sequence[float]]) -> list[Figure]:
    figures = []
    for name, ms in samples.items():
        p50, p95 = np.percentile(1000 / np.array(ms), [50, 95])
        figures.append(
            Figure(group, f"{name}, rate", "photos/s", round(float(p50), 2), round(float(p95), 2))
        )
    return figures


def _facts(judge: SelfieDetector, picture: Picture) -> dict[str, Any]:
    verdict = judge.check(picture.path)
    return {
        "bytes": picture.path.stat().st_size,
        "size": list(picture.size),
        "label": verdict.label,
        "probability": verdict.probability,
        "faces": len(verdict.faces),
        "stage": verdict.stage,
    }


def _in_words(fact: Mapping[str, Any]) -> str:
    width, height = fact["size"]
    return (
        f"{width} × {height} pixels in {fact['bytes'] / 1e6:.1f} MB; "
        f"{fact['label']}, faces: {fact['faces']}"
    )


def _refuse_too_little_memory(megapixels: float) -> None:
    needed, free = round(megapixels * BYTES_PER_PIXEL_IN_MEMORY) + _BASE_MB, free_memory_mb()
    if free < needed:
        raise BenchmarkError(
            f"photos of {megapixels:g} megapixels need about {needed} MB of memory, and {free} MB "
            "are free; choose others with --sizes"
        )


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Put what is raised for want of memory into one line."""
    try:
        yield
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        raise BenchmarkError(
            "the memory does not suffice for photos of this size; choose others with --sizes"
        ) from error


@contextmanager
def _folder(sizes: Sequence[float]) -> Iterator[Path]:
    """Make a temporary folder with space for the photos."""
    needed = sum(sizes) * 1e6 * BYTES_PER_PIXEL_ON_DISK * len(KINDS)
    try:
        temporary = tempfile.TemporaryDirectory(prefix="classicselfie-bench-")
    except OSError as error:
        raise BenchmarkError(f"there is no folder for temporary files: {error}") from error
    with temporary as name:
        free = shutil.disk_usage(name).free
        if free < needed:
            raise BenchmarkError(
                f"the photos need {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free in "
                f"{tempfile.gettempdir()}; set TMPDIR to a folder with more space"
            )
        yield Path(name)
