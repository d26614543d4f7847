"""Features to weights: small trees find conjunctions, a linear SVM weighs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classicselfie.features import FEATURE_NAMES, GROUPS
from classicselfie.model import NEVER, LinearModel
from classicselfie.training.dataset import VERSIONS, Dataset
from classicselfie.training.folds import Floats, Integers
from classicselfie.training.manifest import Row

# Portraits taken by others are what the users fear most to see flagged.
HARD_KINDS = frozenset(
    {
        "portrait_by_other",
        "phone_portrait_by_other",
        "people_same_source",
        "selfie_taking_or_portrait",
    }
)
HARD_WEIGHT = 3.0


@dataclass(frozen=True)
class Settings:
    """What was chosen before the reported rows were looked at; see docs/experiments.md.

    Attributes
    ----------
    groups : tuple of str
        Feature groups that are used.
    trees, depth, learning_rate, max_features, subsample, min_leaf
        Of the gradient-boosted trees whose leaves become 0/1 features.
    c : float
        Inverse strength of the SVM's L2 penalty.
    linear_scale : float
        Spread of the standardised features beside the 0/1 leaves: their share of the penalty.
    seed : int
        Of the trees.
    """

    groups: tuple[str, ...] = tuple(group.name for group in GROUPS)
    trees: int = 300
    depth: int = 2
    learning_rate: float = 0.1
    max_features: float = 0.07
    subsample: float = 0.6
    min_leaf: int = 20
    c: float = 0.0005
    linear_scale: float = 1.0
    seed: int = 0


def sample_weights(rows: Sequence[Row]) -> Floats:
    """Weigh photos so that no source, however large, decides alone.

    A source counts by the square root of its size, hard negatives threefold, and both classes
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
    weights[[not row.selfie and row.kind in HARD_KINDS for row in rows]] *= HARD_WEIGHT
    selfie = np.array([row.selfie for row in rows])
    for side in (selfie, ~selfie):
        weights[side] *= len(rows) / 2 / weights[side].sum()
    return weights


@dataclass(frozen=True, eq=False)
class Grown:
    """Trees that are grown, before the SVM weighs their leaves.

    Attributes
    ----------
    model : LinearModel
        With splits and standardisation, all weights 0.
    design : sparse matrix, shape (samples, features + leaves)
        Standardised features, scaled down, beside one 0/1 column per leaf.
    selfie : ndarray of bool, shape (samples,)
    weights : ndarray of float64, shape (samples,)
    linear_scale : float
        See `Settings`.
    """

    model: LinearModel
    design: Any
    selfie: npt.NDArray[np.bool_]
    weights: Floats
    linear_scale: float

    def weigh(self, c: float) -> LinearModel:
        """Fit the SVM; the model is not yet calibrated."""
        svm = LinearSVC(C=c, dual=False, tol=1e-6, max_iter=5000).fit(
            self.design, self.selfie, sample_weight=self.weights
        )
        coef = svm.coef_[0]
        features = len(self.model.feature_names)
        return replace(
            self.model,
            coef=_rounded(coef[:features] * self.linear_scale),
            leaf_coef=_rounded(coef[features:].reshape(self.model.leaf_coef.shape)),
            intercept=float(_rounded(svm.intercept_)[0]),
        )


def grow(
    dataset: Dataset,
    index: Sequence[int],
    settings: Settings,
    detector: str,
    versions: int = VERSIONS,
) -> Grown:
    """Grow the trees on some of the photos.

    Parameters
    ----------
    dataset : Dataset
    index : sequence of int
        The rows to train on.
    settings : Settings
    detector : str
        The face detector of the dataset.
    versions : int
        How many versions of each photo to use.

    Returns
    -------
    Grown
    """
    names = tuple(name for name in FEATURE_NAMES if name.partition(".")[0] in settings.groups)
    columns = [FEATURE_NAMES.index(name) for name in names]
    chosen = dataset.features[index, :versions][:, :, columns]
    x: Floats = chosen.reshape(-1, len(columns)).astype(np.float64)
    rows = [dataset.rows[i] for i in index]
    selfie = np.repeat([row.selfie for row in rows], versions)
    weights = np.repeat(sample_weights(rows), versions) / versions
    trees = GradientBoostingClassifier(
        n_estimators=settings.trees,
        learning_rate=settings.learning_rate,
        max_depth=settings.depth,
        max_features=settings.max_features,
        subsample=settings.subsample,
        min_samples_leaf=settings.min_leaf,
        random_state=settings.seed,
    ).fit(x, selfie, sample_weight=weights)
    split_feature, split_threshold = _heaps(trees, settings.depth)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    shape = (len(split_feature), 2**settings.depth)
    blank = LinearModel(
        title="blank",
        detector=detector,
        feature_names=names,
        mean=_rounded(mean),
        scale=_rounded(np.where(scale > 0, scale, 1.0)),
        coef=np.zeros(len(names)),
        split_feature=split_feature,
        split_threshold=split_threshold,
        leaf_coef=np.zeros(shape),
        leaf_share=np.zeros(shape),
        intercept=0.0,
        calibration=(1.0, 0.0),
        thresholds={},
    )
    leaves = blank.leaves(x)
    shares = np.zeros(shape)
    np.add.at(shares, (np.arange(leaves.shape[1]), leaves), weights[:, None] / weights.sum())
    return Grown(
        model=replace(blank, leaf_share=_rounded(shares, 3)),
        design=_design(blank, x, leaves, settings.linear_scale),
        selfie=selfie,
        weights=weights,
        linear_scale=settings.linear_scale,
    )


