"""Each number is what its name says: neighbours that change places are noticed.

Scenes are made by hand, with faces put where they are wanted, and what is expected is written down
or computed in another way than the features are.
"""

from __future__ import annotations

from math import degrees, hypot, log2, sqrt

import cv2
import numpy as np
import pytest

from classicselfie.faces import Bbox, Face
from classicselfie.features import FEATURE_NAMES, GROUPS, Scene, extract_features
from classicselfie.features.texture import local_binary_pattern
from classicselfie.images import BgrImage

SKIN = (130, 160, 220)
BLUE = (200, 60, 40)
GRID = range(6)
POOLED = range(3)


def measure(image: BgrImage, *faces: Face) -> dict[str, float]:
    vector = extract_features(Scene(image, faces)).tolist()
    return dict(zip(FEATURE_NAMES, vector, strict=True))


def face(bbox: Bbox, landmarks: tuple[tuple[float, float], ...] = ()) -> Face:
    return Face(bbox, landmarks, 0.9)


def flat(width: int, height: int, colour: tuple[int, int, int] = (100, 100, 100)) -> BgrImage:
    return np.full((height, width, 3), colour, np.uint8)


def assert_named(found: dict[str, float], group: str, expected: dict[str, float]) -> None:
    for name, value in expected.items():
        assert found[f"{group}.{name}"] == pytest.approx(value, abs=2e-4), name


# --- geometry ------------------------------------------------------------------------------

LARGE, SECOND, SMALL = (
    (100.0, 60.0, 50.0, 70.0),
    (200.0, 80.0, 40.0, 60.0),
    (20.0, 150.0, 20.0, 25.0),
)
EYES = ((112.0, 86.0), (138.0, 86.0))
LOOKING_ASIDE = (*EYES, (127.0, 102.0), (116.0, 116.0), (136.0, 116.0))


def test_size_place_and_pose() -> None:
    found = measure(flat(320, 240), face(LARGE, LOOKING_ASIDE))
    size = sqrt(50 * 70)
    assert_named(
        found,
        "face",
        {
            "found": 1,
            "score": 0.9,
            "height": 70 / 240,
            "width": 50 / 320,
            "diagonal": size / 400,
            "long_side": size / 320,
            "short_side": size / 240,
            "log_size": log2(size / 400) + 6,
            "shape": 1.4,
        },
    )
    assert_named(
        found,
        "place",
        {
            "margin_top": 60 / 70,
            "margin_bottom": 110 / 70,
            "margin_side_min": 100 / 50,
            "margin_side_max": 170 / 50,
            "centre_y": 95 / 240,
        },
    )
    assert_named(
        found,
        "pose",
        {
            "known": 1,
            "roll": 0,
            "yaw": 2 / 26,
        },
    )


def test_roll_and_yaw_of_a_tilted_head() -> None:
    eyes = ((40.0, 80.0), (60.0, 90.0))  # the picture's right side is lower
    aside = 0.3 * np.array([20.0, 10.0])  # along the eyes, and then below them at right angles
    nose = (50 + aside[0] - 7.0, 85 + aside[1] + 14.0)
    rest = (nose, (38.0, 110.0), (54.0, 118.0))
    found = measure(flat(320, 240), face((30.0, 60.0, 50.0, 70.0), (*eyes, *rest)))
    assert_named(found, "pose", {"roll": degrees(np.arctan2(10, 20)), "yaw": 0.3})


def test_the_other_faces() -> None:
    found = measure(flat(320, 240), face(LARGE, LOOKING_ASIDE), face(SECOND), face(SMALL))
    sizes = np.sqrt([3500, 2400, 500])
    assert_named(
        found,
        "crowd",
        {
            "faces": 3,
            "similar": 2,
            "second_size": sizes[1] / sizes[0],
            "second_gap": hypot(95, 15) / sizes[0],
            "total_area": 6400 / (320 * 240),
            "group_width": 140 / 320,
            "group_height": 80 / 240,
        },
    )


# --- skin ----------------------------------------------------------------------------------


def test_shares_of_skin() -> None:
    """A face, a neck, and an arm at the left."""
    image = flat(320, 320, BLUE)
    for x0, y0, x1, y1 in ((120, 80, 200, 180), (140, 200, 180, 220), (0, 240, 60, 320)):
        image[y0:y1, x0:x1] = SKIN
    found = measure(image, face((120.0, 80.0, 80.0, 100.0)))
    drawn = (80 * 100 + 40 * 20 + 60 * 80) / 320**2
    assert_named(found, "skin", {"frame_share": drawn, "face_share": 1})
    assert found["skin.below_share"] == pytest.approx(40 * 20 / (160 * 110), abs=0.01)
    assert found["skin.ring_share"] == pytest.approx(0.14, abs=0.02)  # of the face's rim


