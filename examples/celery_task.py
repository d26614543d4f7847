"""Checks in the background with Celery: photos by path, verdicts as plain values.

    celery -A celery_task worker

Where many photos wait, the workers' processes do what `check_many` does with its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from celery import Celery

from classicselfie import SelfieDetector

app = Celery("photos", broker="memory://", backend="cache+memory://")  # yours: redis://, amqp://


@lru_cache(maxsize=1)
def detector() -> SelfieDetector:
    """Load the weights in the worker at its first task, not where tasks are only sent."""
    return SelfieDetector()


@app.task(time_limit=60)
def check_photo(path: str) -> dict[str, Any]:
    """Judge the photo at a path that the workers can read; an unreadable one is `unknown`."""
    return detector().check(path).to_dict()
