"""The ratios that bench/README.md holds against what was asked, from one run.

    python -m pip install -e '.[dev]'
    python bench/ratios.py ../shared/data/manifest.csv

Real photos are enlarged to 12 megapixels with a sensor's noise and written with and without a
thumbnail. Each photo's measurements take turns, OpenCV has one thread, and all figures are medians.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
from PIL import Image
from thumbnails import as_phone

from classicselfie import SelfieDetector
from classicselfie.benchmark.measure import run_python
from classicselfie.features import GROUPS, Scene
from classicselfie.photo import load_photo
from classicselfie.training.manifest import read_manifest

ROUNDS = 8
PHOTOS = 40
MANY = 150
PEAK = "from classicselfie.benchmark.memory import peak_memory_bytes as p; print(p())"
IMPORTS = "import sys, cv2, numpy, PIL.Image as I; "
DECODE = IMPORTS + "i = I.open(sys.argv[1]); i.draft(None, (320, 240)); i.load(); "
CHECK = IMPORTS + "from classicselfie.cli import main; main(['check', sys.argv[1]]); "


def decode_small(data: bytes) -> None:
    """Decode at 1/8 scale, as the library does, and nothing else."""
    image = Image.open(io.BytesIO(data))
    image.draft(None, (320, 240))
    image.load()


def in_turns(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds; the first round does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS):
        for name, work in works.items():
            start = perf_counter()
            work()
            if turn:
                seconds[name].append(perf_counter() - start)
    return {name: median(values) for name, values in seconds.items()}


def real_photos(detector: SelfieDetector, manifest: Path) -> bytes:
    """Tell what whole checks take; returns the last photo without a thumbnail."""
    settled: dict[bool, list[float]] = {True: [], False: []}
    whole: dict[bool, list[float]] = {True: [], False: []}
    for row in random.Random(5).sample(read_manifest(manifest), PHOTOS):
        image = load_photo(row.path).image
        phone, plain = (as_phone(image, thumbnail=with_it, noise=True) for with_it in (True, False))
        took = in_turns(
            {
                "with": lambda phone=phone: detector.check(phone),
                "without": lambda plain=plain: detector.check(plain),
                "decode": lambda plain=plain: decode_small(plain),
            }
        )
        face = bool(detector.check(plain).faces)
        whole[face].append(took["without"] / took["decode"])
        if detector.check(phone).stage == "thumbnail":
            settled[face].append(took["with"] / took["without"])
    for name, ratios in (("whole check / 1/8 decode", whole), ("settled / without", settled)):
        for face, values in ratios.items():
            shown = f"{median(values):.2f}" if values else "-"
            print(f"{name}, {'a face' if face else 'no face'}: {shown} ({len(values)} photos)")
    print(f"settled / without, all: {median(settled[True] + settled[False]):.2f}")
    return plain


def feature_groups(detector: SelfieDetector, manifest: Path) -> None:
    """Tell the share of each feature group, skin among them, over photos with a face."""
    seconds: dict[str, list[float]] = {group.name: [] for group in GROUPS}
    for row in random.Random(1).sample(read_manifest(manifest), PHOTOS):
        image = load_photo(row.path).image
        found = detector.face_detector.detect(image)
        if not found.faces:
            continue
        for _ in range(ROUNDS):
            scene = Scene(image, found.faces, found.views)
            for group in GROUPS:
                start = perf_counter()
                group.compute(scene)
                seconds[group.name].append(perf_counter() - start)
    medians = {name: median(values) for name, values in seconds.items()}
    total = sum(medians.values())
    shares = (f"{name} {value / total:.0%}" for name, value in medians.items())
    print(f"features: {', '.join(shares)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("manifest", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = SelfieDetector()
    plain = real_photos(detector, arguments.manifest)
    feature_groups(detector, arguments.manifest)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.jpg")
        photo.write_bytes(plain)
        peaks = {
            name: int(run_python(["-c", code + PEAK, str(photo)]).split()[-1])
            for name, code in (("decode", DECODE), ("check", CHECK))
        }
        memory = peaks["check"] / peaks["decode"]
        print(f"peak memory of a check / of importing and decoding: {memory:.2f}")
        rates: dict[int, list[float]] = {1: [], 2: []}
        for turn in range(4):
            for jobs, found in rates.items():
                start = perf_counter()
                list(detector.check_many([photo] * MANY, n_jobs=jobs))
                if turn:
                    found.append(MANY / (perf_counter() - start))
        print(f"check_many, two processes / one: {median(rates[2]) / median(rates[1]):.2f}")


if __name__ == "__main__":
    main()
