"""Bytes to photo: open any supported picture safely and shrink it to the working size.

Every later stage works on one small upright BGR image, `Photo.image`, whose longest side is
`WORKING_SIZE`. Pillow decodes for every OpenCV version, so the same bytes give the same pixels,
and the header's pixel count is checked before any pixel is decoded.
"""

from __future__ import annotations

import importlib
import io
import os
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, JpegImagePlugin, TiffImagePlugin

from classicselfie.embedded import embedded_exif, embedded_xmp, stored_orientation
from classicselfie.errors import MissingExtraError, PhotoError
from classicselfie.exif import Exif
from classicselfie.images import BgrImage, resize
from classicselfie.trailer import is_whole, read_trailer

_T = TypeVar("_T")
PhotoSource: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | BinaryIO
    | Image.Image
    | npt.NDArray[np.uint8]
)

# YuNet is trained for faces of 10 to 300 px: at 320 px the largest selfie still fits.
WORKING_SIZE = 320
# Below this no face of 10 px with a surrounding can be told.
MIN_SIDE = 24
# A stretched strip is no photo; the floor keeps every later stage free of empty arrays.
MIN_WORKING_SIDE = 16
# A smaller embedded thumbnail shows too little of a face; larger ones are previews.
MIN_THUMBNAIL = 150
MAX_THUMBNAIL = 640
MAX_THUMBNAIL_BYTES = 2**16
MAX_BYTES = 512 * 2**20
_DATE_TAG, _DATE_TAKEN_TAG = 0x0132, 0x9003
_WIDTH_TAG, _HEIGHT_TAG = 0xA002, 0xA003
_THUMBNAIL_START_TAG, _THUMBNAIL_LENGTH_TAG = 0x0201, 0x0202


