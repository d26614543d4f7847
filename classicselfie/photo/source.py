"""Where a picture comes from: paths, bytes and streams, read with one kind of error."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from classicselfie.errors import PhotoError, describe

PhotoSource: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | BinaryIO
    | Image.Image
    | npt.NDArray[np.uint8]
)

MAX_BYTES = 512 * 2**20


def open_path(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file; raises PhotoError where it cannot be read or is none."""
    with readable():
        # Opening a pipe would wait for its writer, and a device may never end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            kind = "a directory" if Path(path).is_dir() else "no regular file"
            raise PhotoError(f"the file cannot be read: it is {kind}")
        return open(path, "rb")


@contextmanager
def readable() -> Iterator[None]:
    """Turn what reading raises into `PhotoError`: bad disks, closed files, a NUL in a name."""
    try:
        yield
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None)  # the system's own words are a person's
        sentence = f"the file cannot be read: {said}" if said else "the file cannot be read"
        raise PhotoError(sentence, describe(error)) from error


def read_all(stream: BinaryIO) -> bytes:
    """Read to the end; an unbuffered pipe gives a part at a time."""
    parts: list[bytes] = []
    left = MAX_BYTES + 1
    while left and (part := stream.read(left)):
        if not isinstance(part, bytes):
            raise TypeError("the file object must be opened in binary mode")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
