"""Whatever a damaged file makes a decoder raise becomes one kind of error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from classicselfie.errors import PhotoError

_T = TypeVar("_T")


def guarded(load: Callable[[], _T]) -> _T:
    """Turn whatever a damaged file makes a decoder raise into one kind of error."""
    try:
        return load()
    except PhotoError:
        raise
    except Exception as error:
        # Fuzzed files make decoders raise nearly anything (struct.error, IndexError, EOFError,
        # SyntaxError, MemoryError ...); the promise is "unknown", never a traceback.
        detail = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"the picture is damaged or not supported: {detail[:160]}") from error
