"""Our detectors and their peers on the same photos in one run, whole sources left out.

    python -m pip install -e '.[train,bench]'
    python bench/accuracy.py ../shared/data/manifest.csv --without ucf --cache features \
        --mobilenet ../shared/peers/mobilenet_v2_1.0_224_quant.tflite

Peers: MobileNetV2's embedding with a linear SVM (what everybody is told to use), "the face is
larger than t", and a model that sees no pixel. All are trained and judged on the same folds with
the same weights of the photos; the embedding is standardised and clipped as our features are, and
its C is chosen within each training part by the same rule as ours. The intervals are of the
difference to the first peer, over draws of whole groups.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from classicselfie.features import FEATURE_NAMES
from classicselfie.model import standardise
from classicselfie.resources import resource
from classicselfie.training import validation
from classicselfie.training.dataset import Dataset, extract_dataset
from classicselfie.training.fit import Settings, fit, fit_linear, sample_weights
from classicselfie.training.folds import Floats, Score, assign_folds, held_out
from classicselfie.training.judge import BaselineScore, score_model
from classicselfie.training.manifest import Row, read_manifest, without_groups
from classicselfie.training.resampling import (
    draw_groups,
    drawn_auc,
    drawn_tpr,
    highest_passed,
    interval,
)
from classicselfie.training.selection import choose_c

EMBEDDING = "MobilenetV2/Logits/AvgPool"
PUBLISHED = ("ucf", "flickr8k")  # groups of the selfies and of the others
PUBLISHED_PHOTOS = 380  # of each class
PUBLISHED_SEEDS = 10


@dataclass(frozen=True, eq=False)
class EmbeddingScore:
    """A linear SVM on an embedding: transfer learning as it is usually done."""

    rows: Sequence[Row]
    embedding: npt.NDArray[np.float32]
    c: float | None = None  # by default chosen on the training photos

    def __call__(self, train: Sequence[int], test: Sequence[int]) -> Floats:
        """Train and score."""
        c = self.c or choose_c(self.rows, train, self.with_c)
        rows = [self.rows[i] for i in train]
        selfie = np.array([row.selfie for row in rows])
        weights = sample_weights(rows)
        x = self.embedding[list(train)]
        mean, scale, coef, intercept = fit_linear(x, selfie, weights, c)
        return standardise(self.embedding[list(test)], mean, scale) @ coef + intercept

    def with_c(self, c: float) -> Score:
        """Return the same with a C."""
        return EmbeddingScore(self.rows, self.embedding, c)


def embed(rows: Sequence[Row], model: Path) -> npt.NDArray[np.float32]:
    """Run MobileNetV2 int8 in LiteRT and dequantise its embedding."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(str(model), num_threads=1, experimental_preserve_all_tensors=True)
    net.allocate_tensors()
    (source,) = net.get_input_details()
    (wanted,) = (t for t in net.get_tensor_details() if t["name"] == EMBEDDING)
    scale, zero = wanted["quantization"]
    _, height, width, _ = source["shape"]
    out = []
    for row in tqdm(rows, unit="photo", desc="MobileNetV2", disable=None):
        pixels = cv2.cvtColor(cv2.imread(str(row.path)), cv2.COLOR_BGR2RGB)
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        net.set_tensor(source["index"], pixels[None])
        net.invoke()
        out.append((net.get_tensor(wanted["index"]).astype(np.float32).ravel() - zero) * scale)
    return np.array(out, np.float32)


def flags_at_one_percent(selfie: npt.NDArray[np.bool_], decisions: Floats) -> npt.NDArray[np.bool_]:
    """Flag what lies above the cut that 1 % of all others pass."""
    others = decisions[~selfie]
    (cut,) = highest_passed(others, np.ones((1, len(others)), np.int64), 0.01)
    return decisions > cut


def compare(
    rows: Sequence[Row], folds: npt.NDArray[np.int64], decisions: Mapping[str, Floats], peer: str
) -> dict[str, dict[str, Any]]:
    """Work out the figures of every model, and how far each of ours is from the peer."""
    selfie = np.array([row.selfie for row in rows])
    drawn = draw_groups(rows)
    measures = {"auc": drawn_auc, "tpr_at_1_percent_fpr": drawn_tpr}
    figures = {}
    for name, values in decisions.items():
        flags = {
            "at_1_percent": flags_at_one_percent(selfie, values),
            **validation.flags_at_thresholds(rows, folds, values),
        }
        figures[name] = {
            **validation.figures_left_out(rows, folds, values),
            "by_kind": {at: validation.rates(rows, found, "kind") for at, found in flags.items()},
            "limits": validation.kept_limits(rows, flags),
            "less_peer": {
                key: interval(
                    measure(selfie, values, drawn) - measure(selfie, decisions[peer], drawn)
                )
                for key, measure in measures.items()
                if name != peer
            },
        }
    return figures


