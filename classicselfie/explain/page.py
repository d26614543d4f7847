"""An explanation as one HTML file that needs no network."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from classicselfie.explain.explanation import Explanation
from classicselfie.explain.figure import LABELS, camera_lines, draw_panels, signed
from classicselfie.observations import OBSERVATIONS

_FEATURES = 20  # single features that are listed
_CAPTIONS = {
    "photo": (
        "Faces, landmarks and skin",
        "Yellow is coloured like the skin of the largest face; pink is the part of it that runs "
        "from the body into the frame, as a stretched arm does.",
    ),
    "occlusion": (
        "What mattered where",
        "How much the decision value falls when a part is hidden: blue parts speak for a selfie, "
        "orange ones against it.",
    ),
    "hog_face": (
        "Outlines around the face",
        "Lines run along the edges of each cell, longer where they are stronger; white lies "
        "beyond the frame.",
    ),
}


def write_page(explanation: Explanation, name: str) -> str:
    """Write an explanation as an HTML page.

    Parameters
    ----------
    explanation : Explanation
    name : str
        What the photo is called in the heading.

    Returns
    -------
    str
        The page; its pictures are part of it.
    """
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html.j2")
    threshold = explanation.threshold
    strongest = sorted(explanation.contributions.items(), key=lambda each: -abs(each[1]))
    return template.render(
        name=name,
        verdict=str(explanation.verdict),
        value=explanation.decision_value,
        threshold=threshold if math.isfinite(threshold) else None,
        camera=camera_lines(explanation),
        pictures=_pictures(explanation),
        features=strongest[:_FEATURES],
        count=len(strongest),
        model=explanation.verdict.model,
        signed=signed,
        **_bars(explanation),
    )


def _bars(explanation: Explanation) -> dict[str, Any]:
    """Place the bars of the sum, in percent of the column."""
    told = {reason.signal: reason.sentence for reason in explanation.verdict.reasons}
    sentences = told | {
        part: told[each.name]
        for each in OBSERVATIONS
        if each.name in told
        for part in (*each.groups, *each.signals)
    }
    ends = [0.0]
    for share in explanation.groups.values():
        ends.append(ends[-1] + share)
    low, high = min(ends), max(ends)
    span = max(high - low, 1e-9)

    def bar(start: float, end: float) -> dict[str, float]:
        left = 100 * (min(start, end) - low) / span
        return {"left": round(left, 2), "width": round(100 * abs(end - start) / span, 2)}

    rows = [
        {
            "name": LABELS.get(group, group),
            "share": share,
            "sentence": sentences.get(group.removeprefix("metadata."), ""),
            **bar(start, start + share),
        }
        for (group, share), start in zip(explanation.groups.items(), ends, strict=False)
    ]
    return {"rows": rows, "zero": bar(low, 0.0)["width"], "whole": bar(0.0, ends[-1])}


def _pictures(explanation: Explanation) -> list[dict[str, str]]:
    faces = len(explanation.faces)
    found = {0: "no face was found", 1: "one face is framed"}.get(
        faces, f"{faces} faces are framed"
    )
    arm = "reaches" if explanation.arm.any() else "does not reach"
    height, width = explanation.occlusion.shape
    row, column = divmod(int(abs(explanation.occlusion).argmax()), width)
    where = ("upper", "middle", "lower")[3 * row // height]
    side = ("left", "centre", "right")[3 * column // width]
    alts = {
        "photo": f"The photo: {found}; skin {arm} from the body into the frame.",
        "occlusion": f"Map over the photo; what matters most is at the {where} {side}.",
        "hog_face": "Edge directions in six by six cells around the face."
        if faces
        else "No face was found.",
    }
    return [
        {
            "title": _CAPTIONS[name][0],
            "caption": _CAPTIONS[name][1],
            "alt": alts[name],
            "src": "data:image/png;base64," + base64.b64encode(png).decode(),
        }
        for name, png in draw_panels(explanation).items()
    ]
