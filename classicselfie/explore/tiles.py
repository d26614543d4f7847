"""Small pictures: kept in one file while photos are judged, then put onto sprite sheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import cv2
import numpy as np

from classicselfie.errors import GalleryError
from classicselfie.explore.photos import TILE
from classicselfie.images import BgrImage, resize

MAP_TILE = 64
# A browser decodes whole sheets: small ones for the grid, where few tiles are in sight.
SHEET_SIDE = 5
MAP_SIDE = 16
_QUALITY = 84


class TileStore:
    """Tiles of any number of photos, on disk.

    Parameters
    ----------
    stream : binary file object
        Open for writing and reading; grows by about 10 kB a photo.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._places: list[tuple[int, int]] = []

    def add(self, tile: bytes) -> None:
        """Append a tile, a JPEG."""
        self._places.append((self._stream.seek(0, 2), len(tile)))
        self._stream.write(tile)

    def read(self, index: int) -> BgrImage:
        """Decode the tile that was added as number `index`."""
        start, length = self._places[index]
        self._stream.seek(start)
        data = np.frombuffer(self._stream.read(length), np.uint8)
        return cast(BgrImage, cv2.imdecode(data, cv2.IMREAD_COLOR))


def write_sheet(tiles: Sequence[BgrImage], path: Path, side: int, size: int) -> None:
    """Write one sprite sheet.

    Parameters
    ----------
    tiles : sequence of ndarray of uint8
        Up to `side` × `side` pictures, none larger than `size`.
    path : Path
        JPEG to write.
    side, size : int
        Tiles in a row, and pixels from one tile to the next. `size` is a multiple of 16, so that
        no tile's colour bleeds into its neighbour's.
    """
    rows = -(-len(tiles) // side)
    sheet = np.zeros((rows * size, side * size, 3), np.uint8)
    for place, tile in enumerate(tiles):
        y, x = size * (place // side), size * (place % side)
        sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    ok, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not ok:
        raise GalleryError(f"the sprite sheet {path} cannot be written")
    path.write_bytes(data.tobytes())


def shrink_for_map(tile: BgrImage) -> BgrImage:
    """Shrink a tile to its size on the map."""
    height, width = (max(1, round(side * MAP_TILE / TILE)) for side in tile.shape[:2])
    return resize(tile, width, height)
