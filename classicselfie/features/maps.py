"""YuNet's inner maps, pooled: what the face detector saw besides faces.

The network was made to find faces, and its maps hold edges, texture, skin and heads of everything
in the picture. Nothing of it is trained here: 64 channels at three scales are averaged over parts
of the picture, and the linear model weighs the means. Each number is the mean over the picture and
its mirror image where YuNet looked at both, and 0 where it looked at none.

References
----------
Second-order pooling, the mean product of two channels and its square root: Carreira et al.,
Semantic Segmentation with Second-Order Pooling, ECCV 2012. Which maps and which parts earn their
place: docs/experiments.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from classicselfie.faces import FIRST_LOOK, MapView
from classicselfie.features.group import FeatureGroup
from classicselfie.features.sampling import Floats
from classicselfie.features.scene import MAP_STEPS, Scene
from classicselfie.images import Box
from classicselfie.yunet import CHANNELS, MAPS

_BODY_WIDTH, _BODY_HEIGHT = 3.4, 2.0  # of what is below the face, in faces

_PARTS = {
    "maximum": "highest value in the picture",
    "top": "mean over the picture's upper third",
    "centre": "mean over the picture's middle third",
    "bottom": "mean over the picture's lower third",
    "face": "mean over the largest face; 0 without one, like the next two",
    "body": f"mean over what is below it, {_BODY_WIDTH} faces wide and {_BODY_HEIGHT:g} high",
    "surroundings": "mean over all but the largest face",
}
_FACE, _SURROUNDINGS = 3, 5  # their places among the boxes
_PAIRS = np.triu_indices(CHANNELS)


def _pooled(view: MapView, maps: list[Floats], scene: Scene) -> Floats:
    """Pool all maps of a look, in the order of the group's names."""
    boxes = _boxes(view, scene)
    parts = np.zeros((len(MAPS), len(_PARTS), CHANNELS))
    for part, source, values, (_, rows, columns) in zip(
        parts, MAPS, maps, (each.shape for each in view.maps), strict=True
    ):
        across = _overlaps(boxes[:, ::2], source.stride, columns)
        down = _overlaps(boxes[:, 1::2], source.stride, rows)
        weights = np.rint(down[:, :, None] * (across[:, None] * MAP_STEPS)).reshape(len(boxes), -1)
        if scene.face is not None:
            weights[_SURROUNDINGS] -= weights[_FACE]  # until here it is the whole picture
        totals = np.maximum(weights.sum(axis=1), 1.0)
        part[0] = values.max(axis=1)
        part[1 : 1 + len(boxes)] = (values @ weights.T / totals).T
    return parts.ravel() / MAP_STEPS


def _boxes(view: MapView, scene: Scene) -> Floats:
    """Find what is averaged over, in the look's pixels: left, top, right, bottom of each part."""
    width, height = scene.width, scene.height
    boxes: list[Box] = [
        (0, height * third / 3, width, height * (third + 1) / 3) for third in range(3)
    ]
    if scene.face is not None:
        x, y, w, h = scene.face.bbox
        if view.mirrored:
            x = width - x - w
        reach = (_BODY_WIDTH - 1) / 2 * w
        body = (x - reach, y + h, x + w + reach, y + (1 + _BODY_HEIGHT) * h)
        boxes += [(x, y, x + w, y + h), body, (0, 0, width, height)]
    inside = np.clip(boxes, 0, (width, height, width, height))
    return inside * FIRST_LOOK


def _overlaps(ends: Floats, stride: int, cells: int) -> Floats:
    """Share of each cell that lies between two ends; shape (len(ends), cells)."""
    low, high = ends.T[..., None]
    edges = np.arange(cells + 1) * stride
    shares: Floats = np.diff(np.minimum(np.maximum(edges, low), high)) / stride
    return shares


def _pairs(_: MapView, maps: list[Floats], __: Scene) -> Floats:
    fine = maps[0]
    pairs: Floats = np.sqrt((fine @ fine.T)[_PAIRS] / fine.shape[1]) / MAP_STEPS
    return pairs


def _group(
    name: str,
    title: str,
    documentation: dict[str, str],
    pool: Callable[[MapView, list[Floats], Scene], Floats],
) -> FeatureGroup:
    def measure(scene: Scene) -> Floats:
        if not scene.views:
            return np.zeros(len(documentation))
        looks = zip(scene.views, scene.map_steps, strict=True)
        pooled: Floats = np.mean([pool(view, maps, scene) for view, maps in looks], axis=0)
        return pooled

    return FeatureGroup(name, title, documentation, measure)


MAPS_POOLED = _group(
    "maps",
    "the picture's general look",
    {
        f"{source.name}_{part}_{channel}": f"{text}, channel {channel} of the {source.name} map"
        for source in MAPS
        for part, text in _PARTS.items()
        for channel in range(CHANNELS)
    },
    _pooled,
)
MAPS_PAIRS = _group(
    "maps_pairs",
    "how the picture's patterns go together",
    {
        f"{one}_{other}": f"root of the mean product of channels {one} and {other}, fine map"
        for one, other in zip(*(axis.tolist() for axis in _PAIRS), strict=True)
    },
    _pairs,
)
