"""Histograms of oriented gradients around the face."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.features.group import FeatureGroup
from classicselfie.features.sampling import Floats, grid_sums, shares_inside, sums_of
from classicselfie.features.scene import GRID, Scene, Slopes
from classicselfie.images import whole_pixels

HOG_BINS = 6
HOG_LIMIT = 0.4  # of a normalised cell
_POOLED = 3  # finer histograms learn the source more than the selfie
_CELL = 8  # pixels: the level of the pyramid is taken whose cells come nearest
# Tangents of 15° and 75° as ratios of whole numbers.
_FLAT, _STEEP = 15, 56
_ORIENTATIONS = np.array([0, 1, 2, 3, 0, 5, 4, 3], np.uint8)
# Mean gradient a pixel in grey levels, 250 over a cell of 8 × 8: keeps noise in flat regions from
# being blown up to full contrast.
_NOISE = 250.0 / _CELL**2


def hog(slopes: tuple[Slopes, Slopes], xs: Floats, ys: Floats) -> Floats:
    """Histogram of oriented gradients over a grid that may lie anywhere.

    Parameters
    ----------
    slopes : two ndarrays of int16, shape (height, width)
        Differences of neighbouring lumas, across and down.
    xs, ys : ndarray of float64, shape (columns + 3,) and (rows + 3,)
        Edges of the cells in pixels, with a ring of cells around those that are asked for.

    Returns
    -------
    ndarray of float64, shape (rows, columns, 6)
        Unsigned orientation in bins of 30° around 0°, 30° and so on, each 0 to 0.4. A cell that
        lies beyond the frame in part is multiplied by the share that does not.

    Notes
    -----
    After Dalal and Triggs, Histograms of Oriented Gradients for Human Detection, CVPR 2005,
    with two departures: each cell is normalised once, by the mean energy of what of its 3 × 3
    neighbourhood lies in the frame, instead of four times, which keeps a quarter of the numbers;
    and a gradient counts for one bin, found by comparing whole numbers.
    `cv2.HOGDescriptor` is not used because the main build of OpenCV 5 has none.
    """
    height, width = slopes[0].shape
    rows, columns = whole_pixels(ys[0], ys[-1], height), whole_pixels(xs[0], xs[-1], width)
    across, down = (plane[rows, columns] for plane in slopes)
    if not across.size:
        return np.zeros((len(ys) - 3, len(xs) - 3, HOG_BINS))
    squares = cv2.multiply(across, across, dtype=cv2.CV_32F)
    strength = np.sqrt(squares + cv2.multiply(down, down, dtype=cv2.CV_32F))
    bins = _bins(across, down)
    by_bin = cv2.merge([strength * (bins == bin_) for bin_ in range(HOG_BINS)])
    sums = grid_sums(sums_of(by_bin), xs - columns.start, ys - rows.start)
    inside = np.outer(shares_inside(ys, height), shares_inside(xs, width))
    size = (xs[1] - xs[0]) * (ys[1] - ys[0])
    cells = sums / np.maximum(inside * size, 1e-6)[..., None]
    # A ring beyond the frame has no share in the mean energy around a cell.
    energy = (cells**2).sum(axis=2) * inside
    around = 9 * _neighbourhood(energy) / np.maximum(_neighbourhood(inside), 1e-6)
    cells, inside = cells[1:-1, 1:-1], inside[1:-1, 1:-1]
    normalised = np.minimum(cells / np.sqrt(around + _NOISE**2)[..., None], HOG_LIMIT)
    inside_only: Floats = normalised * inside[..., None]
    return inside_only


def _bins(across: Slopes, down: Slopes) -> npt.NDArray[np.uint8]:
    """Nearest of the six orientations: 0 where the luma changes across, 3 where down."""
    x, y = np.abs(across), np.abs(down)
    steps = (_STEEP * y >= _FLAT * x).astype(np.uint8)
    steps += y >= x
    steps += _FLAT * y >= _STEEP * x
    steps += np.uint8(4) * ((across ^ down) < 0)  # the other way around the circle
    return _ORIENTATIONS[steps]


def _neighbourhood(cells: Floats) -> Floats:
    """Sum over the 3 × 3 cells around each inner one."""
    down = cells[:-2] + cells[1:-1] + cells[2:]
    sums: Floats = down[:, :-2] + down[:, 1:-1] + down[:, 2:]
    return sums


def hog_face_cells(scene: Scene) -> Floats:
    """Compute `hog` of the face-centred window, shape (6, 6, 6); needs a face."""
    xs, ys = scene.window(ring=1)
    return _at_level(scene, xs, ys)


def _at_level(scene: Scene, xs: Floats, ys: Floats) -> Floats:
    """Use the level, half or quarter of the size, whose cells come nearest to `_CELL` pixels."""
    side = float(np.sqrt((xs[1] - xs[0]) * (ys[1] - ys[0])))
    if abs(side / 2 - _CELL) < abs(side / 4 - _CELL):
        return hog(scene.slopes_half, xs / 2, ys / 2)
    return hog(scene.slopes_quarter, xs / 4, ys / 4)


def _names() -> Mapping[str, str]:
    names = {}
    for row in range(_POOLED):
        for column, place in enumerate(("the sides", "the middle")):
            of = f"in row {row} at {place} of the window around the face"
            for bin_ in range(HOG_BINS if column == 0 else HOG_BINS // 2 + 1):
                names[f"{row}_{column}_{bin_}"] = (
                    f"gradients at {30 * bin_}° {of}, and their mirror image"
                )
            for bin_ in range(HOG_BINS) if column == 0 else range(1, HOG_BINS // 2):
                names[f"{row}_{column}_{bin_}_difference"] = (
                    f"how far gradients at {30 * bin_}° {of} differ from their mirror image"
                )
    return names


def _folded(cells: Floats) -> Floats:
    """Mean over 2 × 2 cells, folded at the upright middle, in the order of `_names`."""
    size = GRID // _POOLED
    pooled = cells.reshape(_POOLED, size, _POOLED, size, HOG_BINS).mean(axis=(1, 3))
    mirrored = pooled[:, ::-1, -np.arange(HOG_BINS) % HOG_BINS]
    means, differences = (pooled + mirrored) / 2, np.abs(pooled - mirrored)
    middle = HOG_BINS // 2
    parts = [means[:, 0], differences[:, 0], means[:, 1, : middle + 1], differences[:, 1, 1:middle]]
    return np.concatenate(parts, axis=1).ravel()


_HOG_FACE = _names()


def _hog_face(scene: Scene) -> Floats:
    return _folded(hog_face_cells(scene))


HOG_FACE = FeatureGroup(
    "hog_face", "outlines around the face", _HOG_FACE, _hog_face, needs_face=True
)
