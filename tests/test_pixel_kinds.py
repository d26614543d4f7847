"""Transparency, numbers beyond a byte, and masks of bits are shown as they are meant."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import cv2
import numpy as np
import pytest
from PIL import Image

from classicselfie import PhotoError
from classicselfie.benchmark.drawing import BgrImage, draw_person
from classicselfie.photo import load_photo, open_photo


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    return cv2.cvtColor(draw_person(), cv2.COLOR_BGR2GRAY)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("side", [300, 2000])
def test_the_colour_behind_transparent_pixels_stays_hidden(kind: str, side: int) -> None:
    """Every second line is transparent red; a picture that is shrunk must not turn pink."""
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[...] = (255, 255, 255, 255)
    pixels[::2] = (255, 0, 0, 0)
    lossless = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = saved(Image.fromarray(pixels, "RGBA"), kind, **lossless)
    assert load_photo(data).image.min() >= 254
    for mode in ("LA", "PA"):
        assert load_photo(Image.fromarray(pixels, "RGBA").convert(mode)).image.min() >= 200


def test_a_colour_that_is_declared_transparent_is_white() -> None:
    rgb = Image.new("RGB", (1000, 800), (10, 200, 30))
    assert load_photo(saved(rgb, "PNG", transparency=(10, 200, 30))).image.min() == 255
    grey = Image.new("L", (1000, 800), 7)
    assert load_photo(saved(grey, "PNG", transparency=7)).image.min() == 255
    deep = Image.fromarray(np.full((800, 1000), 700, np.uint16))
    assert load_photo(saved(deep, "PNG", transparency=700)).image.min() >= 254


@pytest.mark.parametrize(
    ("scale", "kind"),
    [
        (1 / 255, np.float32),
        (1.0, np.float32),
        (257.0, np.float32),
        (3.7, np.float32),
        (1.0, np.int32),
        (257, np.int32),
        (16, np.int32),
        (8_000_000, np.int32),
        (257, np.uint16),
    ],
)
@pytest.mark.parametrize("enlarged", [1, 3])
def test_numbers_of_any_range_show_the_picture(
    grey: np.ndarray, scale: float, kind: type, enlarged: int
) -> None:
    numbers = (grey.astype(np.float64) * scale).repeat(enlarged, 0).repeat(enlarged, 1)
    expected = load_photo(grey.repeat(enlarged, 0).repeat(enlarged, 1)).image.astype(int)
    image = Image.fromarray(numbers.astype(kind))
    for source in (image, saved(image, "TIFF")):
        shown = load_photo(source).image.astype(int)
        assert np.corrcoef(shown.ravel(), expected.ravel())[0, 1] > 0.999
        if scale not in (3.7, 16, 8_000_000):  # of no usual range: from black to white
            assert np.abs(shown - expected).mean() < 3


def test_unsigned_and_negative_numbers(grey: np.ndarray) -> None:
    expected = load_photo(grey).image.ravel()
    unsigned = (grey.astype(np.uint32) << 24).view(np.int32)
    tiff = saved(Image.fromarray(unsigned), "TIFF")
    signed, meant = (struct.pack("<HHIH", 339, 3, 1, kind) for kind in (2, 1))
    assert signed in tiff
    tiff = tiff.replace(signed, meant)
    assert np.corrcoef(load_photo(tiff).image.ravel(), expected)[0, 1] > 0.999
    below = Image.fromarray(grey.astype(np.float32) - 128)
    assert np.corrcoef(load_photo(saved(below, "TIFF")).image.ravel(), expected)[0, 1] > 0.999


def test_what_is_no_number_is_passed_over_or_told(grey: np.ndarray) -> None:
    numbers = grey.astype(np.float32) / 255
    numbers[:40, :40], numbers[50:60, 50:60] = np.nan, np.inf
    shown = load_photo(saved(Image.fromarray(numbers), "TIFF")).image
    expected = load_photo(grey).image
    assert np.abs(shown[100:].astype(int) - expected[100:]).max() <= 1
    nothing = Image.fromarray(np.full((60, 60), np.nan, np.float32))
    with pytest.raises(PhotoError, match="none of them is a number"):
        load_photo(saved(nothing, "TIFF"))
    even = load_photo(Image.fromarray(np.full((60, 60), 1e30, np.float32)))
    assert np.ptp(even.image) == 0


def test_a_crop_of_a_deep_picture_has_the_whole_pictures_tones(grey: np.ndarray) -> None:
    image = Image.fromarray(grey.astype(np.int32) * 1000)
    with open_photo(image) as file:
        whole = np.asarray(file.cut((0, 0, *file.size)))
    with open_photo(image) as file:
        part = np.asarray(file.cut((100, 200, 300, 350)))
    np.testing.assert_array_equal(part, whole[200:350, 100:300])
    assert np.corrcoef(whole.ravel(), grey.ravel())[0, 1] > 0.999


def bmp(image: BgrImage, bits: int, masks: tuple[int, ...], *, upwards: bool = True) -> bytes:
    """Write a BMP whose pixels are laid out by masks of red, green, blue and perhaps opacity."""
    height, width = image.shape[:2]
    pixels = np.zeros((height, width), np.uint64)
    channels = [*np.moveaxis(image[..., ::-1], -1, 0), np.full((height, width), 255)]
    for mask, channel in zip(masks, channels, strict=False):
        shift = (mask & -mask).bit_length() - 1
        most = mask >> shift
        pixels |= np.rint(channel / 255 * most).astype(np.uint64) << np.uint64(shift)
    rows = pixels[::-1] if upwards else pixels
    stored = rows.astype(np.uint16 if bits == 16 else np.uint32)
    pad = -stored.shape[1] * bits // 8 % 4
    body = b"".join(row.tobytes() + bytes(pad) for row in stored)
    size = 40 if len(masks) == 3 else 56
    header = struct.pack(
        "<IiiHHIIiiII", size, width, height if upwards else -height, 1, bits, 3, 0, 0, 0, 0, 0
    )
    header += struct.pack(f"<{len(masks)}I", *masks)
    start = 14 + len(header)
    return struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start) + header + body


@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (16, (0x7C00, 0x00F8, 0x0007)),
        (16, (0x0F00, 0x00F0, 0x000F, 0xF000)),
        (16, (0xF800, 0x07E0, 0x001F)),
        (32, (0x3FF00000, 0x000FFC00, 0x000003FF)),
        (32, (0x000003FF, 0x000FFC00, 0x3FF00000, 0xC0000000)),
        (32, (0x00000FF0, 0x000FF000, 0x0FF00000)),
        (32, (0xFF000000, 0x00FF0000, 0x0000FF00, 0x000000FF)),
    ],
)
@pytest.mark.parametrize("upwards", [True, False])
def test_bmps_of_any_bit_fields_are_read(bits: int, masks: tuple[int, ...], upwards: bool) -> None:
    picture = draw_person(301, 402)  # an odd width: rows are padded
    shown = load_photo(bmp(picture, bits, masks, upwards=upwards)).image.astype(int)
    difference = np.abs(shown - load_photo(picture).image)
    assert difference.mean() < (20 if 0x0007 in masks else 9)


def test_damaged_bit_fields_have_a_reason() -> None:
    whole = bmp(draw_person(100, 120), 16, (0x0F00, 0x00F0, 0x000F))
    for length in range(2, len(whole), 97):
        with pytest.raises(PhotoError):
            load_photo(whole[:length])
    with pytest.raises(PhotoError, match="promises 60000 × 60000 pixels"):
        load_photo(whole[:18] + struct.pack("<ii", 60_000, 60_000) + whole[26:])
    for masks in ((0, 0, 0), (0xFFFFFFFF, 1, 2)):
        odd = whole[:54] + struct.pack("<3I", *masks) + whole[66:]
        with suppress(PhotoError):
            assert load_photo(odd).size == (100, 120)
