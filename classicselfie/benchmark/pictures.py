"""Photos for the benchmark, drawn here: as large and as dear to decode as a phone's."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from classicselfie.benchmark.drawing import draw_person, draw_scene, turned
from classicselfie.errors import BenchmarkError
from classicselfie.images import BgrImage, fitted, resize

# With the grain below, a 12-megapixel file is of 2 to 5 MB, as phones write them.
QUALITY = 90
# Sensors beyond this join their pixels, so that their photos are soft at full size.
DRAWN_MEGAPIXELS = 12.0
# Of a picture's bytes: the decoded photo in Pillow and its coefficients if it is progressive, or
# the drawn one, its quarter turn and the encoder's buffer.
BYTES_PER_PIXEL_IN_MEMORY = 8
BYTES_PER_PIXEL_ON_DISK = 0.5
_GRAIN_ROWS = 256
_THUMBNAIL_LONG_SIDE = 320
_JPEG_START = b"\xff\xd8"
_TIFF_HEAD = 8  # bytes before the first directory


@dataclass(frozen=True)
class Kind:
    """One kind of photo; each of `KINDS` differs in one thing from the first or the one before.

    Attributes
    ----------
    content : {"person", "scene"}
        A person at arm's length, or a room without anybody.
    shape : {"portrait by tag", "portrait by pixels", "landscape"}
        Phones store a portrait lying, with an orientation tag.
    progressive : bool
        In several scans, as some apps and websites write them.
    thumbnail : bool
        Whether the EXIF block holds a small JPEG, as cameras write it.
    """

    content: str = "person"
    shape: str = "portrait by tag"
    progressive: bool = False
    thumbnail: bool = True

    def __str__(self) -> str:
        scans = "progressive" if self.progressive else "baseline"
        return f"{self.content}, {self.shape}, {scans}, {'' if self.thumbnail else 'no '}thumbnail"


SETTLED = Kind(content="scene", shape="landscape")
FACE = Kind(thumbnail=False)
NO_FACE = Kind(content="scene", shape="landscape", thumbnail=False)
KINDS = (
    Kind(),
    FACE,
    Kind(progressive=True),
    Kind(shape="portrait by pixels"),
    Kind(shape="landscape"),
    SETTLED,
    NO_FACE,
)
SUMMARISED = (FACE, NO_FACE, SETTLED)


@dataclass(frozen=True)
class Picture:
    """One photo on disk.

    Attributes
    ----------
    path : Path
    kind : Kind
    megapixels : float
        As asked for.
    size : tuple of int
        Width and height in pixels as stored.
    """

    path: Path
    kind: Kind
    megapixels: float
    size: tuple[int, int]

    @property
    def name(self) -> str:
        """Size and kind in words."""
        return picture_name(self.megapixels, self.kind)


def picture_name(megapixels: float, kind: Kind) -> str:
    """Tell size and kind in words."""
    return f"{megapixels:g} MP, {kind}"


def make_pictures(folder: Path, megapixels: float, kinds: Sequence[Kind] = KINDS) -> list[Picture]:
    """Draw and write the photos of one size, one of each kind.

    Parameters
    ----------
    folder : Path
    megapixels : float
        Of sides as 4 to 3.
    kinds : sequence of Kind

    Returns
    -------
    list of Picture
        In the order of `kinds`.

    Raises
    ------
    BenchmarkError
        If a photo cannot be written.
    """
    drawn: dict[tuple[str, str], list[Kind]] = {}
    for kind in kinds:
        drawn.setdefault((kind.content, kind.shape), []).append(kind)
    made: dict[Kind, Picture] = {}
    for (content, shape), alike in drawn.items():
        stored = draw_stored(content, shape, megapixels)
        small = fitted(stored, _THUMBNAIL_LONG_SIDE)
        for kind in alike:
            picture = Picture(
                folder / f"{megapixels:g}mp_{KINDS.index(kind)}.jpg",
                kind,
                megapixels,
                (stored.shape[1], stored.shape[0]),
            )
            thumbnail = _encode(small, progressive=False) if kind.thumbnail else b""
            exif = exif_segment(6 if shape == "portrait by tag" else 1, thumbnail)
            jpeg = memoryview(_encode(stored, progressive=kind.progressive))  # no copy of its rest
            try:
                with picture.path.open("wb") as stream:
                    stream.writelines((_JPEG_START, exif, jpeg[len(_JPEG_START) :]))
            except OSError as error:
                raise BenchmarkError(
                    f"the photos cannot be written to {folder}: {error.strerror}; "
                    "set TMPDIR to a folder with more space"
                ) from error
            made[kind] = picture
    return [made[kind] for kind in kinds]


def draw_stored(content: str, shape: str, megapixels: float) -> BgrImage:
    """Draw a photo and turn it as the camera stores it; see `Kind`."""
    long_side = round((megapixels * 4e6 / 3) ** 0.5)
    sides = (long_side, round(long_side * 3 / 4))
    small = (min(1.0, (DRAWN_MEGAPIXELS / megapixels) ** 0.5) * np.array(sides)).round()
    width, height = sides if shape == "landscape" else sides[::-1]
    w, h = (int(side) for side in (small if shape == "landscape" else small[::-1]))
    if content == "scene":
        image = draw_scene(w, h, seed=3)
    else:
        image = draw_person(w, h, (0.45, 0.55), 0.35 if h > w else 0.5)
    # Detail grows with the picture, noise belongs to its pixels.
    add_grain(image, _texture(w))
    image = resize(image, width, height)
    add_grain(image, sensor_noise(width))
    return turned(image, 6) if shape == "portrait by tag" else image


def add_grain(image: BgrImage, grain: npt.NDArray[np.int16]) -> None:
    """Add a band of grain to all of `image`, moved and flipped from strip to strip.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
    grain : ndarray of int16, shape (rows, width, 3)
        A picture's worth of random numbers would take longer and a gigabyte at 48 megapixels.
    """
    generator = np.random.default_rng(1)
    for top in range(0, image.shape[0], len(grain)):
        strip = image[top : top + len(grain)]
        moved = np.roll(grain, int(generator.integers(grain.shape[1])), axis=1)
        moved = np.ascontiguousarray(moved[:: generator.choice((-1, 1))][: len(strip)])
        cv2.add(strip, moved, dst=strip, dtype=cv2.CV_8U)


def sensor_noise(width: int) -> npt.NDArray[np.int16]:
    """Brightness noise of single pixels and coarser colour noise, as a phone leaves them."""
    generator = np.random.default_rng(2)
    brightness = generator.standard_normal((_GRAIN_ROWS, width, 1), np.float32)
    colour = generator.standard_normal((_GRAIN_ROWS, width, 3), np.float32)
    noise = 8.0 * _blurred(brightness, 0.6) + 12.0 * _blurred(colour, 2.0)
    return cast(npt.NDArray[np.int16], noise.round().astype(np.int16))


def _texture(width: int) -> npt.NDArray[np.int16]:
    """Cloth, plaster and leaves: at each scale as strong as at the others."""
    generator = np.random.default_rng(3)
    texture = np.zeros((_GRAIN_ROWS, width, 1), np.float32)
    for scale in (2, 4, 8, 16):
        coarse = generator.standard_normal((_GRAIN_ROWS // scale, width // scale, 1), np.float32)
        texture[..., 0] += 2.5 * resize(coarse, width, _GRAIN_ROWS)
    return cast(npt.NDArray[np.int16], texture.repeat(3, axis=2).round().astype(np.int16))


def _blurred(noise: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    return cast(
        npt.NDArray[np.float32], cv2.GaussianBlur(noise, (0, 0), sigma).reshape(noise.shape)
    )


def _encode(image: BgrImage, *, progressive: bool) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    return cv2.imencode(".jpg", image, options)[1].tobytes()


def exif_segment(orientation: int, thumbnail: bytes) -> bytes:
    """Write an EXIF block (APP1) with a camera's name, an orientation and a thumbnail.

    Pillow writes directories, but none for thumbnails. The first one holds tags of the photo, the
    second one where the thumbnail lies (Exif 2.3, 4.5.3 and 4.5.8).

    Parameters
    ----------
    orientation : int
        1 to 8.
    thumbnail : bytes
        A JPEG; empty for a block without the second directory.

    Returns
    -------
    bytes
    """
    first, second = ImageFileDirectory_v2(), ImageFileDirectory_v2()
    first.update({Base.Make: "Bench", Base.Orientation: orientation})
    second.update({Base.Compression: 6, Base.JpegIFByteCount: len(thumbnail), Base.JpegIFOffset: 0})
    tiff = bytearray(struct.pack("<2sHI", b"II", 42, _TIFF_HEAD))
    tiff += first.tobytes(_TIFF_HEAD)
    if thumbnail:
        start = len(tiff)
        # Behind a directory's count and entries stands where the next one begins.
        struct.pack_into("<I", tiff, _TIFF_HEAD + 2 + 12 * len(first), start)
        second[Base.JpegIFOffset] = start + len(second.tobytes(start))
        tiff += second.tobytes(start) + thumbnail
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