def published_split(dataset: Dataset, detector: str) -> list[float]:
    """Share of right answers in the split that others publish, per seed.

    Half of either source trains and the other half tests: both the selfies and the others that
    are judged are of a source that was seen.
    """
    chosen = []
    for group in PUBLISHED:
        members = [i for i, row in enumerate(dataset.rows) if row.group == group]
        members.sort(key=lambda i: hashlib.sha256(dataset.rows[i].name.encode()).digest())
        chosen.append(members[:PUBLISHED_PHOTOS])
    right = []
    for seed in range(PUBLISHED_SEEDS):
        generator = np.random.default_rng(seed)
        halves = [np.array_split(generator.permutation(members), 2) for members in chosen]
        train, test = (np.concatenate([half[side] for half in halves]).tolist() for side in (0, 1))
        model = fit(dataset, train, Settings(), detector)
        said = model.decision_function(dataset.features[test, 0][:, model.columns]) >= 0
        right.append(float(np.mean(said == [dataset.rows[i].selfie for i in test])))
    return right


def tell_published_split(dataset: Dataset, detector: str) -> None:
    right = published_split(dataset, detector)
    print(
        f"classicselfie, {detector}, {' against '.join(PUBLISHED)}, {PUBLISHED_PHOTOS} photos "
        f"each, halves: {np.mean(right):.1%} ± {np.std(right):.1%} right.\n"
        "This figure says little: every photo it judges comes from a source that was trained on, "
        "so that\nknowing the source is enough. It is told only because others publish this split."
    )


def tell(figures: Mapping[str, dict[str, Any]], size: Mapping[str, int], peer: str) -> None:
    print(f"{'':34} {'AUC':>6} {'TPR 1%':>6} {'weights':>9}  means over groups  less {peer}")
    for name, f in figures.items():
        print(
            f"{name:34} {f['overall']['auc']:6.3f} {f['overall']['tpr_at_1_percent_fpr']:6.2f} "
            f"{size.get(name, 0):9,}  {f['mean_auc']:.3f}/{f['mean_tpr_at_1_percent_fpr']:.2f}"
            + "".join(f"  {key} {bounds}" for key, bounds in f["less_peer"].items())
        )
    for part in ("same_source", "left_out_group"):
        print(f"\n{part.replace('_', ' ')}: AUC / TPR at 1 % FPR")
        for group in figures[peer][part]:
            cells = (f[part][group] for f in figures.values())
            shown = (f"{c['auc']:.3f}/{c['tpr_at_1_percent_fpr']:.2f}" for c in cells)
            print(f"  {group:18}", "  ".join(shown))
    for at in figures[peer]["by_kind"]:
        for side in ("recall", "false_positive_rate"):
            print(f"\n{at}, {side} per kind")
            for kind in figures[peer]["by_kind"][at][side]:
                cells = (f["by_kind"][at][side][kind]["share"] for f in figures.values())
                print(f"  {kind:26}", "  ".join(f"{share:5.3f}" for share in cells))
    for at, limits in figures[peer]["limits"].items():
        print(f"\n{at}, at cuts that the other folds choose by one rule: false alarms")
        for part, entry in limits.items():
            cells = (f["limits"][at][part]["share"] for f in figures.values())
            print(f"  {part:18} limit {entry['limit']:.0%} ", "  ".join(f"{v:6.4f}" for v in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--mobilenet", type=Path, help="the .tflite file of MobileNetV2")
    parser.add_argument("--detectors", nargs="+", default=["yunet", "haar"])
    parser.add_argument("--without", nargs="+", default=[], help="groups that are left out")
    parser.add_argument(
        "--published-split",
        action="store_true",
        help="tell only the figure of the split that others publish",
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps extracted features")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    rows = read_manifest(arguments.manifest)
    if arguments.published_split:
        rows = [row for row in rows if row.group in PUBLISHED]
    rows = without_groups(rows, arguments.without)

    def extract(detector: str) -> Dataset:
        dataset = extract_dataset(rows, detector, arguments.jobs, arguments.cache)
        if dataset.unreadable:
            parser.error(f"{dataset.unreadable[0][0].name} cannot be read")
        return dataset

    if arguments.published_split:
        for detector in arguments.detectors:
            tell_published_split(extract(detector), detector)
        return

    folds = assign_folds(rows)

    def judge(score: Score) -> Floats:
        return held_out(folds.index, score, arguments.jobs)

    decisions: dict[str, Floats] = {}
    size: dict[str, int] = {}
    if arguments.mobilenet:
        name = "MobileNetV2 + linear SVM"
        decisions[name] = judge(EmbeddingScore(rows, embed(rows, arguments.mobilenet)))
        size[name] = arguments.mobilenet.stat().st_size + 1280 * 8
    for detector in arguments.detectors:
        dataset = extract(detector)
        name = f"classicselfie, {detector}"
        decisions[name] = judge(partial(score_model, dataset, detector, None))[:, 0].sum(axis=1)
        size[name] = resource("models", f"{detector}.json").stat().st_size
        face = dataset.features[:, 0, FEATURE_NAMES.index("face.diagonal")].astype(np.float64)
        decisions[f"face size, {detector}"] = face
        size[f"face size, {detector}"] = 8
    name = "no pixels (aspect, size, bytes)"
    decisions[name] = judge(BaselineScore.of(rows, arguments.jobs))

    peer = next(iter(decisions))
    figures = compare(rows, folds.index, decisions, peer)
    tell(figures, size, peer)
    if arguments.json:
        told = {name: {**found, "weights_bytes": size.get(name)} for name, found in figures.items()}
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
