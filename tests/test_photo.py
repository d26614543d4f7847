"""Bytes become one upright working image, or one clear reason why not."""

from __future__ import annotations

import csv
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import encode
from PIL import Image, features

from classicselfie import PhotoError
from classicselfie.benchmark.drawing import BgrImage, draw_head, draw_person, turned
from classicselfie.photo import WORKING_SIZE, find_borders, load_photo, open_photo


def test_every_kind_of_source_gives_the_same_pixels(person_path: Path) -> None:
    data = person_path.read_bytes()
    expected = load_photo(person_path).image
    assert max(expected.shape[:2]) == WORKING_SIZE
    with person_path.open("rb") as stream:
        from_file = load_photo(stream).image
        assert not stream.closed
    for image in (
        from_file,
        load_photo(str(person_path)).image,
        load_photo(data).image,
        load_photo(bytearray(data)).image,
        load_photo(memoryview(data)).image,
    ):
        np.testing.assert_array_equal(image, expected)
    # A PIL image belongs to the caller and is not decoded at a smaller scale.
    from_pillow = load_photo(Image.open(io.BytesIO(data))).image.astype(int)
    assert np.abs(from_pillow - expected).mean() < 2


def test_a_pil_image_is_left_as_it_was() -> None:
    data = io.BytesIO()
    Image.new("RGB", (3200, 2400), (90, 120, 150)).save(data, "JPEG")
    image = Image.open(data)
    assert load_photo(image).size == (3200, 2400)
    assert (image.size, image.mode) == ((3200, 2400), "RGB")


def test_an_array_is_taken_as_bgr(person: BgrImage) -> None:
    from_png = load_photo(encode(person, ".png")).image
    np.testing.assert_array_equal(load_photo(person).image, from_png)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_formats_agree_with_the_array(person: BgrImage, extension: str) -> None:
    photo = load_photo(encode(person, extension))
    assert photo.size == (480, 640)
    difference = photo.image.astype(int) - load_photo(person).image.astype(int)
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16", "YCbCr"])
def test_every_pixel_mode_is_brought_to_bgr(person: BgrImage, mode: str) -> None:
    rgb = Image.fromarray(np.ascontiguousarray(person[..., ::-1]))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257)
    else:
        image = rgb.convert(mode)
    grey = load_photo(image).image.mean()
    assert abs(grey - load_photo(person).image.mean()) < 12


def test_transparent_pixels_become_white() -> None:
    image = Image.new("RGBA", (100, 80), (255, 0, 0, 0))
    assert load_photo(image).image.min() == 255


def test_gif_and_heic(person: BgrImage) -> None:
    rgb = Image.fromarray(np.ascontiguousarray(person[..., ::-1]))
    for kind in ("GIF", "HEIF"):
        if kind == "HEIF":
            pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
            import pillow_heif

            data = io.BytesIO()
            pillow_heif.from_pillow(rgb).save(data, quality=90)
        else:
            data = io.BytesIO()
            rgb.save(data, kind)
        photo = load_photo(data.getvalue())
        assert photo.size == (480, 640)
        assert abs(photo.image.mean() - load_photo(person).image.mean()) < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF", "JPEG"])
@pytest.mark.parametrize("size", [(400, 560), (1283, 641), (641, 1999)])
def test_all_orientations_give_the_same_upright_picture(
    orientation: int, kind: str, size: tuple[int, int]
) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    upright = draw_person(*size)
    data = io.BytesIO()
    stored = Image.fromarray(turned(upright, orientation)[..., ::-1].copy())
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if kind == "WEBP" else {}
    stored.save(data, kind, exif=exif, quality=97, **lossless)
    photo = load_photo(data.getvalue())
    assert photo.size == size
    expected = load_photo(upright).image.astype(int)
    assert photo.image.shape == expected.shape
    difference = np.abs(photo.image - expected)
    assert difference.max() <= 1 if kind in ("PNG", "TIFF", "WEBP") else difference.mean() < 2.5
    with open_photo(data.getvalue()) as file:
        assert file.orientation == orientation


def test_letterbox_bars_are_cut_and_faces_stay_in_place() -> None:
    inner = draw_person(480, 480)
    framed = np.full((800, 600, 3), 255, np.uint8)
    framed[160:640, 60:540] = inner
    photo = load_photo(framed)
    corners = photo.to_original(
        np.array([(0, 0), (photo.image.shape[1], photo.image.shape[0])], np.float32)
    )
    np.testing.assert_allclose(corners, [(60, 160), (540, 640)], atol=8)


def test_a_plain_backdrop_is_no_border() -> None:
    image = np.full((320, 240, 3), 250, np.uint8)
    draw_head(image, (120, 170), 120)
    assert find_borders(image) == (0, 0, 0, 0)


def test_a_huge_header_is_refused_before_decoding() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    with pytest.raises(PhotoError, match="promises 50000 × 50000 pixels"):
        load_photo(png)
    jpeg = bytearray(encode(draw_person(), ".jpg"))
    start = jpeg.index(b"\xff\xc0") + 5
    jpeg[start : start + 4] = struct.pack(">HH", 50_000, 50_000)
    with pytest.raises(PhotoError, match="promises 50000 × 50000 pixels"):
        load_photo(bytes(jpeg))


