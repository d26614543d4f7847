"""A photo and its faces, and what several feature groups share of them.

Everything is made once and only when asked for: a pyramid of exact integer means, sums over areas
and the window around the largest face.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias, cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.faces import Face, MapView
from classicselfie.features.sampling import Floats, Sums, sums_of
from classicselfie.images import BgrImage, Box, Luma, Mask, halve
from classicselfie.skin import segment_skin

Slopes: TypeAlias = npt.NDArray[np.int16]
"""Shape (height, width), -255 to 255."""

GRID = 6  # cells a side in every face-centred or whole-frame grid
CONTEXT_FACES = 4.0  # width and height of the face-centred window in face sizes
CONTEXT_DROP = 0.6  # its centre lies this many face sizes below the face: shoulders, arms
SIMILAR_FACE = 0.5  # a face of at least half the largest one's size belongs to the group
_AROUND = 5  # pixels a side
# YuNet's maps are rounded to multiples of 1/65536, and what they are weighed with as well: their
# products add up exactly in float64, so that neither order nor number of threads changes a bit.
# Where a value is on the edge of two steps, processors and ports differ by less than is seen.
MAP_STEPS = 2.0**16
_MULTIPLE = 4  # of the sides: every level of the pyramid comes out even


class Scene:
    """What several feature groups share, computed once and only when asked for.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        Working image, BGR, upright.
    faces : sequence of Face
        Largest first, in pixels of `image`.
    views : tuple of MapView
        What the face detector's network saw, see `Detection`; empty where it has no maps.

    Notes
    -----
    Sides of working images are multiples of four. Another picture is padded to that by repeating
    its outermost pixels, as much at the left as at the right (of an odd number, one more at the
    right and below), and the faces move along: `image`, `faces`, `width` and `height` are those of
    the padded picture.
    """

    def __init__(
        self, image: BgrImage, faces: Sequence[Face], views: tuple[MapView, ...] = ()
    ) -> None:
        self.image, left, top = _padded(image)
        self.faces = [_moved(face, left, top) for face in faces] if left or top else list(faces)
        self.views = views
        self.height, self.width = self.image.shape[:2]

    def seen_again(self, views: tuple[MapView, ...]) -> Scene:
        """Return the same scene with more views; what was computed of the picture stays."""
        other = copy(self)
        other.views = views
        other.__dict__.pop("map_steps", None)
        return other

    # --- faces -----------------------------------------------------------------------------

    @property
    def face(self) -> Face | None:
        """The largest face."""
        return self.faces[0] if self.faces else None

    @cached_property
    def face_size(self) -> float:
        """Geometric mean of the largest face's width and height in pixels; 0 without a face."""
        return float(np.sqrt(self.face.area)) if self.face else 0.0

    @cached_property
    def similar(self) -> list[Face]:
        """Faces of about the largest one's size, itself among them."""
        return [face for face in self.faces if face.bbox[3] >= SIMILAR_FACE * self.faces[0].bbox[3]]

    @property
    def inner_face(self) -> Box:
        """The largest face's box without its rim, a tenth of it at each side; needs a face."""
        x, y, w, h = self.faces[0].bbox
        return x + 0.1 * w, y + 0.1 * h, x + 0.9 * w, y + 0.9 * h

    # --- what the face detector's network saw ------------------------------------------------

    @property
    def maps_alone(self) -> bool:
        """Whether the maps alone are to tell of it: the network looked and found no face.

        All else adds nothing to them there (docs/experiments.md), and such photos are most.
        """
        return bool(self.views) and not self.faces

    @cached_property
    def map_steps(self) -> list[list[Floats]]:
        """The maps of each view in whole steps, each of shape (channels, cells)."""
        return [
            [
                np.rint(each.reshape(len(each), -1) * np.float32(MAP_STEPS)).astype(np.float64)
                for each in view.maps
            ]
            for view in self.views
        ]

    # --- the pyramid -----------------------------------------------------------------------

    @cached_property
    def half(self) -> BgrImage:
        """The picture at half the size: exact means of 2 × 2 pixels."""
        return halve(self.image)

    @cached_property
    def quarter(self) -> BgrImage:
        """The picture at a quarter of the size: enough to tell colours apart."""
        return halve(self.half)

    @cached_property
    def luma(self) -> Luma:
        """Luma: ``(9798 R + 19235 G + 3735 B + 2**14) >> 15``, in OpenCV 4 and 5 alike."""
        return cast(Luma, cv2.cvtColor(self.image, cv2.COLOR_BGR2GRAY))

    @cached_property
    def luma_half(self) -> Luma:
        """Luma at half the size."""
        return halve(self.luma)

    @cached_property
    def luma_quarter(self) -> Luma:
        """Luma at a quarter of the size."""
        return halve(self.luma_half)

    @cached_property
    def saturation(self) -> Luma:
        """Saturation of `quarter`: ``255 (max - min) // max`` over its three channels."""
        blue, green, red = cv2.split(self.quarter)
        value = cv2.max(cv2.max(blue, green), red)
        chroma = cv2.subtract(value, cv2.min(cv2.min(blue, green), red)).astype(np.uint16)
        return (chroma * np.uint16(255) // np.maximum(value, 1)).astype(np.uint8)

    @cached_property
    def slopes_half(self) -> tuple[Slopes, Slopes]:
        """Differences of neighbouring lumas at half the size, across and down."""
        return _slopes(self.luma_half)

    @cached_property
    def slopes_quarter(self) -> tuple[Slopes, Slopes]:
        """Differences of neighbouring lumas at a quarter of the size, across and down."""
        return _slopes(self.luma_quarter)

    # --- sums over areas -------------------------------------------------------------------

    @cached_property
    def detail(self) -> Sums:
        """Sums of the fine detail: the luma's absolute Laplacian, at most 255."""
        return sums_of(_laplacian(self.luma))

    @cached_property
    def coarse_detail(self) -> Sums:
        """Sums of the coarse detail: how far the quarter-size luma is from the mean around it.

        That mean is of 5 × 5 pixels, 20 of the picture's a side.
        """
        luma = self.luma_quarter
        around = cv2.boxFilter(luma, cv2.CV_32F, (_AROUND, _AROUND), normalize=False)
        return sums_of(np.abs(luma - around / np.float32(_AROUND**2)))

    @cached_property
    def skin(self) -> Mask:
        """Skin mask of `segment_skin`, of the size of `quarter`."""
        if self.face is None:
            return segment_skin(self.quarter, None)
        x, y, w, h = self.face.bbox
        return segment_skin(self.quarter, (x / 4, y / 4, w / 4, h / 4))

    @cached_property
    def skin_sums(self) -> Sums:
        """Sums of `skin`."""
        return sums_of(self.skin)

    # --- the window around the face --------------------------------------------------------

    def window(self, ring: int = 0) -> tuple[Floats, Floats]:
        """Edges of the cells of the face-centred window; needs a face.

        Parameters
        ----------
        ring : int
            How many rings of cells to add around the `GRID` × `GRID` ones.

        Returns
        -------
        xs, ys : ndarray of float64, shape (GRID + 2 * ring + 1,)
            In pixels of `image`.
        """
        x, y, w, h = self.faces[0].bbox
        cell = CONTEXT_FACES * self.face_size / GRID
        steps = cell * (np.arange(GRID + 2 * ring + 1, dtype=np.float64) - GRID / 2 - ring)
        return x + w / 2 + steps, y + h / 2 + CONTEXT_DROP * self.face_size + steps


def _slopes(luma: Luma) -> tuple[Slopes, Slopes]:
    """Right minus left neighbour, lower minus upper; the outermost pixels are repeated."""
    across = cv2.Sobel(luma, cv2.CV_16S, 1, 0, ksize=1, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(luma, cv2.CV_16S, 0, 1, ksize=1, borderType=cv2.BORDER_REPLICATE)
    return cast(Slopes, across), cast(Slopes, down)


def _laplacian(luma: Luma) -> Luma:
    return cast(Luma, cv2.convertScaleAbs(cv2.Laplacian(luma, cv2.CV_16S, ksize=1)))


def _padded(image: BgrImage) -> tuple[BgrImage, int, int]:
    """Pad to sides that are multiples of four; tell how much at the left and at the top."""
    height, width = image.shape[:2]
    across, down = -width % _MULTIPLE, -height % _MULTIPLE
    if not across and not down:
        return image, 0, 0
    left, top = across // 2, down // 2
    padded = cv2.copyMakeBorder(image, top, down - top, left, across - left, cv2.BORDER_REPLICATE)
    return cast(BgrImage, padded), left, top


def _moved(face: Face, left: int, top: int) -> Face:
    x, y, w, h = face.bbox
    landmarks = tuple((px + left, py + top) for px, py in face.landmarks)
    return replace(face, bbox=(x + left, y + top, w, h), landmarks=landmarks)


def document_grid(measures: str) -> dict[str, str]:
    """Document the folded grid of the window around the face, in the order of `folded`.

    Parameters
    ----------
    measures : str
        What a cell tells, with ``{cell}`` for its place.

    Returns
    -------
    dict of str to str
        By the features' names.
    """
    means, differences = {}, {}
    for row in range(GRID):
        for column in range(GRID // 2):
            name = f"grid_{row}_{column}"
            cell = f"row {row} and column {column} of the window around the face"
            means[name] = (
                measures.format(cell=cell) + ", mean of both sides; columns count from the outside"
            )
            differences[f"{name}_difference"] = f"how far the two cells of `{name}` differ"
    return means | differences
