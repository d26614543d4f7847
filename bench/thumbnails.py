"""What the early answer of embedded thumbnails costs, on real photos as 12-megapixel files.

    python -m pip install -e '.[train]'
    python bench/thumbnails.py ../shared/data/manifest.csv --cache features

Each photo is enlarged to 12 megapixels and written as a JPEG that carries a thumbnail of 160 px,
as cameras write them. What the library takes from such a file, first from the thumbnail and then
from the pixels, is judged by models that were trained without the photo's source; thresholds and
margins are those that the other folds choose.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
from joblib import Parallel, delayed
from tqdm import tqdm

from classicselfie.benchmark.pictures import add_grain, exif_segment, sensor_noise
from classicselfie.faces import make_detector
from classicselfie.features import Vector, extract_features
from classicselfie.images import BgrImage, resize
from classicselfie.model import EARLY_STAGES, load_model
from classicselfie.photo import load_photo, open_photo
from classicselfie.training.dataset import extract_dataset, thumbnail_features
from classicselfie.training.fit import Settings
from classicselfie.training.folds import assign_folds
from classicselfie.training.judge import judge_left_out
from classicselfie.training.manifest import read_manifest
from classicselfie.training.staging import staged_figures

PIXELS = 12e6
BATCH = 50  # photos
THUMBNAIL_SIDE = 160  # EXIF 2.3 asks for 160 × 120


def enlarge(image: BgrImage) -> BgrImage:
    """Bring a picture to 12 megapixels."""
    height, width = image.shape[:2]
    scale = (PIXELS / (height * width)) ** 0.5
    return resize(image, round(width * scale), round(height * scale))


def as_phone(image: BgrImage, *, thumbnail: bool = True, noise: bool = False) -> bytes:
    """Write a picture as a 12-megapixel JPEG, with a thumbnail in its EXIF block or without.

    Noise of a sensor makes it as dear to decode as a phone's photo.
    """
    height, width = image.shape[:2]
    large = enlarge(image)
    if noise:
        add_grain(large, sensor_noise(large.shape[1]))
    scale = THUMBNAIL_SIDE / max(height, width)
    small = resize(large, round(width * scale), round(height * scale))
    jpeg, embedded = (
        cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        for picture, quality in ((large, 90), (small, 75))
    )
    return jpeg[:2] + exif_segment(1, embedded if thumbnail else b"") + jpeg[2:]


def extract(paths: Sequence[Path], detector: str) -> list[list[Vector | None]]:
    """Features of what the library takes from each file: the pixels, and the thumbnail or None."""
    cv2.setNumThreads(1)  # the processes already fill the cores
    eye = make_detector(detector)
    found = []
    for path in paths:
        with open_photo(as_phone(load_photo(path).image)) as photo:
            looks = [photo.decode(), photo.thumbnail()]
        pixels, thumbnail = looks
        found.append(
            [
                extract_features(looks(pixels.image, eye)[1]),
                thumbnail and thumbnail_features(thumbnail.image, eye),
            ]
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--detector", choices=("yunet", "haar"), default="yunet")
    parser.add_argument("--cache", type=Path, help="folder that keeps extracted features")
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    name = arguments.detector
    rows = read_manifest(arguments.manifest)
    paths = [row.path for row in rows]
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    found = Parallel(n_jobs=arguments.jobs, return_as="generator")(
        delayed(extract)(batch, name) for batch in batches
    )
    looks = [look for batch in tqdm(found, total=len(batches), disable=None) for look in batch]
    trusted = [place for place, (_, thumbnail) in enumerate(looks) if thumbnail is not None]
    print(f"{len(trusted)} of {len(rows)} thumbnails are trusted; the figures are of those")
    rows, looks = [rows[place] for place in trusted], [looks[place] for place in trusted]
    dataset = extract_dataset(rows, name, arguments.jobs, arguments.cache)
    features, early = dataset.features.copy(), dataset.early.copy()
    features[:, 0] = [pixels for pixels, _ in looks]
    early[:, EARLY_STAGES.index("thumbnail")] = [small for _, small in looks]
    settings = load_model(name).card["settings"]
    results = judge_left_out(
        replace(dataset, features=features, early=early),
        name,
        assign_folds(rows),
        settings=Settings(**{**settings, "groups": tuple(settings["groups"])}),
        baseline=False,
        n_jobs=arguments.jobs,
    )
    print(json.dumps(staged_figures(results, "thumbnail"), indent=1))


if __name__ == "__main__":
    main()
