"""All feature groups to one vector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from classicselfie.features.colour import COLOUR
from classicselfie.features.geometry import CROWD, FACE, PLACE, POSE
from classicselfie.features.group import FeatureGroup
from classicselfie.features.light import LIGHT
from classicselfie.features.maps import MAPS_PAIRS, MAPS_POOLED
from classicselfie.features.outlines import HOG_FACE
from classicselfie.features.scene import Scene
from classicselfie.features.sharpness import BACKDROP, FOCUS, FOCUS_GRID, SCENERY
from classicselfie.features.skin import SKIN
from classicselfie.features.texture import SCALES, TEXTURE

Vector = npt.NDArray[np.float32]

# Changes whenever the same photo would give other numbers; weights name the version they need.
FEATURE_VERSION = 6

GROUPS = (
    FACE,
    PLACE,
    POSE,
    CROWD,
    SKIN,
    FOCUS,
    FOCUS_GRID,
    LIGHT,
    TEXTURE,
    SCALES,
    BACKDROP,
    SCENERY,
    COLOUR,
    HOG_FACE,
    MAPS_POOLED,
    MAPS_PAIRS,
)
FEATURE_NAMES: tuple[str, ...] = tuple(
    f"{group.name}.{part}" for group in GROUPS for part in group.parts
)
_ENDS = np.cumsum([len(group.parts) for group in GROUPS]).tolist()
_PLACES = {
    group.name: slice(end - len(group.parts), end) for group, end in zip(GROUPS, _ENDS, strict=True)
}
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


_MAPS = (MAPS_POOLED, MAPS_PAIRS)
_BESIDE_MAPS = tuple(group for group in GROUPS if not group.without_maps)
_WITHOUT_MAPS = tuple(group for group in GROUPS if group not in _MAPS)
_FACELESS = tuple(group for group in _WITHOUT_MAPS if not group.needs_face)


def measured_groups(scene: Scene) -> tuple[FeatureGroup, ...]:
    """Tell which groups are measured of a scene; all features of the others are 0.

    What YuNet's maps make up for is measured only where there are none, and without a face there is
    nothing that adds to them: docs/experiments.md. Such photos are the usual ones.

    Parameters
    ----------
    scene : Scene

    Returns
    -------
    tuple of FeatureGroup
        In the order of `GROUPS`.
    """
    if scene.maps_alone:
        return _MAPS
    if scene.views:
        return _BESIDE_MAPS
    return _WITHOUT_MAPS if scene.faces else _FACELESS


def extract_features(scene: Scene, before: Vector | None = None) -> Vector:
    """Compute the feature vector of a photo.

    Parameters
    ----------
    scene : Scene
    before : ndarray of float32, shape (len(FEATURE_NAMES),), optional
        The vector of the same scene with fewer views (`Scene.seen_again`): only what the maps tell
        is measured anew.

    Returns
    -------
    ndarray of float32, shape (len(FEATURE_NAMES),)
        In the order of `FEATURE_NAMES`; all finite.
    """
    vector = np.zeros(len(FEATURE_NAMES), np.float32) if before is None else before.copy()
    for group in measured_groups(scene) if before is None else _MAPS:
        vector[_PLACES[group.name]] = group.compute(scene)
    return vector
