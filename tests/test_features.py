"""Every number has a name, is finite, and measures what its name says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from classicselfie.benchmark.drawing import BgrImage, draw_head, draw_person, draw_scene
from classicselfie.faces import Face, make_detector
from classicselfie.features import (
    FEATURE_NAMES,
    GROUPS,
    Scene,
    block_frequencies,
    extract_features,
    hog,
    local_binary_pattern,
)
from classicselfie.images import median, to_lab
from classicselfie.photo import load_photo


def features_of(image: BgrImage) -> dict[str, float]:
    working = load_photo(image).image
    scene = Scene(working, make_detector("yunet").detect(working))
    return dict(zip(FEATURE_NAMES, extract_features(scene).tolist(), strict=True))


def test_names_are_unique_and_fit_their_groups() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    image = load_photo(draw_person()).image
    for faces in ([], make_detector("yunet").detect(image)):
        scene = Scene(image, faces)
        for group in GROUPS:
            assert len(group.compute(scene)) == len(group.parts), group.name


@pytest.mark.parametrize("shape", [(16, 320), (320, 16), (320, 320), (213, 320)])
@pytest.mark.parametrize(
    "bbox", [None, (-50, -60, 400, 500), (0, 0, 3, 3), (310, 310, 40, 40), (2, 2, 10, 12)]
)
def test_features_are_finite_whatever_the_face(
    shape: tuple[int, int], bbox: tuple[float, float, float, float] | None
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    landmarks = ((5.0, 5.0),) * 5  # as bad as it gets: all in one point
    faces = [Face(bbox, landmarks, 0.9)] if bbox else []
    features = extract_features(Scene(image, faces))
    assert features.shape == (len(FEATURE_NAMES),)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_a_nearer_face_is_larger() -> None:
    near, far = features_of(draw_person(face=0.6)), features_of(draw_person(face=0.2))
    assert near["face.height"] == pytest.approx(0.6, abs=0.1)
    assert far["face.height"] == pytest.approx(0.2, abs=0.05)
    assert near["place.margin_bottom"] < far["place.margin_bottom"]


def test_roll_is_the_angle_of_the_eyes() -> None:
    image = load_photo(draw_person()).image
    upright = np.array([(100, 120), (140, 120), (120, 145), (105, 165), (135, 165)], float)
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for points, roll in ((upright, 0.0), ((upright - 120) @ turn + 120, 20.0)):
        landmarks = tuple((float(x), float(y)) for x, y in points)
        face = Face((85.0, 90.0, 70.0, 95.0), landmarks, 0.9)
        features = extract_features(Scene(image, [face]))
        assert features[FEATURE_NAMES.index("pose.roll")] == pytest.approx(roll, abs=0.01)
        assert features[FEATURE_NAMES.index("pose.yaw")] == pytest.approx(0.0, abs=0.01)


def test_a_crowd_is_counted() -> None:
    image = draw_scene(800, 600)
    for x in (150, 400, 650):
        draw_head(image, (x, 250), 160)
    crowd = features_of(image)
    assert (crowd["crowd.faces"], crowd["crowd.similar"]) == (3, 3)
    assert crowd["crowd.second_size"] > 0.8


def test_the_face_seeds_the_skin_model() -> None:
    image = draw_person(face=0.4)
    blue_light = (image * np.array([1.0, 0.7, 0.55])).astype(np.uint8)
    for picture in (image, blue_light):
        working = load_photo(picture).image
        scene = Scene(working, make_detector("yunet").detect(working))
        assert scene.face is not None
        mask = scene.skin
        x, y, w, h = (int(v / 4) for v in scene.face.bbox)
        assert mask[y + h // 4 : y + 3 * h // 4, x + w // 4 : x + 3 * w // 4].mean() > 0.6
        assert mask.mean() < 0.4


def test_an_arm_that_reaches_the_frame_is_seen() -> None:
    without = draw_person(480, 640, (0.5, 0.4), 0.35)
    stretched = without.copy()
    arm = np.array([(0, 430), (0, 639), (120, 639), (200, 480), (180, 440)], np.int32)
    cv2.fillPoly(stretched, [arm], (155, 190, 230), cv2.LINE_AA)
    assert features_of(stretched)["skin.arm_area"] > features_of(without)["skin.arm_area"] + 0.2
    assert features_of(stretched)["skin.arm_frame_width"] > 0.3


def test_a_blurred_background_lowers_its_sharpness() -> None:
    image = draw_person(face=0.4)
    noise = np.random.default_rng(0).normal(0, 14, image.shape)
    sharp = np.clip(image + noise, 0, 255).astype(np.uint8)
    portrait = cv2.GaussianBlur(sharp, (0, 0), 6)
    portrait[180:460, 140:340] = sharp[180:460, 140:340]
    assert features_of(portrait)["focus.background_ratio"] < -1
    assert features_of(portrait)["backdrop.detail_to_face"] < -1
    assert abs(features_of(sharp)["focus.background_ratio"]) < 0.5


def test_hog_puts_an_edge_into_its_bin() -> None:
    vertical = np.zeros((48, 48), np.float32)
    vertical[:, 24:] = 200
    cells = hog(vertical)
    assert cells.shape == (6, 6, 6)
    assert cells[:, 2:4, 0].max() > 0.2  # gradient along x: 0°
    assert cells[..., 3].max() == 0  # none at 90°
    assert hog(np.ascontiguousarray(vertical.T))[..., 3].max() > 0.2


def test_local_binary_patterns_tell_which_neighbours_are_brighter() -> None:
    flat = np.full((20, 20), 100, np.uint8)
    assert set(local_binary_pattern(flat, 0).ravel()) == {0}
    spot = flat.copy()
    spot[10, 10] = 98
    assert local_binary_pattern(spot, 0)[9, 9] == 0b11111111  # all neighbours are brighter
    assert local_binary_pattern(spot, 2)[9, 9] == 0  # ... but not by more than two levels
    spot[9, 9] = 255
    assert local_binary_pattern(spot, 2)[9, 9] == 0b00000001  # the upper left one
    assert local_binary_pattern(np.full((5, 5), 255, np.uint8), 2).max() == 0


def test_textures_are_told_apart() -> None:
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (120, 160, 1), np.uint8).repeat(3, axis=2)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    rough, calm = (
        dict(zip(FEATURE_NAMES, extract_features(Scene(image, [])).tolist(), strict=True))
        for image in (noise, smooth)
    )
    # Nearly half of all patterns of pure noise change more than twice around the circle.
    assert rough["texture.frame_9"] > 0.3 > calm["texture.frame_9"]
    assert rough["texture.frame_pattern_58"] > 0.3 > calm["texture.frame_pattern_58"]
    assert sum(rough[f"texture.frame_pattern_{i}"] for i in range(59)) == pytest.approx(1)


def test_frequencies_are_measured_where_they_are() -> None:
    x = np.arange(64)
    for k in (1, 3, 7):
        wave = 128 + 60 * np.cos((2 * (x % 8) + 1) * k * np.pi / 16)
        bands = block_frequencies(np.tile(wave, (64, 1)).round().astype(np.uint8))
        assert np.argmax(bands[:14]) == k - 1
        assert (bands[14] > 3) == (k == 1)  # upright edges show in the first coefficient
    assert block_frequencies(np.zeros((7, 64), np.uint8)).tolist() == [0.0] * 15


def test_colours_are_counted() -> None:
    image = np.full((80, 80, 3), (40, 40, 200), np.uint8)
    image[:, :40] = 255
    found = dict(zip(FEATURE_NAMES, extract_features(Scene(image, [])).tolist(), strict=True))
    lab = {i: found[f"colour.lab_{i}"] for i in range(64) if found[f"colour.lab_{i}"]}
    white, red = 3 * 16 + 2 * 4 + 2, 1 * 16 + 3 * 4 + 3
    assert lab == {white: pytest.approx(0.5), red: pytest.approx(0.5)}
    assert found["colour.covariance_l_a"] < 0 < found["colour.covariance_a_b"]


def test_the_tone_of_a_face_is_no_feature() -> None:
    """The same face, lighter and darker by one shift, varies alike around its median."""
    generator = np.random.default_rng(0)
    detail = generator.normal(0, 6, (60, 60, 3))
    found = []
    for tone in ((70, 130, 140), (180, 142, 148)):
        lab = np.full((200, 200, 3), (128, 128, 128), np.float64)
        lab[70:130, 70:130] = tone + detail
        image = cv2.cvtColor(lab.round().astype(np.uint8), cv2.COLOR_LAB2BGR)
        scene = Scene(image, [Face((65.0, 65.0, 70.0, 70.0), (), 0.9)])
        vector = extract_features(scene)
        names = [i for i, name in enumerate(FEATURE_NAMES) if name.startswith("colour.face_")]
        found.append(vector[names])
    np.testing.assert_allclose(found[0], found[1], atol=0.12)
    assert found[0][:64].sum() == pytest.approx(1, abs=1e-5)


def test_a_mirrored_picture_gives_nearly_the_same_features() -> None:
    image = draw_person(480, 640, (0.4, 0.45), 0.4)
    one, other = features_of(image), features_of(np.ascontiguousarray(image[:, ::-1]))
    for name in FEATURE_NAMES:
        if name.partition(".")[0] in ("face", "place", "crowd", "light", "colour", "texture"):
            loose = 3 if name.endswith("roll") else 0.08
            if name.startswith(("texture.face", "colour.face", "texture.frame_frequency")):
                loose = 0.8  # blocks, edges and median move with the box by part of a pixel
            assert one[name] == pytest.approx(other[name], abs=loose), name


def test_lab_is_that_of_opencv_without_its_tables() -> None:
    steps = np.arange(0, 256, 3, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 86, 3)
    expected = cv2.split(cv2.cvtColor(colours, cv2.COLOR_BGR2LAB))
    for plane, same in zip(to_lab(colours), expected, strict=True):
        np.testing.assert_array_equal(plane, same)


def test_a_median_is_that_of_numpy() -> None:
    values = np.random.default_rng(0).random((10, 3), np.float32)
    np.testing.assert_array_equal(median(values), np.median(values, axis=0))
    np.testing.assert_array_equal(median(values[:9, 0]), np.median(values[:9, 0]))
