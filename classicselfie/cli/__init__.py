"""The command line: `classicselfie check` and all other commands, a module each."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence

from classicselfie import __version__
from classicselfie.cli import bench, check, crop, explain, explore, laboratory, quality, scan, serve
from classicselfie.errors import ClassicSelfieError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        Exit code, see each command.
    """
    arguments = _parser().parse_args(argv)
    warnings.filterwarnings("ignore", module="PIL")  # damaged metadata; the verdict tells
    # OpenCV 5 warns of its own engine whenever YuNet is loaded; read when cv2 is imported.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may be any bytes
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except ClassicSelfieError as error:
        print(f"classicselfie: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep Python from failing again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classicselfie",
        description="Tell whether photos look like selfies: offline, with reasons.",
    )
    parser.add_argument("--version", action="version", version=f"classicselfie {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (check, scan, explain, quality, crop, explore, serve, laboratory, bench):
        command.add_to(commands)
    return parser
