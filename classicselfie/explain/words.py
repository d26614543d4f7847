"""An explanation in words: what the photo shows, what is marked on it, and what the file tells."""

from __future__ import annotations

from typing import NamedTuple

from classicselfie.explain.explanation import BIAS, METADATA, Explanation
from classicselfie.observations import find_arm, find_cut
from classicselfie.reasons import GROUP_TITLES, METADATA_TITLES
from classicselfie.verdict import LOOK, NO_FACE
from classicselfie.wording import listed

LABELS = (
    {BIAS: "start (bias)"}
    | GROUP_TITLES
    | {f"{METADATA}.{name}": f"metadata: {title}" for name, title in METADATA_TITLES.items()}
)
"""What each bar of the sum is called."""

# Okabe and Ito's colours, told apart by everybody; blue and orange are kept for the sum.
FACE, SKIN, ARM, CUT = "#56b4e9", "#f0e442", "#cc79a7", "#009e73"


class Mark(NamedTuple):
    """A colour that is drawn on the photo, and what it stands for."""

    colour: str
    name: str
    meaning: str


def find_marks(explanation: Explanation) -> list[Mark]:
    """Tell what is marked on the photo; nothing that is not there."""
    scene = explanation.scene
    if not scene.faces:
        skin = "coloured like skin, as walls and wood may be; no face was found"
        return [Mark(SKIN, "yellow", skin)] if explanation.skin.any() else []
    others = len(scene.faces) - 1
    face = f"the nearest of {others + 1} faces, thinner the others" if others else "the face"
    marks = [Mark(FACE, "light blue", face)]
    if explanation.skin.any():
        marks.append(Mark(SKIN, "yellow", "coloured like its skin"))
    arm, cut = find_arm(scene), find_cut(scene)
    if arm is not None:
        told = f"an arm, hand or shoulder that runs into the {arm} edge"
        marks.append(Mark(ARM, "pink", told))
    if cut is not None:
        marks.append(Mark(CUT, "green", f"the {cut[1]} edge, which cuts the {cut[0]}"))
    return marks


def write_sentences(explanation: Explanation) -> list[str]:
    """Tell the verdict, what speaks for the other side, and which camera took the photo.

    Returns
    -------
    list of str
        At most three; what the first one says is not said again.
    """
    verdict = explanation.verdict
    told = [verdict.summary]
    if verdict.confidence != "maybe" and verdict.faces:
        supports = verdict.label == "selfie"
        others = [each for each in verdict.reasons if each.contribution * (1 - 2 * supports) > 0]
        seen = [each.sentence for each in others if each.signal not in (LOOK, NO_FACE)]
        more = [sentence for sentence in seen if sentence not in verdict.summary]
        side = "against one" if supports else "for one"
        if more:
            told.append(f"What speaks {side}: {listed(more)}.")
        elif not others:
            told.append(f"Nothing that can be named speaks {side}.")
        elif not seen:
            told.append(f"Only the picture's general look speaks {side}.")
    if all(each.signal != "front_camera" for each in verdict.reasons):
        told.append(camera_sentence(explanation))
    return told


def camera_sentence(explanation: Explanation) -> str:
    """Tell which camera took the photo, as far as the file does."""
    return {
        None: "The file does not say which camera took it.",
        True: "The file says that the front camera took it.",
        False: "The file says that a back camera took it.",
    }[explanation.hints.front_camera]


def camera_lines(explanation: Explanation) -> list[str]:
    """Tell what the metadata says, and what of it counted."""
    hints = explanation.hints
    lines = [camera_sentence(explanation)]
    if hints.focal_length_mm is not None:
        equivalent = (
            f" (like {hints.focal_length_35mm:.0f} mm on full frame)"
            if hints.focal_length_35mm is not None
            else ""
        )
        lines.append(f"Focal length {hints.focal_length_mm:.1f} mm{equivalent}.")
    if explanation.distance_m is not None:
        lines.append(f"The largest face was about {explanation.distance_m:.1f} m away.")
    if not explanation.evidence:
        lines.append("No metadata counted: the verdict is from the pixels alone.")
    return lines


def signed(value: float) -> str:
    """Write a share with its sign."""
    return f"{value:+.2f}".replace("-", "−")