# --- grids around the face and over the frame ----------------------------------------------

# Four face sizes a side, its centre six tenths of a size below the face's: 48 pixels a cell.
NEAR = face((228.0, 104.8, 72.0, 72.0))
WINDOW_X, WINDOW_Y, CELL = 264 - 144, 140.8 + 43.2 - 144, 48


def in_cell(row: int, column: int, margin: int = 8) -> tuple[slice, slice]:
    y, x = round(WINDOW_Y) + row * CELL, WINDOW_X + column * CELL
    return slice(y + margin, y + CELL - margin), slice(x + margin, x + CELL - margin)


@pytest.mark.parametrize("row", GRID)
@pytest.mark.parametrize("column", GRID)
def test_the_cells_around_the_face_lie_where_their_names_say(row: int, column: int) -> None:
    rows, columns = in_cell(row, column)
    opposite = in_cell(row, 5 - column)[1]
    name = f"grid_{row}_{min(column, 5 - column)}"
    image = flat(528, 400, BLUE)
    noise = np.random.default_rng(0).integers(0, 256, image[rows, columns].shape)
    image[rows, columns] = noise
    found = measure(image, NEAR)
    assert strongest(found, "focus_grid.", but="_difference") == f"focus_grid.{name}"
    assert strongest(found, "focus_grid.", only="_difference") == f"focus_grid.{name}_difference"
    image[rows, opposite] = noise[:, ::-1]
    assert measure(image, NEAR)[f"focus_grid.{name}_difference"] == pytest.approx(0, abs=1e-5)

    image = flat(528, 400, BLUE)
    image[105:177, 228:300] = SKIN  # the face itself, so that it is known what skin is
    before = measure(image, NEAR)
    image[rows, columns] = BLUE if before[f"skin.{name}"] > 0.5 else SKIN
    change = {key: abs(value - before[key]) for key, value in measure(image, NEAR).items()}
    assert strongest(change, "skin.grid_", but="_difference") == f"skin.{name}"
    assert strongest(change, "skin.grid_", only="_difference") == f"skin.{name}_difference"


def test_a_cell_that_the_frame_cuts_counts_by_its_part_inside() -> None:
    """The frame ends within the lowest row of cells, and within the outermost at the right."""
    near = face((242.0, 82.0, 60.0, 60.0))  # cells of 40 pixels; from 152 to 392, 28 to 268
    image = flat(360, 236, BLUE)
    image[82:142, 242:302] = SKIN
    image[228:, :] = image[:, 352:] = SKIN
    found = measure(image, near)
    assert_named(
        found,
        "skin",
        {
            "grid_5_1": 8 / 40,
            "grid_5_1_difference": 0,
            "grid_0_0": 8 / 40 / 2,
            "grid_0_0_difference": 8 / 40,
            "grid_5_0": (8 / 40 + (8 / 40) ** 2) / 2,
        },
    )


def strongest(found: dict[str, float], prefix: str, *, but: str = "!", only: str = "") -> str:
    names = (name for name in found if name.startswith(prefix) and name.endswith(only))
    return max((name for name in names if not name.endswith(but)), key=lambda name: found[name])


