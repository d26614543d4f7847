"""All feature groups to one vector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from classicselfie.features.colour import COLOUR
from classicselfie.features.geometry import CROWD, FACE, PLACE, POSE
from classicselfie.features.light import LIGHT
from classicselfie.features.maps import MAPS_PAIRS, MAPS_POOLED
from classicselfie.features.outlines import HOG_FACE
from classicselfie.features.scene import Scene
from classicselfie.features.sharpness import BACKDROP, FOCUS
from classicselfie.features.skin import SKIN
from classicselfie.features.texture import TEXTURE

Vector = npt.NDArray[np.float32]

# Changes whenever the same photo would give other numbers; weights name the version they need.
FEATURE_VERSION = 4

GROUPS = (
    FACE,
    PLACE,
    POSE,
    CROWD,
    SKIN,
    FOCUS,
    LIGHT,
    TEXTURE,
    BACKDROP,
    COLOUR,
    HOG_FACE,
    MAPS_POOLED,
    MAPS_PAIRS,
)
FEATURE_NAMES: tuple[str, ...] = tuple(
    f"{group.name}.{part}" for group in GROUPS for part in group.parts
)
FEATURE_INDEX = {name: place for place, name in enumerate(FEATURE_NAMES)}


class NamedFeatures(Mapping[str, float]):
    """A feature vector read by names; nothing is copied of the thousands that nobody asks for.

    Parameters
    ----------
    vector : ndarray, shape (len(FEATURE_NAMES),)
    """

    def __init__(self, vector: npt.NDArray[np.floating[Any]]) -> None:
        self._vector = vector

    def __getitem__(self, name: str) -> float:
        return float(self._vector[FEATURE_INDEX[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(FEATURE_NAMES)

    def __len__(self) -> int:
        return len(FEATURE_NAMES)


def extract_features(scene: Scene) -> Vector:
    """Compute the feature vector of a photo.

    Parameters
    ----------
    scene : Scene

    Returns
    -------
    ndarray of float32, shape (len(FEATURE_NAMES),)
        In the order of `FEATURE_NAMES`; all finite.
    """
    return np.concatenate([group.compute(scene) for group in GROUPS], dtype=np.float32)
