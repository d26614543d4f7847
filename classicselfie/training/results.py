"""Judged photos with everything a report tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classicselfie.training.manifest import Row

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Results:
    """What a model said of n labelled photos.

    Attributes
    ----------
    model : str
        Name of the weights or of the way they were trained.
    provenance : str
        One or two sentences: which photos these are to the model, held out or not.
    rows : sequence of Row
        The n photos.
    folds : ndarray of int64, shape (n,)
        Photos of one fold were judged together, by a model that saw none of them; all 0 where
        one set of weights judged all.
    fold_names : sequence of str
        Name of each fold.
    whole_sources : bool
        Whether no source was on both sides of a fold, neither selfies nor others.
    decisions : ndarray of float64, shape (n,)
        Decision values.
    early : ndarray of float64, shape (n, len(EARLY_STAGES))
        Decision values of what the early looks see; NaN where they settle nothing.
    early_warned : ndarray of float64, shape (n, len(EARLY_STAGES))
        `early`, -inf where the detector finds no face.
    warned : ndarray of float64, shape (n,)
        `decisions`, -inf where the detector finds no face: nobody is warned of those.
    probabilities : ndarray of float64, shape (n,)
        For as many selfies as others; calibrated by the other folds' scores, or by the weights'
        own calibration where one set of weights judged all.
    flags : mapping of str to ndarray of bool, shape (n,)
        Per threshold's name, what is flagged; the cut comes from the other folds' scores,
        or from the weights.
    shares : ndarray of float64, shape (n, k)
        Signed share of each feature group in the decision value.
    share_names : sequence of str
        The k feature groups.
    baseline : ndarray of float64, shape (n,), or None
        Decision values of the metadata-only model on the same folds; None where the photos do
        not allow it.
    retrained : mapping of str to ndarray of float64, shape (n,)
        Decision values of models that were trained without a family of feature groups, by its
        name; "" without none. Empty where nobody asked for them.
    bands : mapping of str to sequence of str
        Further ways to group the photos: the band of each photo, "" where not known.
    unreadable : sequence of (str, str)
        Name of each photo that could not be read, and why.
    bundled : Results or None
        The same photos as the bundled weights judge them, where these were adapted.
    """

    model: str
    provenance: str
    rows: Sequence[Row]
    folds: Integers
    fold_names: Sequence[str]
    whole_sources: bool
    decisions: Floats
    warned: Floats
    early: Floats
    early_warned: Floats
    probabilities: Floats
    flags: Mapping[str, Flags]
    shares: Floats
    share_names: Sequence[str]
    baseline: Floats | None
    retrained: Mapping[str, Floats]
    bands: Mapping[str, Sequence[str]]
    unreadable: Sequence[tuple[str, str]]
    bundled: Results | None = None

    @property
    def selfie(self) -> Flags:
        """The labels."""
        return np.array([row.selfie for row in self.rows])
