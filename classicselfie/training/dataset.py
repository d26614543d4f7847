"""Photos to features, in parallel."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import PIL

from classicselfie.errors import ManifestError, OutputError, PhotoError, WorkersError
from classicselfie.faces import FaceDetector, make_detector
from classicselfie.features import (
    FEATURE_NAMES,
    FEATURE_VERSION,
    Scene,
    Vector,
    extract_features,
)
from classicselfie.images import BgrImage, fitted
from classicselfie.model import EARLY_STAGES
from classicselfie.photo import load_photo
from classicselfie.progress import progress_bar
from classicselfie.training.augment import AUGMENTATION_VERSION, augment
from classicselfie.training.bands import measure_face
from classicselfie.training.manifest import Row
from classicselfie.workers.messages import Message
from classicselfie.workers.pool import WorkerPool, count_processes
from classicselfie.workers.process import Handler
from classicselfie.workers.worker import CrashError, FailedError

AUGMENTATIONS = 1
VERSIONS = 1 + AUGMENTATIONS  # as it is, augmented
_LENGTH = (VERSIONS + len(EARLY_STAGES)) * len(FEATURE_NAMES) + 2  # numbers kept of a photo
_THUMBNAIL_SIDE = 160  # what cameras embed: EXIF 2.3 asks for 160 × 120
_THUMBNAIL_QUALITY = 75

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Dataset:
    """The features of labelled photos.

    Attributes
    ----------
    rows : list of Row
        The n photos that could be read.
    features : ndarray of float32, shape (n, VERSIONS, len(FEATURE_NAMES))
        Version 0 is the photo itself; the others serve training only.
    early : ndarray of float32, shape (n, len(EARLY_STAGES), len(FEATURE_NAMES))
        What the early looks see of the photo, never trained on: the thumbnail that a camera would
        embed, NaN where it would not settle whether there is a face, and the photo by the
        detector's first look alone.
    face_light : ndarray of float32, shape (n, 2)
        Brightness and individual typology angle of the largest face, NaN where not known; see
        `measure_face`. For reports only.
    unreadable : list of (Row, str)
        The photos that could not be read, and why.
    """

    rows: list[Row]
    features: Floats
    early: Floats
    face_light: Floats
    unreadable: list[tuple[Row, str]]


def _prepare(detector_name: str) -> Handler:
    """Make what answers in a worker process: all numbers of a photo, or why there are none."""
    detector = make_detector(detector_name)

    def answer(request: Message) -> Message:
        found = _extract_one(Path(request.head["path"]), request.head["name"], detector)
        return Message(found) if isinstance(found, str) else Message(None, found.tobytes())

    return answer


def _read_answer(answer: Message) -> Floats | str:
    if isinstance(answer.head, str):
        return answer.head
    return np.frombuffer(answer.tail, np.float32).reshape(_LENGTH)


def _extract_one(path: Path, name: str, detector: FaceDetector) -> Floats | str:
    """Features of all versions of one photo and its face's light, or why it cannot be read."""
    try:
        image = load_photo(path).image
    except PhotoError as error:
        return str(error)
    # Seeded by the name, so that neither order nor number of processes changes anything.
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    generator = np.random.default_rng(seed)
    first_look, well = looks(image, detector)
    augmented = [
        load_photo(np.ascontiguousarray(augment(image, generator))).image
        for _ in range(AUGMENTATIONS)
    ]
    versions = [well, *(looks(each, detector)[1] for each in augmented)]
    vectors = [extract_features(scene) for scene in (*versions, first_look)]
    thumbnail = load_photo(_thumbnail(image)).image
    vectors.insert(VERSIONS, thumbnail_features(thumbnail, detector))
    return np.concatenate([*vectors, measure_face(image, first_look.face)], dtype=np.float32)


def looks(image: BgrImage, detector: FaceDetector) -> tuple[Scene, Scene]:
    """Look at a working image once, and where there is a face once more.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        Working image, BGR.
    detector : FaceDetector

    Returns
    -------
    first : Scene
    well : Scene
        As a check sees it that is left in doubt.
    """
    found = detector.detect(image)
    first = Scene(image, found.faces, found.views)
    if not found.faces:
        return first, first
    return first, first.seen_again(detector.look_again(image, found).views)


def thumbnail_features(image: BgrImage, detector: FaceDetector) -> Vector:
    """Look at an embedded thumbnail as a check does.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        The thumbnail at the working size, BGR.
    detector : FaceDetector

    Returns
    -------
    ndarray of float32, shape (len(FEATURE_NAMES),)
        NaN where it does not settle whether there is a face.
    """
    found = detector.detect(image, thorough=False)
    if not found.settled:
        return np.full(len(FEATURE_NAMES), np.nan, np.float32)
    return extract_features(Scene(image, found.faces, found.views))


