"""What a worker process of the service does with a photo.

Nothing of the web framework is imported here: a worker is small, and starts soon again.
"""

from __future__ import annotations

import numpy as np

from classicselfie.detector import SelfieDetector
from classicselfie.wire import pack_verdict
from classicselfie.workers.process import Handler


def prepare(detector: SelfieDetector, max_pixels: int) -> Handler:
    """Make what answers photos with verdicts."""
    # The first check plans the networks: not at a client's cost.
    detector.check(np.zeros((240, 320, 3), np.uint8))
    return lambda request: pack_verdict(detector.check(request.tail, max_pixels=max_pixels))
