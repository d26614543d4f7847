"""The choice of C, by folds of whole sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from classicselfie.training.dataset import Dataset
from classicselfie.training.fit import Settings, fit
from classicselfie.training.folds import Floats, Score, assign_folds, splits
from classicselfie.training.manifest import Row
from classicselfie.training.validation import mean_tpr

# What is compared; everything else of `Settings` was settled once, see docs/experiments.md.
C_CHOICES = (0.0001, 0.0003, 0.001)
_INNER_FOLDS = 3


def choose_c(
    rows: Sequence[Row], index: Sequence[int], score_of: Callable[[float], Score]
) -> float:
    """Choose C on some of the photos.

    Whole sources are left out in turn, and the C with the highest mean recall at 0.5 to 5 % false
    alarms wins; of equals, the smaller one.

    Parameters
    ----------
    rows : sequence of Row
    index : sequence of int
        The rows that may be looked at.
    score_of : callable
        Returns, for a C, what trains and scores.

    Returns
    -------
    float
        That of `Settings` where no inner fold holds both classes.
    """
    selfie = np.array([row.selfie for row in rows])
    recalls: dict[float, list[float]] = {}
    inner = assign_folds([rows[i] for i in index], _INNER_FOLDS)
    for inside, outside in splits(inner.index):
        train, test = [index[i] for i in outside], [index[i] for i in inside]
        if any(len(set(selfie[part].tolist())) < 2 for part in (train, test)):
            continue
        for c in C_CHOICES:
            decisions = score_of(c)(train, test)
            recalls.setdefault(c, []).append(mean_tpr(selfie[test], decisions))
    if not recalls:
        return Settings().c
    return max(recalls, key=lambda c: (round(float(np.mean(recalls[c])), 4), -c))


def choose_settings(dataset: Dataset, index: Sequence[int], detector: str) -> Settings:
    """Choose C for a detector's weights on some of the photos; see `choose_c`.

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
    """
    # The other versions cost time and favour no C.
    plain = replace(dataset, features=dataset.features[:, :1])

    def score_of(c: float) -> Score:
        def score(train: Sequence[int], test: Sequence[int]) -> Floats:
            model = fit(plain, train, Settings(c=c), detector)
            return model.decision_function(plain.features[test, 0][:, model.columns])

        return score

    return Settings(c=choose_c(dataset.rows, index, score_of))
