"""What several commands share: their help, kinds of arguments, options, exit codes, stdin."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

from classicselfie.console import detail
from classicselfie.errors import (
    ClassicSelfieError,
    ClosedPipeError,
    NoFaceError,
    OutputError,
    PhotoError,
    TargetError,
    WorkersError,
)

if TYPE_CHECKING:
    from classicselfie.detector import SelfieDetector

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
DOCUMENTS = "docs/"
"""Where the documents are: a folder of the repository as long as they have no address."""
COMMON = "common options"
"""The options of many commands, which a config file may set for all of them at once."""


class Code(IntEnum):
    """How every command ends."""

    DONE = 0
    SELFIE = 1
    USAGE = 2
    UNKNOWN = 3
    FAILED = 4
    INTERRUPTED = 130
    READER_GONE = 141


_MEANINGS: dict[int, str] = {
    Code.DONE: "all is done",
    Code.USAGE: "wrong usage, or the weights, an extra or a file are missing",
    Code.UNKNOWN: "a photo that was named could not be judged",
    Code.FAILED: "something failed: the output could not be written, or an error nobody foresaw",
    Code.INTERRUPTED: "interrupted by Ctrl-C",
    Code.READER_GONE: "whoever read the output went away before its end",
}
_ERRORS: dict[type[ClassicSelfieError], Code] = {
    ClosedPipeError: Code.READER_GONE,
    OutputError: Code.FAILED,
    WorkersError: Code.FAILED,
    NoFaceError: Code.UNKNOWN,
    PhotoError: Code.UNKNOWN,
    ClassicSelfieError: Code.USAGE,
}


def code_of(error: ClassicSelfieError) -> Code:
    """Choose the exit code of an error."""
    return next(code for kind, code in _ERRORS.items() if isinstance(error, kind))


class Help(argparse.HelpFormatter):
    """Wraps paragraphs, and leaves lines that are laid out already as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


def epilog(
    of: str, page: str, examples: Mapping[str, str], codes: Mapping[int, str] | None = None
) -> str:
    """Write the end of a command's help.

    Parameters
    ----------
    of : str
        The command.
    page : str
        The document that tells more, without its ending.
    examples : mapping of str to str
        Commands as people type them, and what each does.
    codes : mapping of int to str, optional
        What exit codes mean for this command, where that is not what they mean for all.
    """
    meanings = sorted({**_MEANINGS, **(codes or {})}.items())
    lines = ["examples:"]
    for command, what in examples.items():
        lines += [f"  # {what}", f"  {command}"]
    lines += ["", f"exit codes of {of}:"]
    lines += [f"  {code:<3}  {meaning}" for code, meaning in meanings]
    return "\n".join([*lines, "", f"More about it: {DOCUMENTS}{page}.md"])


def add_command(
    commands: Commands,
    name: str,
    summary: str,
    description: str,
    *,
    run: Callable[[argparse.Namespace], int],
    examples: Mapping[str, str],
    codes: Mapping[int, str] | None = None,
) -> argparse.ArgumentParser:
    """Add a command with its help and with what every command has; see `epilog`."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog(name, f"commands/{name}", examples, codes),
        formatter_class=Help,
    )
    parser.set_defaults(run=run)
    volume = common(parser).add_mutually_exclusive_group()
    volume.add_argument(
        "-q", "--quiet", action="store_true", help="print nothing but errors and JSON"
    )
    volume.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="tell on stderr what was read, and how long it took",
    )
    add_config(common(parser))
    return parser


def add_config(parser: argparse._ActionsContainer) -> None:
    """Add the choice of the config file."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="options from this file (default: the nearest classicselfie.toml or pyproject.toml)",
    )
    choice.add_argument("--no-config", action="store_true", help="options from no file")


def find_config(arguments: Sequence[str]) -> Path | None:
    """Find the config file that is named, or else the nearest one; None without one."""
    chooser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    add_config(chooser)
    try:
        chosen, _ = chooser.parse_known_args(arguments)
    except argparse.ArgumentError:  # the command's own parser tells
        return None
    if chosen.config or chosen.no_config:
        return cast("Path | None", chosen.config)
    try:
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (path := folder / "classicselfie.toml").is_file():
                return path
            path = folder / "pyproject.toml"
            if path.is_file() and b"[tool.classicselfie" in path.read_bytes():
                return path
    except OSError:  # a folder that is gone, or into which nobody may look
        return None
    return None


def common(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Return the group of a command's common options."""
    groups = (group for group in parser._action_groups if group.title == COMMON)
    return next(groups, None) or parser.add_argument_group(COMMON)


def jobs(text: str) -> int:
    """Read a number of processes."""
    if text.removeprefix("-").isdigit() and int(text) != 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes (-1: one per core)")


def threshold(text: str) -> str | float:
    """Read the name of a threshold or a probability."""
    if text in ("strict", "sensitive"):
        return text
    what = "is neither strict, sensitive nor a number from 0 to 1"
    return _number(text, lambda value: 0.0 <= value <= 1.0, what)


def megapixels(text: str) -> float:
    """Read a picture's size."""
    return _number(
        text, lambda value: 0.3 < value <= 100.0, "is not a number above 0.3 and up to 100"
    )


def seconds(text: str) -> float:
    """Read a time."""
    what = "is not a number of seconds above 0 and up to a day"
    return _number(text, lambda value: 0.0 < value <= 86_400.0, what)


def _number(text: str, fits: Callable[[float], bool], what: str) -> float:
    with suppress(ValueError):
        if fits(value := float(text)):
            return value
    raise argparse.ArgumentTypeError(f"{text!r} {what}")


def count(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def port(text: str) -> int:
    """Read a TCP port."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number")
    return int(text)


# Options that a config file may set for all commands at once.
SHARED: dict[str, dict[str, Any]] = {
    "detector": {
        "choices": ("yunet", "haar"),
        "default": "yunet",
        "help": "what finds the faces (default: %(default)s)",
    },
    "threshold": {
        "type": threshold,
        "default": "strict",
        "metavar": "strict|sensitive|NUMBER",
        "help": "from which probability on a photo is called a selfie (default: %(default)s)",
    },
    "weights": {"type": Path, "metavar": "FILE", "help": "weights (default: the bundled ones)"},
    "jobs": {
        "type": jobs,
        "default": -1,
        "metavar": "N",
        "help": "processes (default: one per core)",
    },
}


def add_shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add some of the options that many commands have."""
    for name in names:
        common(parser).add_argument(f"--{name}", **SHARED[name])


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add `--force`."""
    parser.add_argument("--force", action="store_true", help="replace what exists already")


def make_detector(arguments: argparse.Namespace) -> SelfieDetector:
    """Load what the options say: `--detector`, `--weights` and, where it is one, `--threshold`."""
    from classicselfie.detector import SelfieDetector

    made = SelfieDetector(
        arguments.weights,
        detector=arguments.detector,
        threshold=getattr(arguments, "threshold", "strict"),
    )
    detail(f"weights {made.model.name}, called a selfie from {made.threshold:.1%} on")
    return made


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
