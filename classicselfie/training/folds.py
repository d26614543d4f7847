"""Which photos are judged together by a model that saw none of them: folds grouped by source."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

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


FOLDS = 8
PARTS = 5  # folds where all selfies are of one source


@dataclass(frozen=True, eq=False)
class Folds:
    """Which photos are judged together, by a model that saw none of them.

    Attributes
    ----------
    index : ndarray of int64, shape (n,)
        Place of each photo's fold in `names`.
    names : tuple of str
    whole_sources : bool
        Whether every group of photos is in one fold as a whole.
    """

    index: Integers
    names: tuple[str, ...]
    whole_sources: bool

    def without_both(self, rows: Sequence[Row]) -> str | None:
        """Name the first fold that lacks selfies or others; None where all can be judged."""
        for fold, name in enumerate(self.names):
            inside = {rows[place].selfie for place in np.flatnonzero(self.index == fold).tolist()}
            if len(inside) < 2:
                return name
        return None


def assign_folds(rows: Sequence[Row], most: int = FOLDS) -> Folds:
    """Assign every photo to a fold by its group as a whole.

    The folds are as even as whole groups allow, in selfies and in others. Where the groups are too
    few for folds that hold both, each group of selfies is a fold, with the others of the same
    group, and the photos of groups without selfies are shared out by subject (or else by name).
    With one group of selfies all photos are shared out so.

    Parameters
    ----------
    rows : sequence of Row
    most : int
        Largest number of folds of whole groups.

    Returns
    -------
    Folds
    """
    sizes = Counter((row.group, row.selfie) for row in rows)
    groups = {row.group for row in rows}
    most = min(most, *(sum(sizes[group, side] > 0 for group in groups) for side in (True, False)))
    # Folds that are even are better; where some would lack a class, those that are whole will do.
    for count, gaps_first in itertools.product(range(most, 1, -1), (False, True)):
        place = _place(sizes, count, gaps_first=gaps_first)
        held = {(place[group], side) for group, side in sizes}
        if len(held) == 2 * count:
            return Folds(
                index=np.array([place[row.group] for row in rows], np.int64),
                names=tuple(f"sources {fold + 1}" for fold in range(count)),
                whole_sources=True,
            )
    return _share_out(rows)


def _place(sizes: Counter[tuple[str, bool]], count: int, *, gaps_first: bool) -> dict[str, int]:
    """Put one group after the other, the largest first, where the fewest photos of its sort are.

    Groups with selfies are evened out by selfies, the rest by others; on demand a fold that lacks
    what the group has comes first.
    """
    filled = {side: [0] * count for side in (True, False)}
    place = {}
    for group in sorted(
        {group for group, _ in sizes},
        key=lambda group: (-sizes[group, True], -sizes[group, False], group),
    ):
        side = sizes[group, True] > 0
        gaps = [
            sum(sizes[group, label] > 0 and not filled[label][fold] for label in filled)
            for fold in range(count)
        ]
        fold = min(
            range(count),
            key=lambda k: (-gaps[k] * gaps_first, filled[side][k], filled[not side][k], k),
        )
        place[group] = fold
        for label, photos in filled.items():
            photos[fold] += sizes[group, label]
    return place


def _share_out(rows: Sequence[Row]) -> Folds:
    """Assign photos where the sources are too few to leave them out whole."""
    names = selfie_groups(rows)
    if len(names) < 2:
        names = [f"part {part + 1}" for part in range(PARTS)]
        return Folds(np.array([_digest(row) % PARTS for row in rows]), tuple(names), False)
    index = [
        names.index(row.group) if row.group in names else _digest(row) % len(names) for row in rows
    ]
    return Folds(np.array(index, np.int64), tuple(names), False)


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
