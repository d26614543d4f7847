"""Which camera took it: what decides, what outranks what, and what says nothing."""

from __future__ import annotations

import csv
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SHARED
from exif_blocks import (
    ASCII,
    RATIONAL,
    UNDEFINED,
    UTF8,
    Entry,
    apple_note,
    exif_block,
    in_jpeg,
    text,
    with_xmp,
)

from classicselfie import SelfieDetector
from classicselfie.errors import PhotoError
from classicselfie.metadata import read_hints
from classicselfie.photo import open_photo
from classicselfie.trailer import TRAILER_BYTES

MAKE, LENS, NOTE, COMMENT, XIAOMI = 0x010F, 0xA434, 0x927C, 0x9286, 0x9999
FOCAL, F_NUMBER = 0x920A, 0x829D
FRONT_LENS = "iPhone 13 front camera 2.71mm f/2.2"
BACK_LENS = "iPhone 6 back camera 4.15mm f/2.2"


def camera_of(data: bytes) -> bool | None:
    with open_photo(data) as file:
        return read_hints(file).front_camera


def file_of(jpeg: bytes, *photo: Entry, make: str = "Phone") -> bytes:
    return in_jpeg(jpeg, exif_block([text(MAKE, make)], photo))


def apple(**tags: int) -> Entry:
    return Entry(NOTE, UNDEFINED, apple_note(**tags))


def hundredths(tag: int, value: float) -> Entry:
    return Entry(tag, RATIONAL, struct.pack(">II", round(value * 100), 100))


