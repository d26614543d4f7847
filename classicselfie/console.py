"""What commands print: whole lines that steer no terminal, and that either arrive or are missed."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from classicselfie.errors import ClosedPipeError, OutputError
from classicselfie.names import printable


def say(*lines: str) -> None:
    """Print lines on the standard output, at once.

    Raises
    ------
    ClosedPipeError
        If the reader has gone.
    OutputError
        If they cannot be written.
    """
    write("".join(f"{printable(line)}\n" for line in lines))


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
    """Write what others have printed: at Python's own end it would fail unseen.

    Raises
    ------
    ClosedPipeError, OutputError
        As `say`.
    """
    write("")
    note()


def note(*lines: str) -> None:
    """Print lines on the standard error; where nobody can read them, nothing is lost."""
    try:
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


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
