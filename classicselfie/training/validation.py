"""What the model is worth on photos of sources it has not seen.

Every figure comes from photos that were held out of the training that judges them, and at a
threshold that was chosen without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from classicselfie.training.fit import calibrate, choose_thresholds, sample_weights
from classicselfie.training.folds import Floats, Integers, fold_names, splits
from classicselfie.training.manifest import Row


def tpr_at_fpr(selfie: npt.NDArray[np.bool_], decisions: Floats, fpr: float = 0.01) -> float:
    """Recall at the cut that flags at most this share of the others."""
    others = np.sort(decisions[~selfie])[::-1]
    return float((decisions[selfie] > others[int(fpr * len(others))]).mean())


_OPERATING_POINTS = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05)


def mean_tpr(selfie: npt.NDArray[np.bool_], decisions: Floats) -> float:
    """Mean recall at 0.5 to 5 % false alarms: steadier than the recall at one point."""
    return float(np.mean([tpr_at_fpr(selfie, decisions, fpr) for fpr in _OPERATING_POINTS]))


def wilson(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    z, p = 1.959964, count / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total**2)) / (1 + z * z / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def figures_per_group(rows: Sequence[Row], folds: Integers, decisions: Floats) -> dict[str, Any]:
    """AUC and recall at 1 % false alarms of each left-out group, and their means.

    The groups that hold both classes come first, a second time by themselves: there the source
    tells nothing about the class.
    """
    selfie = np.array([row.selfie for row in rows])
    group = np.array([row.group for row in rows])
    mixed: dict[str, dict[str, Any]] = {}
    per_group: dict[str, dict[str, Any]] = {}
    for fold, name in enumerate(fold_names(rows)):
        test = folds == fold
        per_group[name] = _figures(selfie[test], decisions[test])
        own = group == name
        if min((~selfie & own).sum(), (selfie & own).sum()) >= 50:
            mixed[name] = _figures(selfie[own], decisions[own])
    return {
        "same_source": dict(
            sorted(mixed.items(), key=lambda item: -min(item[1]["selfies"], item[1]["others"]))
        ),
        "left_out_group": per_group,
        "mean_auc": round(float(np.mean([f["auc"] for f in per_group.values()])), 4),
        "mean_tpr_at_1_percent_fpr": round(
            float(np.mean([f["tpr_at_1_percent_fpr"] for f in per_group.values()])), 4
        ),
    }


def _figures(selfie: npt.NDArray[np.bool_], decisions: Floats) -> dict[str, Any]:
    return {
        "selfies": int(selfie.sum()),
        "others": int((~selfie).sum()),
        "auc": round(float(roc_auc_score(selfie, decisions)), 4),
        "tpr_at_1_percent_fpr": round(tpr_at_fpr(selfie, decisions), 4),
    }


def flags_at_thresholds(
    rows: Sequence[Row], folds: Integers, decisions: Floats
) -> dict[str, npt.NDArray[np.bool_]]:
    """Flag every photo at the thresholds that the other folds' photos choose."""
    flags: dict[str, npt.NDArray[np.bool_]] = {}
    for inside, outside in splits(folds):
        chosen = choose_thresholds(decisions[outside], [rows[i] for i in outside])
        for name, cut in chosen.items():
            flags.setdefault(name, np.zeros(len(rows), bool))[inside] = decisions[inside] >= cut
    return flags


def rates(rows: Sequence[Row], flags: npt.NDArray[np.bool_], by: str) -> dict[str, Any]:
    """Share of flagged photos with its 95 % interval per source or kind, selfies apart."""
    out: dict[str, Any] = {"recall": {}, "false_positive_rate": {}}
    for side, wanted in (("recall", True), ("false_positive_rate", False)):
        for name in sorted({getattr(row, by) for row in rows if row.selfie == wanted}):
            members = [
                i for i, r in enumerate(rows) if r.selfie == wanted and getattr(r, by) == name
            ]
            count = int(flags[members].sum())
            low, high = wilson(count, len(members))
            out[side][name] = {
                "photos": len(members),
                "flagged": count,
                "share": round(count / len(members), 4),
                "interval": [round(low, 4), round(high, 4)],
            }
    return out


def calibrated_without(rows: Sequence[Row], folds: Integers, decisions: Floats) -> Floats:
    """Turn decision values into probabilities, each fold calibrated by the others."""
    probabilities = np.zeros(len(rows))
    for inside, outside in splits(folds):
        slope, intercept = calibrate(decisions[outside], [rows[i] for i in outside])
        probabilities[inside] = 1 / (1 + np.exp(-(slope * decisions[inside] + intercept)))
    return probabilities


def calibration_error(rows: Sequence[Row], probabilities: Floats) -> float:
    """Measure the expected calibration error in ten bins."""
    weights = sample_weights(rows)
    selfie = np.array([row.selfie for row in rows])
    bins = np.minimum((probabilities * 10).astype(int), 9)
    gaps = [
        abs(np.sum(weights[m] * (selfie[m] - probabilities[m])))
        for b in range(10)
        if (m := bins == b).any()
    ]
    return round(float(sum(gaps) / weights.sum()), 4)
