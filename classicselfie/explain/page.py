"""An explanation as one HTML file that needs no network."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

from classicselfie.explain.explanation import Explanation
from classicselfie.explain.figure import draw_panels
from classicselfie.explain.words import (
    LABELS,
    camera_lines,
    find_marks,
    signed,
    write_sentences,
)
from classicselfie.observations import OBSERVATIONS
from classicselfie.templates import render

_FEATURES = 20  # single features that are listed


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
    threshold = explanation.threshold
    strongest = sorted(explanation.contributions.items(), key=lambda each: -abs(each[1]))
    return render(
        Path(__file__).with_name("page.html.j2"),
        name=name,
        sentences=write_sentences(explanation),
        marks=find_marks(explanation),
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


def _pictures(explanation: Explanation) -> dict[str, dict[str, str]]:
    """Give the source of each picture, and what it shows for whoever does not see it."""
    marks = "; ".join(mark.meaning for mark in find_marks(explanation))
    height, width = explanation.occlusion.shape
    row, column = divmod(int(abs(explanation.occlusion).argmax()), width)
    where = ("upper", "middle", "lower")[3 * row // height]
    side = ("left", "centre", "right")[3 * column // width]
    alts = {
        "photo": f"The photo; marked on it: {marks or 'nothing'}.",
        "occlusion": f"Map over the photo; what matters most is at the {where} {side}.",
        "hog_face": "Edge directions in six by six cells around the face."
        if explanation.faces
        else "No face was found.",
    }
    return {
        name: {
            "alt": alts[name],
            "src": "data:image/png;base64," + base64.b64encode(png).decode(),
        }
        for name, png in draw_panels(explanation).items()
    }