@dataclass(frozen=True)
class Photo:
    """One picture, upright, at the working size.

    Attributes
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR, upright, uniform borders cut off, longest side `WORKING_SIZE` pixels.
    size : tuple of int
        Width and height of the upright original in pixels.
    offset : tuple of float
        Where the corner of `image` lies in the upright original, (x, y) in pixels.
    scale : tuple of float
        Original pixels per working pixel along x and y.
    """

    image: BgrImage
    size: tuple[int, int]
    offset: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)

    def to_original(self, points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map points from the working image to the upright original.

        Parameters
        ----------
        points : ndarray of float32, shape (n, 2)
            x and y in pixels of `image`.

        Returns
        -------
        ndarray of float32, shape (n, 2)
        """
        scale, offset = np.array(self.scale, np.float32), np.array(self.offset, np.float32)
        return points * scale + offset


@dataclass(frozen=True)
class _Format:
    """How Pillow reads one file format, and how large a header may promise to be.

    The limits keep decoding under 1 GB, measured with files of that size: a scaled JPEG needs
    little, one of several scans keeps its coefficients (6 bytes a pixel), the others hold 4 to
    16 bytes a pixel at full size, more with transparency.
    """

    plugin: str
    max_megapixels: int
    extra: str = ""


_FORMATS = {
    "JPEG": _Format("PIL.JpegImagePlugin:JpegImageFile", 256),
    "PNG": _Format("PIL.PngImagePlugin:PngImageFile", 80),
    "WebP": _Format("PIL.WebPImagePlugin:WebPImageFile", 50),
    "TIFF": _Format("PIL.TiffImagePlugin:TiffImageFile", 70),
    "BMP": _Format("PIL.BmpImagePlugin:BmpImageFile", 80),
    "GIF": _Format("PIL.GifImagePlugin:GifImageFile", 70),
    "AVIF": _Format("PIL.AvifImagePlugin:AvifImageFile", 60),
    "HEIC": _Format("pillow_heif:HeifImageFile", 70, extra="heic"),
}
_MULTI_SCAN_MAX_MEGAPIXELS = 120
_ALPHA_MAX_MEGAPIXELS = 60
# A progressive photo has about ten scans; each costs a pass over all coefficients.
_MAX_SCANS = 100
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_SUPPORTED = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, HEIC"


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
            return _to_working_size(_halfway(self._pixels), self.size)
        image, draft = self._pixels, self._draft
        return _guarded(
            lambda: _to_working_size(_upright_bgr(_decode(image, draft), self._turn), self.size)
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
        turn = _TRANSPOSITIONS.get(self._turn)
        stored = _stored_box(box, self.size, self._turn)

        def part() -> Image.Image:
            cut = image.crop(stored)
            return _plain(cut if turn is None else cut.transpose(turn))

        return _guarded(part)

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
        if not (self._draft and isinstance(image, JpegImagePlugin.JpegImageFile)):
            return None
        if min(self.size) < MIN_SIDE or not is_whole(self.trailer):
            return None
        try:
            if _was_edited(self.exif, image):
                return None
            with _embedded(self.exif, image) as small:
                if small is None or not _same_aspect(small.size, image.size):
                    return None
                pixels = _upright_bgr(_decode(small, draft=False), self._turn)
        except Exception:  # damaged metadata must not hide good pixels
            return None
        return None if any(find_borders(pixels)) else _to_working_size(pixels, self.size)


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
        yield _guarded(lambda: _from_pillow(source))
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


def open_path(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file; raises PhotoError where it cannot be read or is none."""
    with _readable():
        # Opening a pipe would wait for its writer, and a device may never end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            kind = "a directory" if Path(path).is_dir() else "no regular file"
            raise PhotoError(f"the file cannot be read: it is {kind}")
        return open(path, "rb")


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what reading raises into `PhotoError`: bad disks, closed files, a NUL in a name."""
    try:
        yield
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or error
        raise PhotoError(f"the file cannot be read: {detail}") from error


def _read_all(stream: BinaryIO) -> bytes:
    """Read to the end; an unbuffered pipe gives a part at a time."""
    parts: list[bytes] = []
    left = MAX_BYTES + 1
    while left and (part := stream.read(left)):
        if not isinstance(part, bytes):
            raise TypeError("the file object must be opened in binary mode")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _from_stream(stream: BinaryIO) -> PhotoFile:
    with _readable():
        # Pillow's plugins count from the beginning of the file and want to move in it.
        if not getattr(stream, "seekable", lambda: False)() or stream.tell():
            stream = io.BytesIO(_read_all(stream))
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
    name = _sniff(head)
    return _guarded(lambda: _from_pillow(_open(name, stream), trailer, draft=True))


def _sniff(head: bytes) -> str:
    """Tell the format from the first bytes; names and extensions lie."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"BM"):
        return "BMP"
    if head[4:8] == b"ftyp":
        if b"avif" in head or b"avis" in head:
            return "AVIF"
        if any(brand in head for brand in _HEIF_BRANDS):
            return "HEIC"
    raise PhotoError(f"not a picture in a supported format ({_SUPPORTED})")


def _open(name: str, stream: BinaryIO) -> Image.Image:
    """Read the header with the format's own plugin and check what it promises.

    `PIL.Image.open` would refuse 200-megapixel phone photos, and its limit is global state.
    """
    known = _FORMATS[name]
    module_name, _, class_name = known.plugin.partition(":")
    try:
        plugin = getattr(importlib.import_module(module_name), class_name)
    except ImportError as error:
        if known.extra:
            raise PhotoError(str(MissingExtraError(module_name, known.extra))) from error
        raise PhotoError(f"this Pillow cannot read {name}") from error
    image = cast(ImageFile.ImageFile, plugin(stream))
    width, height = image.size
    limit = known.max_megapixels
    if name == "JPEG" and _has_many_scans(image, stream):
        limit = min(limit, _MULTI_SCAN_MAX_MEGAPIXELS)
    if "A" in image.getbands() or "transparency" in image.info:
        limit = min(limit, _ALPHA_MAX_MEGAPIXELS)
    if width * height > limit * 1_000_000:
        raise PhotoError(
            f"its header promises {width} × {height} pixels, more than the limit of "
            f"{limit} megapixels for {name}"
        )
    return image


def _has_many_scans(image: ImageFile.ImageFile, stream: BinaryIO) -> bool:
    """Tell whether a JPEG comes in several scans, progressive or not, and refuse absurd ones."""
    # Pillow has stopped behind the first scan's header: its length (6 bytes and 2 a component),
    # the number of components ... A scan of all of them is the only one, unless progressive.
    components = len(image.getbands())
    stream.seek(-(6 + 2 * components), os.SEEK_CUR)
    whole = stream.read(3) == struct.pack(">HB", 6 + 2 * components, components)
    if whole and not image.info.get("progressive"):
        return False
    stream.seek(0)
    scans = 0
    tail = b""
    while block := stream.read(1 << 20):
        scans += (tail + block).count(b"\xff\xda")  # cannot occur within entropy-coded data
        tail = block[-1:]
    if scans > _MAX_SCANS:
        raise PhotoError(f"it is a JPEG of {scans} scans, more than the limit of {_MAX_SCANS}")
    return True


def _guarded(load: Callable[[], _T]) -> _T:
    """Turn whatever a damaged file makes a decoder raise into one kind of error."""
    try:
        return load()
    except PhotoError:
        raise
    except Exception as error:
        # Fuzzed files make decoders raise nearly anything (struct.error, IndexError, EOFError,
        # SyntaxError, MemoryError ...); the promise is "unknown", never a traceback.
        detail = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"the picture is damaged or not supported: {detail[:160]}") from error


