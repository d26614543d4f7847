"""BMP files whose pixels are laid out by bit masks that Pillow does not know."""

from __future__ import annotations

import struct
from typing import IO, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from classicselfie.images import BgrImage

_FILE_HEADER, _INFO_HEADER = 14, 40
_BITFIELDS, _ALPHA_BITFIELDS = 3, 6
_PIXEL: dict[int, np.dtype[Any]] = {16: np.dtype("<u2"), 32: np.dtype("<u4")}
_ROWS_AT_ONCE = 256

_Pixels = npt.NDArray[Any]


class MaskedBmp(NamedTuple):
    """The header of a BMP with a mask for each colour (BITMAPINFOHEADER and later ones).

    Attributes
    ----------
    width, height : int
        In pixels.
    upwards : bool
        Whether the lowest row comes first.
    bits : int
        Of a pixel, 16 or 32.
    start : int
        Where the pixels begin in the file, in bytes.
    masks : tuple of int
        Of blue, green, red and, 0 where there is none, opacity.
    """

    width: int
    height: int
    upwards: bool
    bits: int
    start: int
    masks: tuple[int, int, int, int]


def read_masks(stream: IO[bytes]) -> MaskedBmp | None:
    """Read the header of a BMP; None where its pixels are laid out in another way."""
    stream.seek(0)
    header = stream.read(_FILE_HEADER + _INFO_HEADER + 16)
    if len(header) < _FILE_HEADER + _INFO_HEADER + 12:
        return None
    (start,) = struct.unpack_from("<I", header, 10)
    size, width, height, _, bits, compression = struct.unpack_from("<IiiHHI", header, _FILE_HEADER)
    if compression not in (_BITFIELDS, _ALPHA_BITFIELDS) or bits not in _PIXEL:
        return None
    if size < _INFO_HEADER or width <= 0 or height == 0:
        return None
    red, green, blue = struct.unpack_from("<3I", header, _FILE_HEADER + _INFO_HEADER)
    has_opacity = size >= _INFO_HEADER + 16 or compression == _ALPHA_BITFIELDS
    opacity = 0
    if has_opacity and len(header) >= _FILE_HEADER + _INFO_HEADER + 16:
        (opacity,) = struct.unpack_from("<I", header, _FILE_HEADER + _INFO_HEADER + 12)
    return MaskedBmp(width, abs(height), height > 0, bits, start, (blue, green, red, opacity))


def decode_masked(bmp: MaskedBmp, stream: IO[bytes]) -> BgrImage:
    """Decode the pixels, transparent ones on white.

    Parameters
    ----------
    bmp : MaskedBmp
    stream : binary file object

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    EOFError
        If the file ends before its pixels do.
    """
    kind = _PIXEL[bmp.bits]
    row_bytes = (bmp.width * kind.itemsize + 3) // 4 * 4
    out = np.empty((bmp.height, bmp.width, 3), np.uint8)
    stream.seek(bmp.start)
    for first in range(0, bmp.height, _ROWS_AT_ONCE):
        rows = min(_ROWS_AT_ONCE, bmp.height - first)
        data = stream.read(rows * row_bytes)
        if len(data) < rows * row_bytes:
            raise EOFError(f"{bmp.height - first} rows are missing")
        stored = np.frombuffer(data, np.uint8).reshape(rows, row_bytes)
        pixels = stored[:, : bmp.width * kind.itemsize].copy().view(kind)
        out[first : first + rows] = _unpacked(pixels, bmp.masks)
    return np.ascontiguousarray(out[::-1]) if bmp.upwards else out


def _unpacked(pixels: _Pixels, masks: tuple[int, int, int, int]) -> BgrImage:
    """Bring each field to 0 to 255."""
    *colours, opacity = (_field(pixels, mask) for mask in masks)
    bgr = np.stack(colours, axis=-1)
    if masks[3]:
        share = opacity[..., None]
        bgr = bgr * share + (1 - share)
    return cast(BgrImage, np.rint(bgr * 255).astype(np.uint8))


def _field(pixels: _Pixels, mask: int) -> npt.NDArray[np.float32]:
    """Read the bits of a mask as a number from 0 to 1."""
    if mask == 0:
        return np.zeros(pixels.shape, np.float32)
    shift = (mask & -mask).bit_length() - 1
    field = ((pixels & pixels.dtype.type(mask)) >> shift).astype(np.float32)
    return cast(npt.NDArray[np.float32], field / np.float32(mask >> shift))
