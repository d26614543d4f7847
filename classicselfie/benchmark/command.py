"""`classicselfie bench`: draw photos, measure in turns, tell."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from classicselfie.benchmark import measure
from classicselfie.benchmark.device import (
    describe_device,
    describe_moment,
    free_memory_mb,
    told,
)
from classicselfie.benchmark.figures import (
    MOBILENET,
    Figure,
    compare,
    read_run,
    table,
    times,
    write_run,
)
from classicselfie.benchmark.pictures import (
    BYTES_PER_PIXEL_IN_MEMORY,
    BYTES_PER_PIXEL_ON_DISK,
    KINDS,
    Picture,
    make_pictures,
)
from classicselfie.console import say
from classicselfie.detector import SelfieDetector
from classicselfie.errors import BenchmarkError, MissingExtraError
from classicselfie.files import refuse_targets

# Python with OpenCV, the weights and a first check.
_BASE_MB = 200
# A round of whole batches takes as long as many single photos.
_REPETITIONS_PER_BATCH = 3

ABOUT = """\
Times of one run are compared only with one another; another device, or this one on a warmer
day, has others. All measurements of a group are taken in turns, after one round that does not
count. Every time is also given as a ratio to the decoding of the same photo at 1/8 scale.
OpenCV has 1 thread in all of them; "all cores" is one process per core with 1 thread each. The
fresh processes (cold start, peak memory) leave OpenCV's threads as they are. The photos lie in
the system's file cache."""

ABOUT_COMPARISON = """\
The device's mood is in the times of two runs as well; the ratios to the 1/8-scale decode of the
same run are steadier."""
ONE_PROCESS = "1 process"
ALL_CORES = "all cores"

