"""What several commands share: kinds of arguments, options, exit codes, standard input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from classicselfie.errors import ClassicSelfieError, TargetError

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


_EXIT_CODES = {
    2: "wrong usage, or the weights, an extra or a file are missing",
    4: "something failed: the output could not be written, or an error nobody foresaw",
    130: "interrupted by Ctrl-C",
    141: "whoever read the output went away before its end",
}


def exit_codes(of: str, own: Mapping[int, str]) -> str:
    """Describe the exit codes of a command: its own and those of all."""
    lines = [f"  {code:<3}  {meaning}" for code, meaning in sorted({**_EXIT_CODES, **own}.items())]
    return "\n".join([f"exit codes of {of}:", *lines])


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


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add `--force`."""
    parser.add_argument("--force", action="store_true", help="replace what exists already")


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


def refuse_photo_as_target(photo: str, outputs: Iterable[Path]) -> None:
    """Raise `TargetError` where even --force would write over the photo itself."""
    for output in outputs:
        if photo != "-" and output.exists() and Path(photo).exists() and output.samefile(photo):
            raise TargetError(f"{output} is the photo itself; choose another name")
