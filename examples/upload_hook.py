"""A hook for any upload form: it may have something to say, and never stands in the way.

Call it with the bytes of the photo before (or after) they are stored, and show the note to the
person who uploads. Whatever happens in here, the upload goes on.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from classicselfie import SelfieDetector

SECONDS = 2.0  # nobody should wait longer for a hint

_detector = SelfieDetector()  # loaded once; it may serve many threads
_threads = ThreadPoolExecutor(2)


def selfie_note(photo: bytes) -> str | None:
    """Return a friendly note where a photo looks like a selfie, else None; never raise."""
    try:
        verdict = _threads.submit(_detector.check, photo).result(timeout=SECONDS)
    except Exception as error:  # a hint is not worth an upload
        logging.getLogger(__name__).warning("no hint: %s", type(error).__name__)
        return None
    if not verdict.is_selfie:
        return None
    return f"{verdict.summary} If that is what you want to share, just go on."
