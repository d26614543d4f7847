"""Fine texture: photo, filter, or brush and canvas."""

from __future__ import annotations

from math import log2

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.features.group import FeatureGroup
from classicselfie.features.sampling import Floats
from classicselfie.features.scene import Scene
from classicselfie.images import Box, Luma, histogram, whole_box

_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_MIRRORED = (2, 1, 0, 7, 6, 5, 4, 3)  # where each neighbour is in the mirror


def _kinds() -> npt.NDArray[np.int64]:
    """List the kind of each of the 256 patterns, as numbers from 0 on.

    Uniform patterns, which change at most twice around the circle, count together with their
    mirror image; all others share the last number.
    """
    patterns = np.arange(256)
    bits = (patterns[:, None] >> np.arange(8)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    first = np.minimum(patterns, (bits << np.array(_MIRRORED)).sum(axis=1))
    kinds = np.array(sorted({*first[uniform].tolist()}))  # np.unique loads much of numpy
    return np.where(uniform, np.searchsorted(kinds, first), len(kinds))


_KINDS = _kinds()
_COUNT = int(_KINDS.max()) + 1


def _patterns(part: str, of: str) -> dict[str, str]:
    return {
        f"{part}_pattern_{index}": f"share of {of} with the uniform local binary pattern {index}, "
        "or its mirror image"
        if index < _COUNT - 1
        else f"share of {of} with any other local binary pattern"
        for index in range(_COUNT)
    }


_TEXTURE = _patterns("frame", "the picture") | _patterns("face", "the face")


def _texture(scene: Scene) -> Floats:
    codes = local_binary_pattern(scene.luma)
    face = codes[:0] if scene.face is None else codes[_codes_of(scene.inner_face, codes.shape)]
    return np.concatenate([_shares(codes), _shares(face)])


def local_binary_pattern(luma: Luma) -> Luma:
    """Code each inner pixel by which of its eight neighbours are brighter.

    Parameters
    ----------
    luma : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of uint8, shape (height - 2, width - 2)
        One bit per neighbour, clockwise from the upper left.

    Notes
    -----
    Ojala, Pietikäinen, Mäenpää: Multiresolution gray-scale and rotation invariant texture
    classification with local binary patterns, TPAMI 2002 (P = 8, R = 1; the square neighbours
    are not interpolated).
    """
    height, width = luma.shape
    inner = luma[1:-1, 1:-1]
    code = np.zeros(inner.shape, np.uint8)
    brighter = np.empty(inner.shape, np.uint8)
    for bit, (dy, dx) in enumerate(_NEIGHBOURS):
        neighbour = luma[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]
        cv2.compare(neighbour, inner, cv2.CMP_GT, dst=brighter)
        np.bitwise_and(brighter, np.uint8(1 << bit), out=brighter)
        np.bitwise_or(code, brighter, out=code)
    return code


def _codes_of(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Where the codes of a box's pixels lie: the outermost pixels have none."""
    x0, y0, x1, y1 = box
    return whole_box((x0 - 1, y0 - 1, x1 - 1, y1 - 1), shape)


def _shares(codes: Luma) -> Floats:
    """Share of the pixels whose code is of each kind; all 0 of nothing."""
    return np.bincount(_KINDS, histogram(codes)) / max(1, codes.size)


TEXTURE = FeatureGroup("texture", "fine texture", _TEXTURE, _texture)


# --- scales: coarser and finer ---------------------------------------------------------------

# Discrete cosine transform of eight samples: the even frequencies of the sums of samples that face
# each other, the odd ones of their differences. One frequency a row.
_BLOCK = 8
_HALF = _BLOCK // 2
_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
_EVEN, _ODD = np.split(
    np.array(
        [
            [
                np.cos((2 * x + 1) * u * np.pi / (2 * _BLOCK)) * np.sqrt((2 if u else 1) / _BLOCK)
                for x in range(_HALF)
            ]
            for u in _ORDER
        ],
        np.float32,
    ),
    2,
)
_BANDS = np.add.outer(_ORDER, _ORDER).ravel()
_BAND_SIZES = np.bincount(_BANDS)
_FREQUENCIES = len(_BAND_SIZES) - 1
_FIRST_ODD = _ORDER.index(1)
_HAIR = 1e-6

_SCALES = _patterns("half", "the picture at half the size") | {
    name: text
    for part, of in (("frame", "the picture"), ("face", "the face"))
    for name, text in (
        *(
            (
                f"{part}_frequency_{index}",
                f"octaves of band {index} of {of}, from coarse to fine",
            )
            for index in range(_FREQUENCIES)
        ),
        (
            f"{part}_leaning",
            f"octaves by which upright edges outweigh level ones in {of}",
        ),
    )
}


def _scales(scene: Scene) -> Floats:
    half = _shares(local_binary_pattern(scene.luma_half))
    inner = None if scene.face is None else scene.inner_face
    return np.concatenate([half, *block_frequencies(scene.luma, inner)])


def block_frequencies(luma: Luma, box: Box | None = None) -> tuple[Floats, Floats]:
    """Measure how much of each spatial frequency a picture holds, and a part of it.

    Parameters
    ----------
    luma : ndarray of uint8, shape (height, width)
    box : tuple of float, optional
        The part; the blocks whose centres it holds count.

    Returns
    -------
    picture, part : ndarray of float64, shape (15,)
        log2 of the mean absolute coefficient of the cosine transform of 8 × 8 blocks, in 14
        bands from coarse to fine; last, how far upright edges outweigh level ones. All 0 where
        there is no block. As many pixels are left out at each side, so that blocks mirror.
    """
    rows, columns = luma.shape[0] // _BLOCK, luma.shape[1] // _BLOCK
    top, left = luma.shape[0] % _BLOCK // 2, luma.shape[1] % _BLOCK // 2
    pixels = luma[top : top + rows * _BLOCK, left : left + columns * _BLOCK]
    planes = pixels.reshape(rows, _BLOCK, columns, _BLOCK).transpose(1, 3, 0, 2)
    across = _cosine_transform(planes.reshape(_BLOCK, _BLOCK, -1).astype(np.float32))
    both = _cosine_transform(across.swapaxes(0, 1))
    strength = np.abs(both, out=both).reshape(_BLOCK, _BLOCK, rows, columns)
    if box is None:
        return _in_bands(strength), np.zeros(_FREQUENCIES + 1)
    x0, y0, x1, y1 = box
    part = _centres(y0 - top, y1 - top, rows), _centres(x0 - left, x1 - left, columns)
    return _in_bands(strength), _in_bands(strength[(slice(None), slice(None), *part)])


def _cosine_transform(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Transform the last axis but one, of eight; frequencies in `_ORDER`."""
    ahead, back = samples[..., :_HALF, :], samples[..., : _HALF - 1 : -1, :]
    return np.concatenate([_EVEN @ (ahead + back), _ODD @ (ahead - back)], axis=-2)


def _centres(start: float, stop: float, count: int) -> slice:
    """Blocks whose centres lie within a stretch."""
    first = np.ceil(start / _BLOCK - 0.5 - _HAIR)
    last = np.floor(stop / _BLOCK - 0.5 + _HAIR)
    return slice(int(min(max(first, 0), count)), int(min(max(last + 1, 0), count)))


def _in_bands(blocks: npt.NDArray[np.float32]) -> Floats:
    """Pool the strength of blocks, shape (across, down, rows, columns), in bands."""
    count = blocks.shape[2] * blocks.shape[3]
    if not count:
        return np.zeros(_FREQUENCIES + 1)
    strength = blocks.reshape(_BLOCK, _BLOCK, -1).sum(axis=-1) / count
    bands = np.bincount(_BANDS, strength.ravel()) / _BAND_SIZES
    leaning = log2(strength[_FIRST_ODD, 0] + 1) - log2(strength[0, _FIRST_ODD] + 1)
    return np.append(np.log2(bands[1:] + 0.05), leaning)


SCALES = FeatureGroup("scales", "texture at other scales", _SCALES, _scales, without_maps=True)