def grating(height: int, width: int, angle: float) -> BgrImage:
    """Waves whose brightness changes along a direction, clockwise from the right."""
    y, x = np.mgrid[:height, :width]
    phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / 32
    return np.repeat((128 + 100 * np.sin(phase))[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("row", POOLED)
@pytest.mark.parametrize("column", POOLED)
@pytest.mark.parametrize("direction", range(6))
def test_outlines_count_where_they_are_and_how_they_run(
    row: int, column: int, direction: int
) -> None:
    angle = direction * np.pi / 6
    mirrored = -direction % 6
    side, bin_ = min(column, 2 - column), direction
    if column == 2 or (column == 1 and direction > 3):
        bin_ = mirrored
    place = f"{side}_{bin_}"
    near = flat(528, 400, (128, 128, 128))
    y, x = round(WINDOW_Y) + 2 * row * CELL, WINDOW_X + 2 * column * CELL
    near[y : y + 2 * CELL, x : x + 2 * CELL] = grating(2 * CELL, 2 * CELL, angle)
    found = measure(near, NEAR)
    name = f"hog_face.{row}_{place}"
    assert strongest(found, "hog_face.", but="_difference") == name
    if column == 1 and direction == mirrored:
        assert strongest(found, "hog_face.", only="_difference").startswith("hog_face.")
        assert f"{name}_difference" not in found
    else:
        assert strongest(found, "hog_face.", only="_difference") == f"{name}_difference"


# --- light, sharpness and what is behind ---------------------------------------------------


def test_light() -> None:
    image = flat(320, 240)
    image[100:140, 100:120], image[100:140, 120:140] = 150, 120
    found = measure(image, face((100.0, 100.0, 40.0, 40.0)))
    mean = (100 * 320 * 240 + 800 * 50 + 800 * 20) / (320 * 240)
    seen = 32 / 40  # a strip above and below is left out
    rest = (mean * 320 * 240 - 135 * 1600 * seen) / (320 * 240 - 1600 * seen)
    assert_named(
        found,
        "light",
        {
            "frame_mean": mean / 255,
            "frame_spread": image.std() / 255,
            "face_mean": 135 / 255,
            "face_spread": 15 / 255,
            "face_minus_rest": (135 - rest) / 255,
            "face_side_difference": 30 / 255,
            "face_highlights": 0,
            "face_shadows": 0,
            "frame_highlights": 0,
            "frame_shadows": 0,
        },
    )
    image[0:24], image[200:212] = 255, 0
    image[110:114, 100:140], image[120:128, 100:140] = 255, 0
    found = measure(image, face((100.0, 100.0, 40.0, 40.0)))
    assert_named(
        found,
        "light",
        {
            "face_highlights": 4 / 32,
            "face_shadows": 8 / 32,
            "frame_highlights": (24 * 320 + 160) / (320 * 240),
            "frame_shadows": (12 * 320 + 320) / (320 * 240),
        },
    )


def test_sharpness() -> None:
    """Each number rises where, and only where, its part becomes sharp."""
    generator = np.random.default_rng(0)
    near = face((120.0, 80.0, 80.0, 80.0))
    calm = measure(flat(320, 240), near)
    parts = ("focus.face", "scenery.corner_top", "scenery.corner_bottom")
    for name, rows, columns in (
        ("focus.face", slice(88, 152), slice(128, 192)),
        ("scenery.corner_top", slice(0, 60), slice(0, 80)),
        ("scenery.corner_bottom", slice(180, 240), slice(240, 320)),
    ):
        image = flat(320, 240)
        image[rows, columns] = generator.integers(0, 256, image[rows, columns].shape[:2])[..., None]
        found = measure(image, near)
        assert found["focus.frame"] > calm["focus.frame"] + 1
        if name == "focus.face":
            assert found["focus.background_ratio"] < -3
        else:
            assert found["focus.background_ratio"] > 1
        for part in parts:
            assert (found[part] > calm[part] + 2) == (part == name)
    fine = flat(320, 240)
    fine[:, ::2] = 120
    coarse = flat(320, 240)
    coarse[:, (np.arange(320) // 8) % 2 == 0] = 120
    ratios = [measure(image)["scenery.fine_to_coarse"] for image in (fine, flat(320, 240), coarse)]
    assert ratios[0] > 1 > ratios[1] == 0 > ratios[2]


def test_what_is_behind_the_head() -> None:
    near = face((120.0, 120.0, 80.0, 80.0))
    # Seen at half the size: above the shoulders, without head and hair.
    share = (104 * 160 - (104 - 40) * 80) / (120 * 160)
    plain = {
        "share": share,
        "mean": 100 / 255,
        "spread": 0,
        "plain": 1,
        "edges": 0,
        "detail": -1,
        "detail_to_face": 0,
    }
    tones = {
        "coarse_detail": -1,
        "coarse_to_face": 0,
        "saturation": 0,
        "sides_difference": 0,
        "top_plain": 1,
    }
    found = measure(flat(320, 240), near)
    assert_named(found, "backdrop", plain)
    assert_named(found, "scenery", tones)
    coloured = flat(320, 240, (50, 100, 125))
    saturation = measure(coloured, near)["scenery.saturation"]
    assert saturation == pytest.approx(1 - 50 / 125, abs=0.01)
    halves = flat(320, 240)
    halves[:, :164] = 160  # a little more than half, so that it is clear what is usual
    found = measure(halves, near)
    assert found["scenery.sides_difference"] == pytest.approx(60 / 255, abs=0.01)
    assert found["backdrop.mean"] == pytest.approx(130 / 255, abs=0.01)
    assert found["backdrop.spread"] == pytest.approx(30 / 255, abs=0.01)
    assert found["backdrop.plain"] == pytest.approx(0.5, abs=0.05)
    assert found["scenery.top_plain"] < 0.6
    assert 0 < found["backdrop.edges"] < 0.05
    # Only the face is rough, finely or coarsely.
    generator = np.random.default_rng(0)
    fine, coarse = flat(320, 240), flat(320, 240)
    fine[128:192, 128:192] = generator.integers(60, 140, (64, 64, 1))
    coarse[128:192, 128:192] = np.kron(generator.integers(60, 140, (4, 4)), np.ones((16, 16)))[
        ..., None
    ]
    for image in (fine, coarse):
        found = measure(image, near)
        assert_named(found, "backdrop", {"detail": -1, "mean": 100 / 255})
        assert found["backdrop.detail_to_face"] < -1
        assert found["scenery.coarse_to_face"] < -1
    found = {name: measure(image, near) for name, image in (("fine", fine), ("coarse", coarse))}
    assert found["fine"]["backdrop.detail_to_face"] < found["coarse"]["backdrop.detail_to_face"] - 1
    assert found["coarse"]["scenery.coarse_to_face"] < found["fine"]["scenery.coarse_to_face"] - 0.2
    # Only the room is: coarse shapes far from the head, or fine grain.
    for size, stronger, weaker in (
        (1, "backdrop.detail", "scenery.coarse_detail"),
        (20, "scenery.coarse_detail", "backdrop.detail"),
    ):
        image = flat(320, 240)
        cells = generator.integers(60, 140, (60 // size, 320 // size))
        image[: 60 // size * size] = np.kron(cells, np.ones((size, size)))[..., None]
        found_there = measure(image, near)
        assert found_there[stronger] > found_there[weaker] + 0.5


# --- texture and colour --------------------------------------------------------------------


@pytest.fixture(scope="module")
def colourful() -> BgrImage:
    """Small squares of all colours, every other one nearly grey; single pixels in the face."""
    generator = np.random.default_rng(1)

    def colours(height: int, width: int) -> BgrImage:
        vivid = generator.integers(0, 256, (height, width, 3))
        tint = generator.integers(-20, 21, (height, width, 3))
        grey = generator.integers(0, 256, (height, width, 1)) + tint
        chosen = np.where(generator.random((height, width, 1)) < 0.5, vivid, grey)
        return np.clip(chosen, 0, 255).astype(np.uint8)

    image = colours(120, 160).repeat(2, axis=0).repeat(2, axis=1)
    image[INNER] = colours(80, 64)
    return image


INSIDE = face((96.0, 86.0, 80.0, 100.0))
INNER = (slice(96, 176), slice(104, 168))  # a tenth of the box less at each side


def reflected(code: int) -> int:
    """The pattern in the mirror: left neighbours and right ones change places."""
    upper_left, upper, upper_right, at_right, lower_right, lower, lower_left, at_left = (
        code >> bit & 1 for bit in range(8)
    )
    mirrored = upper_right, upper, upper_left, at_left, lower_left, lower, lower_right, at_right
    return sum(one << bit for bit, one in enumerate(mirrored))


def test_patterns_are_counted_by_their_kind() -> None:
    noise = np.random.default_rng(1).normal(128, 60, (240, 320, 1)).repeat(3, axis=2)
    noise[:, :200] = cv2.GaussianBlur(noise[:, :200], (0, 0), 1.2)
    image = np.clip(noise, 0, 255).astype(np.uint8)
    found = measure(image, INSIDE)
    luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    half = cv2.resize(luma, (160, 120), interpolation=cv2.INTER_AREA)
    patterns = [format(code, "08b") for code in range(256)]  # the upper left one comes last
    changes = [sum(text[i] != text[i - 1] for i in range(8)) for text in patterns]
    uniform = [code for code in range(256) if changes[code] <= 2]
    assert len(uniform) == 58
    expected_kinds = [
        {first, reflected(first)} for first in uniform if first <= reflected(first)
    ] + [set(range(256)) - set(uniform)]
    for group, part in (("texture", "frame"), ("scales", "half"), ("texture", "face")):
        codes = local_binary_pattern(half if part == "half" else luma)
        if part == "face":  # the outermost pixels have no code
            codes = codes[95:175, 103:167]
        shares = np.bincount(codes.ravel(), minlength=256) / codes.size
        for index, kinds in enumerate(expected_kinds):
            name = f"{group}.{part}_pattern_{index}"
            assert found[name] == pytest.approx(sum(shares[list(kinds)]), abs=1e-5), name


def test_frequencies_are_those_of_frame_and_face() -> None:
    place = (2 * (np.arange(320) % 8) + 1) * np.pi / 16
    for band in range(1, 15):
        across, down = min(band, 7), max(band - 7, 0)
        wave = 60 * np.outer(np.cos(place[:240] * down), np.cos(place * across))
        image = (128 + wave)[..., None].repeat(3, axis=2).round().astype(np.uint8)
        aligned = image.copy()
        aligned[INNER] = image[: INNER[0].stop - INNER[0].start, : INNER[1].stop - INNER[1].start]
        for part, picture in (("frame", image), ("face", aligned)):
            found = measure(picture, INSIDE)
            name = f"scales.{part}_frequency_"
            leaning = found[f"scales.{part}_leaning"]
            assert strongest(found, name) == f"{name}{band - 1}"
            assert (leaning > 3) == (band == 1)  # upright edges show in the first coefficient
            lying = np.ascontiguousarray(picture.transpose(1, 0, 2))
            x, y, w, h = INSIDE.bbox
            turned = measure(lying, face((y, x, h, w)))
            assert (turned[f"scales.{part}_leaning"] < -3) == (band == 1)
            # The other one, which has no such edges, is another number.
            if part == "face" and band == 1:
                flat_face = image.copy()
                flat_face[INNER] = 128
                found = measure(flat_face, INSIDE)
                assert found["scales.frame_leaning"] > 3
                assert found["scales.face_leaning"] == pytest.approx(0, abs=1e-4)
                assert found["scales.face_frequency_0"] < 0


def test_colours_are_counted_in_their_cells(colourful: BgrImage) -> None:
    found = measure(colourful, INSIDE)
    half = cv2.resize(colourful, (160, 120), interpolation=cv2.INTER_AREA)
    quarter = cv2.resize(half, (80, 60), interpolation=cv2.INTER_AREA)
    planes = opponent(quarter, colourful, 4)
    assert_cells(found, "colour.joint_", planes, (0, -64, -128), (64, 32, 64))
    rows, columns = (slice(part.start // 2, part.stop // 2) for part in INNER)
    planes = [plane[rows, columns] for plane in opponent(half, colourful, 2)]
    middles = [int(np.sort(plane.ravel())[plane.size // 2]) for plane in planes]
    low = [middle - 2 * step for middle, step in zip(middles, (32, 16, 32), strict=True)]
    assert_cells(found, "colour.face_joint_", planes, low, (32, 16, 32))


def opponent(small, image: BgrImage, factor: int):  # type: ignore[no-untyped-def]
    """Luma shrunk by itself, red against green and yellow against blue of the small picture."""
    luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    while factor > 1:
        height, width = luma.shape
        luma = cv2.resize(luma, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        factor //= 2
    blue, green, red = (plane.astype(int) for plane in cv2.split(small))
    return [luma.astype(int), red - green, red + green - 2 * blue]


def assert_cells(found: dict[str, float], prefix: str, planes, low, step) -> None:  # type: ignore[no-untyped-def]
    places = [
        np.clip((plane - start) // wide, 0, 3)
        for plane, start, wide in zip(planes, low, step, strict=True)
    ]
    for cell in np.ndindex(4, 4, 4):
        inside = np.logical_and.reduce([p == c for p, c in zip(places, cell, strict=True)])
        name = prefix + "_".join(map(str, cell))
        assert found[name] == pytest.approx(inside.mean(), abs=1e-4), name


# --- what is said about them ---------------------------------------------------------------


def test_every_feature_is_documented_by_words_of_its_own() -> None:
    documented = {
        f"{group.name}.{part}": text
        for group in GROUPS
        for part, text in group.documentation.items()
    }
    assert tuple(documented) == FEATURE_NAMES
    for name, text in documented.items():
        assert len(text) > 8, name
    for group in GROUPS:
        texts = list(group.documentation.values())
        assert len(set(texts)) == len(texts), group.name
        assert group.title
