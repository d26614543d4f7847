"""What is told of a photo can be seen in it, on the side to which a person would count it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from classicselfie import Face, Reason, SelfieDetector
from classicselfie.benchmark.drawing import BgrImage
from classicselfie.features import GROUPS, NamedFeatures, Scene, extract_features
from classicselfie.metadata import Evidence
from classicselfie.model import LinearModel
from classicselfie.observations import OBSERVATIONS, Sight, find_arm
from classicselfie.reasons import GROUP_TITLES, TITLES, explain

WIDTH, HEIGHT = 240, 320
SKIN, SHIRT, WALL = (150, 185, 225), (120, 60, 30), (90, 150, 90)
TELL = {each.name: each.tell for each in OBSERVATIONS}
Box = tuple[float, float, float, float]


def a_face(box: Box, nose: float = 0.0, slope: float = 0.0) -> Face:
    """A face that looks `nose` eye distances aside and whose eyes lie on a slope."""
    x, y, w, h = box
    across, cx, eyes = 0.4 * w, x + w / 2, y + 0.4 * h
    landmarks = (
        (cx - across / 2, eyes - slope * across / 2),
        (cx + across / 2, eyes + slope * across / 2),
        (cx + nose * across, y + 0.6 * h),
        (cx - across / 3, y + 0.8 * h),
        (cx + across / 3, y + 0.8 * h),
    )
    return Face(box, landmarks, 0.9)


def sight(*faces: Face, image: BgrImage | None = None, distance_m: float | None = None) -> Sight:
    if image is None:
        image = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    scene = Scene(image, faces)
    return Sight(scene, NamedFeatures(extract_features(scene)), distance_m)


def painted(*parts: tuple[Box, Sequence[int]]) -> BgrImage:
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:] = WALL
    for (x, y, w, h), colour in parts:
        image[int(y) : int(y + h), int(x) : int(x + w)] = colour
    return image


FACE = a_face((80.0, 100.0, 80.0, 112.0))  # 35 % of the height
NEAR = a_face((60.0, 60.0, 120.0, 160.0))
FAR = a_face((110.0, 40.0, 20.0, 26.0))


@pytest.mark.parametrize(
    ("face", "distance_m", "for_a_selfie", "against"),
    [
        (NEAR, None, "the face fills 50 % of the height", None),
        (NEAR, 0.41, "the face fills 50 % of the height, about 40 cm away", None),
        (FAR, None, None, "the face fills only 8 % of the height"),
        (FAR, 2.64, None, "the face fills only 8 % of the height, about 2.6 m away"),
        (NEAR, 1.5, None, None),  # a tele lens from afar: a person would count it to neither side
    ],
)
def test_the_size_of_the_face_and_how_far_away_it_is(
    face: Face, distance_m: float | None, for_a_selfie: str | None, against: str | None
) -> None:
    seen = sight(face, distance_m=distance_m)
    assert (TELL["face"](seen, True), TELL["face"](seen, False)) == (for_a_selfie, against)


def test_the_other_faces() -> None:
    big, left = a_face((150.0, 120.0, 80.0, 100.0)), a_face((20.0, 60.0, 40.0, 52.0))
    nearest = sight(big, left)
    assert TELL["crowd"](nearest, True) == "the nearest of 2 faces is at the right"
    heads = sight(*(a_face((x, 100.0, 60.0, 80.0)) for x in (20.0, 90.0, 160.0)))
    assert TELL["crowd"](heads, True) == "3 heads are close together at one distance"
    assert TELL["crowd"](heads, False) is None
    apart = sight(*(a_face((x, 100.0, 40.0, 50.0)) for x in (0.0, 190.0)))
    assert TELL["crowd"](apart, False) == "the faces stand apart"
    assert TELL["crowd"](apart, True) is None
    many = sight(*(a_face((x, 40.0, 20.0, 26.0)) for x in (0.0, 60.0, 120.0, 180.0)))
    assert TELL["crowd"](many, False) == "4 faces are in sight, none of them near"
    # A second face that the detector is not sure of is often none, and so is one within another.
    unsure = replace(a_face((90.0, 100.0, 60.0, 80.0)), score=0.6)
    inside = a_face((25.0, 105.0, 55.0, 75.0))
    for second in (unsure, inside):
        assert TELL["crowd"](sight(a_face((20.0, 100.0, 60.0, 80.0)), second), True) is None
    assert TELL["crowd"](sight(NEAR), True) is TELL["crowd"](sight(NEAR), False) is None


@pytest.mark.parametrize(
    ("box", "clause"),
    [
        ((-20.0, 100.0, 100.0, 120.0), "the face is cut by the left edge"),
        ((160.0, 100.0, 100.0, 120.0), "the face is cut by the right edge"),
        ((80.0, 220.0, 100.0, 120.0), "the face is cut by the lower edge"),
        ((80.0, 5.0, 100.0, 120.0), "the head is cut by the upper edge"),
        ((80.0, 170.0, 80.0, 100.0), "the face is low in the frame"),
        ((80.0, 90.0, 80.0, 100.0), None),
    ],
)
def test_the_place_of_the_face(box: Box, clause: str | None) -> None:
    assert TELL["place"](sight(a_face(box)), True) == clause


def test_room_around_a_face_speaks_against_a_selfie_alone() -> None:
    assert TELL["place"](sight(FAR), False) == "there is much room around the face"
    assert TELL["place"](sight(FAR), True) is None
    assert TELL["place"](sight(NEAR), False) is None
    pair = sight(FAR, a_face((140.0, 40.0, 20.0, 26.0)))
    assert TELL["place"](pair, False) == "there is much room around the faces"
    row = sight(*(a_face((x, 40.0, 20.0, 26.0)) for x in (0.0, 60.0, 120.0, 180.0)))
    assert TELL["place"](row, False) is None


def test_the_head_is_described_without_degrees_that_nobody_measured() -> None:
    box = (60.0, 60.0, 120.0, 160.0)
    for slope in (0.15, 0.5):
        assert TELL["pose"](sight(a_face(box, slope=slope)), True) == "the head is tilted"
    lying = sight(a_face(box, slope=5.0))
    assert TELL["pose"](lying, True) == "the face lies sideways in the picture"
    assert TELL["pose"](sight(a_face(box)), True) == "the face is turned straight to the camera"
    aside = sight(a_face(box, nose=0.5))
    assert TELL["pose"](aside, False) == "the face is turned to the side"
    assert TELL["pose"](aside, True) is None
    assert TELL["pose"](sight(Face(box, (), 0.9)), True) is None  # Haar gives no landmarks


def test_an_arm_is_told_with_the_edge_that_it_runs_into() -> None:
    head, body = ((80.0, 100.0, 80.0, 112.0), SKIN), ((70.0, 212.0, 100.0, 108.0), SHIRT)
    arm = ((0.0, 230.0, 70.0, 40.0), SKIN)
    image = painted(head, body, arm)
    assert find_arm(sight(FACE, image=image).scene) == "left"
    clause = "an arm, hand or shoulder runs into the left edge"
    assert TELL["arm"](sight(FACE, image=image), True) == clause
    assert TELL["arm"](sight(FACE, image=image), False) is None
    mirrored = np.ascontiguousarray(image[:, ::-1])
    assert find_arm(sight(FACE, image=mirrored).scene) == "right"
    lower = painted(head, body, ((190.0, 250.0, 36.0, 70.0), SKIN))
    assert find_arm(sight(FACE, image=lower).scene) == "lower"


def test_no_arm_is_told_where_skin_tells_nothing() -> None:
    head, body = ((80.0, 100.0, 80.0, 112.0), SKIN), ((70.0, 212.0, 100.0, 108.0), SHIRT)
    assert find_arm(sight(FACE, image=painted(head, body)).scene) is None
    for wall in (((0.0, 0.0, 40.0, 250.0), SKIN), ((0.0, 0.0, 240.0, 320.0), SKIN)):
        assert find_arm(sight(FACE, image=painted(wall, head, body)).scene) is None
    neck = painted(head, ((100.0, 212.0, 40.0, 108.0), SKIN))
    assert find_arm(sight(FACE, image=neck).scene) is None
    shirt = painted(head, ((100.0, 260.0, 140.0, 60.0), SKIN))  # of that colour
    assert find_arm(sight(FACE, image=shirt).scene) is None
    clothed = sight(FACE, image=painted(head, body))
    assert TELL["arm"](clothed, False) is None
    arm = ((0.0, 230.0, 70.0, 40.0), SKIN)
    grey = painted(head, body, arm)
    grey[:] = grey.mean(axis=2, keepdims=True)
    for supports in (True, False):
        assert TELL["arm"](sight(FACE, image=grey), supports) is None


def test_the_background_and_the_colours() -> None:
    noise = sight(FACE)
    assert TELL["background"](noise, True) == "the background is about as sharp as the face"
    assert TELL["background"](noise, False) is None
    image = painted(((80.0, 100.0, 80.0, 112.0), SKIN))
    plain = sight(FACE, image=image)
    assert TELL["background"](plain, False) == "the background is plain"
    slope = np.linspace(0, 255, WIDTH).astype(np.uint8)
    soft = np.repeat(np.broadcast_to(slope, (HEIGHT, WIDTH))[..., None], 3, axis=2).copy()
    soft[100:212, 80:160] = noise.scene.image[100:212, 80:160]
    told = TELL["background"](sight(FACE, image=soft), False)
    assert told == "the background is plain or blurred behind the face"
    grey = np.repeat(noise.scene.image[..., :1], 3, axis=2)
    assert TELL["colours"](sight(FACE, image=grey), False) == "the picture is black and white"
    assert TELL["colours"](sight(FACE, image=grey), True) is None
    assert TELL["colours"](noise, False) is None


# --- and is told with its exact share ----------------------------------------------------------


def reasons_for(
    model: LinearModel, seen: Sight, evidence: Sequence[Evidence] = (), **groups: float
) -> dict[str, Reason]:
    """Explain a photo in which only the first feature of each named group has a share."""
    shares = np.zeros(len(model.feature_names))
    for group, share in groups.items():
        shares[[name.partition(".")[0] for name in model.feature_names].index(group)] = share
    told = explain(model, seen.scene, seen.values, shares, evidence)
    total = sum(reason.contribution for reason in told)
    metadata = sum(item.log_odds for item in evidence) / model.calibration[0]
    assert total == pytest.approx(sum(groups.values()) + metadata, abs=1e-12)
    assert told[-1].signal == "look"
    return {reason.signal: reason for reason in told}


def test_what_can_be_seen_takes_its_groups_and_the_look_all_the_rest(
    detector: SelfieDetector,
) -> None:
    shares = {"face": 0.2, "focus": 0.15, "backdrop": 0.1, "maps": -0.5}
    told = reasons_for(detector.model, sight(FACE), **shares)
    assert list(told) == ["background", "face", "look"]  # what can be seen, strongest first
    assert told["background"].contribution == pytest.approx(0.25)
    assert told["face"].contribution == pytest.approx(0.2)
    assert told["look"] == Reason(
        "look", "the picture's general look speaks against a selfie", -0.5
    )


def test_what_a_person_would_count_to_the_other_side_is_not_told(detector: SelfieDetector) -> None:
    told = reasons_for(detector.model, sight(NEAR), face=-0.3, pose=0.2)
    assert list(told) == ["pose", "look"]
    assert told["look"].contribution == pytest.approx(-0.3)


def test_what_hardly_counts_is_told_only_where_nothing_else_is_to_be_seen(
    detector: SelfieDetector,
) -> None:
    told = reasons_for(detector.model, sight(NEAR), face=0.001, maps=1.0)
    assert told["face"] == Reason("face", "the face fills 50 % of the height", 0.0)
    assert told["look"].contribution == pytest.approx(1.001)
    assert "face" not in reasons_for(detector.model, sight(NEAR), face=0.001, pose=0.2)


def test_the_distance_belongs_to_the_face_and_its_share_as_well(detector: SelfieDetector) -> None:
    far = Evidence("subject_distance", 0.4, 0.41)
    told = reasons_for(detector.model, sight(NEAR), [far], face=0.1)
    assert list(told) == ["face", "look"]
    assert told["face"].sentence == "the face fills 50 % of the height, about 40 cm away"
    slope = detector.model.calibration[0]
    assert told["face"].contribution == pytest.approx(0.1 + 0.4 / slope)


def test_without_a_face_that_is_told_first(detector: SelfieDetector) -> None:
    empty = sight()
    camera = Evidence("front_camera", -2.0, 0.0)
    told = reasons_for(detector.model, empty, [camera], face=-0.1, crowd=0.3, colour=-0.7)
    assert list(told) == ["no_face", "front_camera", "look"]
    assert told["no_face"].contribution == pytest.approx(0.2)


def test_every_group_is_told_of_once_and_has_a_title() -> None:
    groups = [group for each in OBSERVATIONS for group in each.groups]
    assert len(groups) == len(set(groups))
    assert set(groups) < {group.name for group in GROUPS} == GROUP_TITLES.keys()
    assert {each.name for each in OBSERVATIONS} < TITLES.keys()
