"""The published thresholds: cuts whose false alarms stay low on sources not yet seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from classicselfie.training.manifest import Row
from classicselfie.training.resampling import Flags, Floats, draw_groups, highest_passed

# What the limits are told for. Users fear most to see portraits taken by others flagged.
PARTS: dict[str, frozenset[str]] = {
    "animals": frozenset({"animal_face"}),
    "drawings": frozenset({"painted_people"}),
    "portraits": frozenset(
        {"portrait_by_other", "phone_portrait_by_other", "selfie_taking_or_portrait"}
    ),
    "people": frozenset({"people", "people_same_source", "group_by_other"}),
    "no people": frozenset({"no_people", "document", "painting", "screenshot", "statue"}),
}
ALL = "all others"


class Limit(NamedTuple):
    """How many false alarms there may be.

    Attributes
    ----------
    share : float
        Largest share of the photos.
    sureness : float
        Share of the draws of sources in which it holds.
    """

    share: float
    sureness: float


SURE, AS_LIKELY_AS_NOT = 0.9, 0.5
# Animals and drawings come from so few sources that a sure limit would rest on single ones, and
# cost a third of the selfies that are found.
LIMITS: dict[str, dict[str, Limit]] = {
    "strict": {
        ALL: Limit(0.01, SURE),
        "portraits": Limit(0.02, SURE),
        "people": Limit(0.02, SURE),
        "no people": Limit(0.02, SURE),
        "animals": Limit(0.02, AS_LIKELY_AS_NOT),
        "drawings": Limit(0.02, AS_LIKELY_AS_NOT),
    },
    "sensitive": {ALL: Limit(0.05, SURE)},
}


def parts_of(rows: Sequence[Row]) -> dict[str, Flags]:
    """Tell which photos are others of each part of `LIMITS`, shape (n,) each."""
    other = np.array([not row.selfie for row in rows])
    kinds = np.array([row.kind for row in rows])
    return {ALL: other} | {part: other & np.isin(kinds, list(PARTS[part])) for part in PARTS}


def choose_thresholds(decisions: Floats, rows: Sequence[Row]) -> dict[str, float]:
    """Choose the smallest decision values whose false alarms stay within `LIMITS`.

    On these photos alone they would hold by a hair, and on photos of other sources every second
    time not. So each holds in its `sureness` of all draws of whole sources.

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
    others = [place for place, row in enumerate(rows) if not row.selfie]
    if not others:
        return dict.fromkeys(LIMITS, -np.inf)
    rows, decisions = [rows[place] for place in others], decisions[others]
    counts, parts = draw_groups(rows), parts_of(rows)
    chosen = {}
    for name, limits in LIMITS.items():
        cuts = []
        for part, (share, sureness) in limits.items():
            members = parts[part]
            needed = np.sort(highest_passed(decisions[members], counts[:, members], share))
            cuts.append(needed[int(np.ceil(sureness * len(needed))) - 1])
        chosen[name] = float(np.nextafter(max(cuts), np.inf))
    return chosen
