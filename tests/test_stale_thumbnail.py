"""A thumbnail answers only where the pixels show the same picture."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from test_staging import thumbnail_of, with_thumbnail

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.benchmark.pictures import add_grain, sensor_noise
from classicselfie.photo import load_photo, open_photo

LARGE = (1680, 2240)
Jpeg = dict[str, int]
KINDS: dict[str, Jpeg] = {
    "baseline": {},
    "restarts in every row": {"rst": LARGE[0] // 16},
    "restarts now and then": {"rst": 37},
    "restarts everywhere": {"rst": 3},
    "progressive": {"progressive": 1},
}


def photo(image: np.ndarray, *, rst: int = 0, progressive: int = 0) -> bytes:
    options = [cv2.IMWRITE_JPEG_RST_INTERVAL, rst, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive]
    return cv2.imencode(".jpg", image, [*options, cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def small(image: np.ndarray) -> bytes:
    scale = 160 / max(image.shape)
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", shrunk, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def with_small(jpeg: bytes, thumbnail: bytes) -> bytes:
    """Put the EXIF block of a photo with that thumbnail into a JPEG."""
    donor = with_thumbnail(np.zeros((8, 8, 3), np.uint8), thumbnail)
    length = int.from_bytes(donor[4:6], "big") + 2
    return jpeg[:2] + donor[2 : 2 + length] + jpeg[2:]


@pytest.fixture(scope="module")
def person() -> np.ndarray:
    image = draw_person(*LARGE, face=0.5)
    image[::97] //= 2  # the drawn wall alone is too flat to be recognised
    cv2.rectangle(image, (200, 0), (520, 260), (40, 90, 160), -1)
    cv2.rectangle(image, (900, 1900), (1200, 2240), (20, 200, 220), -1)
    cv2.rectangle(image, (1100, 30), (1500, 900), (150, 120, 30), -1)
    add_grain(image, sensor_noise(image.shape[1]))
    return image


@pytest.fixture(scope="module")
def room() -> np.ndarray:
    image = draw_scene(*LARGE, seed=3)
    add_grain(image, sensor_noise(image.shape[1]))
    return image


@pytest.mark.parametrize("kind", KINDS)
def test_an_honest_thumbnail_is_trusted_in_every_kind_of_jpeg(
    person: np.ndarray, kind: str
) -> None:
    assert thumbnail_of(with_small(photo(person, **KINDS[kind]), small(person))) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_the_thumbnail_of_another_picture_is_not(
    person: np.ndarray, room: np.ndarray, kind: str
) -> None:
    assert thumbnail_of(with_small(photo(room, **KINDS[kind]), small(person))) is None


@pytest.mark.parametrize("size", [(900, 1200), LARGE])
def test_an_empty_room_is_no_selfie_whatever_its_thumbnail_shows(size: tuple[int, int]) -> None:
    """Aspect and dates tell nothing here; the pixels answer."""
    selfie, empty = draw_person(*size, face=0.4), draw_scene(*size, seed=3)
    detector = SelfieDetector(threshold=0.2)  # a drawn head is no selfie to the default one
    detector.model = replace(detector.model, margins={"thumbnail": 0.0})
    verdict = detector.check(with_thumbnail(empty, small(selfie)))
    assert (verdict.label, verdict.stage) == ("not_selfie", "pixels")
    without = detector.check(photo(empty)).probability
    assert verdict.probability == pytest.approx(without, abs=0.01)


def test_an_edit_since_the_thumbnail_was_made_is_noticed(
    person: np.ndarray, room: np.ndarray
) -> None:
    width, height = LARGE
    crop = person[: height * 7 // 10, : width * 7 // 10]
    middle = person.copy()
    middle[height // 4 : height * 3 // 4] = room[height // 4 : height * 3 // 4]
    edited = {
        "cropped": cv2.resize(crop, LARGE),
        "mirrored": cv2.flip(person, 1),
        "upside down": cv2.flip(person, -1),
        "middle painted over": middle,
    }
    thumbnail = small(person)
    for name, image in edited.items():
        assert thumbnail_of(with_small(photo(np.ascontiguousarray(image)), thumbnail)) is None, name


def test_what_a_camera_does_to_its_thumbnail_is_forgiven(person: np.ndarray) -> None:
    jpeg = photo(person)
    soft = cv2.GaussianBlur(person, (0, 0), 12)
    for name, image in {
        "brighter": cv2.LUT(person, (255 * (np.arange(256) / 255) ** 0.7).astype(np.uint8)),
        "sharpened": cv2.addWeighted(person, 1.8, soft, -0.8, 0),
        "warmer": cv2.convertScaleAbs(person * np.array([0.85, 1.0, 1.15])),
        "shifted": np.roll(person, 14, axis=1),
    }.items():
        assert thumbnail_of(with_small(jpeg, small(image))) is not None, name


def test_what_follows_the_picture_is_not_taken_for_its_rows(person: np.ndarray) -> None:
    """A phone's moving picture: a video of several megabytes, then the maker's own end."""
    rest = np.random.default_rng(0).integers(0, 256, 3_000_000, np.uint8).tobytes()
    data = with_small(photo(person), small(person)) + rest + b"SEFT"
    assert thumbnail_of(data) is not None


def test_a_wall_tells_nothing_and_the_pixels_answer() -> None:
    wall = np.full((LARGE[1], LARGE[0], 3), 180, np.uint8)
    assert thumbnail_of(with_small(photo(wall), small(wall))) is None


def test_the_stream_serves_the_pixels_afterwards(person: np.ndarray, room: np.ndarray) -> None:
    data = with_small(photo(room), small(person))
    with open_photo(io.BytesIO(data)) as file:
        assert file.thumbnail() is None
        np.testing.assert_array_equal(file.decode().image, load_photo(data).image)
