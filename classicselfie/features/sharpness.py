"""What is sharp, and what is behind the head."""

from __future__ import annotations

from math import log2
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.features.group import FeatureGroup
from classicselfie.features.sampling import (
    Floats,
    Sums,
    box_sum,
    folded,
    grid_sums,
    shares_inside,
    sums_of,
)
from classicselfie.features.scene import Scene, document_grid
from classicselfie.images import Box, histogram, mean_and_spread, quantiles, whole_pixels

Part: TypeAlias = tuple[slice, slice]
"""Rows and columns."""

_FLOOR = 0.5  # of the mean detail: keeps the logarithm of flat areas finite

# --- focus: what is sharp ------------------------------------------------------------------

_FOCUS = {
    "frame": "octaves of the picture's fine detail (mean absolute Laplacian of the luma)",
    "face": "octaves of the face's fine detail",
    "background_ratio": "octaves by which all but the face is sharper than it",
}


def _focus(scene: Scene) -> dict[str, float]:
    frame = _frame_detail(scene)
    if scene.face is None:
        return dict.fromkeys(_FOCUS, 0.0) | {"frame": log2(frame)}
    total, pixels = float(scene.detail[-1, -1]), scene.width * scene.height
    inner, inner_area = box_sum(scene.detail, scene.inner_face)
    face = _face_detail(scene)
    outside = (total - inner) / max(1.0, pixels - inner_area) + _FLOOR
    return {"frame": log2(frame), "face": log2(face), "background_ratio": log2(outside / face)}


def _frame_detail(scene: Scene) -> float:
    mean: float = scene.detail[-1, -1] / (scene.width * scene.height)
    return mean + _FLOOR


def _face_detail(scene: Scene) -> float:
    """Mean detail of the face without its rim; the picture's, where nothing of it is in sight."""
    inner, area = box_sum(scene.detail, scene.inner_face) if scene.faces else (0.0, 0.0)
    return float(inner / area) + _FLOOR if area >= 1 else _frame_detail(scene)


FOCUS = FeatureGroup("focus", "sharpness", _FOCUS, _focus)


# --- focus_grid: where it is sharp -----------------------------------------------------------

_FOCUS_GRID = document_grid("octaves by which {cell} is sharper than the face")


def _focus_grid(scene: Scene) -> Floats:
    xs, ys = scene.window()
    inside = np.outer(shares_inside(ys, scene.height), shares_inside(xs, scene.width))
    sums = grid_sums(scene.detail, xs, ys)
    window = sums / np.maximum(inside * (xs[1] - xs[0]) ** 2, 1e-6) + _FLOOR
    return np.ravel(folded(np.log2(window / _face_detail(scene)) * inside))


FOCUS_GRID = FeatureGroup(
    "focus_grid",
    "sharpness around the face",
    _FOCUS_GRID,
    _focus_grid,
    needs_face=True,
    without_maps=True,
)


# --- backdrop: what is behind the head ------------------------------------------------------

_SIDE = 2  # pixels of the picture a pixel of the half-size luma
_PLAIN = 12  # grey levels around the median
_EDGE = 15  # grey levels from one neighbour to the other
_LEAST = 40  # pixels

_BACKDROP = {
    "share": "share of the picture that lies above the shoulders, beside the head and over it",
    "mean": "mean luma there, 0 to 1",
    "spread": "its standard deviation",
    "plain": f"share of it within {_PLAIN} grey levels of its median",
    "edges": "share of it where the luma changes by more than "
    f"{_EDGE} grey levels within two pixels of half the size",
    "detail": "octaves of its fine detail",
    "detail_to_face": "octaves by which its fine detail exceeds the face's",
}


def _backdrop(scene: Scene) -> dict[str, float]:
    luma, parts = scene.luma_half, _behind(scene)
    counts = np.sum([histogram(luma[part]) for part in parts], axis=0)
    area = int(counts.sum())
    if area < _LEAST:
        return dict.fromkeys(_BACKDROP, 0.0) | {"share": area / luma.size}
    mean, spread = mean_and_spread(counts)
    rows = slice(0, parts[-1][0].stop)
    across, down = (plane[rows].astype(np.int32) for plane in scene.slopes_half)
    edge = across * across + down * down > _EDGE**2
    detail, face = _detail(scene.detail, 1, parts, scene.inner_face)
    return {
        "share": area / luma.size,
        "mean": mean / 255,
        "spread": spread / 255,
        "plain": _plain(counts),
        "edges": sum(np.count_nonzero(edge[part]) for part in parts) / area,
        "detail": log2(detail),
        "detail_to_face": log2(detail / face),
    }


