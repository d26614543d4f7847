"""What another draw of sources might have shown: the bootstrap over groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classicselfie.training.manifest import Row

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DRAWS = 500
# Of fewer groups a draw often lacks whole kinds of photos: then single photos are drawn.
MIN_GROUPS = 8


def draw_groups(rows: Sequence[Row], draws: int = DRAWS) -> Integers:
    """Draw as many groups as there are, with replacement, again and again.

    Parameters
    ----------
    rows : sequence of Row
    draws : int

    Returns
    -------
    ndarray of int64, shape (draws, n)
        How often each photo is drawn; the same on every run. Photos of one group are drawn
        together, or one by one where there are fewer than `MIN_GROUPS`.

    References
    ----------
    Davison, Hinkley: Bootstrap Methods and their Application (1997), 3.8 on hierarchical data.
    """
    groups = sorted({row.group for row in rows})
    if len(groups) >= MIN_GROUPS:
        place = {group: index for index, group in enumerate(groups)}
        unit = np.array([place[row.group] for row in rows])
    else:
        unit = np.arange(len(rows))
    units = int(unit.max()) + 1
    drawn = np.random.default_rng(0).multinomial(units, np.full(units, 1 / units), draws)
    return np.asarray(drawn[:, unit], np.int64)


def highest_passed(values: Floats, counts: Integers, share: float) -> Floats:
    """Find, per draw, the highest value that must pass if at most a share may be flagged.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    counts : ndarray of int64, shape (draws, n)
        How often each value is drawn.
    share : float
        Of the drawn values, those that may lie above the returned one.

    Returns
    -------
    ndarray of float64, shape (draws,)
        -inf where nothing is drawn.
    """
    if not values.size:
        return np.full(len(counts), -np.inf)
    order = np.argsort(-values, kind="stable")
    reached = np.cumsum(counts[:, order], axis=1)
    total = reached[:, -1]
    # As many as int(share × total) may be flagged; rounding must not allow one more or less.
    first = (reached > np.floor(share * total)[:, None]).argmax(axis=1)
    return np.where(total > 0, values[order][first], -np.inf)


def drawn_auc(selfie: Flags, decisions: Floats, counts: Integers) -> Floats:
    """Area under the ROC curve of each draw; NaN where a class is not drawn.

    Parameters
    ----------
    selfie : ndarray of bool, shape (n,)
    decisions : ndarray of float64, shape (n,)
    counts : ndarray of int64, shape (draws, n)

    Returns
    -------
    ndarray of float64, shape (draws,)
    """
    others = np.sort(decisions[~selfie])
    order = np.argsort(decisions[~selfie], kind="stable")
    below = np.zeros((len(counts), len(others) + 1))
    below[:, 1:] = np.cumsum(counts[:, ~selfie][:, order], axis=1)
    lower = below[:, np.searchsorted(others, decisions[selfie], "left")]
    upper = below[:, np.searchsorted(others, decisions[selfie], "right")]
    found = counts[:, selfie]
    pairs = found.sum(axis=1) * below[:, -1]
    won = (found * (lower + upper)).sum(axis=1) / 2
    return _share(won, pairs)


def drawn_tpr(selfie: Flags, decisions: Floats, counts: Integers, fpr: float = 0.01) -> Floats:
    """Recall of each draw at the cut that flags at most a share of its others.

    Parameters
    ----------
    selfie : ndarray of bool, shape (n,)
    decisions : ndarray of float64, shape (n,)
    counts : ndarray of int64, shape (draws, n)
    fpr : float

    Returns
    -------
    ndarray of float64, shape (draws,)
        NaN where no selfie is drawn.
    """
    cuts = highest_passed(decisions[~selfie], counts[:, ~selfie], fpr)
    found = counts[:, selfie]
    above = (found * (decisions[selfie] > cuts[:, None])).sum(axis=1)
    return _share(above, found.sum(axis=1))


def _share(part: Floats, whole: Floats) -> Floats:
    out = np.full(len(whole), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def interval(drawn: Floats) -> list[float] | None:
    """95 % interval of what the draws show; None where none shows anything."""
    known = drawn[np.isfinite(drawn)]
    return [round(float(v), 4) for v in np.percentile(known, [2.5, 97.5])] if known.size else None
