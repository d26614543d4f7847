"""A detector that crashes or hangs on marked photos, as a decoder with a fault would."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from classicselfie import SelfieDetector
from classicselfie.photo import PhotoSource
from classicselfie.verdict import Verdict

CRASHES, CRASHES_ONCE, HANGS = b"!crashes", b"!crashes once: ", b"!hangs"


class FaultyDetector(SelfieDetector):
    """What a photo carries behind its end says what happens."""

    def check(self, photo: PhotoSource, *, max_pixels: int | None = None) -> Verdict:
        data = photo
        if not isinstance(photo, bytes):
            data = photo.read()
            photo.seek(0)
        if data.endswith(CRASHES):
            os.kill(os.getpid(), signal.SIGSEGV)
        if data.endswith(HANGS):
            time.sleep(3600)
        if CRASHES_ONCE in data:
            marker = Path(os.fsdecode(data.partition(CRASHES_ONCE)[2]))
            if not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().check(photo, max_pixels=max_pixels)

    def __reduce__(self) -> tuple[object, ...]:
        return FaultyDetector, ()


class ChangingDetector(SelfieDetector):
    """Photos whose content ends in 1 are changed as soon as they are judged."""

    def check(self, photo: PhotoSource) -> Verdict:
        data = photo.read()
        photo.seek(0)
        verdict = super().check(photo)
        if data.endswith(b"1"):
            with Path(photo.name).open("ab") as stream:
                stream.write(b"changed")
        return verdict

    def __reduce__(self) -> tuple[object, ...]:
        return ChangingDetector, ()