def test_a_small_file_cannot_ask_for_much_memory() -> None:
    grey_alpha = io.BytesIO()
    Image.new("LA", (9000, 8000)).save(grey_alpha, "PNG")
    with pytest.raises(PhotoError, match="more than the limit of 60 megapixels"):
        load_photo(grey_alpha.getvalue())
    progressive = io.BytesIO()
    Image.new("RGB", (640, 480)).save(progressive, "JPEG", progressive=True)
    data = progressive.getvalue()
    assert load_photo(data).size == (640, 480)
    scan = data[data.index(b"\xff\xda") :].removesuffix(b"\xff\xd9")
    with pytest.raises(PhotoError, match="more than the limit of 100"):
        load_photo(data.removesuffix(b"\xff\xd9") + scan * 100 + b"\xff\xd9")
    # A baseline JPEG of several scans keeps its coefficients as well.
    baseline = bytearray(encode(draw_person(), ".jpg"))
    start = baseline.index(b"\xff\xc0") + 5
    baseline[start : start + 4] = struct.pack(">HH", 12_000, 12_000)
    with open_photo(bytes(baseline)) as file:
        assert file.size == (12_000, 12_000)
    baseline[baseline.index(b"\xff\xda") + 4] = 1
    with pytest.raises(PhotoError, match="more than the limit of 120 megapixels"):
        load_photo(bytes(baseline))


class Unbuffered(io.RawIOBase):
    """Like a pipe: no seeking, and a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        part, self.rest = self.rest[:1000], self.rest[1000:]
        return part


def test_a_pipe_is_read_to_its_end(person_jpeg: bytes) -> None:
    expected = load_photo(person_jpeg).image
    np.testing.assert_array_equal(load_photo(Unbuffered(person_jpeg)).image, expected)
    later = io.BytesIO(b"before" + person_jpeg)
    later.seek(6)
    np.testing.assert_array_equal(load_photo(later).image, expected)


def test_a_stream_that_fails_has_a_reason() -> None:
    class BadDisk(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(PhotoError, match="Input/output error"):
        load_photo(BadDisk(b"x"))
    closed = io.BytesIO(b"x")
    closed.close()
    with pytest.raises(PhotoError, match="cannot be read") as caught:
        load_photo(closed)
    assert caught.value.detail == "ValueError: I/O operation on closed file."


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(PhotoError, match="no regular file"):
        load_photo(pipe)


@pytest.mark.parametrize(
    "size", [(640, 427), (427, 640), (331, 331), (57, 43), (800, 533), (900, 40)]
)
def test_a_working_image_has_sides_of_fours(size: tuple[int, int]) -> None:
    """So that halves and quarters of it are exact; hardly anything of the shape is lost."""
    photo = load_photo(np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8))
    height, width = photo.image.shape[:2]
    assert (max(width, height), width % 4, height % 4) == (WORKING_SIZE, 0, 0)
    if min(size) > 40:  # a strip has a floor
        assert width / height == pytest.approx(size[0] / size[1], rel=0.015)
    corner = photo.to_original(np.array([(width, height)], np.float32))
    np.testing.assert_allclose(corner, [size], atol=1e-3)


def test_a_large_photo_is_decoded_small() -> None:
    image = np.asarray(Image.new("RGB", (6000, 4000), (90, 120, 150)))
    photo = load_photo(encode(np.ascontiguousarray(image), ".jpg"))
    assert photo.size == (6000, 4000)
    assert photo.image.shape[:2] == (212, 320)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, world", "not a picture"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "damaged"),
        ("/no/such/file.jpg", "cannot be read: No such file"),
        ("nul\0byte.jpg", "cannot be read"),
        (Path("/"), "cannot be read: it is a directory"),
        (np.zeros((10, 200, 3), np.uint8), "too small to judge"),
    ],
)
def test_bad_input_has_a_reason(source: object, reason: str) -> None:
    with pytest.raises(PhotoError, match=reason):
        load_photo(source)


@pytest.mark.parametrize(
    "source", [42, None, np.zeros((40, 40, 3)), np.zeros((40, 40, 4), np.uint8), io.StringIO("x")]
)
def test_what_is_no_picture_source_is_a_type_error(source: object) -> None:
    with pytest.raises(TypeError):
        load_photo(source)


def test_every_truncation_is_refused_or_read(person_jpeg: bytes) -> None:
    full = load_photo(person_jpeg).size
    lengths = {*range(0, 700, 7), *range(700, len(person_jpeg), 311)}
    refused = 0
    for length in sorted(lengths):
        try:
            assert load_photo(person_jpeg[:length]).size == full
        except PhotoError:
            refused += 1
    assert refused >= len(lengths) - 2


def test_the_header_is_known_before_the_pixels(person_jpeg: bytes) -> None:
    with open_photo(person_jpeg[: len(person_jpeg) // 2]) as file:
        assert file.size == (480, 640)
        with pytest.raises(PhotoError, match="cut short"):
            file.decode()


def test_odd_files_are_read_or_refused(odd_dir: Path) -> None:
    with (odd_dir / "index.csv").open(newline="", encoding="utf-8") as stream:
        paths = [odd_dir / row["path"] for row in csv.DictReader(stream)]
    read = 0
    for path in paths:
        try:
            read += load_photo(path).image.dtype == np.uint8
        except PhotoError:
            continue
    assert 200 <= read < len(paths)
