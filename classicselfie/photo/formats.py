"""Which format the bytes are of, and how large a picture its header may promise."""

from __future__ import annotations

import importlib
from typing import BinaryIO, NamedTuple, cast

from PIL import Image, ImageFile

from classicselfie.errors import MissingExtraError, PhotoError, describe
from classicselfie.photo.jpeg import has_many_scans


class _Format(NamedTuple):
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
SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".png",
    ".webp",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
    ".avif",
    ".heic",
    ".heif",
)
"""How names of photos end, in lower case, where folders are searched for photos."""
_MULTI_SCAN_MAX_MEGAPIXELS = 120
_ALPHA_MAX_MEGAPIXELS = 60
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_SUPPORTED = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, HEIC"


def sniff(head: bytes) -> str:
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


def open_image(name: str, stream: BinaryIO) -> Image.Image:
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
        raise PhotoError(f"this Pillow cannot read {name}", describe(error)) from error
    limit = known.max_megapixels
    # Before Pillow walks the segments one by one: hostile files have millions.
    if name == "JPEG" and has_many_scans(stream):
        limit = min(limit, _MULTI_SCAN_MAX_MEGAPIXELS)
    stream.seek(0)
    image = cast(ImageFile.ImageFile, plugin(stream))
    if "A" in image.getbands() or "transparency" in image.info:
        limit = min(limit, _ALPHA_MAX_MEGAPIXELS)
    check_size(name, image.size, limit)
    return image


def check_size(name: str, size: tuple[int, int], limit: int | None = None) -> None:
    """Raise `PhotoError` where a header promises more pixels than can be decoded in little memory.

    Parameters
    ----------
    name : str
        Of the format.
    size : tuple of int
        Width and height in pixels.
    limit : int, optional
        Megapixels, where they are fewer than the format's own limit.
    """
    width, height = size
    limit = _FORMATS[name].max_megapixels if limit is None else limit
    if width * height > limit * 1_000_000:
        raise PhotoError(
            f"its header promises {width} × {height} pixels, more than the limit of "
            f"{limit} megapixels for {name}"
        )