@pytest.mark.parametrize(
    ("lens", "front"),
    [
        ("iPhone 13 front camera 2.71mm f/2.2", True),
        ("iPhone 12 Pro front TrueDepth camera 2.71mm f/2.2", True),
        ("Pixel 8 Pro front camera 2.74mm f/2.2", True),
        ("iPhone 6 back camera 4.15mm f/2.2", False),
        ("iPhone 12 Pro back triple camera 4.2mm f/1.6", False),
        ("Samsung Galaxy S9+ Rear Camera", False),
        ("EF24-70mm f/2.8L USM", None),
        ("front and back camera", None),
        ("a name without an end " * 10 + "front camera", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("kind", [ASCII, UTF8])
def test_the_lens_text_decides(
    person_jpeg: bytes, lens: str, front: bool | None, kind: int
) -> None:
    assert camera_of(file_of(person_jpeg, text(LENS, lens, kind))) is front


def test_an_endless_lens_text_takes_no_time(person_jpeg: bytes) -> None:
    # Half a minute and more if the whole text were searched; the test run's limit would tell.
    assert camera_of(file_of(person_jpeg, text(LENS, "front " * 10_000))) is None
    assert camera_of(with_xmp(person_jpeg, "a:Lens  " * 6_000)) is None


@pytest.mark.parametrize(
    "note", [{"type": 0}, {"type": 1}, {"facing": 0}, {"type": 1, "facing": 0}]
)
def test_the_lens_text_outranks_what_newer_iphones_write(
    person_jpeg: bytes, note: dict[str, int]
) -> None:
    assert camera_of(file_of(person_jpeg, apple(**note), text(LENS, FRONT_LENS))) is True


def test_the_lens_text_outranks_every_other_sign(person_jpeg: bytes) -> None:
    others = [apple(type=6, facing=1), Entry(COMMENT, UNDEFINED, b"ASCII\0\0\0oppo_35")]
    assert camera_of(file_of(person_jpeg, *others, text(LENS, BACK_LENS))) is False


@pytest.mark.parametrize(
    ("properties", "elements"),
    [
        (f'aux:Lens="{FRONT_LENS}"', ""),
        (f"exifEX:LensModel = '{FRONT_LENS}'", ""),
        (f'ns3:LensModel="{FRONT_LENS}"', ""),
        ("", f"<ns3:LensModel>\n {FRONT_LENS}</ns3:LensModel>"),
        ("", f'<LensModel xmlns="http://cipa.jp/exif/1.0/">{FRONT_LENS}</LensModel>'),
        ("", f"<e:LensModel><rdf:Alt><rdf:li>{FRONT_LENS}</rdf:li></rdf:Alt></e:LensModel>"),
    ],
)
def test_an_editor_keeps_the_lens_in_xmp(
    person_jpeg: bytes, properties: str, elements: str
) -> None:
    packet = with_xmp(person_jpeg, properties, elements)
    assert camera_of(packet) is True
    # Exif says it first.
    own = exif_block(photo=[text(LENS, BACK_LENS)])
    assert camera_of(in_jpeg(packet, own)) is False


@pytest.mark.parametrize(
    "elements",
    [
        f"<e:LensModel></e:LensModel><e:Title>{FRONT_LENS}</e:Title>",
        f"<e:LensModelOfAFriend>{FRONT_LENS}</e:LensModelOfAFriend>",
        f"<e:NoLens>{FRONT_LENS}</e:NoLens>",
    ],
)
def test_other_text_in_xmp_is_no_lens(person_jpeg: bytes, elements: str) -> None:
    assert camera_of(with_xmp(person_jpeg, "", elements)) is None


@pytest.mark.parametrize(
    ("note", "front"),
    [
        ({"type": 6}, True),
        ({"facing": 1}, True),
        ({"type": 1, "facing": 1}, True),
        ({"type": 6, "facing": 0}, True),
        ({"type": 0}, None),
        ({"type": 1}, None),
        ({"facing": 0}, None),
        ({"type": 3}, None),
        ({"other": 6}, None),
    ],
)
def test_apples_maker_note_says_front_or_nothing(
    person_jpeg: bytes, note: dict[str, int], front: bool | None
) -> None:
    assert camera_of(file_of(person_jpeg, apple(**note), make="Apple")) is front


@pytest.mark.parametrize(
    ("focal", "f_number", "front"),
    [
        (2.71, 2.2, True),
        (2.6, 2.2, True),
        (2.95, 1.9, True),
        (2.15, 2.4, True),
        (2.15, 1.8, None),
        (2.22, 2.4, None),
        (1.54, 2.4, None),
        (3.0, 2.2, None),
        (3.79, 2.2, None),
        (3.8, 2.8, False),
        (6.86, 1.78, False),
    ],
)
def test_apples_focal_length_decides_where_nothing_else_does(
    person_jpeg: bytes, focal: float, f_number: float, front: bool | None
) -> None:
    lengths = hundredths(FOCAL, focal), hundredths(F_NUMBER, f_number)
    assert camera_of(file_of(person_jpeg, *lengths, make="Apple")) is front
    assert camera_of(file_of(person_jpeg, *lengths, apple(type=1, facing=0), make="Apple")) is front
    assert camera_of(file_of(person_jpeg, *lengths, apple(type=6), make="Apple")) is True
    assert camera_of(file_of(person_jpeg, *lengths, make="Samsung")) is None
    assert camera_of(file_of(person_jpeg, *lengths)) is None


@pytest.mark.parametrize(
    ("comment", "front"),
    [
        (b"oppo_35", True),
        (b"ASCII\0\0\0oppo_1", True),
        (b"ASCII\0\0\0oppo_1059\0\0", True),
        (b"\0" * 8 + b"oppo_33554433", True),
        (b"UNICODE\0" + "oppo_35".encode("utf-16-be"), True),
        (b"ASCII\0\0\0oppo_34", False),
        (b"oppo_0", False),
        (b"oppo_", None),
        (b"oppo_x1", None),
        (b"oppo_" + b"1" * 30, None),
        (b"a tip: oppo_35", None),
        (b"\0" * 60, None),
    ],
)
def test_the_lowest_bit_of_oppos_number_decides(
    person_jpeg: bytes, comment: bytes, front: bool | None
) -> None:
    for kind in (UNDEFINED, ASCII):
        assert camera_of(file_of(person_jpeg, Entry(COMMENT, kind, comment))) is front


@pytest.mark.parametrize(
    ("told", "front"),
    [
        ({"mirror": True, "sensorType": "front", "Hdr": "off"}, True),
        ({"sensorType": "rear", "mirror": False}, False),
        ({"sensorType": "side"}, None),
        ({"mirror": True}, None),
    ],
)
def test_xiaomis_json_decides(person_jpeg: bytes, told: object, front: bool | None) -> None:
    for entry in (
        text(XIAOMI, json.dumps(told)),
        Entry(XIAOMI, UNDEFINED, json.dumps(told).encode()),
    ):
        assert camera_of(file_of(person_jpeg, entry)) is front
        assert camera_of(in_jpeg(person_jpeg, exif_block([entry]))) is front
    assert camera_of(file_of(person_jpeg, text(XIAOMI, "[" * 50_000))) is None


def samsung_trailer(kind: int = 0x0910, name: bytes = b"Front_Cam_Selfie_Info") -> bytes:
    block = struct.pack("<HHI", 0, kind, len(name)) + name + b"data"
    entry = struct.pack("<HHII", 0, kind, len(block), len(block))
    directory = b"SEFH" + struct.pack("<II", 103, 1) + entry
    return block + directory + struct.pack("<I", len(directory)) + b"SEFT"


VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4


@pytest.mark.parametrize(
    "behind",
    [
        b"",
        b"\0" * 4,
        b"\n",
        b"\r\n\0\0 ",
        VIDEO,
        VIDEO * (3 * TRAILER_BYTES // len(VIDEO)),
        samsung_trailer(0x0A01, b"Image_UTC_Data"),
        samsung_trailer(0x0A01, b"Image_UTC_Data") + VIDEO,
        b"SEFT",
    ],
    ids=["nothing", "zeros", "newline", "padding", "video", "long video", "second", "both", "mark"],
)
def test_samsungs_trailer_decides_whatever_stands_behind_it(
    person_jpeg: bytes, behind: bytes
) -> None:
    assert camera_of(person_jpeg + samsung_trailer() + behind) is True
    other = samsung_trailer(0x0A01, b"Image_UTC_Data")
    assert camera_of(person_jpeg + other + behind) is None
    assert camera_of(person_jpeg + behind) is None


def test_a_video_may_hold_the_trailers_mark_by_chance(person_jpeg: bytes) -> None:
    video = VIDEO + b"SEFT" + b"v" * 2 * TRAILER_BYTES
    assert camera_of(person_jpeg + samsung_trailer() + b"v" * TRAILER_BYTES + video) is True


def test_the_trailers_mark_is_found_wherever_the_search_was_parted(person_jpeg: bytes) -> None:
    for length in range(TRAILER_BYTES - 6, TRAILER_BYTES + 6):
        assert camera_of(person_jpeg + samsung_trailer() + b"v" * length) is True, length


def test_samsungs_trailer_may_be_cut(person_jpeg: bytes) -> None:
    front = samsung_trailer()
    # Cut into the block's name, or into the directory, it tells nothing.
    for cut in range(len(front)):
        told = camera_of(person_jpeg + front[cut:])
        assert told is (True if cut <= front.index(b"Front") else None), cut


def test_a_hostile_trailer_takes_no_time(person_jpeg: bytes) -> None:
    # Thousands of ends that all point at one endless directory.
    directory = b"SEFH" + struct.pack("<II", 103, 2**32 - 1) + b"\0" * 120_000
    ends = b""
    while len(ends) < 120_000:
        ends += struct.pack("<I", len(directory) + len(ends)) + b"SEFT"
    assert camera_of(person_jpeg + directory + ends) is None
    # Millions of marks of no trailer.
    assert camera_of(person_jpeg + samsung_trailer() + b"SEFT" * 2**22 + b"!") is None


def test_signs_that_contradict_each_other_decide_nothing(person_jpeg: bytes) -> None:
    rear = text(XIAOMI, '{"sensorType":"rear"}')
    assert camera_of(file_of(person_jpeg, rear)) is False
    focal = hundredths(FOCAL, 2.71)
    assert camera_of(file_of(person_jpeg, rear, apple(type=6), focal, make="Apple")) is None
    assert camera_of(file_of(person_jpeg, rear) + samsung_trailer()) is None
    assert camera_of(file_of(person_jpeg, rear, Entry(COMMENT, ASCII, b"oppo_34"))) is False


def test_real_phone_files(exif_dir: Path) -> None:
    with (exif_dir / "index.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    told = {"lens": 0, "oppo": 0}
    for row in rows:
        try:
            with open_photo(exif_dir / row["path"]) as file:
                front = read_hints(file).front_camera
                comment = str(file.exif.photo.get(COMMENT, ""))
        except PhotoError:
            continue
        is_oppo = "oppo_" in comment
        if row["how"] == "lens" or is_oppo:
            assert front is (row["is_front"] == "yes"), row["path"]
            told["oppo" if is_oppo else "lens"] += 1
        elif row["is_front"] == "no":
            assert front is not True, row["path"]
        else:
            assert front is None, row["path"]
    assert told["lens"] >= 26
    assert told["oppo"] == 10


def test_small_files_made_for_this(detector: SelfieDetector) -> None:
    folder = SHARED / "cases"
    if not folder.is_dir():
        pytest.skip("real files are not here: cases is absent beside the checkout")
    with (folder / "index.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["kind"] in ("exif", "front camera")]
    assert rows
    for row in rows:
        right = {f"front_camera {json.dumps(front)}": front for front in (True, False, None)}
        assert detector.check(folder / row["file"]).front_camera is right[row["right"]], row
    assert detector.check(folder / "xmp_orientation_upright.jpg").size == (480, 640)


def test_the_documented_counts_are_the_counted_ones(exif_dir: Path) -> None:
    root = Path(__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "bench/metadata.py", str(exif_dir / "index.csv")],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    table = [line for line in run.stdout.splitlines() if line.startswith("|")]
    documented = (root / "docs" / "metadata.md").read_text(encoding="utf-8").splitlines()
    assert len(table) > 10
    assert set(table) <= set(documented)
