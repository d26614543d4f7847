"""Photos to results: judged by models that have not seen them, or by weights as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier

from classicselfie.errors import WorkersError
from classicselfie.features import FEATURE_NAMES, GROUPS
from classicselfie.model import LinearModel
from classicselfie.photo import open_photo
from classicselfie.training.bands import BRIGHTNESS, SKIN_TONE, band
from classicselfie.training.dataset import Dataset
from classicselfie.training.fit import Settings, fit, sample_weights
from classicselfie.training.folds import Floats, Folds, assign_folds, held_out
from classicselfie.training.manifest import Row
from classicselfie.training.results import Results
from classicselfie.training.selection import choose_settings
from classicselfie.training.validation import calibrated_without, flags_at_thresholds
from classicselfie.workers.messages import Message
from classicselfie.workers.pool import WorkerPool, count_processes
from classicselfie.workers.process import Handler
from classicselfie.workers.worker import CrashError, FailedError

GROUP_NAMES = tuple(group.name for group in GROUPS)


def score_model(
    dataset: Dataset,
    detector: str,
    settings: Settings | None,
    train: Sequence[int],
    test: Sequence[int],
) -> Floats:
    """Train the real model and score others: what makes a `Score`, the rows given last.

    Parameters
    ----------
    dataset : Dataset
    detector : str
    settings : Settings or None
        None chooses them anew, on the training photos alone.
    train, test : sequence of int
        Rows.

    Returns
    -------
    ndarray of float64, shape (test, 1 + stages, groups + 1)
        Of `look_shares`; each last row sums up to a decision value.
    """
    settings = settings or choose_settings(dataset, train, detector)
    return look_shares(fit(dataset, train, settings, detector), dataset, test)


@dataclass(frozen=True, eq=False)
class BaselineScore:
    """`Score` of a model that sees no pixel: aspect, size of the original, bytes of the file.

    Attributes
    ----------
    rows : sequence of Row
    facts : ndarray of float64, shape (n, 5)
    """

    rows: Sequence[Row]
    facts: Floats

    @classmethod
    def of(cls, rows: Sequence[Row], n_jobs: int) -> BaselineScore:
        """Look up the facts; a size that the manifest does not tell is read in `n_jobs` processes.

        Raises
        ------
        WorkersError
            If a header cannot be read any more, or the processes do not start.
        """
        sizes = {row.name: row.size for row in rows if row.size is not None}
        unsized = [row for row in rows if row.size is None]
        if unsized:
            jobs = ((row.name, Message(str(row.path.absolute()))) for row in unsized)
            with WorkerPool(_prepare_size, _read_size, count_processes(n_jobs)) as pool:
                for name, answer in pool.in_order(jobs):
                    try:
                        sizes[name] = answer.result()
                    except (CrashError, FailedError) as error:
                        raise WorkersError(f"the header of {name} cannot be read") from error
        return cls(rows, np.array([_file_facts(row, *sizes[row.name]) for row in rows]))

    def __call__(self, train: Sequence[int], test: Sequence[int]) -> Floats:
        """Train and score; shape (test,)."""
        y = np.array([row.selfie for row in self.rows])
        weights = sample_weights([self.rows[i] for i in train])
        trees = GradientBoostingClassifier(
            n_estimators=100, max_depth=3, subsample=0.6, min_samples_leaf=20, random_state=0
        ).fit(self.facts[train], y[train], sample_weight=weights)
        return np.asarray(trees.decision_function(self.facts[test]), np.float64)


def _prepare_size() -> Handler:
    """Make what answers in a worker process: the size of a photo."""

    def answer(request: Message) -> Message:
        with open_photo(request.head) as file:
            return Message(file.size)

    return answer


def _read_size(answer: Message) -> tuple[int, int]:
    width, height = answer.head
    return int(width), int(height)


def _file_facts(row: Row, width: int, height: int) -> list[float]:
    aspect = width / height if height else 0.0
    common = min(abs(aspect - a) for a in (1, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9, 9 / 16))
    megapixels = width * height / 1e6
    return [aspect, common, megapixels, float(max(width, height)), float(row.path.stat().st_size)]


def group_shares(model: LinearModel, features: npt.NDArray[np.float32]) -> Floats:
    """Sum the features' shares of the decision value up to groups.

    Parameters
    ----------
    model : LinearModel
    features : ndarray of float32, shape (n, len(FEATURE_NAMES))

    Returns
    -------
    ndarray of float64, shape (n, len(GROUP_NAMES) + 1)
        The bias comes last.
    """
    shares, bias = model.contributions(features[:, model.columns])
    groups = [GROUP_NAMES.index(name.partition(".")[0]) for name in model.feature_names]
    out = np.zeros((len(features), len(GROUP_NAMES) + 1))
    np.add.at(out.T, groups, shares.T)
    out[:, -1] = bias
    return out


def look_shares(model: LinearModel, dataset: Dataset, index: Sequence[int]) -> Floats:
    """Sum the shares up to groups, of the photos and of their early looks.

    Parameters
    ----------
    model : LinearModel
    dataset : Dataset
    index : sequence of int
        The rows.

    Returns
    -------
    ndarray of float64, shape (len(index), 1 + len(EARLY_STAGES), len(GROUP_NAMES) + 1)
        See `group_shares`.
    """
    looks = dataset.features[index, 0], *dataset.early[index].swapaxes(0, 1)
    return np.stack([group_shares(model, look) for look in looks], axis=1)


def judge_left_out(
    dataset: Dataset,
    detector: str,
    folds: Folds,
    *,
    settings: Settings | None = None,
    baseline: bool = True,
    retrain: bool = False,
    n_jobs: int = -1,
) -> Results:
    """Judge every photo by a model that has not seen its fold.

    Parameters
    ----------
    dataset : Dataset
    detector : str
        The face detector of the dataset.
    folds : Folds
    settings : Settings, optional
        By default they are chosen within every training part.
    baseline : bool
        Whether to judge the photos by the metadata-only model as well.
    retrain : bool
        Whether to train again without each family of feature groups, see `Results.retrained`.
    n_jobs : int
        Processes.

    Returns
    -------
    Results
    """
    rows = dataset.rows
    scored = held_out(folds.index, partial(score_model, dataset, detector, settings), n_jobs)
    told = told_by_shares(dataset, scored)
    return Results(
        model=f"classicselfie, {detector}",
        provenance=(
            "Every photo was judged, from its pixels alone, by a model that was trained and tuned "
            "without all photos of its fold; its thresholds and its calibration come from the "
            "scores of the other folds. "
            + (
                "Sources are left out whole: no photo's source was in the training of the model "
                "that judges it."
                if folds.whole_sources
                else "The sources are too few to be left out whole, so that parts of them were: "
                "these figures flatter the model."
            )
        ),
        folds=folds.index,
        fold_names=folds.names,
        whole_sources=folds.whole_sources,
        probabilities=calibrated_without(rows, folds.index, told["decisions"]),
        flags=flags_at_thresholds(rows, folds.index, told["warned"]),
        baseline=(
            held_out(folds.index, BaselineScore.of(rows, n_jobs), n_jobs) if baseline else None
        ),
        retrained=_retrained(dataset, detector, folds, n_jobs) if retrain else {},
        **told,
    )


def _retrained(dataset: Dataset, detector: str, folds: Folds, n_jobs: int) -> dict[str, Floats]:
    """Judge every photo by models without a family of groups; all with the same C."""
    plain = replace(dataset, features=dataset.features[:, :1])
    out = {}
    for family in ("", *sorted({_family(name) for name in GROUP_NAMES})):
        groups = tuple(name for name in GROUP_NAMES if _family(name) != family)
        score = partial(score_model, plain, detector, Settings(groups=groups))
        out[family] = held_out(folds.index, score, n_jobs)[:, 0].sum(axis=1)
    return out


def _family(group: str) -> str:
    """Name what is left out together: "maps" and "maps_pairs" make up for each other."""
    return group.partition("_")[0]


def judge_with(model: LinearModel, dataset: Dataset, n_jobs: int = -1) -> Results:
    """Judge photos by weights as they are.

    Parameters
    ----------
    model : LinearModel
    dataset : Dataset
    n_jobs : int
        Processes for the metadata-only model, which is judged by folds where there are any.

    Returns
    -------
    Results
    """
    rows = dataset.rows
    told = told_by_shares(dataset, look_shares(model, dataset, range(len(rows))))
    folds = assign_folds(rows)
    judgeable = folds.without_both(rows) is None
    known = set(model.card.get("training_data", {}).get("sources", ()))
    seen = sum(row.source in known for row in rows)
    return Results(
        model=model.name,
        provenance=(
            "The weights judged the photos as they are, from the pixels alone, at their own "
            "thresholds. Whether they were trained on them is told by the sources' names only. "
            + (
                f"{seen} of the {len(rows)} photos come from sources that the weights name as "
                "their training data: where it is these very photos, the figures flatter."
                if seen
                else "None of the photos' sources is named in the weights' training data."
            )
        ),
        folds=np.zeros(len(rows), np.int64),
        fold_names=["all"],
        whole_sources=not seen,
        baseline=(
            held_out(folds.index, BaselineScore.of(rows, n_jobs), n_jobs) if judgeable else None
        ),
        retrained={},
        **told,
        **told_by_calibration(model, told),
    )


def told_by_shares(dataset: Dataset, scored: Floats) -> dict[str, Any]:
    """Sum shares up to what `Results` tells of each photo, whoever judged it.

    Parameters
    ----------
    dataset : Dataset
    scored : ndarray of float64
        Of `look_shares`, for all photos.

    Returns
    -------
    dict
        `decisions`, `warned`, `early`, `early_warned`, `shares`, and what the dataset tells.
    """
    decisions, early = scored[:, 0].sum(axis=1), scored[:, 1:].sum(axis=2)
    return {
        "decisions": decisions,
        "warned": _without_faceless(dataset.features[:, 0], decisions),
        "early": early,
        "early_warned": _without_faceless(dataset.early, early),
        "shares": scored[:, 0, :-1],
        "share_names": GROUP_NAMES,
        "rows": dataset.rows,
        "unreadable": [(row.name, why) for row, why in dataset.unreadable],
        "bands": {
            "brightness of the face": [band(luma, BRIGHTNESS) for luma in dataset.face_light[:, 0]],
            "skin tone in the picture": [
                band(tone, SKIN_TONE) for tone in dataset.face_light[:, 1]
            ],
        },
    }


def told_by_calibration(model: LinearModel, told: Mapping[str, Any]) -> dict[str, Any]:
    """Add the `probabilities`, and the `flags` at the thresholds, that a model gives itself."""
    probabilities = np.array([model.probability(value) for value in told["decisions"]])
    flags = {
        name: np.isfinite(told["warned"]) & (probabilities >= threshold)
        for name, threshold in model.thresholds.items()
    }
    return {"probabilities": probabilities, "flags": flags}


def _without_faceless(features: npt.NDArray[np.float32], decisions: Floats) -> Floats:
    """Give photos without a face the lowest value: nobody is warned of those."""
    found = features[..., FEATURE_NAMES.index("face.found")] > 0
    return np.where(found, decisions, -np.inf)
