"""The linear model: one weight per feature and per conjunction of features.

A linear SVM decides. Besides the features themselves it weighs *conjunctions* such as "large face
and low in the frame and sharp background": the leaves of small trees, each a 0/1 feature. The
decision value stays a plain sum, so that every signal's share of it can be told.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classicselfie.errors import ModelError
from classicselfie.features import FEATURE_NAMES, FEATURE_VERSION
from classicselfie.resources import resource

SCHEMA_VERSION = 2
# Standardised features are clipped here, so that no single odd number decides alone.
CLIP = 3.0
# A missing split compares with this: always the first child. JSON has no infinity.
NEVER = 3.4e38

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A linear SVM over standardised features and tree leaves, with its calibration.

    Attributes
    ----------
    title : str
        What the weights are called, since they were trained; renaming their file changes nothing.
    detector : str
        The face detector it was trained with.
    feature_names : tuple of str
        The f features it reads, a subset of `FEATURE_NAMES`.
    mean, scale : ndarray of float64, shape (f,)
        Standardisation: ``clip((x - mean) / scale, -3, 3)``.
    coef : ndarray of float64, shape (f,)
        Weight per standardised feature.
    split_feature : ndarray of int64, shape (trees, 2**depth - 1)
        Which feature each inner node compares, in heap order.
    split_threshold : ndarray of float64, shape (trees, 2**depth - 1)
        A photo goes to the second child where its feature is greater.
    leaf_coef : ndarray of float64, shape (trees, 2**depth)
        Weight per leaf.
    leaf_share : ndarray of float64, shape (trees, 2**depth)
        Share of the training photos in each leaf; only explanations use it.
    intercept : float
        Bias of the SVM.
    calibration : tuple of float
        Slope and intercept of Platt's sigmoid: ``1 / (1 + exp(-(slope × d + intercept)))``.
    thresholds : mapping of str to float
        Published operating points, probabilities.
    thumbnail_margin : float or None
        The embedded thumbnail answers where its decision value is at least this far from the
        threshold's; None where it never does.
    card : mapping
        Training data and its hash, figures, versions.

    References
    ----------
    Friedman, Popescu: Predictive learning via rule ensembles, Annals of Applied Statistics 2
    (2008): linear terms plus rules from small trees. Platt: Probabilistic outputs for support
    vector machines, 1999. Saabas, 2014: a leaf's weight shared out along its path.
    """

    title: str
    detector: str
    feature_names: tuple[str, ...]
    mean: Floats
    scale: Floats
    coef: Floats
    split_feature: Integers
    split_threshold: Floats
    leaf_coef: Floats
    leaf_share: Floats
    intercept: float
    calibration: tuple[float, float]
    thresholds: Mapping[str, float]
    thumbnail_margin: float | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        f, (trees, nodes) = len(self.feature_names), self.split_feature.shape
        expected = {
            "mean": (f,),
            "scale": (f,),
            "coef": (f,),
            "split_threshold": (trees, nodes),
            "leaf_coef": (trees, nodes + 1),
            "leaf_share": (trees, nodes + 1),
        }
        for key, shape in expected.items():
            values = getattr(self, key)
            if values.shape != shape:
                raise ModelError(f"{self.title}: {key} has shape {values.shape}, not {shape}")
            if not np.isfinite(values).all():
                raise ModelError(f"{self.title}: {key} holds numbers that are not finite")
        if (nodes + 1) & nodes:
            raise ModelError(f"{self.title}: {nodes} inner nodes make no complete tree")
        if trees and not 0 <= self.split_feature.min() <= self.split_feature.max() < f:
            raise ModelError(f"{self.title}: split_feature points outside the features")
        if not (self.scale > 0).all():
            raise ModelError(f"{self.title}: scale must be above 0")
        if self.detector not in BUNDLED:
            raise ModelError(f"{self.title}: there is no detector {self.detector!r}")
        if not isinstance(self.card, Mapping):
            raise ModelError(f"{self.title}: the card is no object")
        slope, offset = self.calibration
        if not (0 < slope < math.inf and math.isfinite(offset)):
            raise ModelError(f"{self.title}: the calibration's slope must be above 0")
        if not all(0 <= value <= 1 for value in self.thresholds.values()):
            raise ModelError(f"{self.title}: a threshold is not between 0 and 1")
        if self.thumbnail_margin is not None and not self.thumbnail_margin >= 0:
            raise ModelError(f"{self.title}: the thumbnail margin must be at least 0")
        unknown = [name for name in self.feature_names if name not in _FEATURE_INDEX]
        if unknown:
            raise ModelError(f"{self.title}: this version has no feature {unknown[0]!r}")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `to_json`, which is that of the file that training has written."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def name(self) -> str:
        """Title and short hash, as in verdicts: "mine@1a2b3c4d". Titles may repeat."""
        return f"{self.title}@{self.digest[:8]}"

    @cached_property
    def columns(self) -> Integers:
        """Places of the model's features in the whole vector."""
        return np.array([_FEATURE_INDEX[name] for name in self.feature_names], np.int64)

    @property
    def depth(self) -> int:
        """Comparisons from a tree's root to a leaf."""
        return int(self.split_feature.shape[1] + 1).bit_length() - 1

    def standardise(self, features: npt.ArrayLike) -> Floats:
        """Bring features, shape (..., f), to mean 0 and spread 1, clipped."""
        x = np.asarray(features, np.float64)
        return np.clip((x - self.mean) / self.scale, -CLIP, CLIP)

    def leaves(self, features: npt.ArrayLike) -> Integers:
        """Find the leaf of each tree.

        Parameters
        ----------
        features : array_like, shape (n, f)
            In the order of `feature_names`.

        Returns
        -------
        ndarray of int64, shape (n, trees)
        """
        x = np.asarray(features, np.float64)
        trees = np.arange(self.split_feature.shape[0])
        node = np.zeros((len(x), len(trees)), np.int64)
        rows = np.arange(len(x))[:, None]
        for _ in range(self.depth):
            greater = x[rows, self.split_feature[trees, node]] > self.split_threshold[trees, node]
            node = 2 * node + 1 + greater
        leaves: Integers = node - self.split_feature.shape[1]
        return leaves

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
        leaves = self.leaves(features)
        trees = np.arange(leaves.shape[1])
        # Summed in float64 one way, whatever BLAS would do with threads: same bytes, same score.
        linear = (self.standardise(features) * self.coef).sum(axis=1)
        decisions: Floats = linear + self.leaf_coef[trees, leaves].sum(axis=1) + self.intercept
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
        bias : float
            What a photo of which nothing is known would get; shares and bias add up to the
            decision value.
        """
        x = np.asarray(features, np.float64)
        shares = self.standardise(x) * self.coef
        values = self._node_values
        trees = np.arange(len(values))
        rows = np.arange(len(x))[:, None]
        node = np.zeros((len(x), len(trees)), np.int64)
        for _ in range(self.depth):
            feature = self.split_feature[trees, node]
            child = 2 * node + 1 + (x[rows, feature] > self.split_threshold[trees, node])
            np.add.at(shares, (rows, feature), values[trees, child] - values[trees, node])
            node = child
        return shares, self.intercept + float(values[:, 0].sum())

    @cached_property
    def _node_values(self) -> Floats:
        """Mean leaf weight below every node, in heap order, shape (trees, 2**(depth + 1) - 1)."""
        share = self.leaf_share
        mass = share * self.leaf_coef
        values = [self.leaf_coef]
        for _ in range(self.depth):
            share, mass = share[:, ::2] + share[:, 1::2], mass[:, ::2] + mass[:, 1::2]
            below = values[0][:, ::2] + values[0][:, 1::2]
            values.insert(0, np.where(share > 0, mass / np.maximum(share, 1e-12), below / 2))
        return np.concatenate(values, axis=1)

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
        """Write the weights as JSON, one key a line; `from_json` reads them back exactly."""
        head = {
            "schema_version": SCHEMA_VERSION,
            "feature_version": FEATURE_VERSION,
            "name": self.title,
            "detector": self.detector,
            "thresholds": dict(self.thresholds),
            "thumbnail_margin": self.thumbnail_margin,
            "calibration": list(self.calibration),
            "intercept": self.intercept,
            "card": dict(self.card),
        }
        arrays = {
            "feature_names": list(self.feature_names),
            **{key: getattr(self, key).tolist() for key in _ARRAYS},
        }
        lines = [
            f' "{key}": '
            + json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
            for key, value in (head | arrays).items()
        ]
        return "{\n" + ",\n".join(lines) + "\n}\n"

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
            return cls(
                title=str(data["name"]),
                detector=str(data["detector"]),
                feature_names=tuple(data["feature_names"]),
                **{key: np.array(data[key], kind) for key, kind in _ARRAYS.items()},
                intercept=float(data["intercept"]),
                calibration=(float(slope), float(offset)),
                thumbnail_margin=None
                if data["thumbnail_margin"] is None
                else float(data["thumbnail_margin"]),
                thresholds={str(k): float(v) for k, v in data["thresholds"].items()},
                card=data["card"],
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ModelError(f"{source} is no valid weights file: {error!r}") from error


_ARRAYS: dict[str, type] = {
    "mean": np.float64,
    "scale": np.float64,
    "coef": np.float64,
    "split_feature": np.int64,
    "split_threshold": np.float64,
    "leaf_coef": np.float64,
    "leaf_share": np.float64,
}
_FEATURE_INDEX = {name: index for index, name in enumerate(FEATURE_NAMES)}


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
