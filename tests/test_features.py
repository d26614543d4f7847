"""Every number has a name, is finite, and measures what its name says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from classicselfie.benchmark.drawing import (
    BgrImage,
    draw_head,
    draw_person,
    draw_scene,
    golden_pictures,
)
from classicselfie.faces import Face, make_detector
from classicselfie.features import (
    FEATURE_NAMES,
    GROUPS,
    FeatureGroup,
    Scene,
    extract_features,
    measured_groups,
)
from classicselfie.features.outlines import hog
from classicselfie.features.sampling import box_sum, grid_sums, shares_inside, sums_of
from classicselfie.features.scene import Slopes
from classicselfie.features.texture import block_frequencies, local_binary_pattern
from classicselfie.images import histogram, mean_and_spread, quantiles, whole_pixels
from classicselfie.photo import PhotoSource, load_photo


def features_of(image: BgrImage) -> dict[str, float]:
    working = load_photo(image).image
    scene = Scene(working, make_detector("yunet").detect(working).faces)
    return dict(zip(FEATURE_NAMES, extract_features(scene).tolist(), strict=True))


def test_names_are_unique_and_fit_their_groups() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    image = load_photo(draw_person()).image
    found = make_detector("yunet").detect(image)
    for scene in (
        Scene(image, []),
        Scene(image, [], found.views),
        Scene(image, found.faces),
        Scene(image, found.faces, found.views),
    ):
        for group in measured_groups(scene):
            assert group.compute(scene).shape == (len(group.parts),)


def test_what_the_maps_make_up_for_is_not_measured_beside_them() -> None:
    image = load_photo(draw_person()).image
    found = make_detector("yunet").detect(image)

    def told(scene: Scene) -> set[str]:
        values = dict(zip(FEATURE_NAMES, extract_features(scene).tolist(), strict=True))
        return {name.partition(".")[0] for name, value in values.items() if value}

    everything, maps = {group.name for group in GROUPS}, {"maps", "maps_pairs"}
    assert told(Scene(image, found.faces)) == everything - maps
    assert told(Scene(image, found.faces, found.views)) == everything - {
        "focus_grid",
        "light",
        "scales",
        "scenery",
    }
    # Without a face the maps say all; where there are none, so does whatever needs no face.
    assert told(Scene(image, [], found.views)) == maps
    faceless = {"skin", "focus", "light", "texture", "scales", "scenery", "colour"}
    assert told(Scene(image, [])) == faceless


def test_a_group_that_gives_other_parts_than_it_names_is_refused() -> None:
    parts = {"one": "the first", "two": "the second"}
    scene = Scene(draw_scene(320, 240), [])
    for given in ({"one": 1.0}, {"two": 2.0, "one": 1.0}, {"one": 1.0, "two": 2.0, "three": 3.0}):
        group = FeatureGroup("any", "anything", parts, lambda _, given=given: dict(given))
        with pytest.raises(RuntimeError, match="the group any names other parts"):
            group.compute(scene)
    group = FeatureGroup("any", "anything", parts, lambda _: np.zeros(3))
    with pytest.raises(RuntimeError, match=r"the group any names 2 parts and gives \(3,\)"):
        group.compute(scene)


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
        scene = Scene(working, make_detector("yunet").detect(working).faces)
        assert scene.face is not None
        mask = scene.skin
        x, y, w, h = (int(v / 4) for v in scene.face.bbox)
        assert mask[y + h // 4 : y + 3 * h // 4, x + w // 4 : x + 3 * w // 4].mean() > 0.6
        assert mask.mean() < 0.4


def test_a_blurred_background_lowers_its_sharpness() -> None:
    image = draw_person(face=0.4)
    noise = np.random.default_rng(0).normal(0, 14, image.shape)
    sharp = np.clip(image + noise, 0, 255).astype(np.uint8)
    portrait = cv2.GaussianBlur(sharp, (0, 0), 6)
    portrait[180:460, 140:340] = sharp[180:460, 140:340]
    assert features_of(portrait)["focus.background_ratio"] < -1
    assert features_of(portrait)["backdrop.detail_to_face"] < -1
    assert abs(features_of(sharp)["focus.background_ratio"]) < 0.5


def test_a_face_beyond_the_frame_counts_as_much_as_what_is_behind() -> None:
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    found = extract_features(Scene(image, [Face((330.0, 20.0, 60.0, 60.0), (), 0.9)]))
    values = dict(zip(FEATURE_NAMES, found.tolist(), strict=True))
    assert values["backdrop.detail"] > 2
    assert values["scenery.coarse_detail"] > 2
    assert (values["backdrop.detail_to_face"], values["scenery.coarse_to_face"]) == (0, 0)


def slopes_of(luma: BgrImage) -> tuple[Slopes, Slopes]:
    """Right minus left neighbour and lower minus upper, the border repeated."""
    wide = np.pad(luma.astype(np.int16), 1, mode="edge")
    return wide[1:-1, 2:] - wide[1:-1, :-2], wide[2:, 1:-1] - wide[:-2, 1:-1]


CELLS = np.arange(-8.0, 57.0, 8.0)  # six of eight pixels and the ring around them


def test_hog_puts_an_edge_into_its_bin() -> None:
    vertical = np.zeros((48, 48), np.uint8)
    vertical[:, 24:] = 200
    cells = hog(slopes_of(vertical), CELLS, CELLS)
    assert cells.shape == (6, 6, 6)
    # Each of the cells along it has a tenth of its pixels on the edge; nine share their energy.
    assert cells[:, 2:4, 0] == pytest.approx(1 / np.sqrt(6), abs=0.01)
    assert cells[..., 3].max() == 0  # none at 90°
    lying = hog(slopes_of(np.ascontiguousarray(vertical.T)), CELLS, CELLS)
    np.testing.assert_allclose(lying[..., 3], cells[..., 0].T)
    assert lying[..., 0].max() == 0


@pytest.mark.parametrize("degrees", range(0, 180, 5))
def test_hog_counts_the_nearest_of_its_orientations(degrees: int) -> None:
    y, x = np.mgrid[:48, :48] - 24
    angle = np.radians(degrees)
    ramp = np.rint(128 + 2.5 * (x * np.cos(angle) + y * np.sin(angle))).astype(np.uint8)
    cells = hog(slopes_of(ramp), CELLS, CELLS)
    expected = round(degrees / 30) % 6
    if degrees % 30 != 15:  # else it is as near to two
        assert cells[2:4, 2:4].argmax(axis=-1) == pytest.approx(expected)


def test_hog_is_as_strong_at_the_rim_as_within() -> None:
    """Waves all over: what lies beyond the frame has no share in the energy around a cell."""
    waves = np.tile(np.rint(128 + 60 * np.sin(np.arange(48) * np.pi / 4)).astype(np.uint8), (48, 1))
    cells = hog(slopes_of(waves), CELLS, CELLS)
    assert cells[:, 2:4, 0] == pytest.approx(cells[2, 2, 0], rel=1e-3)
    cut = hog(slopes_of(waves), CELLS, CELLS + 4)  # the lowest row of cells is cut in two
    assert cut[-1, 2, 0] == pytest.approx(cells[2, 2, 0] / 2, rel=1e-3)


def test_local_binary_patterns_tell_which_neighbours_are_brighter() -> None:
    flat = np.full((20, 20), 100, np.uint8)
    assert set(local_binary_pattern(flat).ravel()) == {0}
    spot = flat.copy()
    spot[10, 10] = 98
    assert local_binary_pattern(spot)[9, 9] == 0b11111111  # all neighbours are brighter
    spot[9, 9] = 255
    assert local_binary_pattern(spot)[8, 8] == 0  # none is
    flat[9, 9] = 255
    assert local_binary_pattern(flat)[9, 9] == 0b00000001  # the upper left one


def test_textures_are_told_apart() -> None:
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (120, 160, 1), np.uint8).repeat(3, axis=2)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    rough, calm = (
        dict(zip(FEATURE_NAMES, extract_features(Scene(image, [])).tolist(), strict=True))
        for image in (noise, smooth)
    )
    # Nearly half of all patterns of pure noise change more than twice around the circle;
    # 58 uniform patterns are 34 with their mirror images.
    assert rough["texture.frame_pattern_34"] > 0.3 > calm["texture.frame_pattern_34"]
    assert sum(rough[f"texture.frame_pattern_{i}"] for i in range(35)) == pytest.approx(1)


def test_frequencies_are_measured_where_they_are() -> None:
    x = np.arange(64)
    for k in (1, 3, 7):
        wave = 128 + 60 * np.cos((2 * (x % 8) + 1) * k * np.pi / 16)
        bands, none = block_frequencies(np.tile(wave, (64, 1)).round().astype(np.uint8))
        assert np.argmax(bands[:14]) == k - 1
        assert (bands[14] > 3) == (k == 1)  # upright edges show in the first coefficient
        assert none.tolist() == [0.0] * 15
    assert block_frequencies(np.zeros((7, 64), np.uint8))[0].tolist() == [0.0] * 15


def test_frequencies_are_those_of_the_cosine_transform() -> None:
    luma = np.random.default_rng(0).integers(0, 256, (40, 52), np.uint8)  # two left out at a side
    blocks = luma[:, 2:-2].reshape(5, 8, 6, 8).swapaxes(1, 2).astype(np.float32)
    found, part = block_frequencies(luma, (13.0, 11.9, 31.0, 20.1))
    for bands, chosen in (
        (found, blocks.reshape(-1, 8, 8)),
        (part, blocks[1:3, 1:4].reshape(-1, 8, 8)),
    ):
        strength = np.mean([np.abs(cv2.dct(block)) for block in chosen], axis=0)
        order = np.add.outer(np.arange(8), np.arange(8))
        expected = [np.log2(strength[order == band].mean() + 0.05) for band in range(1, 15)]
        assert bands[:14] == pytest.approx(expected, abs=1e-4)
        leaning = np.log2(strength[0, 1] + 1) - np.log2(strength[1, 0] + 1)
        assert bands[14] == pytest.approx(leaning, abs=1e-4)


def test_colours_are_counted() -> None:
    image = np.full((80, 80, 3), (40, 40, 200), np.uint8)
    image[:, :40] = 255
    found = dict(zip(FEATURE_NAMES, extract_features(Scene(image, [])).tolist(), strict=True))
    joint = {name: value for name, value in found.items() if name.startswith("colour.joint_")}
    white, red = "colour.joint_3_2_2", "colour.joint_1_3_3"
    assert {name: value for name, value in joint.items() if value} == {
        white: pytest.approx(0.5),
        red: pytest.approx(0.5),
    }


def test_the_tone_of_a_face_is_no_feature() -> None:
    """The same face, lighter and darker by one shift, varies alike around its median."""
    generator = np.random.default_rng(0)
    detail = generator.normal(0, 6, (60, 60, 3))
    found = []
    for tone in ((70, 60, 90), (160, 150, 180)):
        image = np.full((200, 200, 3), 128, np.float64)
        image[70:130, 70:130] = tone + detail
        scene = Scene(image.round().astype(np.uint8), [Face((65.0, 65.0, 70.0, 70.0), (), 0.9)])
        vector = extract_features(scene)
        names = [i for i, name in enumerate(FEATURE_NAMES) if name.startswith("colour.face_")]
        found.append(vector[names])
    np.testing.assert_allclose(found[0], found[1], atol=0.02)
    assert found[0][:64].sum() == pytest.approx(1, abs=1e-5)


# --- mirrored, moved, of any size ----------------------------------------------------------


def mirrored(face: Face, width: int) -> Face:
    """The same face in the mirrored picture: right and left change places."""
    x, y, w, h = face.bbox
    points = [(width - px, py) for px, py in face.landmarks]
    landmarks = tuple(points[place] for place in (1, 0, 2, 4, 3)) if points else ()
    return replace(face, bbox=(width - x - w, y, w, h), landmarks=landmarks)


def assert_mirrors(image: BgrImage, faces: list[Face]) -> None:
    one = extract_features(Scene(image, faces))
    turned = [mirrored(face, image.shape[1]) for face in faces]
    other = extract_features(Scene(np.ascontiguousarray(image[:, ::-1]), turned))
    for name, here, there in zip(FEATURE_NAMES, one.tolist(), other.tolist(), strict=True):
        assert here == pytest.approx(there, abs=1e-5), name


def assert_photo_mirrors(photo: PhotoSource) -> None:
    image = load_photo(photo).image
    assert_mirrors(image, make_detector("yunet").detect(image).faces)


@pytest.mark.parametrize("name", sorted(golden_pictures()))
def test_a_drawn_picture_and_its_mirror_image_give_the_same(name: str) -> None:
    assert_photo_mirrors(golden_pictures()[name])


@pytest.mark.parametrize("size", [(320, 240), (320, 212), (212, 320), (320, 16), (16, 320)])
@pytest.mark.parametrize(
    "bbox",
    [
        (100.0, 60.0, 50.0, 70.0),  # edges on those of pixels
        (100.5, 60.5, 51.0, 69.0),
        (-30.2, -20.1, 200.3, 260.7),
        (3.3, 2.2, 9.1, 11.7),
        (310.0, 310.0, 40.0, 40.0),
    ],
)
def test_noise_and_its_mirror_image_give_the_same(
    size: tuple[int, int], bbox: tuple[float, float, float, float]
) -> None:
    width, height = size
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 1.5)
    x, y, w, h = bbox
    places = ((0.3, 0.4), (0.68, 0.45), (0.55, 0.6), (0.35, 0.8), (0.7, 0.83))
    landmarks = tuple((x + px * w, y + py * h) for px, py in places)
    others = [Face((x + 0.6 * w, y + 0.1 * h, 0.7 * w, 0.8 * h), landmarks, 0.8)]
    assert_mirrors(image, [Face(bbox, landmarks, 0.9), *others])
    assert_mirrors(image, [])


def test_50_real_photos_and_their_mirror_images_give_the_same(
    real_photos: list[tuple[Path, bool]],
) -> None:
    for path, _ in real_photos[::4]:
        assert_photo_mirrors(path)


def test_a_picture_of_any_size_is_padded_to_sides_of_fours() -> None:
    image = np.random.default_rng(0).integers(0, 256, (201, 318, 3), np.uint8)
    scene = Scene(image, [Face((100.0, 50.0, 40.0, 50.0), ((1.0, 2.0),) * 5, 0.9)])
    assert scene.image.shape == (204, 320, 3)
    np.testing.assert_array_equal(scene.image[1:202, 1:319], image)
    assert scene.faces[0].bbox == (101.0, 51.0, 40.0, 50.0)
    assert scene.faces[0].landmarks[0] == (2.0, 3.0)
    assert_mirrors(image, [Face((100.0, 50.0, 40.0, 50.0), (), 0.9)])


def test_a_face_that_moves_by_a_pixel_hardly_changes_the_grids() -> None:
    """Of a drawn face a hundred pixels high, as a part of what faces differ by."""
    image = load_photo(draw_person(640, 480, (0.5, 0.45), 0.42)).image
    texture = np.random.default_rng(0).normal(0, 12, image.shape)
    image = np.clip(image + texture, 0, 255).astype(np.uint8)
    (face,) = make_detector("yunet").detect(image).faces[:1]
    x, y, w, h = face.bbox
    grids = [i for i, n in enumerate(FEATURE_NAMES) if n.startswith(("focus.grid", "skin.grid"))]
    before = extract_features(Scene(image, [face]))[grids]
    moves = [
        extract_features(Scene(image, [replace(face, bbox=(x + dx, y + dy, w, h))]))[grids] - before
        for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1))
    ]
    assert np.abs(moves).mean() < 0.05 * before.std()


# --- sums, counts, means -------------------------------------------------------------------


def test_a_box_counts_each_pixel_by_the_part_that_it_covers() -> None:
    plane = np.random.default_rng(0).integers(0, 256, (6, 9), np.uint8)
    # As if each pixel were 10 × 10 of them: edges at tenths are then whole.
    large = np.kron(plane, np.ones((10, 10), np.uint8)).astype(float) / 100
    boxes = [
        (0.0, 0.0, 9.0, 6.0),
        (1.3, 2.1, 4.9, 5.7),
        (2.2, 2.2, 2.9, 2.4),
        (-3.0, 4.5, 1.5, 9.0),
    ]
    for box in boxes:
        total, area = box_sum(sums_of(plane), box)
        x0, y0, x1, y1 = (max(0, round(10 * value)) for value in box)
        part = large[y0:y1, x0:x1]
        assert total == pytest.approx(part.sum())
        assert area == pytest.approx(part.size / 100)
    assert box_sum(sums_of(plane), (20.0, 1.0, 30.0, 2.0)) == (0.0, 0.0)


@pytest.mark.parametrize("start", [5.0, 5.5, 4.75, 0.1 + 0.2, -3.2])
@pytest.mark.parametrize("hair", [0.0, 1e-12, -1e-12])
def test_the_pixels_that_a_stretch_touches_mirror_with_it(start: float, hair: float) -> None:
    """Also where mirroring rounds its ends to a hair beyond the edge of a pixel."""
    here = whole_pixels(start + hair, start + 4.0 + hair, 20)
    there = whole_pixels(20 - start - 4.0, 20 - start, 20)
    assert (there.start, there.stop) == (20 - here.stop, 20 - here.start)
    assert whole_pixels(30.0, 40.0, 20) == slice(20, 20)
    assert whole_pixels(5.0 + hair, 9.0 - hair, 20) == slice(5, 9)


def test_the_cells_of_a_grid_are_boxes() -> None:
    generator = np.random.default_rng(0)
    planes = generator.random((12, 20, 3)).astype(np.float32)
    xs, ys = np.linspace(-3.5, 22.1, 5), np.linspace(1.2, 13.3, 4)
    cells = grid_sums(sums_of(planes), xs, ys)
    assert cells.shape == (3, 4, 3)
    for row, column, plane in np.ndindex(3, 4, 3):
        box = (xs[column], ys[row], xs[column + 1], ys[row + 1])
        total, area = box_sum(sums_of(np.ascontiguousarray(planes[..., plane])), box)
        assert cells[row, column, plane] == pytest.approx(total)
        share = shares_inside(xs, 20)[column] * shares_inside(ys, 12)[row]
        assert share == pytest.approx(area / ((box[2] - box[0]) * (box[3] - box[1])))


def test_counted_values_have_the_mean_spread_and_quartiles_of_the_pixels() -> None:
    values = np.random.default_rng(0).normal(120, 30, (80, 90)).clip(0, 255).astype(np.uint8)
    counts = histogram(values[:, ::2])
    np.testing.assert_array_equal(counts, np.bincount(values[:, ::2].ravel(), minlength=256))
    mean, spread = mean_and_spread(counts)
    assert mean == pytest.approx(values[:, ::2].mean())
    assert spread == pytest.approx(values[:, ::2].std())
    expected = np.quantile(values[:, ::2], (0.25, 0.5, 0.75))
    assert quantiles(counts, 0.25, 0.5, 0.75) == pytest.approx(expected, abs=0.5)
    assert quantiles(np.bincount([7] * 10, minlength=256), 0.5) == [7.0]
    assert quantiles(np.bincount([7, 8], minlength=256), 0.5) == [7.5]
