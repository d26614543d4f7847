"""Exif as files have it: sound, damaged, hostile, and in every format that carries it."""

from __future__ import annotations

import io
import math
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from exif_blocks import (
    ASCII,
    BYTE,
    EXIF_IFD,
    LONG,
    RATIONAL,
    SHORT,
    SIGNED_LONG,
    UNDEFINED,
    UTF8,
    Entry,
    apple_note,
    exif_block,
    in_jpeg,
    text,
    with_xmp,
)
from PIL import Image

from classicselfie import PhotoError
from classicselfie.exif import Exif, read_directory, read_exif
from classicselfie.metadata import read_date, read_hints
from classicselfie.photo import open_photo

MAKE, ORIENTATION, LENS, NOTE = 0x010F, 0x0112, 0xA434, 0x927C
TURNED = Entry(ORIENTATION, SHORT, b"\0\6")
FRONT_LENS = text(LENS, "iPhone 12 front camera 2.71mm f/2.2")
DAMAGED = {
    "points beyond the block": Entry(NOTE, UNDEFINED, b"", count=5000, offset=0xFF00),
    "claims four gigabytes": Entry(NOTE, RATIONAL, b"", count=0xFFFFFFFF, offset=8),
    "is of no known type": Entry(NOTE, 99, b"abcd"),
    "holds nothing": Entry(NOTE, ASCII, b"", count=0),
    "points at itself": Entry(EXIF_IFD, LONG, struct.pack(">I", 8)),
}


def test_a_pointer_before_the_block_hides_nothing_else() -> None:
    sound = exif_block([text(MAKE, "Phone"), TURNED], [FRONT_LENS])
    at = sound.index(struct.pack(">HHI", EXIF_IFD, LONG, 1))
    damaged = sound[:at] + struct.pack(">HHIi", EXIF_IFD, SIGNED_LONG, 1, -5) + sound[at + 12 :]
    assert read_exif(sound).photo == {LENS: "iPhone 12 front camera 2.71mm f/2.2"}
    found = read_exif(damaged)
    assert (found.main[MAKE], found.main[ORIENTATION], found.photo) == ("Phone", 6, {})


@pytest.mark.parametrize("order", ["<", ">"])
def test_values_of_every_kind_come_out_as_they_are(order: str) -> None:
    block = exif_block(
        [text(MAKE, "Phone"), Entry(0x0001, BYTE, b"\7"), Entry(0x0002, BYTE, b"\1\2\3\4\5")],
        [
            Entry(0x0003, SHORT, struct.pack(order + "H", 8)),
            Entry(0x0004, LONG, struct.pack(order + "3I", 1, 2, 70000)),
            Entry(0x0005, RATIONAL, struct.pack(order + "4I", 271, 100, 1, 0)),
            Entry(0x0006, SIGNED_LONG, struct.pack(order + "i", -3)),
            Entry(0x0007, UNDEFINED, b"note\0"),
            text(0x0008, "Müller", UTF8),
            Entry(0x0009, ASCII, "Müller\0".encode("latin-1")),
        ],
        [Entry(0x0201, LONG, struct.pack(order + "I", 4711))],
        order,
    )
    exif = read_exif(block)
    assert exif.main[MAKE] == "Phone"
    assert (exif.main[1], exif.main[2]) == (7, b"\1\2\3\4\5")
    assert (exif.photo[3], exif.photo[4], exif.photo[6]) == (8, (1, 2, 70000), -3)
    length, nothing = exif.photo[5]  # type: ignore[misc]
    assert length == pytest.approx(2.71)
    assert math.isnan(nothing)
    assert exif.photo[7] == b"note\0"
    assert exif.photo[8] == exif.photo[9] == "Müller"
    assert exif.thumbnail == {0x0201: 4711}
    for head in (b"Exif\0\0", b"Exif\0\0Exif\0\0"):
        assert read_exif(head + block).main == exif.main


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("place", ["main", "photo"])
def test_a_damaged_entry_hides_no_other(person_jpeg: bytes, damage: str, place: str) -> None:
    bad = DAMAGED[damage]
    main, photo = (
        ([bad, TURNED], [FRONT_LENS]) if place == "main" else ([TURNED], [bad, FRONT_LENS])
    )
    if place == "main" and bad.tag == EXIF_IFD:
        main = [TURNED]  # a false pointer to the Exif directory is no damage that can be mended
    with open_photo(in_jpeg(person_jpeg, exif_block(main, photo))) as file:
        assert file.orientation == 6
        assert read_hints(file).front_camera is True


def test_the_first_sound_entry_of_a_tag_counts() -> None:
    beyond = Entry(LENS, ASCII, b"", count=40, offset=60000)
    assert read_exif(exif_block(photo=[beyond, FRONT_LENS, text(LENS, "second")])).photo == {
        LENS: "iPhone 12 front camera 2.71mm f/2.2"
    }