def _behind(scene: Scene) -> list[Part]:
    """Tell what of the half-size picture is over the head, at its left and at its right."""
    rows, columns = scene.luma_half.shape
    x, y, w, h = (value / _SIDE for value in scene.faces[0].bbox)
    shoulders = whole_pixels(0, y + 1.1 * h, rows).stop
    hair = min(whole_pixels(0, y - 0.5 * h, rows).stop, shoulders)
    head = whole_pixels(x - 0.5 * w, x + 1.5 * w, columns)
    return [
        (slice(0, hair), slice(0, columns)),
        (slice(hair, shoulders), slice(0, head.start)),
        (slice(hair, shoulders), slice(head.stop, columns)),
    ]


def _detail(sums: Sums, side: int, parts: list[Part], face: Box) -> tuple[float, float]:
    """Mean detail behind the head and in the face, of a level with that many pixels a pixel.

    A face beyond the frame counts as much as what is behind it.
    """
    behind = _mean(sums, side, parts) + _FLOOR
    inner, area = box_sum(sums, _shrunk(face, side))
    return behind, inner / area + _FLOOR if area else behind


def _mean(sums: Sums, side: int, parts: list[Part]) -> float:
    """Mean over parts of the half-size picture, of a level with that many pixels a pixel."""
    boxes = (
        (_SIDE * xs.start, _SIDE * ys.start, _SIDE * xs.stop, _SIDE * ys.stop) for ys, xs in parts
    )
    totals, areas = zip(*(box_sum(sums, _shrunk(box, side)) for box in boxes), strict=True)
    return float(sum(totals) / sum(areas))


def _shrunk(box: Box, side: int) -> Box:
    x0, y0, x1, y1 = box
    return x0 / side, y0 / side, x1 / side, y1 / side


def _plain(counts: npt.NDArray[np.int64]) -> float:
    """Share of the counted values that lie near their median."""
    middle = round(quantiles(counts, 0.5)[0])
    near = counts[max(0, middle - _PLAIN + 1) : middle + _PLAIN].sum()
    return float(near / counts.sum())


BACKDROP = FeatureGroup("backdrop", "background", _BACKDROP, _backdrop, needs_face=True)


# --- scenery: what else can be told of it -----------------------------------------------------

_SCENERY = {
    "fine_to_coarse": "octaves by which the picture's fine detail exceeds its coarse (mean "
    "distance of the quarter-size luma from its mean over 5 × 5 pixels)",
    "corner_top": "octaves by which the upper corners are sharper than the face (the picture, "
    "where there is none)",
    "corner_bottom": "the same of the lower corners",
    "coarse_detail": "octaves of the background's coarse detail; 0 without a face, like the next",
    "coarse_to_face": "octaves by which its coarse detail exceeds the face's",
    "saturation": "its mean saturation, 0 to 1",
    "sides_difference": "difference of the mean luma left and right of the head, 0 to 1",
    "top_plain": f"share of the upper eighth within {_PLAIN} grey levels of its median",
}


def _scenery(scene: Scene) -> dict[str, float]:
    coarse, face = scene.coarse_detail, _face_detail(scene)
    coarse_mean = coarse[-1, -1] / (scene.width * scene.height / 16) + _FLOOR
    down, across = scene.height // 4, scene.width // 4
    top, bottom = (
        sum(
            box_sum(scene.detail, (x, y, x + across, y + down))[0]
            for x in (0, scene.width - across)
        )
        / (2 * across * down)
        + _FLOOR
        for y in (0, scene.height - down)
    )
    values = dict.fromkeys(_SCENERY, 0.0) | {
        "fine_to_coarse": log2(_frame_detail(scene) / coarse_mean),
        "corner_top": log2(top / face),
        "corner_bottom": log2(bottom / face),
    }
    return values if scene.face is None else values | _behind_in_colour(scene)


def _behind_in_colour(scene: Scene) -> dict[str, float]:
    luma, parts = scene.luma_half, _behind(scene)
    if sum(luma[part].size for part in parts) < _LEAST:
        return {}
    coarse, face = _detail(scene.coarse_detail, 4, parts, scene.inner_face)
    _, (rows, left), (_, right) = parts
    beside = [luma[: rows.stop, columns] for columns in (left, right)]
    left_mean, right_mean = (cv2.mean(side)[0] if side.size else None for side in beside)
    differ = 0.0 if left_mean is None or right_mean is None else abs(left_mean - right_mean)
    return {
        "coarse_detail": log2(coarse),
        "coarse_to_face": log2(coarse / face),
        "saturation": _mean(sums_of(scene.saturation), 4, parts) / 255,
        "sides_difference": differ / 255,
        "top_plain": _plain(histogram(luma[: max(2, len(luma) // 8)])),
    }


SCENERY = FeatureGroup("scenery", "background's colours", _SCENERY, _scenery, without_maps=True)
