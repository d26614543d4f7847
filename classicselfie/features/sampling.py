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
    corners = _sample(sums, xs[None, :], ys[:, None])
    return np.diff(np.diff(corners, axis=0), axis=1)


def box_sums(sums: Sums, *boxes: Box) -> tuple[Floats, Floats]:
    """Sum over boxes, and tell how many pixels of each lie in the frame.

    Parameters
    ----------
    sums : ndarray, shape (height + 1, width + 1)
        Of `sums_of`.
    *boxes : tuple of float
        Left, top, right and bottom in pixels.

    Returns
    -------
    sums, areas : ndarray of float64, shape (len(boxes),)
    """
    x0, y0, x1, y1 = np.array(boxes, np.float64).T
    xs, ys = np.stack([x0, x1, x0, x1]), np.stack([y0, y0, y1, y1])
    corners = _sample(sums, xs, ys)
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    wide = np.maximum(_within(x1, width) - _within(x0, width), 0.0)
    tall = np.maximum(_within(y1, height) - _within(y0, height), 0.0)
    return corners[3] - corners[2] - corners[1] + corners[0], wide * tall


def _sample(sums: Sums, xs: Floats, ys: Floats) -> Floats:
    """Interpolate between the sums at places of any shape that broadcasts."""
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    xs, ys = _within(xs, width), _within(ys, height)
    left = np.minimum(xs.astype(np.intp), width - 1)
    top = np.minimum(ys.astype(np.intp), height - 1)
    right_share, lower_share = xs - left, ys - top
    if sums.ndim == 3:
        right_share, lower_share = right_share[..., None], lower_share[..., None]
    flat = sums.reshape(-1, *sums.shape[2:])
    place = top * (width + 1) + left
    a, b, c, d = (flat.take(place + step, axis=0) for step in (0, 1, width + 1, width + 2))
    upper = a * (1 - right_share) + b * right_share
    sampled: Floats = upper + (c * (1 - right_share) + d * right_share - upper) * lower_share
    return sampled


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
