"""A person's own ratings to weights of the quality score, measured on groups that were left out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classicselfie.console import note, say
from classicselfie.errors import ManifestError, MissingExtraError, NoFaceError, PhotoError
from classicselfie.files import refuse_targets, write_files
from classicselfie.names import printable
from classicselfie.photo import load_photo
from classicselfie.progress import progress_bar
from classicselfie.quality.measures import MEASURES, Floats
from classicselfie.quality.score import QualityScorer, border_share, shortfalls, survey
from classicselfie.tables import read_table

FOLDS = 5
MIN_PHOTOS = 10
RATING_BINS = 5
_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # of the ridge, chosen within the training part


@dataclass(frozen=True)
class Rating:
    """One row of a file of ratings; a group is never on both sides of a measurement."""

    path: Path
    rating: float
    group: str


def read_ratings(path: Path) -> list[Rating]:
    """Read a CSV with the columns path, rating and, where known, group; see `read_table`.

    Raises
    ------
    ManifestError
        If the file cannot be read or a row cannot be used.
    """
    rows = read_table(path, ("path", "rating"))
    if not rows:
        raise ManifestError(f"{path}: needs a row for each photo")
    ratings = []
    for row in rows:
        try:
            # Spreadsheets that part columns by semicolons often write 3.5 as 3,5.
            value = float(row["rating"].replace(",", "."))
        except ValueError:
            value = math.nan
        if not row["path"] or not math.isfinite(value):
            raise ManifestError(f"{path}, line {row.line}: needs a path and a number as rating")
        # Without a group every photo is one of its own.
        ratings.append(Rating(path.parent / row["path"], value, row["group"] or row["path"]))
    return ratings


def train_ratings(
    source: Path,
    *,
    output: Path,
    loss: str = "squared",
    balanced: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Fit a scorer to ratings, measure it on left-out groups, and write its weights.

    Parameters
    ----------
    source : Path
        See `read_ratings`.
    output : Path
        Weights for `load_scorer`.
    loss : {"squared", "huber"}
    balanced : bool
        Whether each of five bins of ratings weighs the same, however many photos it holds.
    force : bool
        Whether `output` may be replaced.

    Returns
    -------
    dict
        The figures, as in the card of the weights.

    Raises
    ------
    ManifestError
        If the ratings cannot be used.
    TargetError
        If `output` exists already, or must not be written.
    OutputError
        If `output` cannot be written.
    MissingExtraError
        If the extra "ratings" is not installed.
    """
    MissingExtraError.unless_installed("ratings")
    from sklearn.model_selection import GroupKFold

    refuse_targets([output], force=force)
    ratings = read_ratings(source)
    digest = hashlib.sha256()
    used: list[Rating] = []
    rows: list[Floats] = []
    for rating in progress_bar(ratings, desc="photos", unit="photo"):
        try:
            photo = load_photo(rating.path)
            maps = survey(photo)
        except (PhotoError, NoFaceError) as error:
            note(f"left out: {rating.path}: {error}")
            continue
        used.append(rating)
        rows.append(shortfalls(maps.measure(maps.frame, border_share(photo))[0]))
        digest.update(hashlib.sha256(rating.path.read_bytes()).digest())
        digest.update(f"{rating.rating!r} {rating.group}\n".encode())
    x, y = np.array(rows), np.array([rating.rating for rating in used])
    groups = np.unique([rating.group for rating in used], return_inverse=True)[1]
    if len(used) < MIN_PHOTOS or groups.max(initial=0) < 2 or np.ptp(y) == 0:
        raise ManifestError(
            f"{source}: needs at least {MIN_PHOTOS} photos with a face in three groups, and "
            "ratings that differ"
        )
    fit = _fitter(loss, balanced)
    predicted = np.full(len(y), np.nan)
    folds = min(FOLDS, int(groups.max()) + 1)
    for train, test in GroupKFold(folds).split(x, y, groups):
        coef, intercept = fit(x[train], y[train], groups[train])
        predicted[test] = np.clip(x[test] @ coef + intercept, y[train].min(), y[train].max())
    figures = _figures(y, predicted) | {
        "photos": len(used),
        "groups": int(groups.max()) + 1,
        "folds": folds,
        "left_out": len(ratings) - len(used),
    }
    coef, intercept = fit(x, y, groups)
    scorer = QualityScorer(
        name=printable(output.stem),
        intercept=intercept,
        coef=coef,
        lowest=float(y.min()),
        highest=float(y.max()),
        card={
            "loss": loss,
            "balanced": balanced,
            "training_data_sha256": digest.hexdigest(),
            "measured_on_left_out_groups": figures,
        },
    )
    write_files({output: scorer.to_json().encode()}, force=force)
    say(
        f"{output}: {len(used)} photos in {figures['groups']} groups; on left-out groups Pearson "
        f"{figures['pearson']:.3f}, Spearman {figures['spearman']:.3f}, mean absolute error "
        f"{figures['mae']:.2f} (always the mean: {figures['mae_of_mean']:.2f})"
    )
    return figures


def _fitter(
    loss: str, balanced: bool
) -> Callable[[Floats, Floats, npt.NDArray[np.int64]], tuple[Floats, float]]:
    from sklearn.linear_model import HuberRegressor, Ridge
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.class_weight import compute_sample_weight
    from threadpoolctl import threadpool_limits

    def fit(x: Floats, y: Floats, groups: npt.NDArray[np.int64]) -> tuple[Floats, float]:
        """Fit on features of equal spread, and give the weights of the features as they are."""
        model = Ridge() if loss == "squared" else HuberRegressor(max_iter=2000)
        edges = np.linspace(y.min(), y.max(), RATING_BINS + 1)[1:-1]
        bins = np.searchsorted(edges, y, side="right")
        weights = compute_sample_weight("balanced" if balanced else None, bins)
        name = type(model).__name__.lower()
        search = GridSearchCV(
            make_pipeline(StandardScaler(), model),
            {f"{name}__alpha": _STRENGTHS},
            scoring="neg_mean_absolute_error",
            cv=GroupKFold(min(FOLDS, len(np.unique(groups)))),
        )
        # Of so few numbers, several threads cost more than they save.
        with threadpool_limits(1):
            search.fit(x, y, groups=groups, **{f"{name}__sample_weight": weights})
        scaler, fitted = search.best_estimator_
        coef: Floats = fitted.coef_ / scaler.scale_
        return coef, float(fitted.intercept_ - coef @ scaler.mean_)

    return fit


def _figures(y: Floats, predicted: Floats) -> dict[str, Any]:
    from scipy.stats import rankdata

    def correlation(a: Floats, b: Floats) -> float:
        return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) and np.ptp(b) else 0.0

    return {
        "pearson": round(correlation(y, predicted), 4),
        "spearman": round(correlation(rankdata(y), rankdata(predicted)), 4),
        "mae": round(float(np.abs(y - predicted).mean()), 4),
        "mae_of_mean": round(float(np.abs(y - y.mean()).mean()), 4),
        "features": len(MEASURES),
    }
