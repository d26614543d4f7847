"""What the model is worth on photos of sources it has not seen.

Every figure comes from photos that were held out of the training that judges them, and at a
threshold that was chosen without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from classicselfie.training.fit import calibrate, sample_weights
from classicselfie.training.folds import Floats, Integers, selfie_groups, splits
from classicselfie.training.manifest import Row
from classicselfie.training.resampling import Flags, draw_groups, drawn_auc, drawn_tpr, interval
from classicselfie.training.thresholds import LIMITS, choose_thresholds, parts_of


def tpr_at_fpr(selfie: Flags, decisions: Floats, fpr: float = 0.01) -> float:
    """Recall at the cut that flags at most this share of the others."""
    others = np.sort(decisions[~selfie])[::-1]
    return float((decisions[selfie] > others[int(fpr * len(others))]).mean())


_OPERATING_POINTS = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05)


def mean_tpr(selfie: Flags, decisions: Floats) -> float:
    """Mean recall at 0.5 to 5 % false alarms: steadier than the recall at one point."""
    return float(np.mean([tpr_at_fpr(selfie, decisions, fpr) for fpr in _OPERATING_POINTS]))


def wilson(count: int, total: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    low, high = binomtest(count, total).proportion_ci(method="wilson")
    return float(low), float(high)


MIN_MEMBERS = 50  # of both classes, for a group to be judged by itself


def figures_left_out(rows: Sequence[Row], folds: Integers, decisions: Floats) -> dict[str, Any]:
    """Tell how well selfies and others are parted: over all photos, and per group of selfies.

    Parameters
    ----------
    rows : sequence of Row
        Both selfies and others.
    folds : ndarray of int64, shape (n,)
    decisions : ndarray of float64, shape (n,)

    Returns
    -------
    dict
        `overall`, with 95 % intervals over draws of groups; `left_out_group`: the selfies of each
        group against all others of their folds; their means; and `same_source`: groups that hold
        `MIN_MEMBERS` of both classes by themselves, where the source tells nothing about the
        class.
    """
    selfie = np.array([row.selfie for row in rows])
    group = np.array([row.group for row in rows])
    drawn = draw_groups(rows)
    mixed: dict[str, dict[str, Any]] = {}
    per_group: dict[str, dict[str, Any]] = {}
    for name in selfie_groups(rows):
        own = group == name
        test = (own & selfie) | (np.isin(folds, folds[own & selfie]) & ~selfie)
        if (test & ~selfie).any():
            per_group[name] = separation(selfie[test], decisions[test])
        if min((~selfie & own).sum(), (selfie & own).sum()) >= MIN_MEMBERS:
            mixed[name] = separation(selfie[own], decisions[own])
    return {
        "overall": {
            **separation(selfie, decisions),
            "auc_interval": interval(drawn_auc(selfie, decisions, drawn)),
            "tpr_interval": interval(drawn_tpr(selfie, decisions, drawn)),
        },
        "same_source": dict(
            sorted(mixed.items(), key=lambda item: -min(item[1]["selfies"], item[1]["others"]))
        ),
        "left_out_group": per_group,
        "mean_auc": _mean(per_group, "auc"),
        "mean_tpr_at_1_percent_fpr": _mean(per_group, "tpr_at_1_percent_fpr"),
    }


def _mean(tables: Mapping[str, dict[str, Any]], key: str) -> float | None:
    return round(float(np.mean([f[key] for f in tables.values()])), 4) if tables else None


def separation(selfie: Flags, decisions: Floats) -> dict[str, Any]:
    """Count both classes and tell how well the values part them: AUC, recall at 1 % FPR."""
    return {
        "selfies": int(selfie.sum()),
        "others": int((~selfie).sum()),
        "auc": round(float(roc_auc_score(selfie, decisions)), 4),
        "tpr_at_1_percent_fpr": round(tpr_at_fpr(selfie, decisions), 4),
    }


def flags_at_thresholds(
    rows: Sequence[Row], folds: Integers, decisions: Floats
) -> dict[str, Flags]:
    """Flag every photo at the thresholds that the other folds' photos choose."""
    flags: dict[str, Flags] = {}
    for inside, outside in splits(folds):
        chosen = choose_thresholds(decisions[outside], [rows[i] for i in outside])
        for name, cut in chosen.items():
            flags.setdefault(name, np.zeros(len(rows), bool))[inside] = decisions[inside] >= cut
    return flags


def kept_limits(rows: Sequence[Row], flags: Mapping[str, Flags]) -> dict[str, dict[str, Any]]:
    """Count the false alarms in what `LIMITS` limits, per threshold that it knows."""
    parts = parts_of(rows)
    return {
        name: {
            part: {**tally(parts[part], flags[name]), "limit": limit.share}
            for part, limit in limits.items()
            if parts[part].any()
        }
        for name, limits in LIMITS.items()
        if name in flags
    }


def share_of(count: int, total: int) -> dict[str, Any]:
    """Share with its 95 % interval; None of nothing."""
    return {
        "share": round(count / total, 4) if total else None,
        "interval": [round(bound, 4) for bound in wilson(count, total)],
    }


def tally(members: Flags, flags: Flags) -> dict[str, Any]:
    """Count members and the flagged ones of them; `members` is a mask."""
    photos, flagged = int(members.sum()), int((members & flags).sum())
    return {"photos": photos, "flagged": flagged, **share_of(flagged, photos)}


def rates(rows: Sequence[Row], flags: Flags, by: str) -> dict[str, Any]:
    """Share of flagged photos with its 95 % interval per source or kind, selfies apart."""
    selfie = np.array([row.selfie for row in rows])
    return rates_by([getattr(row, by) for row in rows], selfie, flags)


def rates_by(names: Sequence[str], selfie: Flags, flags: Flags) -> dict[str, Any]:
    """Share of flagged photos with its 95 % interval per name, selfies apart; "" is left out."""
    of = np.array(names)
    return {
        side: {
            str(name): tally(wanted & (of == name), flags) for name in np.unique(of[wanted]) if name
        }
        for side, wanted in (("recall", selfie), ("false_positive_rate", ~selfie))
    }


BAND_MARGIN = 0.05  # a band whose recall is this far below the whole is marked


def band_table(selfie: Flags, flags: Flags, bands: Sequence[str]) -> dict[str, Any]:
    """Rates per band, and of all photos whose band is known: the whole they are held against."""
    known = np.array([bool(band) for band in bands])
    return {
        **rates_by(bands, selfie, flags),
        "whole": {
            "recall": tally(selfie & known, flags),
            "false_positive_rate": tally(~selfie & known, flags),
        },
    }


def marked_bands(threshold: str, bands: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Bands whose selfies are found clearly less often than those of the whole."""
    for grouping, table in bands.items():
        whole = table["whole"]["recall"]["share"]
        for band, found in table["recall"].items():
            if round(whole - found["share"], 4) > BAND_MARGIN:
                yield {
                    "threshold": threshold,
                    "grouping": grouping,
                    "band": band,
                    **found,
                    "whole": whole,
                    "may_be_chance": found["interval"][1] >= whole,
                }


def calibrated_without(rows: Sequence[Row], folds: Integers, decisions: Floats) -> Floats:
    """Turn decision values into probabilities, each fold calibrated by the others."""
    probabilities = np.zeros(len(rows))
    for inside, outside in splits(folds):
        slope, intercept = calibrate(decisions[outside], [rows[i] for i in outside])
        probabilities[inside] = 1 / (1 + np.exp(-(slope * decisions[inside] + intercept)))
    return probabilities


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
