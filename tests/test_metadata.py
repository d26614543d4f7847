"""What the file says about the camera: decided, hinted, or unknown."""

from __future__ import annotations

import csv
import struct
from pathlib import Path

import pytest
from conftest import with_exif
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from classicselfie import PhotoError
from classicselfie.faces import Face
from classicselfie.metadata import Hints, metadata_evidence, read_hints, subject_distance
from classicselfie.photo import open_photo

FACE = Face((100, 100, 125, 150), (), 0.9)
SIZE = (300, 400)  # diagonal 500: the face is a quarter of it wide


def make_exif(**tags: object) -> Image.Exif:
    numbers = {
        "orientation": 0x0112,
        "make": 0x010F,
        "model": 0x0110,
    }
    inner = {"lens": 0xA434, "focal": 0x920A, "focal35": 0xA405, "note": 0x927C}
    exif = Image.Exif()
    for name, value in tags.items():
        if name in numbers:
            exif[numbers[name]] = value
        else:
            exif.get_ifd(0x8769)[inner[name]] = value
    return exif


def apple_note(tag: int, value: int) -> bytes:
    entry = struct.pack(">HHIi", tag, 9, 1, value)
    return b"Apple iOS\0\0\x01MM" + struct.pack(">H", 1) + entry + b"\0\0\0\0"


def samsung_trailer(kind: int, name: bytes) -> bytes:
    block = struct.pack("<HHI", 0, kind, len(name)) + name + b"data"
    entry = struct.pack("<HHII", 0, kind, len(block), len(block))
    directory = b"SEFH" + struct.pack("<II", 103, 1) + entry
    return block + directory + struct.pack("<I", len(directory)) + b"SEFT"


def hints_of(data: bytes) -> Hints:
    with open_photo(data) as file:
        return read_hints(file)


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
        ("", None),
    ],
)
def test_the_lens_text_decides(person_jpeg: bytes, lens: str, front: bool | None) -> None:
    assert hints_of(with_exif(person_jpeg, make_exif(lens=lens))).front_camera is front


def test_an_endless_lens_text_takes_no_time(person_jpeg: bytes) -> None:
    # Half a minute and more if the whole text were searched; the test run's limit would tell.
    exif = make_exif(lens="front " * 10_000)
    assert hints_of(with_exif(person_jpeg, exif)).front_camera is None


def test_an_editor_keeps_the_lens_in_xmp(person_jpeg: bytes) -> None:
    packet = b'<x:xmpmeta><rdf:Description aux:Lens="iPhone 13 front camera 2.71mm f/2.2"/></x>'
    body = b"http://ns.adobe.com/xap/1.0/\0" + packet
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    assert hints_of(person_jpeg[:2] + segment + person_jpeg[2:]).front_camera is True


@pytest.mark.parametrize(
    ("tag", "value", "front"),
    [
        (0x2E, 6, True),
        (0x2E, 1, False),
        (0x2E, 0, False),
        (0x45, 1, True),
        (0x45, 0, False),
        (0x2E, 3, None),
        (0x14, 6, None),
    ],
)
def test_apples_maker_note_decides(
    person_jpeg: bytes, tag: int, value: int, front: bool | None
) -> None:
    hints = hints_of(with_exif(person_jpeg, make_exif(note=apple_note(tag, value))))
    assert hints.front_camera is front


def test_samsungs_trailer_decides(person_jpeg: bytes) -> None:
    front = samsung_trailer(0x0910, b"Front_Cam_Selfie_Info")
    assert hints_of(person_jpeg + front).front_camera is True
    other = samsung_trailer(0x0A01, b"Image_UTC_Data")
    assert hints_of(person_jpeg + other).front_camera is None
    # Cut into the block's name, or into the directory, it tells nothing.
    for cut in range(len(front)):
        told = hints_of(person_jpeg + front[cut:]).front_camera
        assert told is (True if cut <= front.index(b"Front") else None), cut


def test_signals_that_contradict_each_other_decide_nothing(person_jpeg: bytes) -> None:
    exif = make_exif(lens="iPhone 6 back camera 4.15mm f/2.2", note=apple_note(0x2E, 6))
    assert hints_of(with_exif(person_jpeg, exif)).front_camera is None


def test_a_file_without_metadata_is_no_guess(person_jpeg: bytes) -> None:
    hints = hints_of(person_jpeg)
    assert hints.front_camera is None
    assert metadata_evidence(hints, FACE, SIZE) == ()


def test_mirroring_counts_only_in_a_cameras_file(person_jpeg: bytes) -> None:
    by_editor = hints_of(with_exif(person_jpeg, make_exif(orientation=5)))
    by_camera = hints_of(with_exif(person_jpeg, make_exif(orientation=5, make="Phone")))
    assert metadata_evidence(by_editor, FACE, SIZE) == ()
    assert [item.signal for item in metadata_evidence(by_camera, FACE, SIZE)] == ["mirrored"]


@pytest.mark.parametrize(
    ("focal", "sign"), [(2.7, 1), (3.4, 1), (4.2, -1), (50.0, -1), (3.5, 0), (0.0, 0)]
)
def test_the_focal_length_hints_but_does_not_decide(
    person_jpeg: bytes, focal: float, sign: int
) -> None:
    exif = make_exif(focal=IFDRational(round(focal * 100), 100))
    hints = hints_of(with_exif(person_jpeg, exif))
    assert hints.front_camera is None
    evidence = metadata_evidence(hints, FACE, SIZE)
    assert [item.signal for item in evidence] == ["focal_length"] * abs(sign)
    assert all(item.log_odds * sign > 0 for item in evidence)


def test_subject_distance_follows_the_pinhole() -> None:
    arm = Hints(focal_length_35mm=24.0)
    assert subject_distance(arm, FACE, SIZE) == pytest.approx(0.355, abs=0.001)
    assert subject_distance(Hints(), FACE, SIZE) is None


def test_a_long_lens_speaks_against_a_selfie() -> None:
    (evidence,) = metadata_evidence(Hints(focal_length_35mm=200.0), FACE, SIZE)
    assert evidence.signal == "subject_distance"
    assert evidence.log_odds < -1.5
    (usual,) = metadata_evidence(Hints(focal_length_35mm=27.0), FACE, SIZE)
    assert usual.log_odds == pytest.approx(0)


@pytest.mark.parametrize("value", [0, 3, 4, 65535])
def test_nonsense_equivalents_are_dropped(person_jpeg: bytes, value: int) -> None:
    assert hints_of(with_exif(person_jpeg, make_exif(focal35=value))).focal_length_35mm is None


def test_without_a_face_metadata_never_speaks_for_a_selfie() -> None:
    assert metadata_evidence(Hints(front_camera=True), None, SIZE) == ()
    (evidence,) = metadata_evidence(Hints(front_camera=False), None, SIZE)
    assert evidence.log_odds < 0


def test_real_phone_files(exif_dir: Path) -> None:
    with (exif_dir / "index.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    told = 0
    for row in rows:
        try:
            with open_photo(exif_dir / row["path"]) as file:
                hints = read_hints(file)
        except PhotoError:
            continue
        if row["how"] == "lens":
            assert hints.front_camera is (row["is_front"] == "yes"), row["path"]
            told += 1
        elif row["is_front"] == "no":
            assert hints.front_camera is not True, row["path"]
        else:
            assert hints.front_camera is None, row["path"]
    assert told >= 26