Progress = Callable[[str], None]


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
        If `output` exists already, or must not be written.
    OutputError
        If `output` cannot be written.
    MissingExtraError
        If `mobilenet` is given and LiteRT is not installed.
    ModelError
        If the detector or its weights cannot be used.
    """
    if output:
        refuse_targets([output], force=force)
    if mobilenet and find_spec("ai_edge_litert") is None:
        raise MissingExtraError("ai_edge_litert", "bench")
    sizes = list(dict.fromkeys(sizes))
    judge = SelfieDetector(detector=detector)
    processes, left_out = _processes()
    _refuse_too_little_memory(max(sizes))
    device, before = describe_device(), describe_moment()
    say(f"classicselfie bench: detector {detector}, {repetitions} repetitions", "")
    say(*ABOUT.splitlines(), "", *told(device))
    if not mobilenet:
        left_out.append(f"{MOBILENET}: --mobilenet FILE.tflite is not given")

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with _enough_memory(), _progress() as progress, _folder(sizes) as folder:
            pictures = [p for size in sizes for p in make_pictures(folder, size, progress)]
            facts = {picture.name: _facts(judge, picture) for picture in pictures}
            run = _Bench(judge, pictures, repetitions, progress)
            figures = run.photos(mobilenet) + run.cold_starts() + run.many(processes)
    finally:
        cv2.setNumThreads(threads)

    if all(figure.unit != "MB" for figure in figures):
        left_out.append("peak memory: not told")
    after = describe_moment()
    say(*table(figures, {name: _in_words(fact) for name, fact in facts.items()}))
    say("", "before and after the run:", *told(_beside(before, after, "before", "after")))
    say(*(f"left out: {line}" for line in left_out))
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
            "left_out": left_out,
        }
        write_run(about, figures, output, force=force)


def bench_compare(a: Path, b: Path) -> None:
    """Print the figures of run B divided by those of run A; nothing is measured.

    Parameters
    ----------
    a, b : Path
        Files that `bench` wrote.

    Raises
    ------
    BenchmarkError
        If one of them is no such file.
    """
    (run_a, figures_a), (run_b, figures_b) = read_run(a), read_run(b)
    for name, path, run in (("A", a, run_a), ("B", b, run_b)):
        say(f"{name}: {path}, made {run['made']}")
    facts_a, facts_b = ({**run["settings"], **run["device"]} for run in (run_a, run_b))
    say(*told(_beside(facts_a, facts_b, "in A", "in B")))
    say("", *ABOUT_COMPARISON.splitlines(), *compare(figures_a, figures_b))


@dataclass(frozen=True)
class _Bench:
    """What every measurement needs."""

    judge: SelfieDetector
    pictures: Sequence[Picture]
    repetitions: int
    progress: Progress

    @property
    def detector(self) -> str:
        return self.judge.face_detector.name

    @property
    def typical(self) -> list[Picture]:
        """One picture per size, of the kind that phones make."""
        return [picture for picture in self.pictures if picture.kind == KINDS[0]]

    def photos(self, mobilenet: Path | None) -> list[Figure]:
        """Measure the stages of every photo beside the yardsticks, and its memory."""
        network = [measure.mobilenet(mobilenet, self.pictures[0])] if mobilenet else []
        groups = {
            picture.name: [
                measure.check_stages(self.judge, picture),
                measure.decode(picture, eighth=True),
                measure.decode(picture, eighth=False),
                *network,
            ]
            for picture in self.pictures
        }
        samples = measure.in_turns(groups, self.repetitions, self.progress)
        figures = []
        for picture in self.pictures:
            self.progress(f"peak memory: {picture.name}")
            figures += times(picture.name, samples[picture.name])
            figures += _megabytes(picture.name, measure.peak_memory(self.detector, picture))
        return figures

    def cold_starts(self) -> list[Figure]:
        """Measure whole processes."""
        groups = {
            f"{picture.megapixels:g} MP, cold start of a process": [
                *measure.cold_start(self.detector, picture),
                measure.decode(picture, eighth=True),
            ]
            for picture in self.typical
        }
        samples = measure.in_turns(groups, self.repetitions, self.progress)
        return [figure for group in groups for figure in times(group, samples[group])]

    def many(self, processes: Mapping[str, int]) -> list[Figure]:
        """Measure many photos in a row, with each number of processes."""
        groups = {
            f"{picture.megapixels:g} MP, check_many, a photo": [
                *(
                    measure.throughput(self.judge, picture, count, name)
                    for name, count in processes.items()
                ),
                measure.decode(picture, eighth=True, photos=measure.PHOTOS_PER_PROCESS),
            ]
            for picture in self.typical
        }
        rounds = -(-self.repetitions // _REPETITIONS_PER_BATCH)
        samples = measure.in_turns(groups, rounds, self.progress)
        figures = []
        for group in groups:
            figures += times(group, samples[group])
            figures += _rates(group, {name: samples[group][name] for name in processes})
        return figures


def _processes() -> tuple[dict[str, int], list[str]]:
    """Tell in how many processes photos can be checked, and why not in more."""
    if find_spec("joblib") is None:
        return {ONE_PROCESS: 1}, [f"{ALL_CORES}: {MissingExtraError('joblib', 'scan')}"]
    from joblib import cpu_count

    return {ONE_PROCESS: 1, ALL_CORES: cpu_count()}, []


def _megabytes(group: str, memory: Mapping[str, int | None]) -> list[Figure]:
    return [
        Figure(group, f"peak memory, {name}", "MB", round(peak / 1e6, 1), round(peak / 1e6, 1))
        for name, peak in memory.items()
        if peak is not None
    ]


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
    }


def _in_words(fact: Mapping[str, Any]) -> str:
    width, height = fact["size"]
    return (
        f"{width} × {height} pixels in {fact['bytes'] / 1e6:.1f} MB; "
        f"{fact['label']}, faces: {fact['faces']}"
    )


def _beside(a: Mapping[str, Any], b: Mapping[str, Any], in_a: str, in_b: str) -> dict[str, Any]:
    """Put facts side by side; once where they are the same."""

    def word(value: Any) -> Any:
        return "not told" if value is None else value

    return {
        name: a.get(name)
        if a.get(name) == b.get(name)
        else f"{word(a.get(name))} {in_a}, {word(b.get(name))} {in_b}"
        for name in {**a, **b}
    }


def _refuse_too_little_memory(megapixels: float) -> None:
    needed, free = round(megapixels * BYTES_PER_PIXEL_IN_MEMORY) + _BASE_MB, free_memory_mb()
    if free is not None and free < needed:
        raise BenchmarkError(
            f"photos of {megapixels:g} megapixels need about {needed} MB of memory, and {free} MB "
            "are free; choose others with --sizes"
        )


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Put what is raised for want of memory into one line."""
    try:
        yield
    except (MemoryError, cv2.error, BrokenProcessPool) as error:
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


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show what is being done on one line of a terminal."""
    if not sys.stderr.isatty():
        yield lambda _line: None
        return

    def show(line: str) -> None:
        columns = shutil.get_terminal_size().columns
        sys.stderr.write(f"\r{line[: columns - 1]:{columns - 1}}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        show("")
        sys.stderr.write("\r")
        sys.stderr.flush()
