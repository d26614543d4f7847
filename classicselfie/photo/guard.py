"""Whatever a damaged file makes a decoder raise becomes one kind of error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from classicselfie.errors import PhotoError, describe
from classicselfie.quiet import no_libtiff, no_warnings

_T = TypeVar("_T")

HEADER = "the picture's header is damaged or of a kind that is not supported"
PIXELS = "the picture is damaged or cut short: not all of its pixels can be decoded"
_MEMORY = "there is not enough memory to decode the picture"


def guarded(load: Callable[[], _T], sentence: str) -> _T:
    """Call a decoder, which prints nothing.

    Parameters
    ----------
    load : callable
    sentence : str
        What to tell a person where it fails: which part of the file it reads.

    Raises
    ------
    PhotoError
    """
    try:
        with no_warnings(), no_libtiff:
            return load()
    except PhotoError:
        raise
    except MemoryError as error:
        raise PhotoError(_MEMORY, describe(error)) from error
    except Exception as error:
        # Fuzzed files make decoders raise nearly anything (struct.error, IndexError, EOFError,
        # SyntaxError ...); the promise is "unknown", never a traceback.
        raise PhotoError(sentence, describe(error)) from error
