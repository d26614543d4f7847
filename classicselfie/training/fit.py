"""Features to weights: a linear SVM, and Platt's sigmoid over its decision values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classicselfie.errors import ManifestError
from classicselfie.features import FEATURE_NAMES, GROUPS
from classicselfie.model import LinearModel, standardise
from classicselfie.training.dataset import Dataset
from classicselfie.training.folds import Floats
from classicselfie.training.manifest import Row
from classicselfie.training.resampling import Flags

# One selfie in seven shows several people, of the other photos with a face one in four does: as
# they come, several faces would argue against a selfie. See docs/experiments.md.
KIND_WEIGHTS: Mapping[tuple[str, str], float] = {("selfie", "group"): 3.0}  # by label and kind


@dataclass(frozen=True)
class Settings:
    """What is chosen before the reported rows are looked at; see docs/experiments.md.

    Attributes
    ----------
    groups : tuple of str
        Feature groups that are used.
    c : float
        Inverse strength of the SVM's L2 penalty, for photos of weight 1 on average.
    """

    groups: tuple[str, ...] = tuple(group.name for group in GROUPS)
    c: float = 0.0003


def sample_weights(rows: Sequence[Row]) -> Floats:
    """Weigh photos so that no source, however large, decides alone.

    A source counts by the square root of its size, kinds as `KIND_WEIGHTS` tells, and both classes
    alike.

    Parameters
    ----------
    rows : sequence of Row

    Returns
    -------
    ndarray of float64, shape (n,)
        Mean 1.
    """
    sources = [(row.selfie, row.group if row.selfie else row.source) for row in rows]
    sizes = Counter(sources)
    weights = np.array([sizes[source] ** -0.5 for source in sources])
    weights *= [KIND_WEIGHTS.get((row.label, row.kind), 1.0) for row in rows]
    selfie = np.array([row.selfie for row in rows])
    for side in (selfie, ~selfie):
        weights[side] *= len(rows) / 2 / weights[side].sum()
    return weights


def fit_linear(
    x: npt.ArrayLike, selfie: Flags, weights: Floats, c: float
) -> tuple[Floats, Floats, Floats, float]:
    """Standardise numbers and fit a linear SVM, rounded as it is written.

    Parameters
    ----------
    x : array_like, shape (n, f)
    selfie : ndarray of bool, shape (n,)
    weights : ndarray of float64, shape (n,)
    c : float
        Inverse strength of the L2 penalty.

    Returns
    -------
    mean, scale : ndarray of float64, shape (f,)
        Of `standardise`.
    coef : ndarray of float64, shape (f,)
    intercept : float
    """
    x = np.asarray(x)
    mean = rounded(x.mean(axis=0, dtype=np.float64))
    spread = rounded(x.std(axis=0, dtype=np.float64))
    scale = np.where(spread > 0, spread, 1.0)
    # The dual is the faster one with as many numbers as photos. A smaller tolerance moves the
    # decision values by 0.0001; the seed is that of the order in which photos are looked at.
    svm = LinearSVC(C=c, dual=True, tol=1e-2, max_iter=5000, random_state=0).fit(
        standardise(x, mean, scale), selfie, sample_weight=weights
    )
    return mean, scale, rounded(svm.coef_[0]), float(rounded(svm.intercept_)[0])


def fit(dataset: Dataset, index: Sequence[int], settings: Settings, detector: str) -> LinearModel:
    """Train a model, not yet calibrated, on some of the photos in all their versions.

    Parameters
    ----------
    dataset : Dataset
    index : sequence of int
        The rows to train on.
    settings : Settings
    detector : str
        The face detector of the dataset.

    Returns
    -------
    LinearModel
        Features that are the same on all these photos are left out, as the face detector's maps
        are with a detector that has none.
    """
    versions = dataset.features.shape[1]
    columns = [
        place
        for place, name in enumerate(FEATURE_NAMES)
        if name.partition(".")[0] in settings.groups
    ]
    x = dataset.features[np.ix_(index, range(versions), columns)].reshape(-1, len(columns))
    varied = np.ptp(x, axis=0) > 0
    if not varied.any():
        raise ManifestError("all photos look the same: there is nothing to learn from them")
    if not varied.all():
        x = x[:, varied]
    rows = [dataset.rows[i] for i in index]
    mean, scale, coef, intercept = fit_linear(
        x,
        np.repeat([row.selfie for row in rows], versions),
        np.repeat(sample_weights(rows), versions) / versions,
        settings.c,
    )
    return LinearModel(
        title="blank",
        detector=detector,
        feature_names=tuple(
            FEATURE_NAMES[place] for place, used in zip(columns, varied, strict=True) if used
        ),
        mean=mean,
        scale=scale,
        coef=coef,
        intercept=intercept,
        calibration=(1.0, 0.0),
        thresholds={},
    )


def rounded(values: Any, digits: int = 4) -> Floats:
    """Round to significant digits: what is written is what was measured."""
    array = np.asarray(values, np.float64)
    flat = [float(f"{value:.{digits}g}") for value in array.ravel()]
    return np.array(flat).reshape(array.shape)


def calibrate(decisions: Floats, rows: Sequence[Row]) -> tuple[float, float]:
    """Fit Platt's sigmoid to decision values of photos that were held out.

    Parameters
    ----------
    decisions : ndarray of float64, shape (n,)
    rows : sequence of Row
        Of both classes; weighed by `sample_weights`.

    Returns
    -------
    tuple of float
        Slope and intercept, for a collection with as many selfies as others.

    Notes
    -----
    The targets are Platt's, (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2) in place of 1 and 0: a few
    photos that are told apart without a fault are no proof that all are. As photos weigh
    differently, N is how many photos of equal weight tell as much (Kish's effective size).

    References
    ----------
    Platt: Probabilistic Outputs for Support Vector Machines, Advances in Large Margin
    Classifiers (1999). Kish: Survey Sampling (1965), 11.7.
    """
    selfie = np.array([row.selfie for row in rows])
    weights = sample_weights(rows)
    sure = np.empty(len(rows))  # how sure the label may be
    for side in (selfie, ~selfie):
        size = weights[side].sum() ** 2 / (weights[side] ** 2).sum()
        sure[side] = (size + 1) / (size + 2)
    spread = float(decisions.std()) or 1.0
    # Each photo stands twice: with its own label, and a little with the other one.
    sigmoid = LogisticRegression(C=1e6, solver="newton-cholesky", tol=1e-9).fit(
        np.tile(decisions / spread, 2)[:, None],
        np.concatenate([selfie, ~selfie]),
        sample_weight=np.concatenate([weights * sure, weights * (1 - sure)]),
    )
    slope, intercept = rounded([sigmoid.coef_[0, 0] / spread, sigmoid.intercept_[0]], 5)
    return float(slope), float(intercept)
