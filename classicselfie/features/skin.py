"""How much bare skin there is, and where."""

from __future__ import annotations

from classicselfie.features.group import FeatureGroup
from classicselfie.features.sampling import box_sum, folded, grid_sums
from classicselfie.features.scene import Scene, document_grid

_SIDE = 4  # pixels of the picture a pixel of the mask
# Left, top, right and bottom in shares of the face's box.
_INNER = (0.15, 0.15, 0.85, 0.9)
_AROUND = (-0.6, -0.5, 1.6, 1.2)
_BELOW = (-0.5, 1.1, 1.5, 2.2)

_NUMBERS = {
    "frame_share": "share of the picture that is skin",
    "face_share": "share of the face's middle",
    "ring_share": "share of what surrounds that middle: rim of the face, hair, neck",
    "below_share": "share of what is below the face: neck, chest, shoulders",
}
_GRID = document_grid("share of {cell} that is skin")
_SKIN = _NUMBERS | _GRID


def _skin(scene: Scene) -> dict[str, float]:
    sums, mask = scene.skin_sums, scene.skin
    nothing = dict.fromkeys(_SKIN, 0.0) | {"frame_share": float(sums[-1, -1]) / mask.size}
    if scene.face is None:
        return nothing
    x, y, w, h = (value / _SIDE for value in scene.face.bbox)
    (inner, inner_area), (around, around_area), (below, below_area) = (
        box_sum(sums, (x + left * w, y + top * h, x + right * w, y + bottom * h))
        for left, top, right, bottom in (_INNER, _AROUND, _BELOW)
    )
    xs, ys = scene.window()
    cell = ((xs[1] - xs[0]) / _SIDE) ** 2
    means, differences = folded(grid_sums(sums, xs / _SIDE, ys / _SIDE) / cell)
    return (
        nothing
        | {
            "face_share": inner / max(1.0, inner_area),
            "ring_share": (around - inner) / max(1.0, around_area - inner_area),
            "below_share": below / max(1.0, below_area),
        }
        | dict(zip(_GRID, [*means.flat, *differences.flat], strict=True))
    )


SKIN = FeatureGroup("skin", "bare skin", _SKIN, _skin)
