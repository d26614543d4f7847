"""Both detectors find drawn heads; YuNet finds them lying on their side as well."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from classicselfie.benchmark.drawing import draw_head, draw_person, draw_scene
from classicselfie.faces import (
    DETECTORS,
    Face,
    HaarDetector,
    YuNetDetector,
    make_detector,
)
from classicselfie.photo import load_photo


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union."""
    wide = max(0.0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    tall = max(0.0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return wide * tall / (a[2] * a[3] + b[2] * b[3] - wide * tall)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("size", [0.2, 0.4, 0.7])
def test_a_drawn_head_is_found_where_it_is(name: str, size: float) -> None:
    image = load_photo(draw_person(480, 640, (0.5, 0.5), size)).image
    (face,) = make_detector(name).detect(image).faces
    height, width = image.shape[:2]
    tall = size * height
    drawn = (width / 2 - 0.37 * tall, height / 2 - tall / 2, 0.74 * tall, tall)
    assert overlap(face.bbox, drawn) > 0.5
    assert 0 < face.score <= 1


def test_landmarks_are_in_the_documented_order() -> None:
    image = load_photo(draw_person()).image
    (face,) = make_detector("yunet").detect(image).faces
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert right_eye[1] < nose[1] < right_mouth[1]


def test_faces_come_largest_first() -> None:
    image = draw_scene(640, 480)
    draw_head(image, (150, 200), 120)
    draw_head(image, (450, 220), 200)
    faces = make_detector("yunet").detect(load_photo(image).image).faces
    assert len(faces) == 2
    assert faces[0].area > faces[1].area
    assert faces[0].bbox[0] > faces[1].bbox[0]


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("code", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_a_lying_face_is_found_by_the_second_look(name: str, code: int) -> None:
    upright = load_photo(draw_person(face=0.5)).image
    detector = make_detector(name)
    (standing,) = detector.detect(upright).faces
    lying = np.ascontiguousarray(cv2.rotate(upright, code))
    (face,) = detector.detect(lying).faces
    x, y, w, h = standing.bbox
    height, width = upright.shape[:2]
    turned = (
        (height - y - h, x, h, w) if code == cv2.ROTATE_90_CLOCKWISE else (y, width - x - w, h, w)
    )
    assert overlap(face.bbox, turned) > 0.6
    if face.landmarks:
        eyes = np.array(face.landmarks[1]) - np.array(face.landmarks[0])
        assert abs(eyes[1]) > 3 * abs(eyes[0])


def test_a_face_too_small_for_the_first_look_is_found_by_the_second() -> None:
    detector = YuNetDetector()
    missed = 0
    for size in (0.045, 0.0475, 0.05, 0.055):
        image = load_photo(draw_person(480, 640, (0.5, 0.5), size)).image
        found = detector.detect(image)
        assert len(found.faces) == 1
        if found.best_score < detector.score_threshold:
            missed += 1
            assert found.faces == detector.detect_upright(image)
    assert 0 < missed < 4


@pytest.mark.parametrize(
    ("name", "bold"),
    [
        ("yunet", YuNetDetector(rotated_score_threshold=YuNetDetector().score_threshold)),
        ("haar", HaarDetector(rotated_min_neighbors=HaarDetector().min_neighbors)),
    ],
)
def test_a_lying_face_must_be_surer_than_an_upright_one(
    name: str, bold: YuNetDetector | HaarDetector
) -> None:
    """Most pictures without an upright face have none at all."""
    detector = make_detector(name)
    doubted = 0
    sizes = (0.055, 0.06, 0.065, 0.12, 0.13, 0.14, 0.15, 0.2, 0.3, 0.5)
    for size, tilt in itertools.product(sizes, (0, 35)):
        about = cv2.getRotationMatrix2D((240, 320), tilt, 1)
        drawn = draw_person(480, 640, (0.5, 0.5), size)
        tilted = cv2.warpAffine(drawn, about, (480, 640), borderMode=cv2.BORDER_REPLICATE)
        image = load_photo(np.ascontiguousarray(np.rot90(tilted))).image
        doubted += len(bold.detect(image).faces) > len(detector.detect(image).faces)
    assert doubted
    # ... while a clear one is believed.
    clear = load_photo(np.ascontiguousarray(np.rot90(draw_person(480, 640, (0.5, 0.5), 0.5)))).image
    assert detector.detect(clear).faces == bold.detect(clear).faces != []


@pytest.mark.parametrize("name", DETECTORS)
def test_an_empty_room_has_no_face(name: str) -> None:
    assert make_detector(name).detect(load_photo(draw_scene(640, 480, seed=3)).image).faces == []


def test_one_detector_serves_many_threads() -> None:
    yunet = make_detector("yunet")
    images = [
        load_photo(draw_person(w, 640, face=f)).image
        for w, f in ((480, 0.3), (640, 0.4), (360, 0.5), (800, 0.35))
    ]
    alone: list[list[Face]] = [yunet.detect(image).faces for image in images]
    with ThreadPoolExecutor(8) as pool:
        together = [each.faces for each in pool.map(yunet.detect, images * 25)]
    assert together == alone * 25


def test_an_unknown_detector_is_refused() -> None:
    with pytest.raises(ValueError, match="yunet, haar, not 'dlib'"):
        make_detector("dlib")
