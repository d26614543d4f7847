"""The face detector's maps are averaged over exactly the parts that their names say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.faces import FIRST_LOOK, Face, MapView, make_detector
from classicselfie.features import FEATURE_NAMES, GROUPS, Scene, extract_features
from classicselfie.images import BgrImage
from classicselfie.photo import load_photo
from classicselfie.yunet import CHANNELS, MAPS, YuNet

SIZE = (192, 144)
FACE = Face((100.0, 60.0, 80.0, 100.0), (), 0.9)  # of a picture of 320 × 240


def blank(size: tuple[int, int] = (320, 240)) -> BgrImage:
    return np.full((size[1], size[0], 3), 128, np.uint8)


def random_view(seed: int, mirrored: bool = False) -> MapView:
    generator = np.random.default_rng(seed)
    shapes = [(CHANNELS, -(-SIZE[1] // each.stride), -(-SIZE[0] // each.stride)) for each in MAPS]
    maps = [np.maximum(generator.normal(0.5, 1, shape), 0).astype(np.float32) for shape in shapes]
    return MapView(tuple(maps), mirrored)


def measure(*views: MapView, faces: tuple[Face, ...] = (FACE,)) -> dict[str, float]:
    vector = extract_features(Scene(blank(), faces, views)).tolist()
    return dict(zip(FEATURE_NAMES, vector, strict=True))


def mean_over(
    values: np.ndarray, stride: int, box: tuple[float, float, float, float]
) -> np.ndarray:
    """Average a map as a picture in which every cell is a square of pixels, ten to a unit."""
    fine = values.repeat(stride * 10, axis=1).repeat(stride * 10, axis=2)
    fine = fine[:, : SIZE[1] * 10, : SIZE[0] * 10]
    x0, y0, x1, y1 = (max(0, round(10 * edge)) for edge in box)
    return fine[:, y0:y1, x0:x1].mean(axis=(1, 2))


@pytest.mark.parametrize("mirrored", [False, True])
def test_pooled_maps(mirrored: bool) -> None:
    view = random_view(0, mirrored)
    found = measure(view)
    x, y, w, h = (FIRST_LOOK * value for value in FACE.bbox)
    if mirrored:
        x = SIZE[0] - x - w
    boxes = {
        "top": (0, 0, 192, 48),
        "centre": (0, 48, 192, 96),
        "bottom": (0, 96, 192, 144),
        "face": (x, y, x + w, y + h),
        "body": (x - 1.2 * w, y + h, x + 2.2 * w, y + 3 * h),
    }
    for source, values in zip(MAPS, view.maps, strict=True):
        for part, box in boxes.items():
            expected = mean_over(values, source.stride, box)
            got = [found[f"maps.{source.name}_{part}_{channel}"] for channel in range(CHANNELS)]
            np.testing.assert_allclose(got, expected, atol=4e-3)
        whole = mean_over(values, source.stride, (0, 0, 192, 144))
        share = w * h / (192 * 144)
        rest = (whole - share * mean_over(values, source.stride, boxes["face"])) / (1 - share)
        got = [found[f"maps.{source.name}_surroundings_{channel}"] for channel in range(CHANNELS)]
        np.testing.assert_allclose(got, rest, atol=4e-3)
        got = [found[f"maps.{source.name}_maximum_{channel}"] for channel in range(CHANNELS)]
        np.testing.assert_allclose(got, values.max(axis=(1, 2)), atol=1e-3)


def test_pairs_of_channels() -> None:
    view = random_view(1)
    found = measure(view)
    values = view.maps[0].reshape(CHANNELS, -1).astype(np.float64)
    for one, other in ((0, 0), (0, 1), (3, 40), (63, 63)):
        expected = np.sqrt((values[one] * values[other]).mean())
        assert found[f"maps_pairs.{one}_{other}"] == pytest.approx(expected, abs=2e-3)


def test_two_looks_are_averaged() -> None:
    first, second = random_view(2), random_view(3, mirrored=True)
    one, other, both = measure(first), measure(second), measure(first, second)
    for name in FEATURE_NAMES:
        if name.startswith("maps"):
            assert both[name] == pytest.approx((one[name] + other[name]) / 2, abs=1e-6)


def test_a_scene_that_is_seen_again_is_measured_anew_where_its_views_tell() -> None:
    first, second = random_view(2), random_view(3, mirrored=True)
    scene = Scene(draw_scene(320, 240), [FACE], (first,))
    alone = extract_features(scene)
    again = extract_features(scene.seen_again((first, second)))
    expected = extract_features(Scene(scene.image, [FACE], (first, second)))
    np.testing.assert_array_equal(again, expected)
    np.testing.assert_array_equal(extract_features(scene), alone)


def test_without_a_face_the_parts_around_it_are_nothing() -> None:
    found = measure(random_view(4), faces=())
    around = [
        name
        for name in FEATURE_NAMES
        if name.startswith("maps.") and name.split("_")[-2] in ("face", "body", "surroundings")
    ]
    assert len(around) == 3 * len(MAPS) * CHANNELS
    assert not any(found[name] for name in around)
    assert found["maps.fine_top_0"] > 0


def test_a_face_beyond_the_frame_is_no_division_by_nothing() -> None:
    found = measure(random_view(5), faces=(Face((400.0, 300.0, 50.0, 60.0), (), 0.9),))
    assert all(np.isfinite(list(found.values())))
    assert found["maps.fine_face_0"] == 0


def test_a_detector_without_maps_leaves_them_at_nothing() -> None:
    image = load_photo(draw_person()).image
    found = make_detector("haar").detect(image)
    values = extract_features(Scene(image, found.faces, found.views))
    assert not any(values[i] for i, name in enumerate(FEATURE_NAMES) if name.startswith("maps"))


@pytest.mark.parametrize("image", [draw_person(), draw_scene(500, 300, seed=3)])
def test_a_photo_and_its_mirror_image_have_the_same_features(image: BgrImage) -> None:
    detector = make_detector("yunet")
    picture = load_photo(image).image
    vectors = []
    for each in (picture, np.ascontiguousarray(picture[:, ::-1])):
        found = detector.detect(each)
        if found.faces:
            found = detector.look_again(each, found)
        vectors.append(extract_features(Scene(each, found.faces, found.views)))
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def test_the_number_of_threads_changes_nothing() -> None:
    """However BLAS shares out the sums, they are exact."""
    code = (
        "import sys, numpy as np\n"
        "from test_maps import measure, random_view\n"
        "sys.stdout.write(np.array(list(measure(random_view(6)).values())).tobytes().hex())\n"
    )

    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert told[0] == told[1] != ""


def test_every_number_says_what_it_is() -> None:
    for group in GROUPS:
        assert all(group.documentation[part].strip() for part in group.parts)


@pytest.mark.parametrize("size", [(320, 240), (240, 320), (320, 212), (318, 203)])
def test_the_first_look_sees_the_means_of_areas(size: tuple[int, int]) -> None:
    """As OpenCV shrinks by areas to three fifths; sides are padded to multiples of five."""
    width, height = size
    image = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    image[:, : width // 2] |= 128  # brighter at the left, so that it is seen as it is
    (view,) = make_detector("yunet").detect(image).views
    even = cv2.copyMakeBorder(image, 0, -height % 5, 0, -width % 5, cv2.BORDER_REPLICATE)
    shrunk = (even.shape[1] * 3 // 5, even.shape[0] * 3 // 5)
    expected = YuNet().look(cv2.resize(even, shrunk, interpolation=cv2.INTER_AREA))
    for found, wanted in zip(view.maps, expected.maps, strict=True):
        np.testing.assert_array_equal(found, wanted)
