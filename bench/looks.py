"""What each look of the face detector finds, and what a gate before it would lose and save.

    python -m pip install -e '.[dev]'
    python bench/looks.py ../shared/data/manifest.csv

Photos of `split = train` but those of `ucf`; lying heads are the selfies among them turned by a
quarter, those that no upright look finds.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from classicselfie.faces import FIRST_LOOK, YuNetDetector
from classicselfie.images import BgrImage, resize
from classicselfie.photo import load_photo
from classicselfie.training.manifest import Row, read_manifest
from classicselfie.yunet import YuNet

GATES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
TINY_GATES = (0.3, 0.4, 0.5, 0.6)
FACE = 0.5
TURNED_FACE = 0.75


class Seen(NamedTuple):
    """Best raw scores of the looks: three fifths, whole, tiny and turned, half and turned."""

    first: float
    whole: float
    tiny: float
    turned: float


def look(image: BgrImage, net: YuNet) -> Seen:
    """Take every look, earned or not."""
    height, width = image.shape[:2]
    small, tiny, half = (
        resize(image, round(width * share), round(height * share))
        for share in (FIRST_LOOK, 0.2, 0.5)
    )
    turned = cv2.rotate(tiny, cv2.ROTATE_90_CLOCKWISE)
    longer = int(turned.shape[1] > turned.shape[0])
    both = np.concatenate([turned, turned[::-1, ::-1]], axis=1 - longer)
    sides = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return Seen(
        *(net.look(each).best_score for each in (small, image, both)),
        max(net.look(cv2.rotate(half, side)).best_score for side in sides),
    )


def measure(rows: list[Row]) -> list[tuple[bool, Seen, Seen | None]]:
    """Look at photos, and at selfies turned by a quarter as well."""
    cv2.setNumThreads(1)  # the processes already fill the cores
    net = YuNet()
    found = []
    for row in rows:
        image = load_photo(row.path).image
        lying = look(np.ascontiguousarray(np.rot90(image)), net) if row.selfie else None
        found.append((row.selfie, look(image, net), lying))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    assert YuNetDetector().score_threshold == FACE
    rows = [r for r in read_manifest(arguments.manifest) if r.split == "train" and r.group != "ucf"]
    batches = [rows[start : start + 50] for start in range(0, len(rows), 50)]
    told = Parallel(n_jobs=arguments.jobs, return_as="generator")(
        delayed(measure)(batch) for batch in batches
    )
    found = [one for batch in tqdm(told, total=len(batches), disable=None) for one in batch]
    selfie = np.array([one for one, _, _ in found])
    natural = np.array([seen for _, seen, _ in found])
    lying = np.array([seen for _, _, seen in found if seen is not None])
    first, whole, tiny, turned = natural.T
    no_face = (first < FACE) & (whole < FACE) & ~((tiny >= FACE) & (turned >= TURNED_FACE))
    for name, side in (("selfies", selfie), ("others", ~selfie)):
        late = (first < FACE) & (whole >= FACE)
        lies = (first < FACE) & (whole < FACE) & (turned >= TURNED_FACE)
        print(
            f"{side.sum()} {name}: face at the first look {(first >= FACE)[side].sum()}, only at "
            f"the whole size {late[side].sum()}, only turned {lies[side].sum()}, "
            f"none {(no_face & side).sum()}"
        )
    print("\n| gate | selfies' faces lost | others' faces lost | others without one spared |")
    print("|---|---|---|---|")
    late = (first < FACE) & (whole >= FACE)
    for gate in GATES:
        lost = late & (first < gate)
        spared = (first < gate)[~selfie & (first < FACE)].mean()
        print(f"| {gate} | {lost[selfie].sum()} | {lost[~selfie].sum()} | {spared:.0%} |")
    hidden = (lying[:, 0] < FACE) & (lying[:, 1] < FACE) & (lying[:, 3] >= TURNED_FACE)
    print(f"\n{hidden.sum()} lying heads that only the turned look finds")
    print("\n| gate of the tiny look | lying heads kept | others without a face looked at |")
    print("|---|---|---|")
    for gate in TINY_GATES:
        kept = (lying[hidden, 2] >= gate).mean()
        looked = (tiny[~selfie & no_face] >= gate).mean()
        print(f"| {gate} | {kept:.0%} | {looked:.1%} |")


if __name__ == "__main__":
    main()
