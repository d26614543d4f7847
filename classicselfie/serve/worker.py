"""A worker process: it holds the model and judges one photo after the other.

Nothing of the web framework is imported here: a worker is small, and starts soon again.
"""

from __future__ import annotations

import os
import signal
import warnings
from contextlib import suppress
from multiprocessing.connection import Connection

import cv2
import numpy as np

from classicselfie.detector import SelfieDetector
from classicselfie.errors import PhotoError
from classicselfie.photo import open_photo
from classicselfie.verdict import Verdict


def run_worker(connection: Connection, detector: SelfieDetector, max_pixels: int) -> None:
    """Answer photos with verdicts until the other end of the connection is gone."""
    # The service decides when its workers end, and only after the accepted photos; a signal to
    # the whole group (Ctrl-C, systemd) must not end them before.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Decoders tell on stderr what they find in a photo, and that belongs in no log.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)  # the processes already fill the cores
    # The first check plans the networks: not at a client's cost.
    detector.check(np.zeros((240, 320, 3), np.uint8))
    with suppress(EOFError, OSError):
        connection.send(None)  # ready
        while True:
            connection.send(_judge(detector, connection.recv_bytes(), max_pixels))


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
