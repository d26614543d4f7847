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

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from classicselfie.faces import MapView
from classicselfie.features.group import FeatureGroup
from classicselfie.features.scene import Scene
from classicselfie.images import Box
from classicselfie.yunet import CHANNELS, MAPS

Floats: TypeAlias = npt.NDArray[np.float64]

USED = ("fine", "middle", "coarse")  # the merged ones add nothing to those they are made of
_SOURCES = {each.name: (place, each.stride) for place, each in enumerate(MAPS)}
# Values and weights are rounded to multiples of 1/1024: their products add up exactly in float64,
# so that neither the order nor the number of threads changes a bit.
_STEPS = 1024.0
_BODY_WIDTH, _BODY_HEIGHT = 3.4, 2.0  # of what is below the face, in faces

_FRAME_PARTS = {
    "maximum": "highest value in the picture",
    "top": "mean over the picture's upper third",
    "centre": "mean over the picture's middle third",
    "bottom": "mean over the picture's lower third",
}
_FACE_PARTS = {
    "face": "mean over the largest face",
    "body": f"mean over what is below it, {_BODY_WIDTH} faces wide and {_BODY_HEIGHT:g} high",
    "surroundings": "mean over all but the largest face",
}
_PAIRS = np.triu_indices(CHANNELS)


class _View:
    """One look's maps, ready to be pooled."""

    def __init__(self, view: MapView, scene: Scene) -> None:
        self._view = view
        self._scene = scene
        self.width, self.height = view.size

    def values(self, source: str) -> Floats:
        """Return a map in whole steps, shape (64, cells)."""
        place, _ = _SOURCES[source]
        steps = np.rint(self._view.maps[place].reshape(CHANNELS, -1) * np.float32(_STEPS))
        return steps.astype(np.float64)

    def coverage(self, source: str, box: Box) -> Floats:
        """Share of each cell, in whole steps, that a box in the look's pixels covers; flat."""
        place, stride = _SOURCES[source]
        rows, columns = self._view.maps[place].shape[1:]
        x0, y0, x1, y1 = box
        across = _overlap(np.clip([x0, x1], 0, self.width), stride, columns)
        down = _overlap(np.clip([y0, y1], 0, self.height), stride, rows)
        return np.rint(np.outer(down, across).ravel() * _STEPS)

    @property
    def face(self) -> Box:
        """The largest face in the look's pixels: left, top, right, bottom."""
        x, y, w, h = self._scene.faces[0].bbox
        if self._view.mirrored:
            x = self._scene.width - x - w
        across, down = self.width / self._scene.width, self.height / self._scene.height
        return x * across, y * down, (x + w) * across, (y + h) * down


def _overlap(ends: Floats, stride: int, cells: int) -> Floats:
    edges = np.clip(np.arange(cells + 1) * stride, ends[0], ends[1])
    shares: Floats = np.diff(edges) / stride
    return shares


def _means(values: Floats, weights: Sequence[Floats]) -> list[Floats]:
    """Mean of each channel for each set of weights; 0 where they weigh nothing."""
    stacked = np.stack(weights, axis=1)
    totals = stacked.sum(axis=0)
    return list((values @ stacked / (np.maximum(totals, 1.0) * _STEPS)).T)


def _frame_parts(view: _View) -> list[Floats]:
    edges = np.linspace(0, view.height, 4).tolist()
    parts: list[Floats] = []
    for source in USED:
        values = view.values(source)
        thirds = [
            view.coverage(source, (0, top, view.width, bottom)) for top, bottom in pairwise(edges)
        ]
        parts += [values.max(axis=1) / _STEPS, *_means(values, thirds)]
    return parts


def _face_parts(view: _View) -> list[Floats]:
    left, top, right, bottom = view.face
    reach = (_BODY_WIDTH - 1) / 2 * (right - left)
    body = (left - reach, bottom, right + reach, bottom + _BODY_HEIGHT * (bottom - top))
    parts: list[Floats] = []
    for source in USED:
        face = view.coverage(source, view.face)
        rest = view.coverage(source, (0, 0, view.width, view.height)) - face
        parts += _means(view.values(source), [face, view.coverage(source, body), rest])
    return parts


def _pairs(view: _View) -> list[Floats]:
    values = view.values("fine")
    products = (values @ values.T)[_PAIRS] / (values.shape[1] * _STEPS**2)
    return [np.sqrt(products)]


def _pooled(
    documentation: dict[str, str], pool: Callable[[_View], list[Floats]], needs_face: bool
) -> Callable[[Scene], dict[str, float]]:
    """Make what measures a group: the pooled numbers of all views, averaged."""
    nothing = dict.fromkeys(documentation, 0.0)

    def measure(scene: Scene) -> dict[str, float]:
        if not scene.maps or (needs_face and scene.face is None):
            return nothing.copy()
        views = [np.concatenate(pool(_View(view, scene))) for view in scene.maps]
        return dict(zip(documentation, np.mean(views, axis=0).tolist(), strict=True))

    return measure


def _channels(parts: dict[str, str]) -> dict[str, str]:
    return {
        f"{source}_{part}_{channel}": f"{text}, channel {channel} of YuNet's {source} map"
        for source in USED
        for part, text in parts.items()
        for channel in range(CHANNELS)
    }


def _group(
    name: str,
    documentation: dict[str, str],
    pool: Callable[[_View], list[Floats]],
    needs_face: bool = False,
) -> FeatureGroup:
    return FeatureGroup(
        name=name,
        title="the picture's general look",
        documentation=documentation,
        measure=_pooled(documentation, pool, needs_face),
    )


MAPS_FRAME = _group("maps", _channels(_FRAME_PARTS), _frame_parts)
MAPS_FACE = _group("maps_face", _channels(_FACE_PARTS), _face_parts, needs_face=True)
MAPS_PAIRS = _group(
    "maps_pairs",
    {
        f"{one}_{other}": f"root of the mean product of channels {one} and {other}, fine map"
        for one, other in zip(*(axis.tolist() for axis in _PAIRS), strict=True)
    },
    _pairs,
)
