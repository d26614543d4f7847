"""Measures to a score from 0 to 10, each part of it with a sentence of advice.

A measure becomes a *shortfall*: 0 where there is nothing to improve, towards 1 as it gets worse.
The score is a plain sum, 10 less the shortfalls' weights, that bends above 0 instead of falling
below it; `classicselfie train-ratings` finds other weights for the same shortfalls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from classicselfie.errors import ModelError, NoFaceError
from classicselfie.faces import Face, YuNetDetector, face_in_original
from classicselfie.features import Scene
from classicselfie.photo import Photo, PhotoSource, load_photo
from classicselfie.quality.measures import MEASURES, Floats, QualityMaps, find_heads

SCHEMA_VERSION = 1
LOWEST, HIGHEST = 0.0, 10.0
LIKED_HEAD = 1 / 3  # of the frame's height
LIKED_EYES = 0.4  # of the frame's height, from above
_BEND = 3.0  # points: scores fall evenly down to here, ever more slowly below
_ADVISED = 0.2  # points from which a part is worth advice
_TOLD = 0.05  # points from which a part costs anything that is shown
# The surest look at the main head: below this it is rather an animal's, or nobody's.
_FACE_SCORE = 0.8


def shortfalls(measures: Floats) -> Floats:
    """Tell how far each measure is from what is liked.

    Parameters
    ----------
    measures : ndarray of float64, shape (..., len(MEASURES))
        Of `QualityMaps.measure`.

    Returns
    -------
    ndarray of float64, same shape
        0 (nothing to improve) to 1.
    """
    dark, blown, shading, soft, noise, halos, smoothing, *framing = np.moveaxis(measures, -1, 0)
    size, cut, tilt, eyes, clutter, borders = framing
    octaves = np.log2(size / LIKED_HEAD)
    # Within a comfortable range nothing is lost: there the measures tell more of the detector.
    closer, farther = np.maximum(octaves - 0.38, 0.0), np.maximum(-octaves - 0.38, 0.0)
    lower = np.maximum(np.abs(eyes - LIKED_EYES) - 0.11, 0.0)
    fallen = [
        _even((dark - 0.35) / 5.7),
        _early((blown - 0.05) / 0.25),
        _early((shading - 0.75) / 1.5),
        _even((soft - 1.1) / 4.0),
        _even(np.log2(1.0 + np.maximum(noise - 0.004, 0.0) / 0.0055) / 6.9),
        _early((halos - 0.02) / 0.2),
        _early((smoothing - 4.3) / 0.7),
        _even(closer / 1.43 + farther / 3.0),  # closer than liked harms more
        _even((cut - 0.1) / 1.56),
        _even((tilt - 6.3) / 67.0),
        _early((lower / 0.25) ** 2),
        _early(clutter / 0.35),
        _early(borders / 0.25),
    ]
    return np.stack(fallen, axis=-1)


def _even(distance: Floats) -> Floats:
    """Give a shortfall that grows evenly to 0.7 and ever more slowly on to 1."""
    distance = np.maximum(distance, 0.0)
    over = np.maximum(distance - 0.7, 0.0)
    fallen: Floats = np.minimum(distance, 0.7) + 0.3 * (1.0 - np.exp(-over / 0.3))
    return fallen


def _early(distance: Floats) -> Floats:
    """Give a shortfall most of which comes with the first steps."""
    fallen: Floats = 1.0 - np.exp(-np.maximum(distance, 0.0))
    return fallen


@dataclass(frozen=True)
class QualityPart:
    """What one measure adds to the score.

    Attributes
    ----------
    name : str
        One of `MEASURES`.
    points : float
        Its part of the score; with the bundled weights at most 0.
    value : float
        The measure itself, see `QualityMaps.measure`.
    sentence : str
        What is seen, with advice; empty where it costs nothing.
    """

    name: str
    points: float
    value: float
    sentence: str


@dataclass(frozen=True)
class QualityScore:
    """The photographic quality of a photo of people.

    Attributes
    ----------
    score : float
        0 to 10 with the bundled weights, else within the range of the ratings.
    best : float
        What a photo without any shortfall gets; it and the parts' points add up to the score.
    parts : tuple of QualityPart
        Costliest first.
    faces : tuple of Face
        In pixels of the upright original, largest first.
    size : tuple of int
        Width and height of the upright original.
    """

    score: float
    best: float
    parts: tuple[QualityPart, ...]
    faces: tuple[Face, ...]
    size: tuple[int, int]

    @property
    def advice(self) -> tuple[str, ...]:
        """What would gain most, in sentences; empty where little would."""
        return tuple(part.sentence for part in self.parts if part.points <= -_ADVISED)

    def to_dict(self) -> dict[str, Any]:
        """Return the score as plain values for JSON."""
        return {
            "score": round(self.score, 3),
            "best": round(self.best, 3),
            "parts": [
                {
                    "name": part.name,
                    "points": round(part.points, 4),
                    "value": round(part.value, 5),
                    "sentence": part.sentence,
                }
                for part in self.parts
            ],
            "advice": list(self.advice),
            "faces": [face.to_dict() for face in self.faces],
            "size": list(self.size),
        }

    def __str__(self) -> str:
        """Return one readable line with the advice that would gain most."""
        told = [
            f"{part.sentence} ({part.points:+.1f})".replace("-", "−")
            for part in self.parts[:3]
            if part.points <= -_ADVISED
        ]
        return f"{self.score:.1f} points; " + ("; ".join(told) or "little to improve")


@dataclass(frozen=True, eq=False)
class QualityScorer:
    """A linear score of the shortfalls.

    Attributes
    ----------
    name : str
        Name of the weights.
    intercept : float
        The score of a photo without any shortfall.
    coef : ndarray of float64, shape (len(MEASURES),)
        Points per shortfall.
    lowest, highest : float
        The score is kept within these.
    bend : float
        Points above `lowest` from which on it is approached and never reached; 0 cuts off.
    card : mapping
        How the weights were found.
    """

    name: str
    intercept: float
    coef: Floats
    lowest: float = LOWEST
    highest: float = HIGHEST
    bend: float = 0.0
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.coef.shape != (len(MEASURES),):
            raise ModelError(f"{self.name}: needs {len(MEASURES)} weights, not {self.coef.shape}")
        if not np.isfinite(
            [*self.coef, self.intercept, self.lowest, self.highest, self.bend]
        ).all():
            raise ModelError(f"{self.name}: holds numbers that are not finite")
        if not self.lowest < self.highest:
            raise ModelError(f"{self.name}: the lowest score must be below the highest")

    def scores(self, measures: Floats) -> Floats:
        """Score measures, shape (..., len(MEASURES))."""
        sums = self.intercept + (shortfalls(measures) * self.coef).sum(axis=-1)
        # Below the bend ever more slowly, so that what is worse still scores lower.
        bend = max(self.bend, 1e-9)
        below = np.minimum(sums - self.lowest - bend, 0.0) / bend
        bent = np.maximum(sums, self.lowest + bend * np.exp(below))
        kept: Floats = np.minimum(bent, self.highest)
        return kept

    def points(self, measures: Floats) -> Floats:
        """Share a score out, shape (len(MEASURES),) for the measures of one photo.

        Where the score is kept in its range, what that changes is spread over the parts by
        their size, so that they still add up.
        """
        points = self.coef * shortfalls(measures)
        kept = float(self.scores(measures)) - self.intercept - points.sum()
        shared: Floats = points + kept * np.abs(points) / max(np.abs(points).sum(), 1e-12)
        return shared

    def to_json(self) -> str:
        """Write the weights as JSON; `from_json` reads them back exactly."""
        data = {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "features": list(MEASURES),
            "intercept": self.intercept,
            "coef": self.coef.tolist(),
            "lowest": self.lowest,
            "highest": self.highest,
            "bend": self.bend,
            "card": dict(self.card),
        }
        return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = "weights") -> QualityScorer:
        """Read weights.

        Raises
        ------
        ModelError
            If the text is damaged, or of another schema or other features.
        """
        try:
            data = json.loads(text)
            if data["schema_version"] != SCHEMA_VERSION or tuple(data["features"]) != MEASURES:
                raise ModelError(
                    f"{source} was made for another version of the quality features: "
                    "run train-ratings again"
                )
            return cls(
                name=str(data["name"]),
                coef=np.array(data["coef"], np.float64),
                card=dict(data["card"]),
                **{key: float(data[key]) for key in ("intercept", "lowest", "highest", "bend")},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{source} is no valid file of quality weights: {error!r}") from error


def _head_size(share: float) -> str:
    fills = f"the head fills {share:.0%} of the height"
    if share > LIKED_HEAD:
        return f"{fills}: a longer arm or a step back leaves it more room"
    return f"{fills}: come closer, or crop, until it is about a third"


def _tilt(degrees: float) -> str:
    about = max(5, 5 * round(degrees / 5))  # no nearer than the views tell
    return f"the head is tilted by about {about}°: hold the camera level with it"


def _eyes_height(share: float) -> str:
    if share > LIKED_EYES:
        return "the eyes are low in the frame: point the camera a little lower"
    return "the eyes are high in the frame: point the camera a little higher"


# By measure: what a whole shortfall costs in points, and what to say of the measure.
_PARTS: dict[str, tuple[float, str | Callable[[float], str]]] = {
    "dark": (4.3, "the picture is dark: more light from the front, such as a window, helps"),
    "blown": (
        0.4,
        "much of the background is blown out: turn until the bright light is behind the camera",
    ),
    "shading": (0.5, "the light comes from one side: turn towards it, or find a softer one"),
    "softness": (3.6, "the face is not quite sharp: hold the camera still and focus on the face"),
    "noise": (9.0, "the picture is grainy: with more light the camera adds less noise"),
    "halos": (1.2, "edges have bright and dark rims: sharpen the picture less"),
    "smoothing": (
        0.35,
        "the face is smoothed as by a filter: a weaker one, or none, keeps its texture",
    ),
    "head_size": (2.5, _head_size),
    "head_cut": (4.3, "a head touches the edge or leaves the frame: leave some room around it"),
    "tilt": (5.7, _tilt),
    "eyes": (0.4, _eyes_height),
    "clutter": (0.3, "the background is busy: a plainer one leaves more to the face"),
    "borders": (1.0, "bars take up {:.0%} of the picture: share it without them"),
}


def _tell(measure: str, value: float) -> str:
    _, told = _PARTS[measure]
    return told.format(value) if isinstance(told, str) else told(value)


DEFAULT_SCORER = QualityScorer(
    "classicselfie-quality-2",
    HIGHEST,
    np.array([-_PARTS[name][0] for name in MEASURES]),
    bend=_BEND,
)


def load_scorer(path: str | os.PathLike[str]) -> QualityScorer:
    """Load weights that `classicselfie train-ratings` has written.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"the weights {path} cannot be read: {error}") from error
    return QualityScorer.from_json(text, source=path.name)


