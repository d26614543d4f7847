"""What decoders print about odd files stays out of the user's stderr.

Three libraries print, in three ways, and none can be asked to be silent for one call. Nothing here
touches stderr itself, and what other code of the process prints stays.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import cv2

_quiet: ContextVar[bool] = ContextVar("classicselfie_quiet", default=False)


class _Here:
    """Stands in a warning filter for a pattern, and matches while this context is quiet."""

    # scikit-learn copies filters by their patterns; such a copy matches nothing.
    pattern = r"(?!)"

    def match(self, _: str) -> bool:
        return _quiet.get()


# `warnings.catch_warnings` changes what all threads see, and threads that overlap leave it changed.
# This filter matches in the context that asked for it and nowhere else.
_FILTER: Any = ("ignore", None, Warning, _Here(), 0)


@contextmanager
def no_warnings() -> Iterator[None]:
    """Ignore Python's warnings, in this thread alone."""
    if warnings.filters[:1] != [_FILTER]:  # somebody has put others before it
        warnings.filters.insert(0, _FILTER)  # type: ignore[attr-defined]
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


class _Off:
    """A setting of a whole library that is off while at least one thread is in it."""

    def __init__(self, turn_off: Callable[[], Any], turn_back: Callable[[Any], None]) -> None:
        self._turn_off, self._turn_back = turn_off, turn_back
        self._lock = threading.Lock()
        self._users = 0
        self._before: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._before = self._turn_off()
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._turn_back(self._before)


@lru_cache(maxsize=1)
def _tiff_setters() -> tuple[Any, ...]:
    """Find libtiff's setters behind Pillow; none where it is linked in without their names."""
    import ctypes  # compressed TIFFs alone need it

    try:
        core = find_spec("PIL._imaging")
        library = ctypes.CDLL((core and core.origin) or "")
        setters = library.TIFFSetWarningHandler, library.TIFFSetErrorHandler
    except (AttributeError, OSError):
        return ()
    for setter in setters:
        setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
    return setters


def _set_tiff_handlers(handlers: list[Any]) -> None:
    for setter, handler in zip(_tiff_setters(), handlers, strict=True):
        setter(handler)


def _set_opencv(level: int) -> None:
    cv2.utils.logging.setLogLevel(level)


def _lower_opencv() -> int:
    before: int = cv2.utils.logging.getLogLevel()
    _set_opencv(min(before, cv2.utils.logging.LOG_LEVEL_ERROR))
    return before


no_libtiff = _Off(lambda: [setter(None) for setter in _tiff_setters()], _set_tiff_handlers)
"""Pillow's libtiff prints nothing meanwhile; what it finds wrong is raised by Pillow anyway."""
no_opencv_warnings = _Off(_lower_opencv, _set_opencv)
"""OpenCV prints errors at the most."""
