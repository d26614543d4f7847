"""What the metadata weighs: focal lengths, distances, and how the picture was stored."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import with_exif
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from classicselfie.faces import Face
from classicselfie.features import Scene
from classicselfie.metadata import Hints, metadata_evidence, read_hints, subject_distance
from classicselfie.model import load_model
from classicselfie.photo import open_photo
from classicselfie.reasons import explain

FACE = Face((100, 100, 125, 150), (), 0.9)
SIZE = (300, 400)  # diagonal 500: the face is a quarter of it wide


def make_exif(**tags: object) -> Image.Exif:
    numbers = {
        "orientation": 0x0112,
        "make": 0x010F,
        "model": 0x0110,
    }
    inner = {"lens": 0xA434, "focal": 0x920A, "focal35": 0xA405}
    exif = Image.Exif()
    for name, value in tags.items():
        if name in numbers:
            exif[numbers[name]] = value
        else:
            exif.get_ifd(0x8769)[inner[name]] = value
    return exif


def hints_of(data: bytes) -> Hints:
    with open_photo(data) as file:
        return read_hints(file)


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
    ("make", "orientation", "counts"),
    [
        ("motorola", 8, True),
        ("samsung", 8, True),
        ("motorola", 6, False),
        ("Apple", 8, False),
        ("Canon", 8, False),
    ],
)
def test_a_front_sensors_orientation_hints_in_an_android_phones_file(
    person_jpeg: bytes, make: str, orientation: int, counts: bool
) -> None:
    exif = make_exif(make=make, orientation=orientation)
    hints = hints_of(with_exif(person_jpeg, exif))
    assert hints.front_camera is None
    evidence = metadata_evidence(hints, FACE, SIZE)
    assert [item.signal for item in evidence] == ["orientation"] * counts
    assert all(0.5 < item.log_odds < 1.5 for item in evidence)
    # Where another sign has decided, it has nothing to add.
    assert hints.front_orientation is counts
    decided = Hints(front_camera=True, front_orientation=counts)
    assert [item.signal for item in metadata_evidence(decided, FACE, SIZE)] == ["front_camera"]


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


def test_every_sign_is_told_in_words_of_its_own() -> None:
    model = load_model("yunet")
    nothing = np.zeros(len(model.feature_names))
    hints = Hints(
        focal_length_mm=2.7, focal_length_35mm=24.0, mirrored=True, front_orientation=True
    )
    evidence = [
        *metadata_evidence(hints, FACE, SIZE),
        *metadata_evidence(Hints(front_camera=True), FACE, SIZE),
    ]
    scene = Scene(np.zeros((64, 64, 3), np.uint8), ())  # a face would be told of with its distance
    reasons = explain(model, scene, {}, nothing, evidence)[1:-1]
    assert {reason.signal: reason.sentence for reason in reasons} == {
        "front_camera": "the file says that the front camera took it",
        "focal_length": "a focal length of 2.7 mm is common among front cameras",
        "mirrored": "the camera stored the picture mirrored",
        "orientation": "the picture is stored turned the way front cameras turn it",
        "subject_distance": "the face is about 35 cm from the camera, within arm's reach",
    }
