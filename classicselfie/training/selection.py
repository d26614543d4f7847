"""The choice of C and of the feature groups, by folds grouped by source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classicselfie.features import GROUPS
from classicselfie.training.dataset import Dataset
from classicselfie.training.fit import Settings, grow
from classicselfie.training.folds import leave_sources_out, splits
from classicselfie.training.validation import mean_tpr

# What is compared; everything else of `Settings` was settled once, see docs/experiments.md.
C_CHOICES = (0.00015, 0.0005, 0.0015, 0.005)
_ALL = tuple(group.name for group in GROUPS)
GROUP_CHOICES = (
    _ALL,
    tuple(name for name in _ALL if not name.startswith("hog_")),
)
_INNER_FOLDS = 3
_INNER_VERSIONS = 1  # the others cost time and favour no candidate


def choose_settings(dataset: Dataset, index: Sequence[int], detector: str) -> Settings:
    """Choose C and the feature groups on some of the photos.

    Whole sources are left out in turn, and the candidate with the highest mean recall at 0.5 to
    5 % false alarms wins; of equals, the one with fewer features and the smaller C.

    Parameters
    ----------
    dataset : Dataset
    index : sequence of int
        The rows that may be looked at.
    detector : str
        The face detector of the dataset.

    Returns
    -------
    Settings
        The default ones where no inner fold holds both classes.
    """
    rows = [dataset.rows[i] for i in index]
    selfie = np.array([row.selfie for row in rows])
    recalls: dict[tuple[int, float], list[float]] = {}
    for inside, outside in splits(leave_sources_out(rows, _INNER_FOLDS)):
        if any(len(set(selfie[part].tolist())) < 2 for part in (inside, outside)):
            continue
        train, test = [index[i] for i in outside], [index[i] for i in inside]
        for place, groups in enumerate(GROUP_CHOICES):
            grown = grow(dataset, train, Settings(groups=groups), detector, _INNER_VERSIONS)
            for c in C_CHOICES:
                model = grown.weigh(c)
                decisions = model.decision_function(dataset.features[test, 0][:, model.columns])
                recalls.setdefault((place, c), []).append(mean_tpr(selfie[inside], decisions))
    if not recalls:
        return Settings()
    best = max(recalls, key=lambda key: (round(float(np.mean(recalls[key])), 4), key[0], -key[1]))
    return Settings(groups=GROUP_CHOICES[best[0]], c=best[1])
