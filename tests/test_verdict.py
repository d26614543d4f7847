"""A verdict in words, in one line, in a table and in a notebook: what it says and what it is."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace

import pytest

from classicselfie import Face, Reason, SelfieDetector, Verdict
from classicselfie.benchmark.drawing import draw_person
from classicselfie.names import path_of

LOOK = Reason("look", "the picture's general look speaks for a selfie", 1.4)
SELFIE = Verdict(
    label="selfie",
    confidence="clear",
    probability=0.97,
    threshold=0.93,
    front_camera=True,
    reasons=(
        Reason("face", "the face fills 45 % of the height", 0.2),
        Reason("background", "the background is plain", -0.15),
        Reason("arm", "an arm, hand or shoulder runs into the left edge", 0.1),
        Reason("pose", "the face is turned to the side", -0.05),
        LOOK,
    ),
    faces=(Face((1.0, 2.0, 30.0, 40.0), (), 0.9),),
    size=(480, 640),
    model="mine@1a2b3c4d",
    path="photos/me.jpg",
)
OTHER = replace(SELFIE, label="not_selfie", probability=0.2)
MAYBE = replace(SELFIE, label="not_selfie", confidence="maybe", probability=0.84)
FACELESS = replace(
    OTHER,
    reasons=(Reason("no_face", "no face was found", -0.4), replace(LOOK, contribution=-0.3)),
    faces=(),
)


def test_a_clear_verdict_gives_the_reasons_on_its_side_and_the_general_look_last() -> None:
    assert SELFIE.summary == (
        "Looks like a selfie (97 %), because the face fills 45 % of the height, an arm, hand or "
        "shoulder runs into the left edge, and the picture's general look agrees."
    )
    assert OTHER.summary == (
        "Does not look like a selfie (20 %), because the background is plain and the face is "
        "turned to the side."
    )
    assert str(SELFIE) == SELFIE.summary


def test_a_maybe_tells_both_sides_and_from_where_on_it_would_be_one() -> None:
    assert MAYBE.summary == (
        "May be a selfie (84 %, from 93 % on it is called one). For it: the face fills 45 % of the "
        "height, an arm, hand or shoulder runs into the left edge, and the picture's general look. "
        "Against it: the background is plain and the face is turned to the side."
    )
    nothing = replace(MAYBE, reasons=(LOOK,))
    assert nothing.summary.endswith(
        "For it: the picture's general look. Nothing that is measured speaks against it."
    )
    close = replace(MAYBE, probability=0.9298, threshold=0.93)
    assert "(92.98 %, from 93.00 % on" in close.summary


def test_where_only_statistics_speak_the_picture_is_described_besides() -> None:
    """What is in sight speaks against the label, or for nothing: it is no reason then."""
    face = Reason("face", "the face fills 45 % of the height", 0.1)
    against = replace(LOOK, contribution=-1.0)
    assert replace(OTHER, reasons=(face, against)).summary == (
        "Does not look like a selfie (20 %) by the picture's general look, though the face fills "
        "45 % of the height."
    )
    assert replace(OTHER, probability=0.6, reasons=(face,)).summary == (
        "Does not look like a selfie (60 %, from 93 % on it is called one): what is measured is "
        "not enough for one, though the face fills 45 % of the height."
    )


def test_without_a_face_that_comes_first_and_no_percentage() -> None:
    told = (
        "No face was found, so this is not called a selfie (sunglasses, masks or a cut-off face "
        "can hide one)"
    )
    assert FACELESS.summary == f"{told}."
    camera = Reason("front_camera", "the file says that a back camera took it", -1.0)
    reasons = (FACELESS.reasons[0], camera, FACELESS.reasons[1])
    assert replace(FACELESS, reasons=reasons).summary == f"{told}; {camera.sentence}."


@pytest.mark.parametrize(
    ("probability", "told"), [(0.9996, ">99 %"), (0.0004, "<1 %"), (0.012, "1 %"), (1.0, "100 %")]
)
def test_what_is_nearly_certain_is_not_called_certain(probability: float, told: str) -> None:
    label = "selfie" if probability > 0.5 else "not_selfie"
    assert f"a selfie ({told})" in replace(SELFIE, label=label, probability=probability).summary


def test_there_are_three_piles_and_those_that_cannot_be_judged(detector: SelfieDetector) -> None:
    unread = detector.check("no-such-file.jpg")
    told = [(each.pile, each.is_selfie) for each in (SELFIE, MAYBE, OTHER, unread)]
    assert told == [
        ("selfie", True),
        ("maybe", False),
        ("not_selfie", False),
        ("unknown", None),
    ]
    assert (unread.confidence, unread.threshold) == (None, None)
    assert unread.summary == (
        "Cannot be judged: the file cannot be read: No such file or directory."
    )


def test_a_verdict_is_neither_true_nor_false() -> None:
    for verdict in (SELFIE, OTHER):
        with pytest.raises(TypeError, match=r"use verdict\.is_selfie"):
            bool(verdict)


def test_a_row_is_flat_and_a_notebook_shows_a_table() -> None:
    row = SELFIE.to_row()
    assert row.keys() == {
        *("path", "label", "confidence", "probability", "threshold", "summary", "front_camera"),
        *("faces", "face_height", "width", "height", "stage", "model", "detail"),
    }
    assert (row["faces"], row["face_height"], row["width"]) == (1, 40 / 640, 480)
    assert not any(isinstance(value, (list, dict, tuple)) for value in row.values())
    assert FACELESS.to_row()["face_height"] is None
    page = replace(SELFIE, path="<b>\n.jpg")._repr_html_()
    assert "<b>" not in page
    assert page.count("<tr><td") == len(SELFIE.reasons)
    assert "Looks like a selfie (97 %)" in page
    assert "<table>" not in Verdict.unknown("mine", "it is <empty>")._repr_html_()


def test_a_verdict_survives_a_pickle_and_equals_itself() -> None:
    assert SELFIE.summary  # kept from now on
    again = pickle.loads(pickle.dumps(SELFIE))
    assert again == SELFIE
    assert again.summary == SELFIE.summary


def test_a_line_tells_what_an_object_is(detector: SelfieDetector) -> None:
    assert repr(SELFIE) == "<Verdict 'photos/me.jpg' selfie clear 0.9700 faces=1>"
    unread = detector.check("no\n\x1bsuch.jpg")
    assert repr(unread) == r"<Verdict 'no\n\x1bsuch.jpg' unknown faces=0>"
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
