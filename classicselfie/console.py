"""What commands print: whole lines that steer no terminal, and that either arrive or are missed."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

from classicselfie.errors import ClosedPipeError, OutputError
from classicselfie.names import printable


@dataclass
class Volume:
    """How much a command tells."""

    quiet: bool = False
    verbose: bool = False


VOLUME = Volume()
"""That of this process, as -q and -v set it."""


def say(*lines: str) -> None:
    """Print lines for people on the standard output, at once; nothing with -q.

    Raises
    ------
    ClosedPipeError
        If the reader has gone.
    OutputError
        If they cannot be written.
    """
    if not VOLUME.quiet:
        write("".join(f"{printable(line)}\n" for line in lines))


def say_json(value: Any) -> None:
    """Print a line of JSON, also with -q: somebody has asked for it; raises what `say` does."""
    write(f"{json.dumps(value)}\n")


def write(text: str) -> None:
    """Write text in which nothing comes from outside, as it is; raises what `say` does."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        _give_up(sys.stdout)
        raise ClosedPipeError("the reader of the output has gone") from error
    except OSError as error:
        _give_up(sys.stdout)
        raise OutputError(f"the standard output cannot be written: {error.strerror}") from error


def flush() -> None:
    """Write what others have printed: at Python's own end it would fail unseen; see `say`."""
    write("")
    complain()


def note(*lines: str) -> None:
    """Tell on the standard error how things go; nothing with -q."""
    if not VOLUME.quiet:
        complain(*lines)


def detail(*lines: str) -> None:
    """Tell on the standard error, with -v, what was read and how long things took."""
    if VOLUME.verbose:
        complain(*lines)


def complain(*lines: str) -> None:
    """Print lines on the standard error; where nobody can read them, nothing is lost."""
    try:
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def paint(text: str, colour: int) -> str:
    """Colour text where the output shows that: 31 is red, 32 green, 33 yellow, 36 cyan."""
    return f"\x1b[{colour}m{text}\x1b[0m" if _shows_colours() else text


def _shows_colours() -> bool:
    """Tell it in the order that Python itself keeps."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and sys.stdout.isatty()


def stand_in_for_closed_streams() -> None:
    """Put something in the place of standard streams that were closed before the program began.

    Otherwise the next file that is opened gets their number, and what is printed seems to arrive.
    """
    while (handle := os.open(os.devnull, os.O_RDONLY)) <= 2:
        os.set_inheritable(handle, True)
    if sys.stdout is None:
        sys.stdout = os.fdopen(handle, "w")  # what is printed fails, as it should
    else:
        os.close(handle)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _give_up(stream: TextIO) -> None:
    """Let go of what could not be written: at Python's end it would fail once more."""
    with suppress(OSError, io.UnsupportedOperation), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
