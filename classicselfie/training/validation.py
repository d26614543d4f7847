"""What the model is worth on photos of sources it has not seen.

Every figure comes from photos that were held out of the training that judges them, and at a
threshold that was chosen without them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from classicselfie.features import FEATURE_NAMES
from classicselfie.training.dataset import Dataset
from classicselfie.training.fit import (
    Floats,
    Integers,
    Settings,
    calibrate,
    choose_thresholds,
    fit,
    sample_weights,
)
from classicselfie.training.manifest import Row

Score = Callable[[Sequence[int], Sequence[int]], Floats]
"""Train on the first rows, return decision values of the second."""


def selfie_groups(rows: Iterable[Row]) -> list[str]:
    """List the groups that hold selfies, in order."""
    return sorted({row.group for row in rows if row.selfie})


PARTS = 5  # folds where all selfies are of one source


def fold_names(rows: Sequence[Row]) -> list[str]:
    """Name the folds: the groups of selfies, or parts where there is but one group."""
    groups = selfie_groups(rows)
    return groups if len(groups) > 1 else [f"part {part + 1}" for part in range(PARTS)]


def leave_one_group_out(rows: Sequence[Row]) -> Integers:
    """Assign every photo to the fold that leaves it out.

    Each group of selfies is a fold, with the others of the same group. The photos of groups
    without selfies are shared out among the folds by subject (or else by name), so that each
    fold also holds others of every kind. With one group of selfies all photos are shared out so.

    Returns
    -------
    ndarray of int64, shape (n,)
        Places in `fold_names`.
    """
    names = fold_names(rows)
    return np.array(
        [
            names.index(row.group) if row.group in names else _digest(row) % len(names)
            for row in rows
        ]
    )


def fold_without_both(rows: Sequence[Row], folds: Integers) -> str | None:
    """Name the first fold that lacks selfies or others; None where all can be judged."""
    for fold, name in enumerate(fold_names(rows)):
        inside = {row.selfie for row, place in zip(rows, folds, strict=True) if place == fold}
        if len(inside) < 2:
            return name
    return None


def leave_sources_out(rows: Sequence[Row], folds: int = 6) -> Integers:
    """Assign every photo to a fold by its group as a whole: others of unseen sources.

    Where the sources are too few for that, the folds of `leave_one_group_out` are returned.
    """
    sizes = sorted(
        {row.group: sum(r.group == row.group for r in rows) for row in rows}.items(),
        key=lambda item: (-item[1], item[0]),
    )
    filled = [0] * folds
    place = {}
    for group, size in sizes:
        place[group] = filled.index(min(filled))
        filled[place[group]] += size
    assigned = np.array([place[row.group] for row in rows])
    for _, outside in _splits(assigned):
        if len({rows[i].selfie for i in outside}) < 2:
            return leave_one_group_out(rows)
    return assigned


def _digest(row: Row) -> int:
    return int(hashlib.sha256((row.subject or row.name).encode()).hexdigest(), 16)


def _splits(folds: Integers) -> list[tuple[list[int], list[int]]]:
    """List the rows inside and outside each fold."""
    return [
        (np.flatnonzero(folds == fold).tolist(), np.flatnonzero(folds != fold).tolist())
        for fold in sorted(set(folds.tolist()))
    ]


def held_out_decisions(folds: Integers, score: Score, n_jobs: int) -> Floats:
    """Score every photo with a model that has not seen its fold."""
    from joblib import Parallel, delayed

    splits = _splits(folds)
    parts = Parallel(n_jobs=n_jobs)(delayed(score)(train, test) for test, train in splits)
    decisions = np.full(len(folds), np.nan)
    for (test, _), part in zip(splits, parts, strict=True):
        decisions[test] = part
    return decisions


@dataclass(frozen=True, eq=False)
class ModelScore:
    """`Score` of the real model."""

    dataset: Dataset
    settings: Settings
    detector: str

    def __call__(self, train: Sequence[int], test: Sequence[int]) -> Floats:
        """Train and score."""
        model = fit(self.dataset, train, self.settings, self.detector)
        return model.decision_function(self.dataset.features[test, 0][:, model.columns])


@dataclass(frozen=True, eq=False)
class BaselineScore:
    """`Score` of a model that sees no pixel: aspect, size of the original, bytes of the file."""

    rows: Sequence[Row]

    def __call__(self, train: Sequence[int], test: Sequence[int]) -> Floats:
        """Train and score."""
        x = np.array([_file_facts(row) for row in self.rows])
        y = np.array([row.selfie for row in self.rows])
        weights = sample_weights([self.rows[i] for i in train])
        trees = GradientBoostingClassifier(
            n_estimators=100, max_depth=3, subsample=0.6, min_samples_leaf=20, random_state=0
        ).fit(x[train], y[train], sample_weight=weights)
        return np.asarray(trees.decision_function(x[test]), np.float64)


def _file_facts(row: Row) -> list[float]:
    width, height = row.size or (0, 0)
    aspect = width / height if height else 0.0
    common = min(abs(aspect - a) for a in (1, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9, 9 / 16))
    megapixels = width * height / 1e6
    return [aspect, common, megapixels, float(max(width, height)), float(row.path.stat().st_size)]


def tpr_at_fpr(selfie: npt.NDArray[np.bool_], decisions: Floats, fpr: float = 0.01) -> float:
    """Recall at the cut that flags at most this share of the others."""
    others = np.sort(decisions[~selfie])[::-1]
    return float((decisions[selfie] > others[int(fpr * len(others))]).mean())


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
        per_group[name] = separation(selfie[test], decisions[test])
        own = group == name
        if min((~selfie & own).sum(), (selfie & own).sum()) >= 50:
            mixed[name] = separation(selfie[own], decisions[own])
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


def separation(selfie: npt.NDArray[np.bool_], decisions: Floats) -> dict[str, Any]:
    """Count both classes and tell how well the values part them: AUC, recall at 1 % FPR."""
    return {
        "selfies": int(selfie.sum()),
        "others": int((~selfie).sum()),
        "auc": round(float(roc_auc_score(selfie, decisions)), 4),
        "tpr_at_1_percent_fpr": round(tpr_at_fpr(selfie, decisions), 4),
    }


def without_faceless(dataset: Dataset, decisions: Floats) -> Floats:
    """Give photos without a face the lowest value: nobody is warned of those."""
    found = dataset.features[:, 0, FEATURE_NAMES.index("face.found")] > 0
    return np.where(found, decisions, -np.inf)


def flags_at_thresholds(
    rows: Sequence[Row], folds: Integers, decisions: Floats
) -> dict[str, npt.NDArray[np.bool_]]:
    """Flag every photo at the thresholds that the other folds' photos choose."""
    flags: dict[str, npt.NDArray[np.bool_]] = {}
    for inside, outside in _splits(folds):
        chosen = choose_thresholds(decisions[outside], [rows[i] for i in outside])
        for name, cut in chosen.items():
            flags.setdefault(name, np.zeros(len(rows), bool))[inside] = decisions[inside] >= cut
    return flags


