"""How well the eye copes with difficult pictures: turned, cut, dark, bright, framed, in collages.

    python -m pip install -e '.[train]'
    python bench/eye.py ../shared/data/manifest.csv --cache features

Whole sources are left out in turn as in the model cards. The difficult versions are made of
photos of the left-out fold, in the same way for selfies and others, and judged by the model that
has not seen the fold, at the `strict` cut that the other folds choose.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from classicselfie.faces import make_detector
from classicselfie.features import FEATURE_NAMES, extract_features
from classicselfie.images import BgrImage
from classicselfie.photo import load_photo
from classicselfie.training.dataset import extract_dataset, looks
from classicselfie.training.fit import Settings, fit
from classicselfie.training.folds import assign_folds, splits
from classicselfie.training.manifest import Row, read_manifest
from classicselfie.training.thresholds import choose_thresholds

# A fold's largest groups would decide alone; this many photos of each class and fold are enough.
SAMPLE = 60
WITH_PEOPLE = ("people", "people_same_source", "portrait_by_other", "phone_portrait_by_other")
Partner = Sequence[BgrImage]


def gamma(value: float) -> Callable[[BgrImage, Partner], BgrImage]:
    table = (255 * (np.arange(256) / 255) ** value).round().astype(np.uint8)
    return lambda image, _: cv2.LUT(image, table)


def turned(degrees: float) -> Callable[[BgrImage, Partner], BgrImage]:
    """Turn and cut the largest picture of the same aspect that has no empty corner."""

    def turn(image: BgrImage, _: Partner) -> BgrImage:
        height, width = image.shape[:2]
        angle = np.radians(degrees)
        zoom = abs(np.cos(angle)) + abs(np.sin(angle)) * max(width / height, height / width)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, zoom)
        return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)

    return turn


def framed(share: float, *, sides: bool) -> Callable[[BgrImage, Partner], BgrImage]:
    def frame(image: BgrImage, _: Partner) -> BgrImage:
        down = round(share * image.shape[0])
        across = round(share * image.shape[1]) if sides else 0
        return cv2.copyMakeBorder(
            image, down, down, across, across, cv2.BORDER_CONSTANT, value=(255, 255, 255)
        )

    return frame


def cut(image: BgrImage, _: Partner) -> BgrImage:
    """Cut a third of the largest face off, at the nearer side of the picture."""
    faces = make_detector("yunet").detect(image).faces
    if not faces:
        return image
    x, _, w, _ = faces[0].bbox
    width = image.shape[1]
    if x + w / 2 < width / 2:
        return image[:, max(0, min(width - 40, round(x + w / 3))) :]
    return image[:, : max(40, min(width, round(x + 2 * w / 3)))]


def collage(image: BgrImage, others: Partner) -> BgrImage:
    """Lay four photos of one class side by side, with white lines between them."""
    tiles = [cv2.resize(photo, (200, 200)) for photo in (image, *others[:3])]
    tiles = [
        cv2.copyMakeBorder(t, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255,) * 3) for t in tiles
    ]
    return np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])


def small(image: BgrImage, _: Partner) -> BgrImage:
    scale = 128 / max(image.shape[:2])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def recoded(image: BgrImage, _: Partner) -> BgrImage:
    return cv2.imdecode(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 12])[1], cv2.IMREAD_COLOR
    )


VERSIONS: dict[str, Callable[[BgrImage, Partner], BgrImage]] = {
    "as it is": lambda image, _: image,
    "tilted by 20°": turned(20),
    "tilted by 45°": turned(45),
    "lying (turned by 90°)": lambda image, _: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    "face cut by the frame": cut,
    "very dark (gamma 3)": gamma(3.0),
    "very bright (gamma 0.3)": gamma(0.3),
    "black and white": lambda image, _: cv2.cvtColor(
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR
    ),
    "white frame of 12 %": framed(0.12, sides=True),
    "white bars of 20 %": framed(0.20, sides=False),
    "collage of four": collage,
    "128 px": small,
    "JPEG quality 12": recoded,
}


def vectors(path: Path, partners: Sequence[Path], detector: str) -> np.ndarray:
    """Features of all versions of one photo, shape (versions, features)."""
    cv2.setNumThreads(1)
    eye = make_detector(detector)
    image = load_photo(path).image
    others = [load_photo(partner).image for partner in partners]
    made = []
    for change in VERSIONS.values():
        picture = load_photo(np.ascontiguousarray(change(image, others))).image
        made.append(extract_features(looks(picture, eye)[1]))
    return np.array(made)


def sample(rows: Sequence[Row], fold: Sequence[int]) -> Iterator[int]:
    """Draw photos of a fold by the hash of their names: selfies, and others with people."""
    for selfie in (True, False):
        wanted = [
            i for i in fold if rows[i].selfie == selfie and (selfie or rows[i].kind in WITH_PEOPLE)
        ]
        yield from sorted(wanted, key=lambda i: hashlib.sha256(rows[i].name.encode()).digest())[
            :SAMPLE
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    dataset = extract_dataset(
        read_manifest(arguments.manifest), arguments.detector, arguments.jobs, arguments.cache
    )
    rows = dataset.rows
    parts = splits(assign_folds(rows).index)
    models = Parallel(n_jobs=arguments.jobs)(
        delayed(fit)(dataset, train, Settings(), arguments.detector) for _, train in parts
    )
    decisions = np.zeros(len(rows))
    for (test, _), model in zip(parts, models, strict=True):
        decisions[test] = model.decision_function(dataset.features[test, 0][:, model.columns])
    found = FEATURE_NAMES.index("face.found")
    decisions[dataset.features[:, 0, found] == 0] = -np.inf

    drawn = [(i, k) for k, (test, _) in enumerate(parts) for i in sample(rows, test)]
    partners = {
        i: [rows[j].path for j, other in drawn if other == k and rows[j].selfie == rows[i].selfie]
        for i, k in drawn
    }
    made = Parallel(n_jobs=arguments.jobs, return_as="generator")(
        delayed(vectors)(rows[i].path, partners[i][:3], arguments.detector) for i, _ in drawn
    )
    features = np.array(list(tqdm(made, total=len(drawn), unit="photo", disable=None)))
    cuts = [
        choose_thresholds(decisions[train], [rows[i] for i in train])["strict"]
        for _, train in parts
    ]
    flagged = np.zeros(features.shape[:2], bool)
    for k, model in enumerate(models):
        mine = [place for place, (_, fold) in enumerate(drawn) if fold == k]
        x = features[mine].reshape(-1, features.shape[2])[:, model.columns]
        flagged[mine] = model.decision_function(x).reshape(len(mine), -1) >= cuts[k]
    seen = features[:, :, found] > 0
    selfie = np.array([rows[i].selfie for i, _ in drawn])
    print(f"{selfie.sum()} selfies and {(~selfie).sum()} other photos of people, left out")
    print("| version | selfies: face found | flagged | others: face found | flagged |")
    print("|---|---|---|---|---|")
    for place, name in enumerate(VERSIONS):
        cells = [
            f"{share:.1%}"
            for side in (selfie, ~selfie)
            for share in (
                seen[side, place].mean(),
                (flagged & seen)[side, place].mean(),
            )
        ]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
