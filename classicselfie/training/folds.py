"""Which photos are judged together by a model that saw none of them: folds grouped by source."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from classicselfie.training.manifest import Row
from classicselfie.workers.process import die_with_parent

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Score = Callable[[Sequence[int], Sequence[int]], Floats]
"""Train on the first rows, return one number or one row of numbers for each of the second."""


def selfie_groups(rows: Iterable[Row]) -> list[str]:
    """List the groups that hold selfies, in order."""
    return sorted({row.group for row in rows if row.selfie})


PARTS = 5  # folds where all selfies are of one source


def fold_names(rows: Sequence[Row]) -> list[str]:
    """Name the folds: the groups of selfies, or parts where there is but one group."""
    groups = selfie_groups(rows)
    return groups if len(groups) > 1 else [f"part {part + 1}" for part in range(PARTS)]


def leave_one_group_out(rows: Sequence[Row]) -> Integers:
    """Assign every photo to the fold that leaves it out.

    Each group of selfies is a fold, with the others of the same group. The photos of groups
    without selfies are shared out among the folds by subject (or else by name), so that each
    fold also holds others of every kind. With one group of selfies all photos are shared out so.

    Returns
    -------
    ndarray of int64, shape (n,)
        Places in `fold_names`.
    """
    names = fold_names(rows)
    return np.array(
        [
            names.index(row.group) if row.group in names else _digest(row) % len(names)
            for row in rows
        ]
    )


def fold_without_both(rows: Sequence[Row], folds: Integers) -> str | None:
    """Name the first fold that lacks selfies or others; None where all can be judged."""
    for fold, name in enumerate(fold_names(rows)):
        inside = {row.selfie for row, place in zip(rows, folds, strict=True) if place == fold}
        if len(inside) < 2:
            return name
    return None


def leave_sources_out(rows: Sequence[Row], folds: int = 6) -> Integers:
    """Assign every photo to a fold by its group as a whole: others of unseen sources.

    Where the sources are too few for that, the folds of `leave_one_group_out` are returned.
    """
    sizes = sorted(
        {row.group: sum(r.group == row.group for r in rows) for row in rows}.items(),
        key=lambda item: (-item[1], item[0]),
    )
    filled = [0] * folds
    place = {}
    for group, size in sizes:
        place[group] = filled.index(min(filled))
        filled[place[group]] += size
    assigned = np.array([place[row.group] for row in rows])
    for _, outside in splits(assigned):
        if len({rows[i].selfie for i in outside}) < 2:
            return leave_one_group_out(rows)
    return assigned


def _digest(row: Row) -> int:
    return int(hashlib.sha256((row.subject or row.name).encode()).hexdigest(), 16)


def splits(folds: Integers) -> list[tuple[list[int], list[int]]]:
    """List the rows inside and outside each fold."""
    return [
        (np.flatnonzero(folds == fold).tolist(), np.flatnonzero(folds != fold).tolist())
        for fold in sorted(set(folds.tolist()))
    ]


def held_out(folds: Integers, score: Score, n_jobs: int) -> Floats:
    """Score every photo with a model that has not seen its fold."""
    from joblib import Parallel, delayed

    parts = splits(folds)
    # joblib's processes share the features' memory; they read no photo, so that their answers can
    # be trusted.
    scored = Parallel(n_jobs=n_jobs)(
        delayed(_score)(score, train, test, os.getpid()) for test, train in parts
    )
    out = np.full((len(folds), *scored[0].shape[1:]), np.nan)
    for (test, _), part in zip(parts, scored, strict=True):
        out[test] = part
    return out


def _score(score: Score, train: Sequence[int], test: Sequence[int], asked_by: int) -> Floats:
    if os.getppid() == asked_by:  # not where joblib does it without processes
        die_with_parent()
    return score(train, test)
