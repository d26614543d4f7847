"""How much bare skin there is, where, and whether an arm reaches the frame."""

from __future__ import annotations

from math import log2
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.faces import Bbox
from classicselfie.features.group import FeatureGroup
from classicselfie.features.sampling import box_sum, folded, grid_sums
from classicselfie.features.scene import Scene, document_grid
from classicselfie.images import Mask, whole_pixels

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
    "bottom_edge": "skin at the lower edge of the frame in face widths, up to 6",
    "side_edge_max": "skin below the eyes at the upright edge that has more, in face heights, up "
    "to 6",
    "side_edge_min": "the same at the other one",
    "top_edge": "share of the upper edge",
    "arm_area": "area of the arm, see `trace_arm`, in face areas, up to 6",
    "arm_frame_width": "its width where it meets the frame, in face sides, up to 4",
    "arm_widening": "octaves by which it is wider near the frame than at its other end, -3 to 3",
    "arm_side": "distance of its centre from the face's, across, in face widths, up to 4",
    "body_area": "all skin below the eyes apart from the face, in face areas, up to 8",
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
    beside = mask[whole_pixels(y + 0.8 * h, scene.height, mask.shape[0])]
    sides = [np.count_nonzero(edge.max(axis=1)) / h for edge in (beside[:, :2], beside[:, -2:])]
    arm = trace_arm(mask, (x, y, w, h))[0]
    xs, ys = scene.window()
    cell = ((xs[1] - xs[0]) / _SIDE) ** 2
    means, differences = folded(grid_sums(sums, xs / _SIDE, ys / _SIDE) / cell)
    return (
        nothing
        | {
            "face_share": inner / max(1.0, inner_area),
            "ring_share": (around - inner) / max(1.0, around_area - inner_area),
            "below_share": below / max(1.0, below_area),
            "bottom_edge": min(np.count_nonzero(mask[-2:].max(axis=0)) / w, 6.0),
            "side_edge_max": min(max(sides), 6.0),
            "side_edge_min": min(*sides, 6.0),
            "top_edge": np.count_nonzero(mask[:2].max(axis=0)) / mask.shape[1],
            "arm_area": arm.area,
            "arm_frame_width": arm.frame_width,
            "arm_widening": arm.widening,
            "arm_side": arm.side,
            "body_area": arm.body_area,
        }
        | dict(zip(_GRID, [*means.flat, *differences.flat], strict=True))
    )


class Arm(NamedTuple):
    """What runs from the body into the frame; see `trace_arm`.

    Attributes
    ----------
    frame_width : float
        Its width where it meets the frame, in face heights or widths, up to 4.
    area : float
        In face areas, up to 6.
    widening : float
        Octaves by which the third near the frame is wider than the third at the other end.
    side : float
        Distance of its centre from the face's, across, in face widths, up to 4.
    body_area : float
        All skin below the eyes apart from the face, in face areas, up to 8.
    """

    frame_width: float
    area: float
    widening: float
    side: float
    body_area: float


def trace_arm(mask: Mask, bbox: Bbox) -> tuple[Arm, npt.NDArray[np.bool_]]:
    """Find skin below the eyes, apart from the face, that runs into the frame.

    Parameters
    ----------
    mask : ndarray of uint8, shape (height, width)
        Skin, see `segment_skin`.
    bbox : tuple of float
        Of the face, in pixels of `mask`.

    Returns
    -------
    measures : Arm
        Of the part that is widest at the frame; all but `body_area` are 0 where none reaches it.
    arm : ndarray of bool, shape (height, width)
        That part; empty where none reaches the frame.
    """
    x, y, w, h = bbox
    rows, columns = mask.shape
    body = mask.copy()
    body[whole_pixels(0, y + 0.4 * h, rows)] = 0
    head = whole_pixels(y, y + 1.15 * h, rows), whole_pixels(x - 0.15 * w, x + 1.15 * w, columns)
    body[head] = 0
    _, labels, stats, centroids = cv2.connectedComponentsWithStats(body, connectivity=4)
    body_area = min(np.count_nonzero(body) / (w * h), 8.0)
    best, chosen = Arm(0.0, 0.0, 0.0, 0.0, body_area), -1
    large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= 0.04 * w * h)
    for index in large[large > 0].tolist():
        left, top, wide, tall, area = stats[index].tolist()
        part = labels[top : top + tall, left : left + wide] == index
        edges = (
            (left == 0, h, part),
            (left + wide == columns, h, part[:, ::-1]),
            (top + tall == rows, w, part[::-1].T),
        )
        for touches, length, inwards in edges:
            if not touches:
                continue
            third = max(1, inwards.shape[1] // 3)
            near, far = (
                np.count_nonzero(end) / third for end in (inwards[:, :third], inwards[:, -third:])
            )
            arm = Arm(
                frame_width=min(np.count_nonzero(inwards[:, 0]) / length, 4.0),
                area=min(area / (w * h), 6.0),
                widening=min(max(log2((near + 0.5) / (far + 0.5)), -3.0), 3.0),
                side=min(abs(float(centroids[index][0]) + 0.5 - (x + w / 2)) / w, 4.0),
                body_area=body_area,
            )
            if arm > best:  # of equal widths the larger one: whichever is found first
                best, chosen = arm, index
    return best, labels == chosen


SKIN = FeatureGroup("skin", "bare skin", _SKIN, _skin)
