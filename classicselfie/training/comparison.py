"""Which are better: adapted weights or the bundled ones, on the same photos."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicselfie.training.resampling import Flags, draw_groups, interval
from classicselfie.training.results import Results
from classicselfie.training.validation import separation, share_of, tally, wilson

MIN_PHOTOS = 30
"""Of fewer photos a share tells next to nothing: its interval is wider than 30 points."""


def compare(results: Results, threshold: str) -> dict[str, Any] | None:
    """Compare adapted weights with the bundled ones.

    Parameters
    ----------
    results : Results
        Of photos that were held out.
    threshold : str
        At which both call photos selfies.

    Returns
    -------
    dict or None
        None where nothing was adapted. `sentence` answers which are better; `difference` is that
        of the shares of right answers, with its 95 % `interval` over draws of groups (or of
        photos, where the groups are few); `sides` tells both; `folds` the right answers of each
        fold, those of fewer than `MIN_PHOTOS` photos in one last row.
    """
    if results.bundled is None:
        return None
    selfie = results.selfie
    sides = {"adapted": results, "bundled": results.bundled}
    right = {name: side.flags[threshold] == selfie for name, side in sides.items()}
    gained = right["adapted"].astype(int) - right["bundled"]
    drawn = draw_groups(results.rows)
    bounds = interval(drawn @ gained / drawn.sum(axis=1))
    assert bounds is not None  # there is a photo in every draw
    if not gained.any():  # no draw can show what another photo might
        differs = round(wilson(0, len(selfie))[1], 4)
        bounds = [-differs, differs]
    difference = round(float(gained.mean()), 4)
    return {
        "threshold": threshold,
        "photos": len(selfie),
        "difference": difference,
        "interval": bounds,
        "sentence": _sentence(right, difference, bounds),
        "sides": {
            name: {
                "right": tally(np.ones(len(selfie), bool), right[name]),
                "recall": tally(selfie, side.flags[threshold]),
                "false_positive_rate": tally(~selfie, side.flags[threshold]),
                "auc": separation(selfie, side.decisions)["auc"],
            }
            for name, side in sides.items()
        },
        "folds": _folds(results, right),
    }


def _sentence(right: dict[str, Flags], difference: float, bounds: list[float]) -> str:
    photos = len(right["adapted"])
    mine, bundled = (int(right[name].sum()) for name in ("adapted", "bundled"))
    low, high = bounds
    told = (
        f"Of {photos} photos that they had not seen, the adapted weights are right about {mine}, "
        f"the bundled ones about {bundled}: {100 * difference:+.1f} points "
        f"(95 % interval {100 * low:+.1f} to {100 * high:+.1f})"
    )
    if photos < MIN_PHOTOS:
        return f"{told}; so few photos tell next to nothing."
    if low > 0:
        return f"{told}; the adapted ones are better on such photos."
    if high < 0:
        return f"{told}; the bundled ones are better on such photos, keep them."
    return f"{told}; this may be chance, more photos would tell."


def _folds(results: Results, right: dict[str, Flags]) -> list[dict[str, Any]]:
    names = np.array(results.fold_names)[results.folds]
    sizes = {name: int((names == name).sum()) for name in results.fold_names}
    large = [name for name, size in sizes.items() if size >= MIN_PHOTOS]
    groups = [(name, names == name) for name in large]
    if not np.isin(names, large).all():
        small = sum(0 < size < MIN_PHOTOS for size in sizes.values())
        groups.append((f"{small} small folds together", ~np.isin(names, large)))
    return [
        {
            "name": name,
            "is_pooled": name not in sizes,
            "photos": (photos := int(members.sum())),
            **{
                side: {
                    "right": (count := int(found[members].sum())),
                    **share_of(count, photos),
                }
                for side, found in right.items()
            },
        }
        for name, members in groups
    ]