def _thumbnail(image: BgrImage) -> bytes:
    """Make the JPEG that a camera would embed."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY]
    return cv2.imencode(".jpg", fitted(image, _THUMBNAIL_SIDE), quality)[1].tobytes()


class FeatureCache:
    """Extracted features on disk; what was extracted once survives an interruption.

    Parameters
    ----------
    folder : Path
        Made if need be; holds one SQLite file.
    detector : str
        Features of different detectors lie side by side.

    Notes
    -----
    The key is the photo's content and name (the name seeds the augmentation), the detector, the
    versions of the features and of the augmentation, and those of OpenCV and Pillow, which decode
    and compute.
    """

    def __init__(self, folder: Path, detector: str) -> None:
        self._folder, self._detector = folder, detector
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Every row is committed at once: an interruption loses nothing.
            self._database = sqlite3.connect(folder / "features.sqlite", isolation_level=None)
            self._database.execute("PRAGMA synchronous = OFF")  # it is only a cache
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS photos (key TEXT PRIMARY KEY, numbers BLOB NOT NULL)"
            )
        except (OSError, sqlite3.Error) as error:
            raise ManifestError(f"the cache {folder} cannot be used: {error}") from error

    def __enter__(self) -> FeatureCache:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._database.close()

    def key(self, row: Row) -> str:
        """Key of a photo; raises OSError where it cannot be read."""
        made_with = (
            self._detector,
            FEATURE_VERSION,
            AUGMENTATION_VERSION,
            VERSIONS,
            cv2.__version__,
            PIL.__version__,
        )
        digest = hashlib.sha256("/".join([*map(str, made_with), row.name, ""]).encode())
        digest.update(row.path.read_bytes())
        return digest.hexdigest()

    def get(self, key: str) -> Floats | None:
        """Look up what was extracted of a photo."""
        found = self._database.execute(
            "SELECT numbers FROM photos WHERE key = ?", (key,)
        ).fetchone()
        if found is None or len(found[0]) != 4 * _LENGTH:
            return None
        return np.frombuffer(found[0], np.float32, _LENGTH)

    def put(self, key: str, numbers: Floats) -> None:
        """Keep what was extracted of a photo; raises `OutputError` where there is no room."""
        try:
            self._database.execute(
                "INSERT OR REPLACE INTO photos VALUES (?, ?)", (key, numbers.tobytes())
            )
        except sqlite3.Error as error:
            raise OutputError(f"the cache {self._folder} cannot be written: {error}") from error


def _extract(
    rows: Sequence[Row], detector: str, n_jobs: int, cache: FeatureCache | None
) -> list[Floats | str]:
    """Look up or extract the features of every row, or say why it cannot be read."""
    found: dict[int, Floats | str] = {}
    keys: dict[int, str] = {}
    if cache is not None:
        for place, row in enumerate(rows):
            with suppress(OSError):  # extraction will say why
                keys[place] = cache.key(row)
                numbers = cache.get(keys[place])
                if numbers is not None:
                    found[place] = numbers
    missing = [place for place in range(len(rows)) if place not in found]
    jobs = (
        (place, Message({"path": str(rows[place].path.absolute()), "name": rows[place].name}))
        for place in missing
    )
    with (
        progress_bar(initial=len(found), total=len(rows), unit="photo", desc=detector) as progress,
        WorkerPool(partial(_prepare, detector), _read_answer, count_processes(n_jobs)) as pool,
    ):
        for place, answer in pool.in_order(jobs):
            try:
                found[place] = item = answer.result()
            except CrashError:
                found[place] = item = "the process that read it crashed, twice"
            except FailedError as error:
                raise WorkersError(f"{rows[place].name} cannot be measured: {error}") from error
            if cache is not None and place in keys and not isinstance(item, str):
                cache.put(keys[place], item)
            progress.update()
    return [found[place] for place in range(len(rows))]


def extract_dataset(
    rows: Sequence[Row], detector: str, n_jobs: int = -1, cache: Path | None = None
) -> Dataset:
    """Extract the features of all photos, with a progress bar on a terminal.

    Parameters
    ----------
    rows : sequence of Row
    detector : {"yunet", "haar"}
    n_jobs : int
        Processes; -1 for one per core.
    cache : Path, optional
        Folder of a `FeatureCache`.

    Returns
    -------
    Dataset
        A photo that cannot be read is listed, not fatal.
    """
    with FeatureCache(cache, detector) if cache else nullcontext() as kept:
        found = _extract(rows, detector, n_jobs, kept)
    good = [
        (row, item) for row, item in zip(rows, found, strict=True) if isinstance(item, np.ndarray)
    ]
    numbers = np.array([item for _, item in good], np.float32).reshape(-1, _LENGTH)
    vectors = numbers[:, :-2].reshape(-1, VERSIONS + len(EARLY_STAGES), len(FEATURE_NAMES))
    return Dataset(
        rows=[row for row, _ in good],
        features=vectors[:, :VERSIONS],
        early=vectors[:, VERSIONS:],
        face_light=numbers[:, -2:],
        unreadable=[
            (row, item) for row, item in zip(rows, found, strict=True) if isinstance(item, str)
        ],
    )
