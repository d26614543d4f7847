"""The ratios that bench/README.md holds against what was asked, from one run.

    python -m pip install -e '.[dev,bench]'
    python bench/ratios.py ../shared/data/manifest.csv \
        --mobilenet ../shared/peers/mobilenet_v2_1.0_224_quant.tflite

Real photos are enlarged to 12 megapixels with a sensor's noise and written with and without a
thumbnail; beside them stand two drawn ones, which are all there is without a manifest. Each photo's
measurements take turns in one process, OpenCV and LiteRT have one thread, and all figures are
medians: first over the rounds, then over the photos.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
from thumbnails import as_phone

from classicselfie import SelfieDetector
from classicselfie.benchmark.figures import AFTER_DECODING, EIGHTH, MOBILENET, WHOLE
from classicselfie.benchmark.measure import (
    READING_STAGES,
    Measure,
    check_stages,
    decode,
    in_turns,
    mobilenet,
    run_python,
)
from classicselfie.benchmark.pictures import FACE, NO_FACE, make_pictures
from classicselfie.features import GROUPS, Scene, measured_groups
from classicselfie.photo import load_photo
from classicselfie.training.manifest import read_manifest

ROUNDS = 7
PHOTOS = 40
MEGAPIXELS = 12.0
MANY = 4  # times the photos
PEAK = "from classicselfie.benchmark.memory import peak_memory_bytes as p; print(p())"
IMPORTS = "import sys, cv2, numpy, PIL.Image as I; "
DECODE = IMPORTS + "i = I.open(sys.argv[1]); i.draft(None, (320, 240)); i.load(); "
CHECK = IMPORTS + "from classicselfie.cli import main; main(['check', sys.argv[1]]); "

Ratios = dict[str, list[float]]


def feature_groups(detector: SelfieDetector, photo: Path) -> Measure:
    """Measure each feature group, those that share something in the order of the library."""
    image = load_photo(photo).image

    def measure() -> dict[str, float]:
        found = detector.face_detector.detect(image)  # its views keep what they were asked for
        scene = Scene(image, found.faces, found.views)
        if not scene.maps_alone:
            _ = scene.skin  # a stage of its own
        took = {f"features: {group.name}": 0.0 for group in GROUPS}
        for group in measured_groups(scene):
            start = perf_counter()
            group.compute(scene)
            took[f"features: {group.name}"] = (perf_counter() - start) * 1e3
        return took

    return measure


def real_photos(manifest: Path, count: int, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield real photos as phones write them, without a thumbnail and with it."""
    for number, row in enumerate(random.Random(5).sample(read_manifest(manifest), count)):
        image = load_photo(row.path).image
        plain, phone = (folder / f"{number}-{name}.jpg" for name in ("plain", "phone"))
        plain.write_bytes(as_phone(image, thumbnail=False, noise=True))
        phone.write_bytes(as_phone(image, thumbnail=True, noise=True))
        yield plain, phone


def measured(
    detector: SelfieDetector,
    plain: Path,
    phone: Path | None,
    network: Sequence[Measure],
    rounds: int,
) -> dict[str, float]:
    """Ratios of one photo, without a thumbnail and with it."""
    groups = {
        "plain": [
            check_stages(detector, plain),
            decode([plain], eighth=True),
            feature_groups(detector, plain),
            *network,
        ]
    }
    if phone and detector.check(phone).stage == "thumbnail":
        groups["settled"] = [check_stages(detector, phone)]
    samples = in_turns(groups, rounds)
    took, small = (
        {name: median(ms) for name, ms in samples.get(group, {}).items()}
        for group in ("plain", "settled")
    )
    after = took[AFTER_DECODING]
    ratios = {f"{WHOLE} / {EIGHTH}": took[WHOLE] / took[EIGHTH]}
    if small:
        ratios["settled by its thumbnail / without one"] = small[WHOLE] / took[WHOLE]
    if network:
        ratios[f"{AFTER_DECODING} / {MOBILENET}"] = after / took[MOBILENET]
    stages = [name for name in detector.check(plain).timings_ms if name not in READING_STAGES]
    ratios |= {f"share of {name}": took[name] / after for name in stages}
    # The stage is divided as the groups are to one another: what else runs on the machine hits a
    # long measurement more surely than short ones, whose medians then add up to less.
    parts = {name: ms for name, ms in took.items() if name.startswith("features: ")}
    stage = ratios["share of features"] / sum(parts.values())
    return ratios | {f"share of {name}": ms * stage for name, ms in parts.items()}


def tell(columns: dict[str, Ratios]) -> None:
    """Print a table, a column for each kind of photo."""
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in dict.fromkeys(name for ratios in columns.values() for name in ratios):
        form = ".0%" if name.startswith("share of ") else ".2f"
        cells = (
            format(median(ratios[name]), form) if name in ratios else "-"
            for ratios in columns.values()
        )
        print(f"| {name} | {' | '.join(cells)} |")
    counts = (str(max(map(len, ratios.values()))) for ratios in columns.values())
    print(f"| photos | {' | '.join(counts)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("manifest", type=Path, nargs="?", help="real photos (default: none)")
    parser.add_argument(
        "--mobilenet", type=Path, metavar="FILE", help="MobileNetV2-224 int8 as a yardstick"
    )
    parser.add_argument("--photos", type=int, default=PHOTOS, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector = SelfieDetector()
    network = [mobilenet(arguments.mobilenet)] if arguments.mobilenet else []
    columns: dict[str, Ratios] = defaultdict(lambda: defaultdict(list))

    def add(column: str, ratios: dict[str, float]) -> None:
        for name, value in ratios.items():
            columns[column][name].append(value)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for picture in make_pictures(folder, MEGAPIXELS, [FACE, NO_FACE]):
            photo = picture.path
            column = "drawn, a face" if picture.kind == FACE else "drawn, no face"
            add(column, measured(detector, photo, None, network, arguments.rounds))
        if arguments.manifest:
            for photo, phone in real_photos(arguments.manifest, arguments.photos, folder):
                column = "real, a face" if detector.check(photo).faces else "real, no face"
                add(column, measured(detector, photo, phone, network, arguments.rounds))
        tell(dict(sorted(columns.items())))

        peaks = {
            name: int(run_python(["-c", code + PEAK, str(photo)]).split()[-1])
            for name, code in (("decode", DECODE), ("check", CHECK))
        }
        memory = peaks["check"] / peaks["decode"]
        print(f"peak memory of a check / of importing and decoding: {memory:.2f}")
        rates: dict[int, list[float]] = {1: [], 2: []}
        for turn in range(4):
            for jobs, found in rates.items():
                many = [photo] * (MANY * arguments.photos)
                start = perf_counter()
                list(detector.check_many(many, n_jobs=jobs))
                if turn:
                    found.append(len(many) / (perf_counter() - start))
        print(f"check_many, two processes / one: {median(rates[2]) / median(rates[1]):.2f}")


if __name__ == "__main__":
    main()
