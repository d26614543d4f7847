"""When an embedded thumbnail may answer for the photo, and what that costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicselfie.training.folds import splits
from classicselfie.training.results import Flags, Floats, Integers, Results
from classicselfie.training.thresholds import choose_thresholds

# Largest share of photos whose label may differ because the thumbnail answered.
MAX_CHANGED = 0.001
# Of fewer photos so small a share cannot be told (three times its inverse).
MIN_PHOTOS = 3000
_MARGINS = np.linspace(0, 3, 121)


def choose_margin(results: Results, index: Integers) -> float | None:
    """Choose the smallest margin at which the thumbnails change hardly a label.

    Parameters
    ----------
    results : Results
        Of photos that were held out.
    index : ndarray of int64
        The photos to choose on.

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
    changed = np.max([_changed(results, index, cut) for cut in cuts], axis=0)
    # Beyond the last margin that is too small, not at a gap before it.
    wrong = np.flatnonzero(changed > MAX_CHANGED)
    first = wrong[-1] + 1 if wrong.size else 0
    return float(_MARGINS[first]) if first < len(_MARGINS) else None


def _changed(results: Results, index: Integers, cut: float) -> Floats:
    """Share of the photos with another label, per margin."""
    clear = np.abs(results.thumbnails[index] - cut)
    differs = (results.thumbnails_warned[index] >= cut) != (results.warned[index] >= cut)
    return np.array([(differs & (clear >= margin)).mean() for margin in _MARGINS])


def staged_figures(results: Results) -> dict[str, Any]:
    """Measure the early answer with margins that the other folds choose.

    Returns
    -------
    dict
        Per threshold: the share of photos that the thumbnail settles, the share whose label it
        changes, and the balanced accuracy with and without it. Empty where a fold finds no
        margin.
    """
    selfie = results.selfie
    early: dict[str, Flags] = {}
    staged = {name: flags.copy() for name, flags in results.flags.items()}
    for inside, outside in splits(results.folds):
        margin = choose_margin(results, np.array(outside))
        if margin is None:
            return {}
        rows = [results.rows[i] for i in outside]
        for name, cut in choose_thresholds(results.warned[outside], rows).items():
            clear = np.abs(results.thumbnails[inside] - cut) >= margin
            early.setdefault(name, np.zeros(len(selfie), bool))[inside] = clear
            small = results.thumbnails_warned[inside] >= cut
            staged[name][inside] = np.where(clear, small, staged[name][inside])
    return {
        name: {
            "settled": round(float(early[name].mean()), 4),
            "changed": round(float((staged[name] != flags).mean()), 4),
            "balanced_accuracy": round(_balanced_accuracy(selfie, flags), 4),
            "balanced_accuracy_staged": round(_balanced_accuracy(selfie, staged[name]), 4),
        }
        for name, flags in results.flags.items()
    }


def _balanced_accuracy(selfie: Flags, flags: Flags) -> float:
    return float((flags[selfie].mean() + (~flags[~selfie]).mean()) / 2)
