"""When an early look, at a thumbnail or at one side, may answer, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from classicselfie.model import EARLY_STAGES, EarlyStage
from classicselfie.training.folds import splits
from classicselfie.training.results import Floats, Integers, Results
from classicselfie.training.thresholds import choose_thresholds

# Largest share of photos whose label may differ because an early look answered. A thumbnail is a
# worse picture; one side is as good as the other, and its label as often the right one.
MAX_CHANGED: Mapping[EarlyStage, float] = {"thumbnail": 0.001, "first_look": 0.003}
# Of fewer photos so small a share cannot be told (three times its inverse).
MIN_PHOTOS = 3000
_MARGINS = np.linspace(0, 3, 121)


def choose_margin(results: Results, index: Integers, stage: EarlyStage) -> float | None:
    """Choose the smallest margin at which an early look changes hardly a label.

    Parameters
    ----------
    results : Results
        Of photos that were held out.
    index : ndarray of int64
        The photos to choose on.
    stage : {"thumbnail", "first_look"}

    Returns
    -------
    float or None
        In units of the decision value, for the published thresholds; None where no margin
        serves, and of fewer than `MIN_PHOTOS` photos.
    """
    if len(index) < MIN_PHOTOS:
        return None
    rows = [results.rows[i] for i in index]
    cuts = choose_thresholds(results.warned[index], rows).values()
    changed = np.max([_changed(results, index, stage, cut) for cut in cuts], axis=0)
    # Beyond the last margin that is too small, not at a gap before it.
    wrong = np.flatnonzero(changed > MAX_CHANGED[stage])
    first = wrong[-1] + 1 if wrong.size else 0
    return round(float(_MARGINS[first]), 3) if first < len(_MARGINS) else None


def _changed(results: Results, index: Integers, stage: EarlyStage, cut: float) -> Floats:
    """Share of the photos with another label, per margin."""
    place = EARLY_STAGES.index(stage)
    clear = np.abs(results.early[index, place] - cut)
    differs = (results.early_warned[index, place] >= cut) != (results.warned[index] >= cut)
    return np.array([(differs & (clear >= margin)).mean() for margin in _MARGINS])


def staged_figures(results: Results, stage: EarlyStage) -> dict[str, Any]:
    """Measure an early answer with margins that the other folds choose.

    It answers where it is clear of every threshold.

    Parameters
    ----------
    results : Results
    stage : {"thumbnail", "first_look"}

    Returns
    -------
    dict
        Per threshold: the share of photos that the early look settles, the share whose label it
        changes, and the balanced accuracy with and without it. Empty where a fold finds no
        margin.
    """
    selfie = results.selfie
    early, early_warned = (
        values[:, EARLY_STAGES.index(stage)] for values in (results.early, results.early_warned)
    )
    settled = np.zeros(len(selfie), bool)
    staged = {name: flags.copy() for name, flags in results.flags.items()}
    for inside, outside in splits(results.folds):
        margin = choose_margin(results, np.array(outside), stage)
        if margin is None:
            return {}
        cuts = choose_thresholds(results.warned[outside], [results.rows[i] for i in outside])
        clear = np.all([np.abs(early[inside] - cut) >= margin for cut in cuts.values()], axis=0)
        settled[inside] = clear
        for name, cut in cuts.items():
            flags = early_warned[inside] >= cut
            staged[name][inside] = np.where(clear, flags, staged[name][inside])
    return {
        name: {
            "settled": round(float(settled.mean()), 4),
            "changed": round(float((staged[name] != flags).mean()), 4),
            "balanced_accuracy": round(float(balanced_accuracy_score(selfie, flags)), 4),
            "balanced_accuracy_staged": round(
                float(balanced_accuracy_score(selfie, staged[name])), 4
            ),
        }
        for name, flags in results.flags.items()
    }