def _from_pillow(image: Image.Image, trailer: bytes = b"", draft: bool = False) -> PhotoFile:
    exif = embedded_exif(image)
    xmp = embedded_xmp(image)
    if draft and isinstance(image, TiffImagePlugin.TiffImageFile):
        image.info.pop("xmp", None)  # Pillow would turn the pixels by it
    orientation = stored_orientation(exif, xmp, image)
    # Pillow turns TIFF by itself, pillow-heif HEIC, and says where the latter came from.
    turn = 1 if isinstance(image, TiffImagePlugin.TiffImageFile) else orientation
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


@contextmanager
def _embedded(exif: Exif, image: Image.Image) -> Iterator[Image.Image | None]:
    """Open the thumbnail of EXIF's second directory; None where there is none of use."""
    tags = exif.thumbnail
    start, length = tags.get(_THUMBNAIL_START_TAG), tags.get(_THUMBNAIL_LENGTH_TAG)
    segment = image.info.get("exif", b"")
    if not (isinstance(start, int) and isinstance(length, int) and segment[:6] == b"Exif\0\0"):
        yield None
        return
    # Offsets count from the TIFF header behind "Exif\0\0".
    data = segment[6 + start : 6 + start + min(length, MAX_THUMBNAIL_BYTES)]
    if not data.startswith(b"\xff\xd8\xff"):
        yield None
        return
    stream = io.BytesIO(data)
    with JpegImagePlugin.JpegImageFile(stream) as small:
        fits = MIN_THUMBNAIL <= max(small.size) <= min(MAX_THUMBNAIL, max(image.size))
        # Each scan costs a pass, and cameras write one.
        yield small if fits and not _has_many_scans(small, stream) else None


def _was_edited(exif: Exif, image: Image.Image) -> bool:
    """Tell whether the metadata are those of another state of the picture."""
    taken = exif.photo
    changed, first = exif.main.get(_DATE_TAG), taken.get(_DATE_TAKEN_TAG)
    if changed and first and changed != first:
        return True
    told = taken.get(_WIDTH_TAG), taken.get(_HEIGHT_TAG)
    return all(told) and sorted(map(str, told)) != sorted(map(str, image.size))


