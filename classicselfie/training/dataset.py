"""Photos to features, in parallel."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.errors import MissingExtraError, PhotoError
from classicselfie.faces import FaceDetector, make_detector
from classicselfie.features import FEATURE_NAMES, Scene, extract_features
from classicselfie.images import BgrImage
from classicselfie.photo import load_photo
from classicselfie.training.augment import augment
from classicselfie.training.manifest import Row

AUGMENTATIONS = 2
VERSIONS = 2 + AUGMENTATIONS  # as it is, mirrored, augmented

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
    unreadable : list of (Row, str)
        The photos that could not be read, and why.
    """

    rows: list[Row]
    features: Floats
    unreadable: list[tuple[Row, str]]


@lru_cache(maxsize=1)
def _detector(name: str) -> FaceDetector:
    cv2.setNumThreads(1)  # the processes already fill the cores
    return make_detector(name)


def _versions(path: Path, name: str, detector_name: str) -> Floats | str:
    """Features of all versions of one photo, or why it cannot be read."""
    detector = _detector(detector_name)
    try:
        image = load_photo(path).image
    except PhotoError as error:
        return str(error)
    # Seeded by the name, so that neither order nor number of processes changes anything.
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    generator = np.random.default_rng(seed)
    images: list[BgrImage] = [image, np.ascontiguousarray(image[:, ::-1])]
    images += [
        load_photo(np.ascontiguousarray(augment(image, generator))).image
        for _ in range(AUGMENTATIONS)
    ]
    return np.array([extract_features(Scene(image, detector.detect(image))) for image in images])


def extract_dataset(rows: Sequence[Row], detector: str, n_jobs: int = -1) -> Dataset:
    """Extract the features of all photos, with a progress bar on a terminal.

    Parameters
    ----------
    rows : sequence of Row
    detector : {"yunet", "haar"}
    n_jobs : int
        Processes; -1 for one per core.

    Returns
    -------
    Dataset
        A photo that cannot be read is listed, not fatal.
    """
    try:
        from joblib import Parallel, delayed
        from tqdm import tqdm
    except ImportError as error:
        raise MissingExtraError("joblib or tqdm", "train") from error
    parallel = Parallel(n_jobs=n_jobs, return_as="generator", batch_size=16)
    results = parallel(delayed(_versions)(row.path, row.name, detector) for row in rows)
    progress = tqdm(results, total=len(rows), unit="photo", desc=detector, disable=None)
    found = list(progress)
    good = [(row, item) for row, item in zip(rows, found, strict=True) if not isinstance(item, str)]
    return Dataset(
        rows=[row for row, _ in good],
        features=np.array([item for _, item in good], np.float32).reshape(
            -1, VERSIONS, len(FEATURE_NAMES)
        ),
        unreadable=[
            (row, item) for row, item in zip(rows, found, strict=True) if isinstance(item, str)
        ],
    )
