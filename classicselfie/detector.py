"""The pipeline: photo → metadata hints → faces → skin → features → linear model → verdict."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from PIL import Image

from classicselfie.errors import ModelError, PhotoError, WorkersError
from classicselfie.faces import Detection, Face, FaceDetector, face_in_original, make_detector
from classicselfie.features import NamedFeatures, Scene, Vector, extract_features
from classicselfie.images import BgrImage
from classicselfie.metadata import (
    Evidence,
    Hints,
    metadata_evidence,
    read_hints,
    subject_distance,
)
from classicselfie.model import EarlyStage, Floats, load_model
from classicselfie.photo import Photo, PhotoFile, PhotoSource, open_photo
from classicselfie.reasons import explain
from classicselfie.verdict import Stage, Verdict

if TYPE_CHECKING:
    from classicselfie.explain.explanation import Explanation
    from classicselfie.workers.process import Handler

Colour = Literal["bgr", "rgb"]


class SelfieDetector:
    """Tell whether photos look like selfies, with reasons; offline.

    Parameters
    ----------
    weights : path, optional
        Trained weights; by default the bundled ones of the face detector.
    detector : {"yunet", "haar"}
        The face detector, the same that the weights were trained with.
    threshold : {"strict", "sensitive"} or float
        The probability from which a photo is called a selfie: "strict" keeps false alarms
        few, "sensitive" finds more; between the two the confidence is "maybe". With a number
        every verdict is "clear".

    Raises
    ------
    ModelError
        If the weights cannot be used.
    ValueError
        If there is no such detector or threshold.

    Notes
    -----
    One instance may serve many threads at once.

    Examples
    --------
    >>> from classicselfie import SelfieDetector
    >>> detector = SelfieDetector()
    >>> detector.check("no-such-file.jpg").label
    'unknown'
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | None = None,
        *,
        detector: str = "yunet",
        threshold: str | float = "strict",
    ) -> None:
        self.face_detector: FaceDetector = make_detector(detector)
        self.model = load_model(detector if weights is None else weights)
        if self.model.detector != detector:
            raise ModelError(
                f"the weights {self.model.name} were trained with detector="
                f"{self.model.detector!r}, not {detector!r}"
            )
        if threshold in ("strict", "sensitive") and threshold not in self.model.thresholds:
            raise ModelError(f"the weights {self.model.name} have no threshold {threshold!r}")
        self._threshold = self.model.threshold(threshold)
        # Between the published thresholds a photo may be one; a number draws its own line alone.
        cuts = self.model.thresholds.values() if isinstance(threshold, str) else [self._threshold]
        self._maybe = min(cuts), max(cuts)

    @property
    def threshold(self) -> float:
        """From which probability a photo is called a selfie; set when the detector is made."""
        return self._threshold

    def __repr__(self) -> str:
        """Return one line that tells which weights judge, and from where on it is a selfie."""
        return (
            f"<SelfieDetector detector={self.face_detector.name} threshold={self.threshold:g} "
            f"model={self.model.name}>"
        )

    def check(
        self, photo: PhotoSource, *, colour: Colour = "bgr", max_pixels: int | None = None
    ) -> Verdict:
        """Judge one photo.

        Parameters
        ----------
        photo : path, bytes, binary file object, PIL image or ndarray
            An array is uint8 of shape (height, width, 3), or (height, width).
        colour : {"bgr", "rgb"}
            The order of the channels of an array; all else tells its own.
        max_pixels : int, optional
            A larger photo is not decoded, and "unknown"; the formats' own limits hold as well.

        Returns
        -------
        Verdict
            Of label "unknown" with a reason where the picture cannot be read; no picture
            raises.

        Raises
        ------
        TypeError
            If `photo` is no picture source at all.
        ValueError
            If there is no such order of channels.
        """
        timer = _Timer()
        photo = _in_bgr(photo, colour)
        path = os.fspath(photo) if isinstance(photo, (str, os.PathLike)) else None
        hints = Hints()
        try:
            with open_photo(photo) as file:
                timer.lap("open")
                width, height = file.size
                if max_pixels is not None and width * height > max_pixels:
                    limit = f"more than the limit of {max_pixels / 1e6:g} million"
                    raise PhotoError(f"it has {width} × {height} pixels, {limit}")
                hints = read_hints(file)
                timer.lap("metadata")
                small = file.thumbnail() if "thumbnail" in self.model.margins else None
                timer.lap("thumbnail")
                if small is not None:
                    found = self.face_detector.detect(small.image, thorough=False)
                    timer.lap("faces")
                    judged = self._judge(small, found, hints, timer)
                    if found.settled and self._is_clear(judged, "thumbnail"):
                        return self._verdict(judged, hints, timer, path, "thumbnail")
                decoded = file.decode()
                timer.lap("decode")
        except PhotoError as error:
            return Verdict.unknown(
                self.model.name,
                str(error),
                detail=error.detail,
                front_camera=hints.front_camera,
                timings_ms=timer.laps_ms,
                path=path,
            )
        judged = self._judge_pixels(decoded, hints, timer)
        return self._verdict(judged, hints, timer, path, "pixels")

    def analyse(self, file: PhotoFile) -> Analysis:
        """Judge the pixels of an opened photo, and keep what was measured on the way.

        Parameters
        ----------
        file : PhotoFile
            Of `open_photo`.

        Returns
        -------
        Analysis

        Raises
        ------
        PhotoError
            If the picture is damaged or too small to judge.
        """
        timer = _Timer()
        hints = read_hints(file)
        timer.lap("metadata")
        decoded = file.decode()
        timer.lap("decode")
        judged = self._judge_pixels(decoded, hints, timer)
        return Analysis(
            verdict=self._verdict(judged, hints, timer, None, "pixels"),
            decision_value=judged.decision,
            features=judged.features[self.model.columns].astype(np.float64),
            photo=decoded,
        )

    def _judge_pixels(self, photo: Photo, hints: Hints, timer: _Timer) -> _Judged:
        """Judge a photo by one look at its faces, or where that leaves doubts by two."""
        found = self.face_detector.detect(photo.image)
        timer.lap("faces")
        judged = self._judge(photo, found, hints, timer)
        if not judged.faces or self._is_clear(judged, "first_look"):
            return judged
        return self._judge_again(judged, found, hints, timer)

    def _judge_again(
        self, judged: _Judged, found: Detection, hints: Hints, timer: _Timer
    ) -> _Judged:
        views = self.face_detector.look_again(judged.photo.image, found).views
        timer.lap("faces")
        scene = judged.scene.seen_again(views)
        return self._score(judged.photo, scene, hints, timer, judged.features)

    def _judge(self, photo: Photo, found: Detection, hints: Hints, timer: _Timer) -> _Judged:
        scene = Scene(photo.image, found.faces, found.views)
        if not scene.maps_alone:
            _ = scene.skin  # computed here, so that its time is told apart
        timer.lap("skin")
        return self._score(photo, scene, hints, timer)

    def _score(
        self,
        photo: Photo,
        scene: Scene,
        hints: Hints,
        timer: _Timer,
        before: Vector | None = None,
    ) -> _Judged:
        model = self.model
        features = extract_features(scene, before)
        timer.lap("features")
        faces = tuple(face_in_original(face, photo) for face in scene.faces)
        evidence = metadata_evidence(hints, faces[0] if faces else None, photo.size)
        shares, bias = model.contributions(features[None, model.columns])
        # Metadata adds log-odds; in units of the decision value they stay one linear sum.
        log_odds = sum(item.log_odds for item in evidence)
        decision = float(shares[0].sum()) + bias + log_odds / model.calibration[0]
        timer.lap("score")
        return _Judged(photo, scene, features, faces, evidence, shares[0], bias, decision)

    def _is_clear(self, judged: _Judged, stage: EarlyStage) -> bool:
        """Tell whether a closer look would hardly change on which side of any cut the photo is.

        What speaks for a selfie but shows no face is never clear: the pixels may.
        """
        margin = self.model.margins.get(stage)
        if margin is None:
            return False
        decision = judged.decision
        thresholds = {self.threshold, *self.model.thresholds.values()}
        cuts = [self.model.decision(threshold) for threshold in thresholds]
        return all(
            abs(decision - cut) >= margin and (bool(judged.faces) or decision < cut)
            for cut in cuts
            if math.isfinite(cut)
        )

    def _verdict(
        self, judged: _Judged, hints: Hints, timer: _Timer, path: str | None, stage: Stage
    ) -> Verdict:
        model = self.model
        probability = model.probability(judged.decision)
        # Whatever else speaks for it, nobody is warned without a face in sight.
        selfie = bool(judged.faces) and probability >= self.threshold
        maybe = bool(judged.faces) and self._maybe[0] <= probability < self._maybe[1]
        reasons = explain(
            model,
            judged.scene,
            NamedFeatures(judged.features),
            judged.shares,
            judged.evidence,
        )
        timer.lap("reasons")
        return Verdict(
            label="selfie" if selfie else "not_selfie",
            confidence="maybe" if maybe else "clear",
            probability=probability,
            threshold=self.threshold,
            front_camera=hints.front_camera,
            reasons=reasons,
            faces=judged.faces,
            size=judged.photo.size,
            model=model.name,
            stage=stage,
            timings_ms=timer.laps_ms,
            path=path,
        )

    def explain(self, photo: PhotoSource, *, occlusion: bool = True) -> Explanation:
        """Judge one photo from its pixels and tell every share of the decision value.

        Parameters
        ----------
        photo : what `check` takes
        occlusion : bool
            Whether to judge the photo again with each of its parts hidden, some forty times;
            needs the extra "explain" (scikit-image).

        Returns
        -------
        Explanation
            Its `verdict` may differ from that of `check` where an embedded thumbnail answers
            there.

        Raises
        ------
        MissingExtraError
            If `occlusion` is asked for and scikit-image is not installed.
        PhotoError
            If the photo cannot be read.
        TypeError
            If `photo` is no picture source at all.
        """
        from classicselfie.explain.explanation import BIAS, METADATA, Explanation, occlude

        timer = _Timer()
        path = os.fspath(photo) if isinstance(photo, (str, os.PathLike)) else None
        with open_photo(photo) as file:
            hints = read_hints(file)
            decoded = file.decode()
        judged = self._judge_pixels(decoded, hints, timer)
        shares = dict(zip(self.model.feature_names, judged.shares.tolist(), strict=True))
        slope = self.model.calibration[0]
        metadata = {f"{METADATA}.{each.signal}": each.log_odds / slope for each in judged.evidence}
        largest = judged.faces[0] if judged.faces else None

        def decide(image: BgrImage) -> float:
            found = self.face_detector.detect(image)
            return self._judge(replace(decoded, image=image), found, hints, _Timer()).decision

        return Explanation(
            verdict=self._verdict(judged, hints, timer, path, "pixels"),
            decision_value=judged.decision,
            contributions=shares | metadata | {BIAS: judged.bias},
            threshold=self.model.decision(self.threshold),
            hints=hints,
            evidence=judged.evidence,
            distance_m=subject_distance(hints, largest, decoded.size) if largest else None,
            photo=decoded,
            scene=judged.scene,
            occlusion=occlude(decoded.image, [face.bbox for face in judged.scene.faces], decide)
            if occlusion
            else np.zeros(decoded.image.shape[:2]),
        )

    def check_many(
        self, photos: Iterable[PhotoSource], *, n_jobs: int = 1, colour: Colour = "bgr"
    ) -> Iterator[Verdict]:
        """Judge many photos, in order, as they are consumed.

        Parameters
        ----------
        photos : iterable of what `check` takes
            Read lazily; a million paths are fine. Several processes take paths, bytes and
            arrays only.
        n_jobs : int
            Processes; -1 for one per core, which needs the extra "scan" (joblib). They end with
            this one, and run nothing of its main module. A photo at which two of them die is
            "unknown".
        colour : {"bgr", "rgb"}
            Of arrays, as for `check`.

        Yields
        ------
        Verdict

        Raises
        ------
        MissingExtraError
            If `n_jobs` is below 0 and joblib is not installed.
        TypeError
            If `photos` is a single photo, or if `n_jobs` is not 1 and a photo is of a kind that
            processes cannot share.
        ValueError
            If `n_jobs` is 0, or if there is no such order of channels.
        WorkersError
            If the processes do not start.
        """
        _refuse_single(photos)
        _refuse_unknown(colour)
        if n_jobs == 1:
            return (self.check(photo, colour=colour) for photo in photos)
        from classicselfie.workers.pool import count_processes  # one process needs none of it

        turned = (_in_bgr(photo, colour) for photo in photos)
        return self._check_in_workers(turned, count_processes(n_jobs))

    def _check_in_workers(self, photos: Iterable[PhotoSource], count: int) -> Iterator[Verdict]:
        from classicselfie.wire import pack_photo, unpack_verdict
        from classicselfie.workers.pool import WorkerPool
        from classicselfie.workers.worker import CrashError, FailedError

        jobs = ((photo, pack_photo(photo)) for photo in photos)
        with WorkerPool(partial(_prepare, self), unpack_verdict, count) as pool:
            for photo, answer in pool.in_order(jobs):
                path = os.fspath(photo) if isinstance(photo, (str, os.PathLike)) else None
                try:
                    verdict = answer.result()
                except CrashError:
                    sentence = "the process that read it crashed, twice"
                    verdict = Verdict.unknown(self.model.name, sentence)
                except FailedError as error:
                    raise WorkersError(f"a worker process failed: {error}") from error
                yield replace(verdict, path=path)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle everything but the thread-local networks: weights may change on the disk."""
        return self.__dict__ | {"face_detector": self.face_detector.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Undo `__getstate__`."""
        self.__dict__.update(state, face_detector=make_detector(state["face_detector"]))


