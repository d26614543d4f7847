"""The linear model: one weight per feature.

A linear SVM over standardised features decides. The decision value is a plain sum, so that every
signal's share of it can be told.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from classicselfie.errors import ModelError
from classicselfie.features import FEATURE_INDEX, FEATURE_VERSION
from classicselfie.resources import resource

SCHEMA_VERSION = 3
# Standardised features are clipped here, so that no single odd number decides alone.
CLIP = 3.0

EarlyStage: TypeAlias = Literal["thumbnail", "first_look"]
EARLY_STAGES: tuple[EarlyStage, ...] = ("thumbnail", "first_look")
"""What may answer before the whole check is done: an embedded thumbnail, and the face detector's
first look at the pixels, of one side only."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def standardise(features: npt.ArrayLike, mean: Floats, scale: Floats) -> Floats:
    """Bring features to mean 0 and spread 1, clipped.

    Parameters
    ----------
    features : array_like, shape (..., f)
    mean, scale : ndarray of float64, shape (f,)

    Returns
    -------
    ndarray of float64, shape (..., f)
        ``clip((features - mean) / scale, -CLIP, CLIP)``.
    """
    x = np.array(features, np.float64)  # a copy, changed in place: there may be many photos
    x -= mean
    x /= scale
    return np.clip(x, -CLIP, CLIP, out=x)


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A linear SVM over standardised features, with its calibration.

    Attributes
    ----------
    title : str
        What the weights are called, since they were trained; renaming their file changes nothing.
    detector : str
        The face detector it was trained with.
    feature_names : tuple of str
        The f features it reads, a subset of `FEATURE_NAMES`.
    mean, scale : ndarray of float64, shape (f,)
        Of `standardise`.
    coef : ndarray of float64, shape (f,)
        Weight per standardised feature.
    intercept : float
        Bias of the SVM.
    calibration : tuple of float
        Slope and intercept of Platt's sigmoid: ``1 / (1 + exp(-(slope × d + intercept)))``.
    thresholds : mapping of str to float
        Published operating points, probabilities.
    margins : mapping of {"thumbnail", "first_look"} to float
        An early look answers where its decision value is at least this far from every
        threshold's; one that is not named never does.
    card : mapping
        Training data and its hash, figures, versions.

    References
    ----------
    Platt: Probabilistic outputs for support vector machines, 1999.
    """

    title: str
    detector: str
    feature_names: tuple[str, ...]
    mean: Floats
    scale: Floats
    coef: Floats
    intercept: float
    calibration: tuple[float, float]
    thresholds: Mapping[str, float]
    margins: Mapping[EarlyStage, float] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.feature_names),)
        for key in _ARRAYS:
            values = getattr(self, key)
            if values.shape != shape:
                raise ModelError(f"{self.title}: {key} has shape {values.shape}, not {shape}")
            if not np.isfinite(values).all():
                raise ModelError(f"{self.title}: {key} holds numbers that are not finite")
        if not (self.scale > 0).all():
            raise ModelError(f"{self.title}: scale must be above 0")
        if not math.isfinite(self.intercept):
            raise ModelError(f"{self.title}: the intercept is not finite")
        if self.detector not in BUNDLED:
            raise ModelError(f"{self.title}: there is no detector {self.detector!r}")
        if not isinstance(self.card, Mapping):
            raise ModelError(f"{self.title}: the card is no object")
        slope, offset = self.calibration
        if not (0 < slope < math.inf and math.isfinite(offset)):
            raise ModelError(f"{self.title}: the calibration's slope must be above 0")
        if not all(0 <= value <= 1 for value in self.thresholds.values()):
            raise ModelError(f"{self.title}: a threshold is not between 0 and 1")
        if not set(self.margins) <= set(EARLY_STAGES):
            raise ModelError(f"{self.title}: only {' and '.join(EARLY_STAGES)} have a margin")
        if not all(margin >= 0 for margin in self.margins.values()):
            raise ModelError(f"{self.title}: a margin must be at least 0")
        unknown = [name for name in self.feature_names if name not in FEATURE_INDEX]
        if unknown:
            raise ModelError(f"{self.title}: this version has no feature {unknown[0]!r}")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text it was read from, or of `to_json`, which training writes."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def name(self) -> str:
        """Title and short hash, as in verdicts: "mine@1a2b3c4d". Titles may repeat."""
        return f"{self.title}@{self.digest[:8]}"

    @cached_property
    def columns(self) -> Integers:
        """Places of the model's features in the whole vector."""
        return np.array([FEATURE_INDEX[name] for name in self.feature_names], np.int64)

    def standardise(self, features: npt.ArrayLike) -> Floats:
        """Bring features, shape (..., f), to mean 0 and spread 1, clipped."""
        return standardise(features, self.mean, self.scale)

    def decision_function(self, features: npt.ArrayLike) -> Floats:
        """Signed distance from the boundary; above 0 leans to a selfie.

        Parameters
        ----------
        features : array_like, shape (n, f)
            In the order of `feature_names`.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        shares, bias = self.contributions(features)
        # Summed in float64 one way, whatever BLAS would do with threads: same bytes, same score.
        decisions: Floats = shares.sum(axis=1) + bias
        return decisions

    def contributions(self, features: npt.ArrayLike) -> tuple[Floats, float]:
        """Share the decision values of photos out to their features.

        Parameters
        ----------
        features : array_like, shape (n, f)
            In the order of `feature_names`.

        Returns
        -------
        shares : ndarray of float64, shape (n, f)
            Each standardised feature times its weight.
        bias : float
            What a photo with average features gets, the intercept; shares and bias add up to the
            decision value.
        """
        return self.standardise(features) * self.coef, self.intercept

    def probability(self, decision: float) -> float:
        """Calibrated probability of a decision value."""
        slope, intercept = self.calibration
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, slope * decision + intercept))))

    def decision(self, probability: float) -> float:
        """Find the decision value of a calibrated probability; infinite at 0 and 1."""
        if probability <= 0:
            return -math.inf
        if probability >= 1:
            return math.inf
        slope, intercept = self.calibration
        return (math.log(probability / (1.0 - probability)) - intercept) / slope

    def threshold(self, threshold: str | float) -> float:
        """Look up a threshold by its name, or check a number.

        Raises
        ------
        ValueError
            If there is no such name, or the number is not between 0 and 1.
        """
        if isinstance(threshold, str):
            if threshold not in self.thresholds:
                names = ", ".join(self.thresholds)
                raise ValueError(f"threshold must be {names} or a number, not {threshold!r}")
            return self.thresholds[threshold]
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(f"threshold must be between 0 and 1, not {threshold}")
        return float(threshold)

    def to_json(self) -> str:
        """Write the weights as JSON; `from_json` reads them back exactly.

        The features stand group by group, one a line: `parts` are their names within the group,
        and `mean`, `scale` and `coef` follow their order.
        """
        head = {
            "schema_version": SCHEMA_VERSION,
            "feature_version": FEATURE_VERSION,
            "name": self.title,
            "detector": self.detector,
            "thresholds": dict(self.thresholds),
            "margins": dict(self.margins),
            "calibration": list(self.calibration),
            "intercept": self.intercept,
            "card": dict(self.card),
        }
        lines = [f'"{key}": {_compact(value)}' for key, value in head.items()]
        groups = ",\n  ".join(_compact(group) for group in self._groups())
        return "{\n " + ",\n ".join([*lines, f'"groups": [\n  {groups}\n ]']) + "\n}\n"

    def _groups(self) -> Iterator[dict[str, Any]]:
        """List features of one group that follow each other, so that its name stands once."""
        places = range(len(self.feature_names))
        names = [name.partition(".") for name in self.feature_names]
        for group, found in itertools.groupby(places, lambda place: names[place][0]):
            members = list(found)
            yield {
                "group": group,
                "parts": [names[place][2] for place in members],
                **{key: getattr(self, key)[members].tolist() for key in _ARRAYS},
            }

    @classmethod
    def from_json(cls, text: str, source: str = "weights") -> LinearModel:
        """Read weights.

        Raises
        ------
        ModelError
            If the text is damaged or of another schema or feature version.
        """
        try:
            data = json.loads(text)
            versions = data["schema_version"], data["feature_version"]
            if versions != (SCHEMA_VERSION, FEATURE_VERSION):
                raise ModelError(
                    f"{source} has schema {versions[0]} and features {versions[1]}; this version "
                    f"needs {SCHEMA_VERSION} and {FEATURE_VERSION}: train again or upgrade"
                )
            slope, offset = data["calibration"]
            groups = data["groups"]
            for group in groups:
                if any(len(group[key]) != len(group["parts"]) for key in _ARRAYS):
                    raise ModelError(f"{source}: group {group['group']!r} lacks numbers or names")
            model = cls(
                title=str(data["name"]),
                detector=str(data["detector"]),
                feature_names=tuple(
                    f"{group['group']}.{part}" for group in groups for part in group["parts"]
                ),
                **{
                    key: np.array([value for group in groups for value in group[key]], np.float64)
                    for key in _ARRAYS
                },
                intercept=float(data["intercept"]),
                calibration=(float(slope), float(offset)),
                margins={key: float(value) for key, value in data["margins"].items()},
                thresholds={str(k): float(v) for k, v in data["thresholds"].items()},
                card=data["card"],
            )
            # Writing the numbers anew, only to hash them, takes longer than to read them.
            vars(model)["digest"] = hashlib.sha256(text.encode()).hexdigest()
            return model
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ModelError(f"{source} is no valid weights file: {error!r}") from error


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


_ARRAYS = ("mean", "scale", "coef")


def load_model(weights: str | PathLike[str]) -> LinearModel:
    """Load weights: a detector's bundled ones by its name, others by their path.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    bundled = weights in BUNDLED
    path = resource("models", BUNDLED[str(weights)]) if bundled else Path(weights)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"the weights {path} cannot be read: {error}") from error
    return LinearModel.from_json(text, source=path.name)


BUNDLED = {"yunet": "yunet.json", "haar": "haar.json"}