def share_of(count: int, total: int) -> dict[str, Any]:
    """Share with its 95 % interval; None of nothing."""
    return {
        "share": round(count / total, 4) if total else None,
        "interval": [round(bound, 4) for bound in wilson(count, total)],
    }


def tally(members: npt.NDArray[np.bool_], flags: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Count members and the flagged ones of them; `members` is a mask."""
    photos, flagged = int(members.sum()), int((members & flags).sum())
    return {"photos": photos, "flagged": flagged, **share_of(flagged, photos)}


def rates(rows: Sequence[Row], flags: npt.NDArray[np.bool_], by: str) -> dict[str, Any]:
    """Share of flagged photos with its 95 % interval per source or kind, selfies apart."""
    selfie = np.array([row.selfie for row in rows])
    return rates_by([getattr(row, by) for row in rows], selfie, flags)


def rates_by(
    names: Sequence[str], selfie: npt.NDArray[np.bool_], flags: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    """Share of flagged photos with its 95 % interval per name, selfies apart; "" is left out."""
    of = np.array(names)
    return {
        side: {
            str(name): tally(wanted & (of == name), flags) for name in np.unique(of[wanted]) if name
        }
        for side, wanted in (("recall", selfie), ("false_positive_rate", ~selfie))
    }


def calibration_error(rows: Sequence[Row], folds: Integers, decisions: Floats) -> float:
    """Measure the expected calibration error in ten bins, each fold calibrated by the others."""
    probability = np.zeros(len(rows))
    for inside, outside in _splits(folds):
        slope, intercept = calibrate(decisions[outside], [rows[i] for i in outside])
        probability[inside] = 1 / (1 + np.exp(-(slope * decisions[inside] + intercept)))
    return round(expected_calibration_error(reliability(rows, probability)), 4)


def reliability(rows: Sequence[Row], probability: Floats) -> list[dict[str, Any]]:
    """Compare the probabilities with the shares of selfies, in ten bins.

    Parameters
    ----------
    rows : sequence of Row
    probability : ndarray of float64, shape (n,)

    Returns
    -------
    list of dict
        Per bin that holds photos: `bin` (0 to 9), `photos`, and, weighed as in training,
        `weight` (share of all photos), `probability` (mean) and `selfies` (share).
    """
    weights = sample_weights(rows)
    selfie = np.array([row.selfie for row in rows])
    bins = np.minimum((probability * 10).astype(int), 9)
    return [
        {
            "bin": b,
            "photos": int(m.sum()),
            "weight": float(weights[m].sum() / weights.sum()),
            "probability": float(np.average(probability[m], weights=weights[m])),
            "selfies": float(np.average(selfie[m], weights=weights[m])),
        }
        for b in range(10)
        if (m := bins == b).any()
    ]


def expected_calibration_error(bins: Iterable[dict[str, Any]]) -> float:
    """Mean gap between probability and share of selfies over the bins of `reliability`."""
    return float(sum(b["weight"] * abs(b["selfies"] - b["probability"]) for b in bins))
