"""What several commands share: kinds of arguments, options, standard input, new files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from classicselfie.errors import ClassicSelfieError

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


def add_detector(parser: argparse.ArgumentParser) -> None:
    """Add `--detector`."""
    parser.add_argument(
        "--detector", choices=("yunet", "haar"), default="yunet", help="default: %(default)s"
    )


def add_threshold(parser: argparse.ArgumentParser) -> None:
    """Add `--threshold`."""
    parser.add_argument(
        "--threshold",
        type=threshold,
        default="strict",
        metavar="strict|sensitive|NUMBER",
        help="from which probability a photo is called a selfie (default: %(default)s)",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add `--weights`."""
    parser.add_argument("--weights", type=Path, help="weights file (default: the bundled ones)")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add `--jobs`."""
    parser.add_argument("--jobs", type=jobs, default=-1, help="processes (default: one per core)")


def jobs(text: str) -> int:
    """Read a number of processes."""
    if text.removeprefix("-").isdigit() and int(text) != 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of processes (-1: one per core)")


def threshold(text: str) -> str | float:
    """Read the name of a threshold or a probability."""
    if text in ("strict", "sensitive"):
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither strict, sensitive nor a number from 0 to 1"
        )
    return value


def megapixels(text: str) -> float:
    """Read a picture's size."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.3 < value <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0.3 and up to 100")
    return value


def count(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def port(text: str) -> int:
    """Read a TCP port."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def seconds(text: str) -> float:
    """Read a time."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 86_400.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0, up to a day")
    return value


def stdin() -> BinaryIO:
    """Return the standard input's bytes; raises `ClassicSelfieError` where there is none."""
    if sys.stdin is None:
        raise ClassicSelfieError("there is no standard input to read from")
    return sys.stdin.buffer


def refuse_existing(path: Path) -> None:
    """Raise `ClassicSelfieError` where a file would be overwritten."""
    try:
        exists = path.exists()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise ClassicSelfieError(f"{path} cannot be written: {error.strerror}") from error
    if exists:
        raise ClassicSelfieError(f"{path} exists already; choose another name")


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet: it may be somebody's photo."""
    try:
        with path.open("xb") as stream:
            stream.write(data)
    except OSError as error:
        raise ClassicSelfieError(f"{path} cannot be written: {error.strerror}") from error