def _same_aspect(small: tuple[int, int], whole: tuple[int, int]) -> bool:
    """Compare shapes, as far as the small one's rounding to whole pixels allows."""
    width, height = small
    return (
        abs(width - height * whole[0] / whole[1]) <= 1.0
        or abs(height - width * whole[1] / whole[0]) <= 1.0
    )


def _decode(image: Image.Image, draft: bool) -> npt.NDArray[np.uint8]:
    """Decode to RGB, at the smallest scale that keeps `WORKING_SIZE` on the long side."""
    long_side = max(image.size)
    if draft and isinstance(image, ImageFile.ImageFile) and long_side > WORKING_SIZE:
        width, height = image.size
        # Only JPEG can; the others ignore it.
        image.draft(
            None,
            (
                -(-width * WORKING_SIZE // long_side),
                -(-height * WORKING_SIZE // long_side),
            ),
        )
    if image.mode in ("P", "PA", "LA", "La", "RGBa"):
        alpha = "transparency" in image.info or "a" in image.mode.lower()
        image = image.convert("RGBA" if alpha else "RGB")
    elif image.mode not in ("L", "RGB", "RGBA") and not image.mode.startswith("I"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    # By areas and before it is turned: every orientation then gives the same upright pixels.
    pixels = _halfway(np.asarray(image))
    if image.mode.startswith("I"):  # 16-bit grey
        pixels = np.clip(pixels / 257.0, 0, 255).astype(np.uint8)
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 4:
        opacity = pixels[..., 3:].astype(np.float32) / 255
        pixels = (pixels[..., :3] * opacity + 255 * (1 - opacity)).round().astype(np.uint8)
    return pixels


def _halfway(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Shrink what could not be decoded small to twice the working size."""
    height, width = pixels.shape[:2]
    ratio = WORKING_SIZE / max(height, width)
    if ratio > 0.5:
        return pixels
    if pixels.dtype != np.uint8:  # OpenCV cannot average every type that Pillow gives
        pixels = pixels.astype(np.float32)
    return resize(pixels, 2 * max(1, round(width * ratio)), 2 * max(1, round(height * ratio)))


def _upright_bgr(pixels: npt.NDArray[np.uint8], orientation: int) -> BgrImage:
    """Turn RGB to BGR and undo one of the eight EXIF orientations (TIFF 6.0, tag 274)."""
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    if orientation in (5, 6, 7, 8):
        bgr = cv2.transpose(bgr)
    if orientation in (3, 4, 7, 8):
        bgr = cv2.flip(bgr, 0)
    if orientation in (2, 3, 6, 7):
        bgr = cv2.flip(bgr, 1)
    return cast(BgrImage, bgr)


_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _stored_box(
    box: tuple[int, int, int, int], size: tuple[int, int], orientation: int
) -> tuple[int, int, int, int]:
    """Find where a box of the upright picture lies in the stored one."""
    (left, top, right, bottom), (width, height) = box, size
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    return (top, left, bottom, right) if orientation >= 5 else (left, top, right, bottom)


def _plain(image: Image.Image) -> Image.Image:
    """Reduce to grey or RGB, keeping the colour profile where the colour space stays."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16-bit grey
        levels = np.clip(np.asarray(image) / 257.0, 0, 255).astype(np.uint8)
        plain = Image.fromarray(levels)
    elif "transparency" in image.info or "a" in image.mode.lower():
        opaque = image.convert("RGBA")
        plain = Image.new("RGB", image.size, "white")
        plain.paste(opaque, mask=opaque.getchannel("A"))
        profile = None if image.mode in ("1", "L", "LA", "La") else profile  # it is of grey
    elif image.mode in ("L", "RGB"):
        plain = image.copy()
    else:
        plain = image.convert("L" if image.mode == "1" else "RGB")
        profile = profile if image.mode == "P" else None
    plain.info = {"icc_profile": profile} if profile else {}
    return plain


def _to_working_size(pixels: BgrImage, size: tuple[int, int]) -> Photo:
    image = _shrink(pixels)
    left, top, right, bottom = find_borders(image)
    height, width = pixels.shape[:2]
    if left or top or right or bottom:
        # Cut the border from the decoded picture, so that the content is not enlarged twice.
        x_ratio, y_ratio = width / image.shape[1], height / image.shape[0]
        x0, x1 = round(left * x_ratio), round((image.shape[1] - right) * x_ratio)
        y0, y1 = round(top * y_ratio), round((image.shape[0] - bottom) * y_ratio)
        pixels = np.ascontiguousarray(pixels[y0:y1, x0:x1])
        image = _shrink(pixels)
    else:
        x0, y0 = 0, 0
    x_scale, y_scale = size[0] / width, size[1] / height
    return Photo(
        image=image,
        size=size,
        offset=(x0 * x_scale, y0 * y_scale),
        scale=(
            x_scale * pixels.shape[1] / image.shape[1],
            y_scale * pixels.shape[0] / image.shape[0],
        ),
    )


def _shrink(pixels: BgrImage) -> BgrImage:
    height, width = pixels.shape[:2]
    ratio = WORKING_SIZE / max(height, width)
    target = (
        max(MIN_WORKING_SIDE, round(width * ratio)),
        max(MIN_WORKING_SIDE, round(height * ratio)),
    )
    if target == (width, height):
        return pixels
    return resize(pixels, *target)


def find_borders(image: BgrImage) -> tuple[int, int, int, int]:
    """Measure uniform bands (letterbox bars, white frames) around a picture.

    A band counts when its lines have one colour and end at a straight step across most of the
    picture; a plain studio backdrop ends at a head instead and stays.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)

    Returns
    -------
    tuple of int
        Widths of the left, top, right and bottom band in pixels; 0 where there is none.
    """
    top, bottom = _band(image), _band(image[::-1])
    inner = image[top : image.shape[0] - bottom].transpose(1, 0, 2)
    return _band(inner), top, _band(inner[::-1]), bottom


# Chosen by eye on letterboxed pictures: JPEG noise of a flat band stays below FLAT, and a real
# picture edge differs from the band by more than STEP in most of its pixels.
_FLAT = 14
_STEP = 20
_STEP_SHARE = 0.6
_MAX_BAND_SHARE = 0.42
_MIN_BAND = 3


def _band(image: BgrImage) -> int:
    """Count the lines of a uniform band at the top of `image`."""
    limit = int(image.shape[0] * _MAX_BAND_SHARE)
    if limit <= _MIN_BAND:
        return 0
    line = image[0]
    # Farther apart than two colours can be that are both near the mean; most pictures end here.
    if (line.max(axis=0) - line.min(axis=0)).max() > 2 * _FLAT:
        return 0
    colour = line.mean(axis=0).astype(np.int16)
    count = _even_lines(image, colour, limit)
    if not _MIN_BAND <= count <= limit:
        return 0
    # The first line after the band may be a blend; the second one belongs to the picture.
    line = image[min(count + 2, limit + 2)]
    if np.mean(_distance(line, colour) > _STEP) < _STEP_SHARE:
        return 0
    return min(count + 1, limit)


def _even_lines(image: BgrImage, colour: npt.NDArray[np.int16], limit: int) -> int:
    """Count the lines of one colour at the top; 0 where they go on beyond `limit + 3`."""
    start, step = 0, 1
    while start < limit + 3:
        lines = image[start : min(start + step, limit + 3)]
        uneven = _distance(lines, colour).max(axis=1) > _FLAT
        if uneven.any():
            return start + int(np.argmax(uneven))
        start, step = start + step, 2 * step  # most pictures have no band: one line tells
    return 0


def _distance(pixels: BgrImage, colour: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Largest difference over the channels."""
    difference: npt.NDArray[np.int16] = np.abs(pixels.astype(np.int16) - colour).max(axis=-1)
    return difference
