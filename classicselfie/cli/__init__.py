"""The command line: `classicselfie check` and all other commands, a module each."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from classicselfie import __version__
from classicselfie.cli.options import exit_codes
from classicselfie.console import flush, note, say, stand_in_for_closed_streams, write
from classicselfie.errors import ClassicSelfieError, ClosedPipeError, OutputError

WRONG_USAGE, FAILED, INTERRUPTED, READER_GONE = 2, 4, 130, 141
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
        return READER_GONE  # head and less have seen enough: as if SIGPIPE had ended it
    except OutputError as error:
        return _told(FAILED, str(error))
    except ClassicSelfieError as error:
        return _told(WRONG_USAGE, str(error))
    except KeyboardInterrupt as error:
        return _told(INTERRUPTED, str(error) or "interrupted")
    except MemoryError:
        return _told(FAILED, "there is not enough memory")
    except OSError as error:
        _show_traceback()
        gone = "the working folder does not exist any more"
        return _told(FAILED, f"the system says: {error}" if _has_working_folder() else gone)
    except Exception as error:
        _show_traceback()
        return _told(FAILED, f"this should not have happened: {error!r}")


def _run(argv: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal knows every letter
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser(argv[0] if argv else "").parse_args(argv)
    warnings.filterwarnings("ignore", module="PIL")  # damaged metadata; the verdict tells
    # OpenCV 5 warns of its own engine whenever YuNet is loaded; read when cv2 is imported.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    code: int = arguments.run(arguments)
    return code


def _told(code: int, what: str) -> int:
    note(f"classicselfie: {what}")
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

        note(*traceback.format_exc().splitlines())


class _Parser(argparse.ArgumentParser):
    """Prints as the commands do; argparse's own way passes over what cannot be written."""

    def print_help(self, file: object = None) -> None:
        write(self.format_help())

    def error(self, message: str) -> NoReturn:
        note(*self.format_usage().splitlines(), f"{self.prog}: error: {message}")
        sys.exit(WRONG_USAGE)


class _Version(argparse.Action):
    def __call__(self, *_: object) -> NoReturn:
        say(f"classicselfie {__version__}")
        sys.exit(0)


def _parser(command: str) -> argparse.ArgumentParser:
    """Make the parser of one command; of all where there is no such one, for help and errors."""
    parser = _Parser(
        prog="classicselfie",
        description="Tell whether photos look like selfies: offline, with reasons.",
        epilog=exit_codes("every command", {}),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="tell the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    modules = [COMMANDS[command]] if command in COMMANDS else dict.fromkeys(COMMANDS.values())
    for name in modules:
        import_module(f"{__name__}.{name}").add_to(commands)
    return parser