class Analysis(NamedTuple):
    """A verdict and what it rests on.

    Attributes
    ----------
    verdict : Verdict
        Of the pixels, never of an embedded thumbnail.
    decision_value : float
        What the probability is calibrated from; above 0 leans to a selfie.
    features : ndarray of float64, shape (f,)
        In the order of the model's `feature_names`.
    photo : Photo
        The picture at the working size.
    """

    verdict: Verdict
    decision_value: float
    features: Floats
    photo: Photo


class _Judged(NamedTuple):
    """What one look at a picture gave."""

    photo: Photo
    scene: Scene
    features: Vector
    faces: tuple[Face, ...]
    evidence: tuple[Evidence, ...]
    shares: Floats
    bias: float
    decision: float


def _refuse_single(photos: object) -> None:
    """Refuse a photo where there should be several: a str is iterable too, letter by letter."""
    single = isinstance(photos, (str, os.PathLike, bytes, bytearray, memoryview, Image.Image))
    picture = isinstance(photos, np.ndarray) and photos.dtype == np.uint8 and photos.ndim < 4
    if single or picture or hasattr(photos, "read"):
        raise TypeError(
            f"check_many takes several photos, not one {type(photos).__name__}; "
            "use check(photo), or check_many([photo])"
        )


def _refuse_unknown(colour: str) -> None:
    if colour not in get_args(Colour):
        raise ValueError(f"colour must be 'bgr' or 'rgb', not {colour!r}")


