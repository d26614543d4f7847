# PYTHON_ARGCOMPLETE_OK
"""The command line: `classicselfie check` and all other commands, a module each."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from time import perf_counter

from classicselfie import __version__
from classicselfie.cli.options import Code, Help, code_of, epilog, find_config
from classicselfie.console import (
    VOLUME,
    complain,
    detail,
    flush,
    stand_in_for_closed_streams,
    write,
)
from classicselfie.errors import ClassicSelfieError, ClosedPipeError, MissingExtraError

COMMANDS = {
    "check": "check",
    "scan": "scan",
    "explain": "explain",
    "quality": "quality",
    "train-ratings": "quality",
    "crop": "crop",
    "explore": "explore",
    "serve": "serve",
    "train": "laboratory",
    "evaluate": "laboratory",
    "bench": "bench",
    "export": "export",
    "doctor": "doctor",
}
"""Each command and the module that adds it, in the order of the help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        Exit code, see each command. Whatever goes wrong has a code of its own, so that it is
        never taken for an answer; `python -X dev` shows the traceback of what nobody foresaw.
    """
    stand_in_for_closed_streams()
    try:
        try:
            return _run(argv)
        finally:
            flush()
    except ClosedPipeError:
        return Code.READER_GONE  # head and less have seen enough: as if SIGPIPE had ended it
    except ClassicSelfieError as error:
        return _told(code_of(error), str(error))
    except KeyboardInterrupt as error:
        return _told(Code.INTERRUPTED, str(error) or "interrupted")
    except MemoryError:
        return _told(Code.FAILED, "there is not enough memory")
    except ImportError as error:  # above all OpenCV's, which wants libraries of the system's
        _show_traceback()
        return _told(Code.FAILED, f"{error}; classicselfie doctor tells more")
    except OSError as error:
        _show_traceback()
        gone = "the working folder does not exist any more"
        return _told(Code.FAILED, f"the system says: {error}" if _has_working_folder() else gone)
    except Exception as error:
        _show_traceback()
        return _told(Code.FAILED, f"this should not have happened: {error!r}")


def _run(argv: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal knows every letter
    begun = perf_counter()
    argv = list(sys.argv[1:] if argv is None else argv)
    if "_ARGCOMPLETE" in os.environ:
        return _complete()
    if not argv:
        make_parser().print_help()
        return Code.USAGE  # nothing was judged, which must not be taken for an answer
    arguments = _parse(_meant(argv))
    VOLUME.quiet, VOLUME.verbose = arguments.quiet, arguments.verbose
    warnings.filterwarnings("ignore", module="PIL")  # damaged metadata; the verdict tells
    # OpenCV 5 warns of its own engine whenever YuNet is loaded; read when cv2 is imported.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    code: int = arguments.run(arguments)
    detail(f"{perf_counter() - begun:.2f} s in all")
    return code


def _complete() -> int:
    """Answer a shell that completes a line; it never comes back where it can."""
    MissingExtraError.unless_installed("completion")
    import argcomplete

    argcomplete.autocomplete(make_parser())
    return Code.USAGE


def _meant(argv: list[str]) -> list[str]:
    """Put the command before photos and folders that stand alone."""
    first = argv[0]
    if first in COMMANDS or (first.startswith("-") and first != "-"):
        return argv
    paths = list(takewhile(lambda word: word == "-" or not word.startswith("-"), argv))
    if first == "-" or os.path.lexists(first):
        # Path.is_dir raises where it may not look.
        has_folder = any(map(os.path.isdir, paths))
        return ["scan" if has_folder else "check", *argv]
    import difflib

    names = [*COMMANDS]
    with suppress(OSError):
        names += map(str, Path(first).parent.iterdir())
    close = difflib.get_close_matches(first, names, n=2)
    hint = f"did you mean {' or '.join(close)}?" if close else "see classicselfie --help"
    raise ClassicSelfieError(f"there is no such command or file: {first}; {hint}")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line, and what a config file adds to it."""
    command = argv[0]
    parser = make_parser(command)
    path = find_config(argv) if command in COMMANDS and command != "doctor" else None
    if path is None:
        return parser.parse_args(argv)
    from classicselfie.cli.config import Config

    filler = Config(path, COMMANDS).prepare(command, parser.commands.choices[command])
    arguments = parser.parse_args(argv)
    filler.fill(arguments)
    if arguments.verbose:
        complain(f"options from {path}")
    return arguments


def _told(code: int, what: str) -> int:
    complain(f"classicselfie: {what}")
    return code


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _show_traceback() -> None:
    if sys.flags.dev_mode:
        import traceback

        complain(*traceback.format_exc().splitlines())


class Parser(argparse.ArgumentParser):
    """Prints as the commands do; argparse's own way passes over what cannot be written."""

    commands: argparse._SubParsersAction[Parser]

    def _print_message(self, message: str, file: object = None) -> None:
        if file is sys.stderr:
            complain(*message.splitlines())
        else:
            write(message)


_EXAMPLES = {
    "classicselfie photo.jpg": "judge a photo, as classicselfie check does",
    "classicselfie photos/ --to results.csv": "judge a folder, as classicselfie scan does",
    "classicselfie explain photo.jpg": "show why, as a picture and a page",
    "classicselfie doctor": "look whether all is in order here",
}


def make_parser(command: str = "") -> Parser:
    """Make the parser of one command; of all where there is no such one, for help and errors."""
    parser = Parser(
        prog="classicselfie",
        usage="classicselfie COMMAND ... | PHOTO ... | FOLDER ...",
        description="Tell whether photos look like selfies: offline, with reasons.",
        epilog=epilog("every command", "command-line", _EXAMPLES),
        formatter_class=Help,
    )
    version = f"classicselfie {__version__}"
    parser.add_argument("--version", action="version", version=version, help="tell the version")
    parser.commands = parser.add_subparsers(
        required=True, metavar="COMMAND", prog="classicselfie", title="commands"
    )
    modules = [COMMANDS[command]] if command in COMMANDS else dict.fromkeys(COMMANDS.values())
    for name in modules:
        import_module(f"{__name__}.{name}").add_to(parser.commands)
    return parser
