"""One forward pass gives OpenCV's own faces, the raw scores behind them, and the inner maps."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from classicselfie.benchmark.drawing import draw_head, draw_person, draw_scene
from classicselfie.faces import YuNetDetector, mirror_face
from classicselfie.images import BgrImage
from classicselfie.photo import load_photo
from classicselfie.resources import resource
from classicselfie.yunet import _MOST_NETS, CHANNELS, FILE, MAPS, Look, YuNet

ROOT = Path(__file__).parents[1]
ORIGINAL_BYTES = 232_589
ORIGINAL = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"


def pictures() -> list[BgrImage]:
    crowd = draw_scene(640, 480)
    draw_head(crowd, (150, 200), 120)
    draw_head(crowd, (450, 220), 200)
    drawn = [crowd, draw_person(480, 640, (0.4, 0.5), 0.6), draw_scene(500, 300, seed=3)]
    return [load_photo(each).image for each in drawn]


def mirrored(image: BgrImage) -> BgrImage:
    return np.ascontiguousarray(image[:, ::-1])


def assert_same_faces(image: BgrImage, net: YuNet, reference: cv2.FaceDetectorYN) -> int:
    height, width = image.shape[:2]
    reference.setInputSize((width, height))
    expected = reference.detect(image)[1]
    found = net.look(image).faces(0.5)
    if expected is None:
        assert not len(found)
        return 0
    ours, theirs = (rows[np.lexsort(rows.T)] for rows in (found, expected))
    np.testing.assert_allclose(ours, theirs, atol=0.1)
    return len(ours)


def test_the_file_is_the_original_with_more_outputs_declared(tmp_path: Path) -> None:
    ours = resource("models", FILE).read_bytes()
    original = ours[:ORIGINAL_BYTES]
    assert hashlib.sha256(original).hexdigest() == ORIGINAL
    pytest.importorskip("onnx", reason="the extra export is not installed: the script needs it")
    (tmp_path / "original.onnx").write_bytes(original)
    command = [sys.executable, ROOT / "bench" / "yunet_maps.py", "original.onnx", "made.onnx"]
    told = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert (tmp_path / "made.onnx").read_bytes() == ours
    assert told.split()[::2] == [ORIGINAL, hashlib.sha256(ours).hexdigest()]
    (tmp_path / "original.onnx").write_bytes(original[:-1])
    assert subprocess.run(command, check=False, cwd=tmp_path, capture_output=True).returncode == 2


@pytest.fixture
def reference(tmp_path: Path) -> cv2.FaceDetectorYN:
    """OpenCV's own detector with the original file."""
    path = tmp_path / "original.onnx"
    path.write_bytes(resource("models", FILE).read_bytes()[:ORIGINAL_BYTES])
    return cv2.FaceDetectorYN.create(str(path), "", (320, 320), 0.5, 0.3)


def test_faces_are_those_of_opencvs_own_detector(reference: cv2.FaceDetectorYN) -> None:
    net = YuNet()
    assert [assert_same_faces(image, net, reference) for image in pictures()] == [2, 1, 0]


def test_faces_of_real_photos_are_those_of_opencvs_own_detector(
    data_dir: Path, reference: cv2.FaceDetectorYN
) -> None:
    net = YuNet()
    paths = random.Random(0).sample(sorted(data_dir.glob("*/*/*.jpg")), 500)
    faces = sum(assert_same_faces(load_photo(path).image, net, reference) for path in paths)
    assert faces > 500


def test_raw_scores_are_told_even_where_there_is_no_face() -> None:
    crowd, person, room = (YuNet().look(image) for image in pictures())
    assert 0 < room.best_score < 0.5 < person.best_score <= 1
    for look in (crowd, person):
        scores = look.candidates()[:, 14]
        assert scores[0] == pytest.approx(look.best_score)
        assert (np.diff(scores) <= 0).all()
        assert len(scores) > len(look.faces(0.5))  # overlapping ones are still there