def _in_bgr(photo: PhotoSource, colour: Colour) -> PhotoSource:
    """Turn the channels of an array in RGB around."""
    _refuse_unknown(colour)
    if colour == "rgb" and isinstance(photo, np.ndarray) and photo.ndim == 3:
        return np.ascontiguousarray(photo[..., ::-1])
    return photo


def _prepare(detector: SelfieDetector) -> Handler:
    """Make what answers in a worker process."""
    from classicselfie.wire import pack_verdict, unpack_photo

    return lambda request: pack_verdict(detector.check(unpack_photo(request)))


class _Timer:
    """Milliseconds from lap to lap."""

    def __init__(self) -> None:
        self.laps_ms: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, stage: str) -> None:
        now = perf_counter()
        # A thumbnail that leaves doubts is followed by the pixels: the same stages once more.
        self.laps_ms[stage] = self.laps_ms.get(stage, 0.0) + (now - self._last) * 1e3
        self._last = now


@lru_cache(maxsize=1)
def _default_detector() -> SelfieDetector:
    return SelfieDetector()


def check(photo: PhotoSource, *, colour: Colour = "bgr") -> Verdict:
    """Judge one photo with the bundled weights and the strict threshold.

    See `SelfieDetector.check`.
    """
    return _default_detector().check(photo, colour=colour)
