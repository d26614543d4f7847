"""What the library answers: a label, a probability, and the reasons in plain words."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NoReturn

from classicselfie.faces import Face
from classicselfie.names import printable, text_of
from classicselfie.wording import listed, percent, told_apart

Label = Literal["selfie", "not_selfie", "unknown"]
Confidence = Literal["clear", "maybe"]
Pile = Literal["selfie", "maybe", "not_selfie", "unknown"]
Stage = Literal["header", "thumbnail", "pixels"]

NO_FACE = "no_face"
LOOK = "look"
"""The signal of all that only statistics know."""

_MOST = 3  # things that are named for one side
_SIDES: dict[Label, int] = {"selfie": 1, "not_selfie": -1, "unknown": 0}


@dataclass(frozen=True)
class Reason:
    """One reason for a verdict.

    Attributes
    ----------
    signal : str
        What was seen ("face", "crowd", "place", "pose", "arm", "background", "colours"), what the
        file tells ("front_camera", "focal_length", "mirrored", "orientation",
        "subject_distance"), "no_face", "unreadable", or "look": all that only statistics know.
    sentence : str
        The same for a person.
    contribution : float
        Its signed share of the decision value; above 0 speaks for a selfie. 0 for the reason
        of an "unknown", and for what is only told because nothing that can be seen counted.
    """

    signal: str
    sentence: str
    contribution: float


@dataclass(frozen=True)
class Verdict:
    """The answer for one photo.

    Attributes
    ----------
    label : {"selfie", "not_selfie", "unknown"}
        "selfie" reads "looks like a selfie"; "unknown" where the picture could not be judged.
    confidence : {"clear", "maybe"} or None
        "maybe" where there is a face and the probability lies between the weights' thresholds
        `sensitive` and `strict`; never where the detector was given a number as its threshold.
        None when unknown.
    probability : float or None
        Calibrated, 0 to 1, for a collection in which every second photo is a selfie; None when
        unknown.
    threshold : float or None
        The probability from which this photo would have been called a selfie; None when unknown.
    front_camera : bool or None
        Whether the metadata says that the front camera took it; None where nothing tells.
    reasons : tuple of Reason
        That no face was found; then what can be seen in the picture or read in the file, strongest
        first; the picture's general look last. With the model's bias they add up to the decision
        value.
    faces : tuple of Face
        In pixels of the upright original, largest first.
    size : tuple of int or None
        Width and height of the upright original.
    stage : {"header", "thumbnail", "pixels"}
        What answered: the embedded thumbnail where it is clear enough, else the pixels; the
        header where the file could not be judged.
    timings_ms : dict of str to float
        Milliseconds per stage.
    model : str
        Name and short hash of the weights: the first eight hexadecimal digits of their file's
        SHA-256.
    path : str or None
        Where the photo came from, if that was a path.
    detail : str or None
        What a library said about a file that could not be read, for whoever looks into it.

    Raises
    ------
    TypeError
        If it is used as true or false: see `is_selfie`.
    """

    label: Label
    probability: float | None
    front_camera: bool | None
    reasons: tuple[Reason, ...]
    faces: tuple[Face, ...]
    size: tuple[int, int] | None
    model: str
    stage: Stage = "pixels"
    timings_ms: dict[str, float] = field(default_factory=dict, compare=False)
    path: str | None = None
    detail: str | None = None
    confidence: Confidence | None = None
    threshold: float | None = None

    @classmethod
    def unknown(
        cls,
        model: str,
        sentence: str,
        *,
        detail: str | None = None,
        front_camera: bool | None = None,
        timings_ms: dict[str, float] | None = None,
        path: str | None = None,
    ) -> Verdict:
        """Answer for a photo that could not be judged.

        Parameters
        ----------
        model : str
            As the attribute.
        sentence : str
            Why, for a person.
        detail, front_camera, timings_ms, path
            As the attributes.
        """
        return cls(
            label="unknown",
            probability=None,
            front_camera=front_camera,
            reasons=(Reason("unreadable", sentence, 0.0),),
            faces=(),
            size=None,
            model=model,
            stage="header",
            timings_ms=timings_ms or {},
            path=path,
            detail=detail,
        )

    @property
    def is_selfie(self) -> bool | None:
        """Whether the label is "selfie"; None when unknown."""
        return None if self.label == "unknown" else self.label == "selfie"

    @property
    def pile(self) -> Pile:
        """Where to put the photo: "maybe" where the confidence says so, else the label."""
        return "maybe" if self.confidence == "maybe" else self.label

    def __bool__(self) -> NoReturn:
        """Refuse: "unknown" is neither true nor false, and no verdict at all would be false."""
        raise TypeError(
            "a verdict is neither true nor false: use verdict.is_selfie (None when unknown), "
            "verdict.label or verdict.confidence"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON; see the README for the keys."""
        return self._answer() | {
            "reasons": [
                {
                    "signal": reason.signal,
                    "sentence": reason.sentence,
                    "contribution": round(reason.contribution, 6),
                }
                for reason in self.reasons
            ],
            "faces": [face.to_dict() for face in self.faces],
            "size": list(self.size) if self.size else None,
            "stage": self.stage,
            "timings_ms": {stage: round(ms, 3) for stage, ms in self.timings_ms.items()},
            "model": self.model,
            "detail": self.detail,
        }

    def to_row(self) -> dict[str, str | float | bool | None]:
        """Return one flat row of a table: `pandas.DataFrame(verdict.to_row() for …)`.

        Returns
        -------
        dict
            `path`, `label`, `confidence`, `probability`, `threshold`, `summary`, `front_camera`,
            `faces` (how many), `face_height` (the largest one's share of the picture's, None
            without one), `width`, `height`, `stage`, `model` and `detail`.
        """
        width, height = self.size or (None, None)
        return self._answer() | {
            "faces": len(self.faces),
            "face_height": self.faces[0].bbox[3] / height if self.faces and height else None,
            "width": width,
            "height": height,
            "stage": self.stage,
            "model": self.model,
            "detail": self.detail,
        }

    def _answer(self) -> dict[str, Any]:
        """Return what every form of the verdict begins with."""
        return {
            "path": None if self.path is None else text_of(self.path),
            "label": self.label,
            "confidence": self.confidence,
            "probability": self.probability,
            "threshold": self.threshold,
            "summary": self.summary,
            "front_camera": self.front_camera,
        }

    @property
    def supporting(self) -> tuple[Reason, ...]:
        """The reasons that speak for this label, in their order."""
        return self._on_side(_SIDES[self.label])

    def _on_side(self, side: int) -> tuple[Reason, ...]:
        return tuple(r for r in self.reasons if r.contribution * side > 0 or not side)

    @cached_property
    def summary(self) -> str:
        """The verdict in a sentence or two, the same wherever it is shown.

        What is named speaks for the label; for a "maybe" both sides are named, and from where on
        such a photo is called a selfie.
        """
        if self.label == "unknown" or self.probability is None:
            return f"Cannot be judged: {'; '.join(r.sentence for r in self.reasons)}."
        if not self.faces:
            told = [r.sentence for r in self.supporting if r.signal not in (NO_FACE, LOOK)]
            return (
                "No face was found, so this is not called a selfie (sunglasses, masks or a cut-off "
                f"face can hide one){''.join(f'; {each}' for each in told)}."
            )
        share = percent(self.probability)
        surprises = self.is_selfie != (self.probability >= 0.5)
        if self.threshold is not None and (self.confidence == "maybe" or surprises):
            share, cut = told_apart(self.probability, self.threshold)
            share = f"{share}, from {cut} on it is called one"
        if self.confidence == "maybe":
            return f"May be a selfie ({share}). {self._named(1)} {self._named(-1)}"
        looks = "Looks" if self.label == "selfie" else "Does not look"
        return f"{looks} like a selfie ({share}){self._because()}."

    def _named(self, side: int) -> str:
        """Name what speaks for a side of a photo that may be either."""
        seen, looks_so = self._seen(side)
        which = "For it" if side > 0 else "Against it"
        look = "the picture's general look"
        if looks_so:
            return f"{which}: {listed(seen, f'and {look}') if seen else look}."
        if seen:
            return f"{which}: {listed(seen)}."
        return f"Nothing that is measured speaks {which.lower()}."

    def _seen(self, side: int) -> tuple[list[str], bool]:
        """List what can be seen or read and is on a side, and whether the general look is."""
        reasons = self._on_side(side)
        seen = [reason.sentence for reason in reasons if reason.signal != LOOK]
        return seen[:_MOST], any(reason.signal == LOOK for reason in reasons)

    def _because(self) -> str:
        """Name what speaks for the label; where only statistics do, what is in sight besides."""
        seen, looks_so = self._seen(_SIDES[self.label])
        if seen:
            agrees = "and the picture's general look agrees" if looks_so else ""
            return f", because {listed(seen, agrees)}"
        by = (
            " by the picture's general look"
            if looks_so
            else ": what is measured is not enough for one"
        )
        others = [r.sentence for r in self.reasons if r.signal != LOOK]
        return f"{by}, though {others[0]}" if others else by

    def __repr__(self) -> str:
        """Return a short line; `summary` says why, and `to_dict` has the rest."""
        told = [
            *([] if self.path is None else [repr(self.path)]),
            self.label,
            *([] if self.confidence is None else [self.confidence]),
            *([] if self.probability is None else [f"{self.probability:.4f}"]),
            f"faces={len(self.faces)}",
        ]
        return f"<Verdict {' '.join(told)}>"

    def __str__(self) -> str:
        """Return the `summary`."""
        return self.summary

    def _repr_html_(self) -> str:
        """Show notebooks the summary, and each reason with its share."""
        name = "" if self.path is None else f"<code>{_escaped(self.path)}</code>: "
        rows = "".join(
            f"<tr><td style='text-align:left'>{_escaped(reason.sentence)}</td>"
            f"<td>{reason.contribution:+.2f}</td></tr>"
            for reason in self.reasons
            if self.label != "unknown"
        )
        table = f"<table><thead><tr><th>reason</th><th>share</th></tr></thead>{rows}</table>"
        return f"<div><p>{name}{_escaped(self.summary)}</p>{table if rows else ''}</div>"


def _escaped(text: str) -> str:
    return html.escape(printable(text))