def test_a_block_that_was_cut_keeps_what_came_before_the_cut() -> None:
    block = exif_block([TURNED], [FRONT_LENS, Entry(NOTE, UNDEFINED, b"x" * 500)])
    exif = read_exif(block[:-400])
    assert exif.main[ORIENTATION] == 6
    assert set(exif.photo) == {LENS}


def test_an_open_file_is_left_where_it_stood() -> None:
    stream = io.BytesIO(exif_block([TURNED]))
    stream.seek(3)
    assert read_exif(stream).main[ORIENTATION] == 6
    assert stream.tell() == 3


def test_a_count_that_lies_about_the_entries_does_no_harm() -> None:
    block = bytearray(exif_block([TURNED], [FRONT_LENS]))
    block[8:10] = b"\xff\xff"
    assert read_exif(bytes(block)).main[ORIENTATION] == 6


@pytest.mark.parametrize("block", [b"", b"II", b"MM\0*", b"MM\0*\xff\xff\xff\xff", b"garbage!" * 9])
def test_what_is_no_exif_is_empty(block: bytes) -> None:
    assert read_exif(block) == Exif()
    assert read_exif(io.BytesIO(block)) == Exif()


def test_entries_that_share_one_place_do_not_multiply_it() -> None:
    entries = [Entry(n, UNDEFINED, b"", count=60000, offset=16) for n in range(900)]
    block = exif_block(entries) + b"\0" * 60000
    tracemalloc.start()
    exif = read_exif(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    values = [value for value in exif.main.values() if isinstance(value, bytes)]
    assert sum(map(len, values)) <= 2**20
    assert peak < 8 * 2**20


def test_mutated_metadata_never_raises(person_jpeg: bytes) -> None:
    """Whatever is wrong in a segment, a picture with sound pixels is opened and interpreted."""
    chance = random.Random(11)
    note = apple_note(type=6, facing=1)
    sound = exif_block(
        [text(MAKE, "Apple"), TURNED, text(0x0132, "2020:01:01 10:00:00")],
        [
            Entry(0x920A, RATIONAL, struct.pack(">II", 271, 100)),
            Entry(NOTE, UNDEFINED, note),
            Entry(0x9286, UNDEFINED, b"ASCII\0\0\0oppo_35"),
            text(0x9999, '{"sensorType":"front"}'),
            FRONT_LENS,
            text(0x9003, "2020:01:01 10:00:00"),
        ],
        [Entry(0x0201, LONG, b"\0\0\1\0"), Entry(0x0202, LONG, b"\0\0\1\0")],
    )
    small = io.BytesIO()
    Image.open(io.BytesIO(person_jpeg)).resize((32, 32)).save(small, "JPEG")
    found = 0
    for _ in range(1500):
        block = bytearray(sound)
        for _ in range(chance.randint(1, 8)):
            block[chance.randrange(len(block))] = chance.choice(
                [0, 1, 0x7F, 0xFF, chance.getrandbits(8)]
            )
        del block[chance.randint(len(block) // 2, 2 * len(block)) :]
        with open_photo(in_jpeg(small.getvalue(), bytes(block))) as file:
            found += read_hints(file).front_camera is True
            read_date(file)
            assert file.thumbnail() is None
            assert 1 <= file.orientation <= 8
    assert found > 500  # most damage is somewhere else


def test_a_maker_note_of_noise_is_no_directory() -> None:
    chance = random.Random(12)
    for _ in range(500):
        noise = chance.randbytes(chance.randint(0, 300))
        tags = read_directory(noise, chance.randrange(400), chance.choice("<>"))  # type: ignore[arg-type]
        assert len(tags) <= len(noise) // 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_every_format_tells_the_camera(kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip(
            "pillow_heif", reason="the extra heic is not installed"
        ).register_heif_opener()
    block = exif_block([text(MAKE, "Apple")], [FRONT_LENS])
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(out, kind, exif=b"Exif\0\0" + block)
    with open_photo(out.getvalue()) as file:
        assert read_hints(file).front_camera is True
        assert file.exif.main[MAKE] == "Apple"
        assert min(file.decode().image.shape[:2]) > 0  # the pixels are still where they were


def test_damage_in_a_tiff_hides_no_other_entry() -> None:
    width, height = 64, 48

    def tiff(strip: int) -> bytes:
        numbers = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: strip, 278: height}
        entries = [Entry(tag, LONG, struct.pack(">I", number)) for tag, number in numbers.items()]
        entries.append(Entry(279, LONG, struct.pack(">I", width * height)))
        return exif_block(entries, [DAMAGED["claims four gigabytes"], FRONT_LENS])

    data = tiff(len(tiff(0))) + b"\x80" * width * height
    with open_photo(data) as file:
        assert read_hints(file).front_camera is True
        assert file.decode().size == (width, height)


def test_png_keeps_exif_behind_the_pixels_and_in_text() -> None:
    block = exif_block([TURNED], [DAMAGED["points beyond the block"], FRONT_LENS])
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(out, "PNG")
    png = out.getvalue()

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    late = png[:-12] + chunk(b"eXIf", block) + png[-12:]
    for name in (b"exif", b"APP1"):
        lines = b"\n%s\n%8d\n%s\n" % (name, len(block) + 6, (b"Exif\0\0" + block).hex().encode())
        in_text = png[:33] + chunk(b"tEXt", b"Raw profile type " + name + b"\0" + lines) + png[33:]
        for data in (late, in_text):
            with open_photo(data) as file:
                assert (file.size, file.orientation) == ((48, 64), 6)
                assert read_hints(file).front_camera is True


def test_a_callers_own_image_may_have_its_exif_in_memory_only() -> None:
    image = Image.new("RGB", (64, 48), "green")
    image.getexif()[ORIENTATION] = 6
    with open_photo(image) as file:
        assert (file.size, file.orientation) == ((48, 64), 6)


# How a picture is turned, where Exif does not say it.


def jpeg_of(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "green").save(out, "JPEG")
    return out.getvalue()


def test_a_picture_turned_by_pillow_with_its_old_packet_stays_upright() -> None:
    told = 'tiff:Orientation="6" exif:PixelXDimension="640" exif:PixelYDimension="480"'
    with open_photo(with_xmp(jpeg_of(640, 480), told)) as file:
        turned = file.decode().image
        assert turned.shape[0] > turned.shape[1]
    camera = Image.open(io.BytesIO(with_xmp(jpeg_of(640, 480), told)))
    upright = io.BytesIO()
    camera.transpose(Image.Transpose.ROTATE_270).save(upright, "JPEG", xmp=camera.info["xmp"])
    with open_photo(upright.getvalue()) as file:
        assert (file.size, file.orientation) == ((480, 640), 1)


@pytest.mark.parametrize(
    ("stored", "told", "orientation"),
    [
        # Nothing proves that the pixels still lie as they did.
        ((640, 480), 'tiff:Orientation="6"', 1),
        ((480, 640), 'tiff:Orientation="6"', 1),
        # The packet's own size, in either vocabulary, is the stored one: they do.
        ((640, 480), 'tiff:Orientation="8" tiff:ImageWidth="640" tiff:ImageLength="480"', 8),
        ((640, 480), "t:Orientation='6' e:PixelXDimension='640' e:PixelYDimension='480'", 6),
        # Two sizes that contradict each other prove nothing.
        (
            (640, 480),
            'tiff:Orientation="6" tiff:ImageWidth="640" tiff:ImageLength="480" '
            'exif:PixelXDimension="480" exif:PixelYDimension="640"',
            1,
        ),
        # It is another: they were turned, or cut.
        ((480, 640), 'tiff:Orientation="6" tiff:ImageWidth="640" tiff:ImageLength="480"', 1),
        ((320, 240), 'tiff:Orientation="6" tiff:ImageWidth="640" tiff:ImageLength="480"', 1),
        # A square and a half turn look the same before and after.
        ((480, 480), 'tiff:Orientation="6" tiff:ImageWidth="480" tiff:ImageLength="480"', 1),
        ((640, 480), 'tiff:Orientation="3" tiff:ImageWidth="640" tiff:ImageLength="480"', 1),
        ((640, 480), 'tiff:Orientation="66" tiff:ImageWidth="640" tiff:ImageLength="480"', 1),
    ],
)
def test_orientation_in_xmp_counts_where_the_file_proves_it(
    stored: tuple[int, int], told: str, orientation: int
) -> None:
    width, height = stored
    with open_photo(with_xmp(jpeg_of(width, height), told)) as file:
        assert file.orientation == orientation
        assert file.size == ((height, width) if orientation > 4 else (width, height))


def test_the_size_in_exif_is_a_proof_as_well_and_its_orientation_goes_first() -> None:
    jpeg = with_xmp(jpeg_of(640, 480), 'tiff:Orientation="6"')
    size = [
        Entry(0xA002, LONG, struct.pack(">I", 640)),
        Entry(0xA003, LONG, struct.pack(">I", 480)),
    ]
    for main, orientation in (([], 6), ([Entry(ORIENTATION, SHORT, b"\0\1")], 1)):
        with open_photo(in_jpeg(jpeg, exif_block(main, size))) as file:
            assert file.orientation == orientation


def test_a_tiff_is_turned_by_its_own_tag_alone() -> None:
    packet = b'<rdf:Description tiff:Orientation="6" tiff:ImageWidth="64" tiff:ImageLength="48"/>'
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(out, "TIFF", tiffinfo={700: packet})
    with open_photo(out.getvalue()) as file:
        assert file.size == (64, 48)
        height, width = file.decode().image.shape[:2]
        assert width > height


def test_odd_files_are_met_without_an_exception(odd_dir: Path) -> None:
    met = 0
    for path in sorted(odd_dir.iterdir()):
        try:
            with open_photo(path) as file:
                read_hints(file)
                met += 1
        except PhotoError:
            continue
    assert met > 100
