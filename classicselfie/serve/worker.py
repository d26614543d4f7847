"""What a worker process of the service does with a photo.

Nothing of the web framework is imported here: a worker is small, and starts soon again.
"""

from __future__ import annotations

import numpy as np

from classicselfie.detector import SelfieDetector
from classicselfie.errors import PhotoError
from classicselfie.photo import open_photo
from classicselfie.verdict import Verdict
from classicselfie.wire import pack_verdict
from classicselfie.workers.process import Handler


def prepare(detector: SelfieDetector, max_pixels: int) -> Handler:
    """Make what answers photos with verdicts."""
    # The first check plans the networks: not at a client's cost.
    detector.check(np.zeros((240, 320, 3), np.uint8))
    return lambda request: pack_verdict(_judge(detector, request.tail, max_pixels))


def _judge(detector: SelfieDetector, photo: bytes, max_pixels: int) -> Verdict:
    try:
        with open_photo(photo) as file:
            width, height = file.size
    except PhotoError as error:
        return Verdict.unknown(detector.model.name, str(error), detail=error.detail)
    if width * height > max_pixels:
        why = f"it has {width} × {height} pixels; this service takes {max_pixels / 1e6:g} million"
        return Verdict.unknown(detector.model.name, why)
    return detector.check(photo)
