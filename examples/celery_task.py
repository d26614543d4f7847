"""Checks in the background with Celery: photos by path, verdicts as plain values.

    pip install classicselfie 'celery[redis]'
    CELERY_URL=redis://127.0.0.1:6379/0 celery -A celery_task worker

Without CELERY_URL tasks stay in the memory of one process, which is for a look only. Where many
photos wait, the workers' processes do what `check_many` does with its own.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from celery import Celery

from classicselfie import SelfieDetector

URL = os.environ.get("CELERY_URL")  # redis://…; an amqp:// broker wants another place for results
app = Celery("photos", broker=URL or "memory://", backend=URL or "cache+memory://")


@lru_cache(maxsize=1)
def detector() -> SelfieDetector:
    """Load the weights in the worker at its first task, not where tasks are only sent."""
    return SelfieDetector()


@app.task(time_limit=60)
def check_photo(path: str) -> dict[str, Any]:
    """Judge the photo at a path that the workers can read; an unreadable one is `unknown`."""
    return detector().check(path).to_dict()