def test_maps_cover_the_picture_without_its_padding() -> None:
    image = pictures()[0][:150, :210]
    look = YuNet().look(np.ascontiguousarray(image))
    for source, found in zip(MAPS, look.maps, strict=True):
        assert found.shape == (CHANNELS, -(-150 // source.stride), -(-210 // source.stride))
        assert found.min() >= 0 < found.max()


def test_a_mirrored_picture_is_seen_from_the_same_side() -> None:
    """Not nearly but exactly: the network sees the same pixels."""
    detector = YuNetDetector()
    images = pictures()
    symmetric = images[2].copy()
    half = symmetric.shape[1] // 2
    symmetric[:, half:] = symmetric[:, :half][:, ::-1]
    symmetric[40:60, 20], symmetric[60:80, 20] = 0, 90  # as bright at both sides, yet different
    symmetric[40:60, -21], symmetric[60:80, -21] = 90, 0
    for image in [*images, symmetric]:
        one, other = (
            detector.look_again(seen, detector.detect(seen)) for seen in (image, mirrored(image))
        )
        assert one.faces == [mirror_face(face, image.shape[1]) for face in other.faces]
        assert one.best_score == other.best_score
        assert [view.mirrored for view in one.views] != [view.mirrored for view in other.views]
        for view, same in zip(one.views, other.views, strict=True):
            for found, expected in zip(view.maps, same.maps, strict=True):
                np.testing.assert_array_equal(found, expected)


def test_a_second_look_sees_the_other_side() -> None:
    detector = YuNetDetector()
    for image in pictures():
        first = detector.detect(image)
        both = detector.look_again(image, first)
        assert len(first.views) == 1
        assert sorted(view.mirrored for view in both.views) == [False, True]
        assert both.faces == first.faces


class Counting:
    """A network that notes the sizes of what it is asked to look at."""

    def __init__(self) -> None:
        self.net = YuNet()
        self.looks: list[tuple[int, ...]] = []

    def look(self, image: BgrImage) -> Look:
        self.looks.append(image.shape[1::-1])
        return self.net.look(image)


LYING = np.ascontiguousarray(np.rot90(draw_person(480, 640, (0.5, 0.5), 0.5)))


@pytest.mark.parametrize(
    ("picture", "sizes"),
    [
        (draw_person(600, 800), [(144, 192)]),
        (np.full((600, 800, 3), 128, np.uint8), [(192, 144), (96, 64)]),
        (LYING, [(192, 144), (96, 64), (120, 160), (120, 160)]),
        (draw_person(600, 800, (0.5, 0.5), 0.045), [(144, 192), (240, 320)]),
    ],
    ids=["a face", "nothing", "a lying face", "a small face"],
)
def test_looks_are_earned(picture: BgrImage, sizes: list[tuple[int, int]]) -> None:
    """One suffices where a face is seen, and a tiny one more where nothing is."""
    detector, net = YuNetDetector(), Counting()
    detector._net = net  # type: ignore[assignment]
    image = load_photo(picture).image
    found = detector.detect(image)
    assert net.looks == sizes
    quick = detector.detect(image, thorough=False)
    earned = max(sizes[1:], default=(0, 0)) > (96, 64)
    assert quick.settled != earned
    assert quick.faces == ([] if earned else found.faces)
    assert bool(found.faces) == (len(sizes) != 2 or earned)


def test_sizes_of_looks_are_fifths_even_where_sides_are_not() -> None:
    """The last pixels are repeated, and faces stay where they are."""
    image = np.ascontiguousarray(load_photo(draw_person(640, 480)).image[:236, :316])
    detector, net = YuNetDetector(), Counting()
    detector._net = net  # type: ignore[assignment]
    (face,) = detector.detect(image).faces
    assert net.looks == [(192, 144)]
    (whole,) = detector.detect_upright(image)
    np.testing.assert_allclose(face.bbox, whole.bbox, atol=9)


def test_many_sizes_share_few_networks() -> None:
    net = YuNet()
    image = pictures()[1]
    faces = [
        net.look(np.ascontiguousarray(image[:, :width])).faces(0.5) for width in range(32, 240, 8)
    ]
    again = [YuNet().look(np.ascontiguousarray(image[:, :width])).faces(0.5) for width in (64, 232)]
    np.testing.assert_array_equal(faces[4], again[0])
    np.testing.assert_array_equal(faces[-1], again[1])
    assert len(net._local.nets) == _MOST_NETS
