"""An opened picture: its header first, its pixels when they are asked for."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from classicselfie.embedded import embedded_exif, embedded_xmp, is_tiff, stored_orientation
from classicselfie.errors import PhotoError
from classicselfie.exif import Exif
from classicselfie.images import BgrImage
from classicselfie.photo.bmp import decode_masked, read_masks
from classicselfie.photo.cut import TRANSPOSITIONS, plain_copy, stored_box
from classicselfie.photo.decode import decode, halfway, upright_bgr
from classicselfie.photo.deep import is_deep, shallow
from classicselfie.photo.formats import check_size, open_image, sniff
from classicselfie.photo.guard import HEADER, PIXELS, guarded
from classicselfie.photo.source import MAX_BYTES, PhotoSource, open_path, read_all, readable
from classicselfie.photo.thumbnail import read_thumbnail
from classicselfie.photo.working import Photo, to_working_size
from classicselfie.quiet import no_warnings
from classicselfie.trailer import is_whole, read_trailer

# Below this no face of 10 px with a surrounding can be told.
MIN_SIDE = 24


@dataclass(frozen=True)
class PhotoFile:
    """An opened picture whose header and metadata are known and whose pixels are not yet.

    Attributes
    ----------
    size : tuple of int
        Width and height of the upright picture in pixels.
    orientation : int
        EXIF orientation as the camera wrote it, 1 to 8; 1 where the file tells none.
    exif : Exif
        The metadata, not yet interpreted; empty where there is none.
    xmp : bytes
        The XMP packet, where editors keep what they drop from EXIF.
    trailer : bytes
        The last bytes of the file, where Samsung phones write after the JPEG's end; where more
        stands behind that, up to the end of what they wrote.
    """

    size: tuple[int, int]
    orientation: int
    exif: Exif
    xmp: bytes
    trailer: bytes
    _pixels: Image.Image | BgrImage
    _turn: int = 1  # the orientation that decoding leaves to be undone
    _draft: bool = False  # scaled decoding changes the image object: only on one of our own

    def decode(self) -> Photo:
        """Decode the pixels at the smallest scale that serves.

        Raises
        ------
        PhotoError
            If the picture is damaged or too small to judge.
        """
        width, height = self.size
        if min(width, height) < MIN_SIDE:
            raise PhotoError(f"it is too small to judge ({width} × {height} pixels)")
        if isinstance(self._pixels, np.ndarray):
            return to_working_size(halfway(self._pixels), self.size)
        image, draft = self._pixels, self._draft
        return guarded(
            lambda: to_working_size(upright_bgr(decode(image, draft), self._turn), self.size),
            PIXELS,
        )

    def cut(self, box: tuple[int, int, int, int]) -> Image.Image:
        """Cut a part out of the pixels at full resolution.

        Not after `decode`, which may have decoded a JPEG at a smaller scale.

        Parameters
        ----------
        box : tuple of int
            Left, top, right and bottom in pixels of the upright picture.

        Returns
        -------
        PIL.Image.Image
            Upright, grey or RGB, transparency laid on white, with the colour profile if that
            still holds and without any other metadata.

        Raises
        ------
        PhotoError
            If the picture is damaged.
        """
        image = self._pixels
        if isinstance(image, np.ndarray):
            image = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
        turn = TRANSPOSITIONS.get(self._turn)
        stored = stored_box(box, self.size, self._turn)

        def part() -> Image.Image:
            cut = (shallow(image) if is_deep(image) else image).crop(stored)
            return plain_copy(cut if turn is None else cut.transpose(turn))

        return guarded(part, PIXELS)

    def thumbnail(self) -> Photo | None:
        """Decode the embedded thumbnail, where it can be trusted to show this very picture.

        Returns
        -------
        Photo or None
            None where there is none, and where it may be stale or cut: another aspect,
            bars at its sides, or metadata that tell of a later edit; for anything but a JPEG
            that was opened here; and where the JPEG itself is cut short.
        """
        image = self._pixels
        # A caller's own image may have been changed since it was opened, and only of a JPEG is
        # it known how its thumbnail lies.
        if not (self._draft and isinstance(image, ImageFile.ImageFile) and image.format == "JPEG"):
            return None
        if min(self.size) < MIN_SIDE or not is_whole(self.trailer):
            return None
        with no_warnings():
            pixels = read_thumbnail(self.exif, image, self._turn)
        return None if pixels is None else to_working_size(pixels, self.size)


@contextmanager
def open_photo(source: PhotoSource) -> Iterator[PhotoFile]:
    """Open a picture and read its header; a context manager.

    Parameters
    ----------
    source : path, bytes, binary file object, PIL image or ndarray
        An array is uint8, BGR of shape (height, width, 3) or grey of shape (height, width), and
        already upright. A file object is read from where it stands and not closed.

    Yields
    ------
    PhotoFile

    Raises
    ------
    PhotoError
        If the picture cannot be read or its header is refused; the text says why.
    TypeError
        If `source` is of no supported type, or an array not of uint8.
    """
    if isinstance(source, np.ndarray):
        yield _from_array(source)
    elif isinstance(source, Image.Image):
        yield guarded(lambda: _from_pillow(source), HEADER)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield _from_stream(io.BytesIO(source))
    elif isinstance(source, (str, os.PathLike)):
        with open_path(source) as stream:
            yield _from_stream(stream)
    elif hasattr(source, "read"):
        yield _from_stream(source)
    else:
        raise TypeError(
            "expected a path, bytes, a binary file object, a PIL image or a uint8 array, "
            f"not {type(source).__name__}"
        )


def load_photo(source: PhotoSource) -> Photo:
    """Open and decode a picture in one step; see `open_photo` and `PhotoFile.decode`."""
    with open_photo(source) as file:
        return file.decode()


def _from_stream(stream: BinaryIO) -> PhotoFile:
    with readable():
        # Pillow's plugins count from the beginning of the file and want to move in it.
        if not getattr(stream, "seekable", lambda: False)() or stream.tell():
            stream = io.BytesIO(read_all(stream))
        head = stream.read(64)
        if not isinstance(head, bytes):
            raise TypeError("the file object must be opened in binary mode")
        length = stream.seek(0, os.SEEK_END)
        trailer = read_trailer(stream, length, head.startswith(b"\xff\xd8\xff"))
        stream.seek(0)
    if length == 0:
        raise PhotoError("the file is empty")
    if length > MAX_BYTES:
        raise PhotoError(f"the file is larger than {MAX_BYTES >> 20} MB")
    name = sniff(head)
    try:
        return guarded(lambda: _from_pillow(open_image(name, stream), trailer, draft=True), HEADER)
    except PhotoError:
        masked = guarded(lambda: read_masks(stream), HEADER) if name == "BMP" else None
        if masked is None:
            raise
    check_size(name, (masked.width, masked.height))
    return _from_array(guarded(lambda: decode_masked(masked, stream), PIXELS))


def _from_pillow(image: Image.Image, trailer: bytes = b"", draft: bool = False) -> PhotoFile:
    exif = embedded_exif(image, own=draft)
    xmp = embedded_xmp(image)
    if draft and is_tiff(image):
        image.info.pop("xmp", None)  # Pillow would turn the pixels by it
    orientation = stored_orientation(exif, xmp, image)
    # Pillow turns TIFF by itself, pillow-heif HEIC, and says where the latter came from.
    turn = 1 if is_tiff(image) else orientation
    orientation = image.info.get("original_orientation") or orientation
    width, height = image.size
    return PhotoFile(
        size=(height, width) if turn >= 5 else (width, height),
        orientation=orientation,
        exif=exif,
        xmp=xmp,
        trailer=trailer,
        _pixels=image,
        _turn=turn,
        _draft=draft,
    )


def _from_array(array: npt.NDArray[Any]) -> PhotoFile:
    if array.dtype != np.uint8:
        raise TypeError(f"an array must be of dtype uint8, not {array.dtype}")
    if array.ndim not in (2, 3) or array.size == 0 or array.shape[2:] not in ((), (3,)):
        raise TypeError(
            "an array must have shape (height, width, 3) in BGR or (height, width), "
            f"not {array.shape}"
        )
    pixels = np.ascontiguousarray(array)
    if pixels.ndim == 2:
        pixels = cast(BgrImage, cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    height, width = pixels.shape[:2]
    return PhotoFile(
        (width, height), orientation=1, exif=Exif(), xmp=b"", trailer=b"", _pixels=pixels
    )
