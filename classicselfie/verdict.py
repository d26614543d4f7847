"""What the library answers: a label, a probability, and the reasons in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from classicselfie.faces import Face
from classicselfie.names import text_of

Label = Literal["selfie", "not_selfie", "unknown"]
Stage = Literal["header", "thumbnail", "pixels"]


@dataclass(frozen=True)
class Reason:
    """One reason for a verdict.

    Attributes
    ----------
    signal : str
        What was looked at: a feature group ("face", "skin", ...), a metadata signal
        ("front_camera", "focal_length", "mirrored", "orientation", "subject_distance"),
        "no_face" or "unreadable".
    sentence : str
        The same for a person.
    contribution : float
        Its signed share of the decision value; above 0 speaks for a selfie. 0 for the reason
        of an "unknown".
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
    probability : float or None
        Calibrated, 0 to 1, for a collection in which every second photo is a selfie; None when
        unknown.
    front_camera : bool or None
        Whether the metadata says that the front camera took it; None where nothing tells.
    reasons : tuple of Reason
        Strongest first.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON; see the README for the keys."""
        return {
            "path": None if self.path is None else text_of(self.path),
            "label": self.label,
            "probability": self.probability,
            "front_camera": self.front_camera,
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

    @property
    def supporting(self) -> tuple[Reason, ...]:
        """The reasons that speak for this label, strongest first."""
        side = {"selfie": 1, "not_selfie": -1, "unknown": 0}[self.label]
        return tuple(r for r in self.reasons if r.contribution * side > 0 or not side)

    def __repr__(self) -> str:
        """Return one line with what decides; `to_dict` has the rest."""
        told = [
            *([] if self.path is None else [repr(self.path)]),
            self.label,
            *([] if self.probability is None else [f"{self.probability:.4f}"]),
            f"front_camera={self.front_camera}",
            f"faces={len(self.faces)}",
            f"stage={self.stage}",
            f"model={self.model}",
            *(repr(reason.sentence) for reason in self.supporting[:1]),
        ]
        return f"<Verdict {' '.join(told)}>"

    def __str__(self) -> str:
        """Return one readable line with the strongest reasons for this label."""
        because = "; ".join(reason.sentence for reason in self.supporting[:3])
        if self.probability is None:
            return f"cannot be judged: {because}"
        share = f"({self.probability:.0%})"
        if self.label == "selfie":
            return f"looks like a selfie {share}, because {because}"
        if (
            self.probability >= 0.5 and self.faces
        ):  # more likely than not, but short of the threshold
            return f"may be a selfie {share}, but not surely enough: {because}"
        return f"does not look like a selfie {share}, because {because}"
