"""Exact means over boxes and grids that lie anywhere between the pixels.

A pixel that a box covers in part counts by the part covered: sums over everything above and to
the left are interpolated between the pixels. So a box that moves by a hair changes its mean by
a hair, and a mirrored box in a mirrored picture has the same mean.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.images import Box

Floats: TypeAlias = npt.NDArray[np.float64]
Sums: TypeAlias = npt.NDArray[Any]
"""Shape (height + 1, width + 1), with a last axis where there are several planes: the sum over
all pixels above and to the left."""


def sums_of(plane: npt.NDArray[Any]) -> Sums:
    """Sum a plane, or several, over all that lies above and to the left; exact for uint8."""
    depth = cv2.CV_32S if plane.dtype == np.uint8 else cv2.CV_64F
    return cast(Sums, cv2.integral(plane, sdepth=depth))


def grid_sums(sums: Sums, xs: Floats, ys: Floats) -> Floats:
    """Sum over the cells of a grid; what lies beyond the frame counts as 0.

    Parameters
    ----------
    sums : ndarray, shape (height + 1, width + 1[, planes])
        Of `sums_of`.
    xs, ys : ndarray of float64, shape (columns + 1,) and (rows + 1,)
        Edges of the cells in pixels, ascending.

    Returns
    -------
    ndarray of float64, shape (rows, columns[, planes])
    """
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    xs, ys = _within(xs, width)[None, :], _within(ys, height)[:, None]
    left = np.minimum(xs.astype(np.intp), width - 1)
    top = np.minimum(ys.astype(np.intp), height - 1)
    right_share, lower_share = xs - left, ys - top
    if sums.ndim == 3:
        right_share, lower_share = right_share[..., None], lower_share[..., None]
    flat = sums.reshape(-1, *sums.shape[2:])
    place = top * (width + 1) + left
    a, b, c, d = (flat.take(place + step, axis=0) for step in (0, 1, width + 1, width + 2))
    upper = a * (1 - right_share) + b * right_share
    corners: Floats = upper + (c * (1 - right_share) + d * right_share - upper) * lower_share
    return np.diff(np.diff(corners, axis=0), axis=1)


def box_sum(sums: Sums, box: Box) -> tuple[float, float]:
    """Sum over a box, and tell how many pixels of it lie in the frame.

    Parameters
    ----------
    sums : ndarray, shape (height + 1, width + 1)
        Of `sums_of`.
    box : tuple of float
        Left, top, right and bottom in pixels.

    Returns
    -------
    total, area : float
    """
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    x0, x1 = (min(max(x, 0.0), width) for x in box[0::2])
    y0, y1 = (min(max(y, 0.0), height) for y in box[1::2])
    if x1 <= x0 or y1 <= y0:
        return 0.0, 0.0
    total = _corner(sums, x1, y1) - _corner(sums, x0, y1)
    total -= _corner(sums, x1, y0) - _corner(sums, x0, y0)
    return total, (x1 - x0) * (y1 - y0)


def _corner(sums: Sums, x: float, y: float) -> float:
    """Sum over all above and left of a place in the frame; plain numbers are fast for a few."""
    left, top = min(int(x), sums.shape[1] - 2), min(int(y), sums.shape[0] - 2)
    x, y = x - left, y - top
    upper = sums.item(top, left) * (1 - x) + sums.item(top, left + 1) * x
    lower = sums.item(top + 1, left) * (1 - x) + sums.item(top + 1, left + 1) * x
    return float(upper * (1 - y) + lower * y)


def _within(places: Floats, length: int) -> Floats:
    """Like `np.clip`, which takes several times as long for so few."""
    return np.minimum(np.maximum(places, 0.0), length)


def shares_inside(edges: Floats, length: int) -> Floats:
    """Tell which share of each cell between ascending edges lies between 0 and `length`."""
    shares: Floats = np.diff(_within(edges, length)) / np.diff(edges)
    return shares


def folded(grid: Floats) -> tuple[Floats, Floats]:
    """Fold a grid at its upright middle: means of the two sides, and how far they differ.

    Parameters
    ----------
    grid : ndarray of float64, shape (rows, columns)
        The number of columns is even.

    Returns
    -------
    means, differences : ndarray of float64, shape (rows, columns / 2)
        Columns from the outside to the middle.
    """
    half = grid.shape[1] // 2
    one, other = grid[:, :half], grid[:, : half - 1 : -1]
    return (one + other) / 2, np.abs(one - other)