def score_quality(photo: PhotoSource, scorer: QualityScorer = DEFAULT_SCORER) -> QualityScore:
    """Score the photographic quality of a photo of people.

    Parameters
    ----------
    photo : path, bytes, binary file object, PIL image or ndarray
        As for `SelfieDetector.check`.
    scorer : QualityScorer
        By default the bundled weights.

    Returns
    -------
    QualityScore

    Raises
    ------
    PhotoError
        If the photo cannot be read.
    NoFaceError
        If no face is found in it.

    Examples
    --------
    >>> from classicselfie.quality import score_quality
    >>> scored = score_quality("photo.jpg")
    >>> bool(abs(scored.best + sum(part.points for part in scored.parts) - scored.score) < 1e-9)
    True
    """
    loaded = load_photo(photo)
    return rate(loaded, survey(loaded), scorer)


def rate(photo: Photo, maps: QualityMaps, scorer: QualityScorer = DEFAULT_SCORER) -> QualityScore:
    """Score a decoded photo by its maps; see `score_quality`."""
    (measures,) = maps.measure(maps.frame, border_share(photo))
    points = scorer.points(measures)
    score = float(scorer.scores(measures))
    parts = [
        QualityPart(
            name,
            float(part),
            float(value),
            _tell(name, float(value)) if part <= -_TOLD else "",
        )
        for name, part, value in zip(MEASURES, points, measures, strict=True)
    ]
    return QualityScore(
        score=score,
        best=score - float(points.sum()),
        parts=tuple(sorted(parts, key=lambda part: (part.points, part.name))),
        faces=tuple(face_in_original(face, photo) for face in maps.scene.faces),
        size=photo.size,
    )


def survey(photo: Photo) -> QualityMaps:
    """Find the faces of a photo and prepare its measures.

    Raises
    ------
    NoFaceError
        If there is no face, or only what is hardly one.
    """
    faces = _face_detector().detect(photo.image).faces
    if not faces:
        raise NoFaceError("no face was found")
    scene = Scene(photo.image, faces)
    heads = find_heads(photo.image, scene.similar, view_detector())
    if heads[0].score < _FACE_SCORE:
        raise NoFaceError("no face to rate: hardly one can be made out")
    return QualityMaps(scene, heads)


@lru_cache(maxsize=1)
def _face_detector() -> YuNetDetector:
    return YuNetDetector()


@lru_cache(maxsize=1)
def view_detector() -> YuNetDetector:
    """Return the face detector of views of a head: a face is there, however unsure."""
    return YuNetDetector(score_threshold=0.1)


def border_share(photo: Photo) -> float:
    """Share of a photo's area that uniform bars take up."""
    rows, columns = photo.image.shape[:2]
    content = rows * photo.scale[1] * columns * photo.scale[0]
    return float(max(0.0, 1.0 - content / (photo.size[0] * photo.size[1])))
