"""Our detectors and their peers on the same photos in one run, each group of selfies left out.

    python -m pip install -e '.[train,bench]'
    python bench/accuracy.py ../shared/data/manifest.csv \
        --mobilenet ../shared/peers/mobilenet_v2_1.0_224_quant.tflite

Peers: MobileNetV2's embedding with a linear SVM (what everybody is told to use), "the face is
larger than t", and a model that sees no pixel. All are trained and judged on the same folds with
the same weights of the photos. The intervals are of the difference to the first peer, by 1,000
bootstrap draws of photos within each fold and class.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from tqdm import tqdm

from classicselfie.features import FEATURE_NAMES
from classicselfie.resources import resource
from classicselfie.training import validation
from classicselfie.training.dataset import extract_dataset
from classicselfie.training.fit import sample_weights
from classicselfie.training.folds import Floats, held_out, leave_one_group_out, selfie_groups
from classicselfie.training.judge import BaselineScore, ModelScore
from classicselfie.training.manifest import Row, read_manifest

EMBEDDING = "MobilenetV2/Logits/AvgPool"
EMBEDDING_C = 0.0003  # the best of 0.0003, 0.001 and 0.003 on the rows of split = train
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class EmbeddingScore:
    """A linear SVM on an embedding: transfer learning as it is usually done."""

    rows: Sequence[Row]
    embedding: npt.NDArray[np.float32]

    def __call__(self, train: Sequence[int], test: Sequence[int]) -> Floats:
        """Train and score."""
        svm = make_pipeline(StandardScaler(), LinearSVC(C=EMBEDDING_C, dual=False))
        weights = sample_weights([self.rows[i] for i in train])
        selfie = [self.rows[i].selfie for i in train]
        svm.fit(self.embedding[list(train)], selfie, linearsvc__sample_weight=weights)
        return np.asarray(svm.decision_function(self.embedding[list(test)]))


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


def balanced_accuracy(
    selfie: npt.NDArray[np.bool_], folds: npt.NDArray[np.int64], decisions: Floats
) -> float:
    """Mean of recall and specificity, at the cut that is best on the other folds."""
    right: list[npt.NDArray[np.bool_]] = []
    for fold in sorted(set(folds.tolist())):
        inside, outside = folds == fold, folds != fold
        cuts = np.quantile(decisions[outside], np.linspace(0, 1, 400))
        recall = [(decisions[outside & selfie] >= cut).mean() for cut in cuts]
        specificity = [(decisions[outside & ~selfie] < cut).mean() for cut in cuts]
        cut = cuts[np.argmax(np.add(recall, specificity))]
        right.append(np.where(inside, (decisions >= cut) == selfie, False))
    correct = np.any(right, axis=0)
    return float((correct[selfie].mean() + correct[~selfie].mean()) / 2)


def means(
    selfie: npt.NDArray[np.bool_], decisions: Floats, members: Sequence[npt.NDArray[np.int64]]
) -> tuple[float, float]:
    """Mean AUC and mean TPR at 1 % FPR over the folds."""
    auc = [roc_auc_score(selfie[m], decisions[m]) for m in members]
    tpr = [validation.tpr_at_fpr(selfie[m], decisions[m]) for m in members]
    return float(np.mean(auc)), float(np.mean(tpr))


def bootstrap(
    selfie: npt.NDArray[np.bool_],
    members: Sequence[npt.NDArray[np.int64]],
    ours: Floats,
    peer: Floats,
) -> dict[str, list[float]]:
    """95 % intervals of our means less the peer's."""
    generator = np.random.default_rng(0)
    differences = []
    for _ in tqdm(range(DRAWS), unit="draw", desc="bootstrap", disable=None):
        drawn = [
            np.concatenate([generator.choice(m[s], s.sum()) for s in (selfie[m], ~selfie[m])])
            for m in members
        ]
        differences.append(np.subtract(means(selfie, ours, drawn), means(selfie, peer, drawn)))
    low, high = np.percentile(differences, [2.5, 97.5], axis=0)
    return {
        "auc": [round(float(low[0]), 4), round(float(high[0]), 4)],
        "tpr": [round(float(low[1]), 4), round(float(high[1]), 4)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--mobilenet", type=Path, help="the .tflite file of MobileNetV2")
    parser.add_argument("--detectors", nargs="+", default=["yunet", "haar"])
    parser.add_argument("--cache", type=Path, help="folder that keeps extracted features")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    rows = read_manifest(arguments.manifest)
    folds = leave_one_group_out(rows)
    selfie = np.array([row.selfie for row in rows])

    decisions: dict[str, Floats] = {}
    size: dict[str, int] = {}
    if arguments.mobilenet:
        score = EmbeddingScore(rows, embed(rows, arguments.mobilenet))
        name = "MobileNetV2 + linear SVM"
        decisions[name] = held_out(folds, score, arguments.jobs)
        size[name] = arguments.mobilenet.stat().st_size + 1280 * 8
    for detector in arguments.detectors:
        dataset = extract_dataset(rows, detector, arguments.jobs, arguments.cache)
        if dataset.unreadable:
            parser.error(f"{dataset.unreadable[0][0].name} cannot be read")
        model = ModelScore(dataset, detector)
        name = f"classicselfie, {detector}"
        decisions[name] = held_out(folds, model, arguments.jobs)[:, 0].sum(axis=1)
        size[name] = resource("models", f"{detector}.json").stat().st_size
        area = dataset.features[:, 0, FEATURE_NAMES.index("face.diagonal")].astype(np.float64)
        decisions[f"face size, {detector}"] = area
        size[f"face size, {detector}"] = 8
    name = "no pixels (aspect, size, bytes)"
    decisions[name] = held_out(folds, BaselineScore.of(rows, arguments.jobs), arguments.jobs)

    groups = selfie_groups(rows)
    members = [np.flatnonzero(folds == fold) for fold in range(len(groups))]
    peer = next(iter(decisions))
    figures: dict[str, Any] = {}
    for name, values in decisions.items():
        auc, tpr = means(selfie, values, members)
        figures[name] = {
            "auc": round(auc, 4),
            "tpr_at_1_percent_fpr": round(tpr, 4),
            "balanced_accuracy": round(balanced_accuracy(selfie, folds, values), 4),
            "weights_bytes": size.get(name),
            "per_group": validation.figures_per_group(rows, folds, values),
            "strict_by_kind": validation.rates(
                rows, validation.flags_at_thresholds(rows, folds, values)["strict"], "kind"
            ),
        }
        if name.startswith("classicselfie") and name != peer:
            figures[name]["difference_to_peer"] = bootstrap(
                selfie, members, values, decisions[peer]
            )
    print(f"{'':34} {'AUC':>6} {'TPR 1%':>6} {'bal.acc':>7} {'weights':>9}  less {peer}")
    for name, f in figures.items():
        interval = f.get("difference_to_peer")
        print(
            f"{name:34} {f['auc']:6.3f} {f['tpr_at_1_percent_fpr']:6.2f} "
            f"{f['balanced_accuracy']:7.3f} {f['weights_bytes'] or 0:9,}  "
            + (f"AUC {interval['auc']}, TPR {interval['tpr']}" if interval else "")
        )
    for part in ("same_source", "left_out_group"):
        print(f"\n{part.replace('_', ' ')}: AUC / TPR at 1 % FPR")
        for group in figures[peer]["per_group"][part]:
            cells = (f["per_group"][part][group] for f in figures.values())
            print(
                f"  {group:18}",
                "  ".join(f"{c['auc']:.3f}/{c['tpr_at_1_percent_fpr']:.2f}" for c in cells),
            )
    for side in ("recall", "false_positive_rate"):
        print(f"\nstrict, thresholds of the other folds by one rule: {side} per kind")
        for kind in figures[peer]["strict_by_kind"][side]:
            cells = (f["strict_by_kind"][side][kind]["share"] for f in figures.values())
            print(f"  {kind:26}", "  ".join(f"{share:5.3f}" for share in cells))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