def fit(dataset: Dataset, index: Sequence[int], settings: Settings, detector: str) -> LinearModel:
    """Train a model, not yet calibrated, on some of the photos in all their versions."""
    return grow(dataset, index, settings, detector).weigh(settings.c)


def _design(model: LinearModel, x: Floats, leaves: Integers, linear_scale: float) -> Any:
    """Build the matrix that the SVM sees, see `Grown`."""
    count, trees = leaves.shape
    width = model.leaf_coef.shape[1]
    one_hot = sparse.csr_matrix(
        (
            np.ones(count * trees),
            (leaves + width * np.arange(trees)).ravel(),
            np.arange(0, count * trees + 1, trees),
        ),
        shape=(count, trees * width),
    )
    linear = sparse.csr_matrix(model.standardise(x) * linear_scale)
    return sparse.hstack([linear, one_hot], format="csr")


def _heaps(trees: Any, depth: int) -> tuple[Integers, Floats]:
    """Write scikit-learn's trees as complete trees in heap order.

    Where a branch ends early, its missing splits compare with `NEVER`: always the first child.
    """
    nodes = 2**depth - 1
    feature = np.zeros((len(trees.estimators_), nodes), np.int64)
    threshold = np.full((len(trees.estimators_), nodes), NEVER)
    for row, (estimator,) in enumerate(trees.estimators_):
        tree = estimator.tree_
        places = [(0, 0)]
        while places:
            node, place = places.pop()
            if tree.children_left[node] < 0:
                continue
            feature[row, place] = tree.feature[node]
            threshold[row, place] = tree.threshold[node]
            places.append((tree.children_left[node], 2 * place + 1))
            places.append((tree.children_right[node], 2 * place + 2))
    return feature, _rounded(threshold)


def _rounded(values: Any, digits: int = 5) -> Floats:
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
    slope, intercept = _rounded([sigmoid.coef_[0, 0] / spread, sigmoid.intercept_[0]])
    return float(slope), float(intercept)


# Largest shares of false alarms that the published thresholds may give on held-out photos.
NO_PEOPLE_KINDS = frozenset({"no_people", "document", "painting"})
PEOPLE_KINDS = frozenset({"people"})
LIMITS = {
    "strict": {"all": 0.01, "no_people": 0.005, "people": 0.02, "portraits": 0.08},
    "sensitive": {"all": 0.05},
}


def choose_thresholds(decisions: Floats, rows: Sequence[Row]) -> dict[str, float]:
    """Choose the smallest decision values whose false alarms stay within `LIMITS`.

    Parameters
    ----------
    decisions : ndarray of float64, shape (n,)
        Of photos that were held out.
    rows : sequence of Row

    Returns
    -------
    dict of str to float
        Decision value per threshold's name.
    """
    other = np.array([not row.selfie for row in rows])
    members = {
        "all": other,
        "no_people": other & np.array([row.kind in NO_PEOPLE_KINDS for row in rows]),
        "people": other & np.array([row.kind in PEOPLE_KINDS for row in rows]),
        "portraits": other & np.array([row.kind in HARD_KINDS for row in rows]),
    }
    return {
        name: max(_upper(decisions[members[part]], share) for part, share in limits.items())
        for name, limits in LIMITS.items()
    }


def _upper(decisions: Floats, share: float) -> float:
    """Smallest cut that at most `share` of the values reach."""
    if not decisions.size:
        return -np.inf
    ordered = np.sort(decisions)[::-1]
    return float(np.nextafter(ordered[int(share * len(ordered))], np.inf))
