"""A verdict in words and in one line: reasons on its side, and what it is made of."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from classicselfie import Face, Reason, SelfieDetector, Verdict
from classicselfie.benchmark.drawing import draw_person
from classicselfie.features import FEATURE_NAMES, GROUPS
from classicselfie.names import path_of
from classicselfie.reasons import TITLES, explain

SELFIE = Verdict(
    label="selfie",
    probability=0.97,
    front_camera=True,
    reasons=(
        Reason("face", "the face is large", 2.0),
        Reason("focus", "the background is blurred", -1.5),
        Reason("skin", "an arm reaches out", 1.0),
        Reason("pose", "the head is upright", -0.5),
    ),
    faces=(Face((1.0, 2.0, 30.0, 40.0), (), 0.9),),
    size=(480, 640),
    model="mine@1a2b3c4d",
    path="photos/me.jpg",
)


def test_a_verdict_names_the_reasons_on_its_side_strongest_first() -> None:
    assert str(SELFIE) == (
        "looks like a selfie (97%), because the face is large; an arm reaches out"
    )
    other = replace(SELFIE, label="not_selfie", probability=0.2)
    assert str(other) == (
        "does not look like a selfie (20%), because the background is blurred; the head is upright"
    )
    nearly = replace(SELFIE, label="not_selfie", probability=0.8)
    assert str(nearly) == (
        "may be a selfie (80%), but not surely enough: the background is blurred; "
        "the head is upright"
    )


@pytest.mark.parametrize(
    ("ratio", "share", "sentence"),
    [
        (0.0, 1.0, "the surroundings are about as sharp as the face"),
        (-1.5, -1.0, "the background is blurred behind a sharp face"),
        # Where share and picture disagree, the sentence claims neither.
        (0.0, -1.0, "sharpness is spread as in pictures taken by somebody else"),
        (-1.5, 1.0, "sharpness is spread as in selfies"),
    ],
)
def test_the_words_for_sharpness_say_what_is_there(
    ratio: float, share: float, sentence: str
) -> None:
    names = ("focus.background_ratio",)
    (reason,) = explain(names, dict.fromkeys(names, ratio), np.array([share]), (), 1.0)
    assert (reason.signal, reason.sentence) == ("focus", sentence)


@pytest.mark.parametrize("degrees", [8.0, 30.0])
def test_a_tilted_head_is_named_without_degrees_that_nobody_measured(degrees: float) -> None:
    (reason,) = explain(("pose.roll",), {"pose.roll": degrees}, np.array([1.0]), (), 1.0)
    assert reason.sentence == "the head is tilted, as in many selfies"
    (reason,) = explain(("pose.roll",), {"pose.roll": 4.0}, np.array([1.0]), (), 1.0)
    assert reason.sentence == "the head is held as in selfies"


def test_every_group_has_a_title_and_words_of_its_own() -> None:
    """Reasons, explorer and explanation call a group the same."""
    values = np.zeros(len(FEATURE_NAMES))
    values[FEATURE_NAMES.index("face.found")] = 1.0
    for supports in (True, False):
        shares = np.full(len(values), 1.0 if supports else -1.0)
        reasons = explain(
            FEATURE_NAMES, dict(zip(FEATURE_NAMES, values, strict=True)), shares, (), 1.0
        )
        assert {reason.signal for reason in reasons} == {group.name for group in GROUPS}
        sentences = [reason.sentence for reason in reasons]
        assert all(sentences)
    for group in GROUPS:
        assert TITLES[group.name] == group.title


def test_without_a_face_its_groups_say_nothing_else() -> None:
    values = np.zeros(len(FEATURE_NAMES))
    reasons = explain(
        FEATURE_NAMES, dict(zip(FEATURE_NAMES, values, strict=True)), -np.ones(len(values)), (), 1.0
    )
    sentences = {reason.signal: reason.sentence for reason in reasons}
    assert sentences.pop("no_face") == "no face was found"
    assert set(sentences) == {group.name for group in GROUPS if not group.needs_face}
    assert sentences["skin"] == "skin is spread as in pictures taken by somebody else"
    assert not any("the face" in sentence for sentence in sentences.values())


def test_a_line_tells_what_an_object_is(detector: SelfieDetector) -> None:
    assert repr(SELFIE) == (
        "<Verdict 'photos/me.jpg' selfie 0.9700 front_camera=True faces=1 stage=pixels "
        "model=mine@1a2b3c4d 'the face is large'>"
    )
    unread = detector.check("no\n\x1bsuch.jpg")
    assert repr(unread) == (
        r"<Verdict 'no\n\x1bsuch.jpg' unknown front_camera=None faces=0 stage=header "
        f"model={detector.model.name} 'the file cannot be read: No such file or directory'>"
    )
    explained = detector.explain(draw_person(), occlusion=False)
    name, share = next(iter(explained.groups.items()))
    line = repr(explained)
    assert line.startswith(f"<Explanation of <Verdict {explained.verdict.label} ")
    assert f"decision_value={explained.decision_value:.3f} " in line
    assert f"{name}={share:+.2f} " in line
    assert repr(detector) == (
        f"<SelfieDetector detector=yunet threshold={detector.threshold:g} "
        f"model={detector.model.name}>"
    )
    for each in (SELFIE, unread, explained, detector):
        assert "\n" not in repr(each)
        assert len(repr(each)) < 400


def test_a_path_that_is_no_text_is_text_in_json(detector: SelfieDetector) -> None:
    path = os.fsdecode(b"/photos/caf\xe9.jpg")
    told = json.loads(json.dumps(replace(SELFIE, path=path).to_dict()))["path"]
    assert told == "file:///photos/caf%E9.jpg"
    assert path_of(told) == path
    assert SELFIE.to_dict()["path"] == "photos/me.jpg"
    assert replace(SELFIE, path=None).to_dict()["path"] is None
