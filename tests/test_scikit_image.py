"""HOG and LBP are scikit-image's where the definitions agree.

They have code of their own because checking a photo imports NumPy, OpenCV and Pillow alone, and
because they differ on purpose: `hog` takes a grid that lies anywhere, in part beyond the frame,
has bins around 0°, 30° and so on that mirror into one another, and normalises each cell once;
`local_binary_pattern` takes the eight neighbours as they are, where scikit-image interpolates the
four at the corners of a circle, and a neighbour must be brighter, where scikit-image counts one
that is equal too.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from classicselfie.benchmark.drawing import draw_person
from classicselfie.features.outlines import HOG_LIMIT, hog
from classicselfie.features.texture import local_binary_pattern

skimage = pytest.importorskip("skimage.feature", reason="the extra explain is not installed")

Picture = npt.NDArray[np.uint8]
CELL = 8
NOISE = 250 / CELL**2  # in grey levels, which keeps flat cells low
# Places in the code from scikit-image's, counterclockwise from the right, to ours.
NEXT_TO = {0: 3, 2: 1, 4: 7, 6: 5}
AT_CORNERS = {1: 2, 3: 0, 5: 6, 7: 4}


def noise() -> Picture:
    return np.random.default_rng(0).integers(0, 256, (96, 128), np.uint8)


def person() -> Picture:
    drawn = cv2.cvtColor(draw_person(128, 96, face=0.7), cv2.COLOR_BGR2GRAY)
    grain = np.random.default_rng(1).normal(0, 4, drawn.shape)
    return np.clip(drawn + grain, 0, 255).astype(np.uint8)


PICTURES = pytest.mark.parametrize("luma", [noise(), person()], ids=["noise", "person"])


def cells_of_skimage(luma: npt.NDArray[Any], total: float) -> npt.NDArray[np.float64]:
    """Mean gradients by cell and bin of 30°, brought from bins of 15° that begin at 0°."""
    rows, columns = luma.shape[0] // CELL, luma.shape[1] // CELL
    (whole,) = skimage.hog(
        luma,
        orientations=12,
        pixels_per_cell=(CELL, CELL),
        cells_per_block=(rows, columns),  # one block: the cells as they are, but for a factor
        block_norm="L2",
        feature_vector=False,
    )[0]
    cells = np.roll(whole, 1, axis=2).reshape(rows, columns, 6, 2).sum(axis=3)
    return np.asarray(cells * total / CELL**2 / cells.sum(), np.float64)


@PICTURES
def test_hog_is_that_of_scikit_image_on_the_same_grid(luma: Picture) -> None:
    """Only the normalisation is done here: by a cell's 3 × 3 neighbourhood, up to a limit."""
    # Even differences across and odd ones down: no gradient lies on the edge between two bins.
    rows = np.arange(len(luma))[:, None]
    levels = (2 * luma.astype(np.int16) + rows // 2 % 2).astype(np.int16)
    across, down = np.zeros_like(levels), np.zeros_like(levels)
    across[:, 1:-1] = levels[:, 2:] - levels[:, :-2]
    down[1:-1] = levels[2:] - levels[:-2]
    cells = cells_of_skimage(levels.astype(np.float64), float(np.hypot(across, down).sum()))
    energy = cv2.boxFilter((cells**2).sum(axis=2), -1, (3, 3), normalize=False)
    expected = (cells / np.sqrt(energy + NOISE**2)[..., None])[1:-1, 1:-1]
    height, width = luma.shape
    ours = hog((across, down), np.arange(0.0, width + 1, CELL), np.arange(0.0, height + 1, CELL))
    assert ours.shape == (10, 14, 6)
    assert ours.std() > 0.03
    differences = np.abs(ours - np.minimum(expected, HOG_LIMIT))
    # The edge of 15° is 15 / 56 there: gradients of 14.995° are in the next bin.
    assert (differences > 1e-4).mean() < 0.05
    assert differences.max() < 0.03


def bit(codes: npt.NDArray[Any], place: int) -> npt.NDArray[np.bool_]:
    return (codes >> place & 1).astype(bool)


@PICTURES
def test_lbp_is_that_of_scikit_image_for_the_nearest_neighbours(luma: Picture) -> None:
    ours = local_binary_pattern(luma)
    # In the negative a neighbour is at least as bright wherever it is not brighter in the picture.
    theirs = ~skimage.local_binary_pattern(255 - luma, 8, 1).astype(np.uint8)[1:-1, 1:-1]
    for there, here in NEXT_TO.items():
        assert (bit(theirs, there) == bit(ours, here)).all()
    for there, here in AT_CORNERS.items():  # interpolated there
        assert 0.8 < (bit(theirs, there) == bit(ours, here)).mean() < 1


def test_lbp_is_that_of_scikit_image_for_every_clear_pattern() -> None:
    """Where neighbours are black or white around grey, the corners decide for themselves."""
    rows, columns = np.divmod(np.arange(8) + (np.arange(8) > 3), 3)
    for pattern in range(256):
        luma = np.full((3, 3), 128, np.uint8)
        luma[rows, columns] = 255 * (pattern >> np.arange(8) & 1)
        ours = local_binary_pattern(luma)[0, 0]
        theirs = skimage.local_binary_pattern(luma, 8, 1).astype(np.uint8)[1, 1]
        assert all(
            bit(theirs, there) == bit(ours, here) for there, here in (NEXT_TO | AT_CORNERS).items()
        )
