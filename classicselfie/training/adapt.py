"""The bundled weights and a person's own photos to weights that know both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from classicselfie.model import LinearModel
from classicselfie.training.dataset import Dataset
from classicselfie.training.fit import rounded, sample_weights
from classicselfie.training.folds import Floats, Folds, assign_folds, held_out, splits
from classicselfie.training.judge import (
    judge_with,
    look_shares,
    told_by_calibration,
    told_by_shares,
)
from classicselfie.training.results import Results

# One photo of which the weights are wrong moves its own log-odds by about 0.05 to 1.5.
STRENGTHS = (3e-5, 1e-4, 3e-4, 1e-3)
"""How much a photo counts against the bundled weights: variances of their prior."""
USUAL = 1e-4
_INNER_FOLDS = 3


def adapt(
    prior: LinearModel, dataset: Dataset, index: Sequence[int], strength: float
) -> LinearModel:
    """Move weights towards own photos, and no farther than these ask for.

    Parameters
    ----------
    prior : LinearModel
        What is known before the photos are seen.
    dataset : Dataset
    index : sequence of int
        The rows to learn from.
    strength : float
        Variance of the prior of each weight of the log-odds.

    Returns
    -------
    LinearModel
        Of the same features, calibration and thresholds; the prior itself where the rows lack a
        class.

    Notes
    -----
    The weights of highest posterior density: of the log-odds ``slope × d + intercept`` of
    `LinearModel.calibration`, with a normal distribution around the prior's weights and photos
    that weigh as `sample_weights` tells. As they are log-odds before and after, calibration and
    thresholds keep their meaning.

    References
    ----------
    Yang, Yan, Hauptmann: Cross-domain video concept detection using adaptive SVMs, ACM
    Multimedia (2007). Chelba, Acero: Adaptation of Maximum Entropy Capitalizer, EMNLP (2004).
    """
    rows = [dataset.rows[i] for i in index]
    if len({row.selfie for row in rows}) < 2:
        return prior
    versions = dataset.features.shape[1]
    x = prior.standardise(dataset.features[index][:, :, prior.columns])
    x = x.reshape(-1, len(prior.columns))
    side = np.where(np.repeat([row.selfie for row in rows], versions), 1.0, -1.0)
    weights = np.repeat(sample_weights(rows), versions) / versions
    slope, offset = prior.calibration
    known = slope * (x @ prior.coef + prior.intercept) + offset
    x = np.hstack([x, np.ones((len(x), 1))])  # the last weight is the bias

    def loss(change: Floats) -> tuple[float, Floats]:
        margin = side * (known + x @ change)
        pull = weights * side * expit(-margin)
        value = change @ change / (2 * strength) + weights @ np.logaddexp(0, -margin)
        return float(value), change / strength - x.T @ pull

    start = np.zeros(x.shape[1])
    change = minimize(loss, start, jac=True, method="L-BFGS-B").x / slope
    return replace(
        prior,
        coef=rounded(prior.coef + change[:-1], 6),
        intercept=float(rounded(prior.intercept + change[-1], 6)),
    )


def choose_strength(prior: LinearModel, dataset: Dataset, index: Sequence[int]) -> float:
    """Choose how much own photos count, by the likelihood of photos that were left out.

    Parameters
    ----------
    prior : LinearModel
    dataset : Dataset
    index : sequence of int
        The rows that may be looked at.

    Returns
    -------
    float
        Of `STRENGTHS`, of equals the smallest; `USUAL` where no inner part holds both classes.
    """
    plain = replace(dataset, features=dataset.features[:, :1])
    rows = [dataset.rows[i] for i in index]
    losses: dict[float, float] = {}
    for inside, outside in splits(assign_folds(rows, _INNER_FOLDS).index):
        if len({rows[place].selfie for place in outside}) < 2:
            continue
        train, test = [index[place] for place in outside], [index[place] for place in inside]
        side = np.where([dataset.rows[i].selfie for i in test], 1.0, -1.0)
        for strength in STRENGTHS:
            log_odds = _log_odds(adapt(prior, plain, train, strength), plain, test)
            lost = float(np.logaddexp(0, -side * log_odds).sum())
            losses[strength] = losses.get(strength, 0.0) + lost
    return min(losses, key=lambda strength: (losses[strength], strength), default=USUAL)


def _score_adapted(
    prior: LinearModel, dataset: Dataset, train: Sequence[int], test: Sequence[int]
) -> Floats:
    """Adapt the weights and score others; see `score_model`."""
    strength = choose_strength(prior, dataset, train)
    return look_shares(adapt(prior, dataset, train, strength), dataset, test)


def judge_adapted(prior: LinearModel, dataset: Dataset, folds: Folds, n_jobs: int = -1) -> Results:
    """Judge every photo by weights that were adapted to the photos of the other folds.

    Parameters
    ----------
    prior : LinearModel
        The bundled weights, at whose calibration and thresholds all are judged.
    dataset : Dataset
    folds : Folds
        One that lacks a class is judged as well.
    n_jobs : int
        Processes.

    Returns
    -------
    Results
        With `Results.bundled`: what the bundled weights say themselves.
    """
    bundled = judge_with(prior, dataset, n_jobs)
    scored = held_out(folds.index, partial(_score_adapted, prior, dataset), n_jobs)
    told = told_by_shares(dataset, scored)
    return replace(
        bundled,
        model=f"{prior.title}, adapted",
        provenance=(
            "Every photo was judged, from its pixels alone, by the bundled weights adapted to the "
            "photos of all other folds. "
            + (
                "Sources are left out whole."
                if folds.whole_sources
                else "The sources are too few to be left out whole, so that parts of them were: "
                "these figures flatter the adapted weights."
            )
        ),
        folds=folds.index,
        fold_names=folds.names,
        whole_sources=folds.whole_sources,
        bundled=bundled,
        **told,
        **told_by_calibration(prior, told),
    )


def _log_odds(model: LinearModel, dataset: Dataset, index: Sequence[int]) -> Floats:
    slope, offset = model.calibration
    decisions = model.decision_function(dataset.features[index, 0][:, model.columns])
    return slope * decisions + offset
