"""A folder to judged photos, in parallel; what the page needs and little more is kept of each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.detector import SelfieDetector
from classicselfie.errors import NoFaceError, PhotoError, WorkersError
from classicselfie.images import BgrImage, fitted
from classicselfie.metadata import read_date
from classicselfie.photo import SUFFIXES, Photo, open_photo
from classicselfie.quality.score import rate, survey
from classicselfie.workers.messages import Message
from classicselfie.workers.pool import WorkerPool, count_processes
from classicselfie.workers.process import Handler
from classicselfie.workers.worker import CrashError, FailedError

TILE = 160  # longest side of the small pictures: sharp in a grid, about 5 kB each
_TILE_QUALITY = 92  # compressed once more on its sprite sheet


@dataclass(frozen=True, eq=False)
class Seen:
    """What is kept of one judged photo.

    Attributes
    ----------
    decision_value : float
        The order of the continuum.
    features : ndarray of float32, shape (f,)
        Standardised; the place on the map.
    tile : bytes
        A JPEG of longest side `TILE`.
    row : dict
        What the page shows, plain values: `summary`, `pile`, `probability`, `front`,
        `faces`, `face` (the largest face's share of the height), `taken`, `size`, `top` (the
        first reason's signal) and `reasons` (sentence and contribution).
    """

    decision_value: float
    features: npt.NDArray[np.float32]
    tile: bytes
    row: dict[str, Any]


def find_photos(folder: Path, leave_out: Path) -> list[Path]:
    """List the photos in a folder and the folders in it, by name.

    Parameters
    ----------
    folder : Path
    leave_out : Path
        A folder whose pictures do not count: the gallery itself.

    Returns
    -------
    list of Path
        Files with a picture's suffix. Hidden files and folders and linked folders are left out.
    """
    found: list[Path] = []
    unwanted = leave_out.resolve()
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != unwanted
        )
        found += [
            here / name
            for name in sorted(files)
            if not name.startswith(".") and name.lower().endswith(SUFFIXES)
        ]
    return found


def see_photos(
    photos: Sequence[Path], detector: SelfieDetector, n_jobs: int
) -> Iterator[tuple[Path, Seen | str]]:
    """Judge photos in several processes, in order.

    Parameters
    ----------
    photos : sequence of Path
    detector : SelfieDetector
    n_jobs : int
        Processes; -1 for one per core.

    Yields
    ------
    path : Path
    seen : Seen or str
        Why the photo cannot be read, where it cannot.
    """
    jobs = ((path, Message(str(path.absolute()))) for path in photos)
    prepare = partial(_prepare, detector)
    with WorkerPool(prepare, _read_answer, count_processes(n_jobs)) as pool:
        for path, answer in pool.in_order(jobs):
            try:
                yield path, answer.result()
            except CrashError:
                yield path, "the process that read it crashed, twice"
            except FailedError as error:
                raise WorkersError(f"{path} cannot be shown: {error}") from error


def _prepare(detector: SelfieDetector) -> Handler:
    """Make what answers in a worker process: what is seen, or why nothing is."""

    def answer(request: Message) -> Message:
        seen = _see(Path(request.head), detector)
        if isinstance(seen, str):
            return Message(seen)
        head = {"decision_value": seen.decision_value, "tile": len(seen.tile), "row": seen.row}
        return Message(head, seen.tile + seen.features.tobytes())

    return answer


def _read_answer(answer: Message) -> Seen | str:
    if isinstance(answer.head, str):
        return answer.head
    end = int(answer.head["tile"])
    return Seen(
        decision_value=float(answer.head["decision_value"]),
        features=np.frombuffer(answer.tail[end:], np.float32),
        tile=answer.tail[:end],
        row=dict(answer.head["row"]),
    )


def _see(path: Path, detector: SelfieDetector) -> Seen | str:
    try:
        with open_photo(path) as file:
            analysis = detector.analyse(file)
            taken = read_date(file)
    except PhotoError as error:
        return str(error)
    verdict = analysis.verdict
    face = verdict.faces[0] if verdict.faces else None
    return Seen(
        decision_value=analysis.decision_value,
        features=detector.model.standardise(analysis.features).astype(np.float32),
        tile=_tile(analysis.photo.image),
        row={
            "summary": verdict.summary,
            "pile": verdict.pile,
            "probability": round(verdict.probability or 0.0, 4),
            "front": verdict.front_camera,
            "faces": len(verdict.faces),
            "face": round(face.bbox[3] / analysis.photo.size[1], 3) if face else 0.0,
            "taken": taken.isoformat(" ") if taken else None,
            "quality": _quality(analysis.photo) if verdict.faces else None,
            "size": analysis.photo.size,
            "top": ((verdict.faces and verdict.supporting) or verdict.reasons)[0].signal,
            "reasons": [
                (reason.sentence, round(reason.contribution, 3)) for reason in verdict.reasons
            ],
        },
    )


def _quality(photo: Photo) -> float | None:
    try:
        return round(rate(photo, survey(photo)).score, 2)
    except NoFaceError:  # found by another face detector than the score's own
        return None


def _tile(image: BgrImage) -> bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, _TILE_QUALITY]
    return cv2.imencode(".jpg", fitted(image, TILE), quality)[1].tobytes()
