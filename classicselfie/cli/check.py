"""`classicselfie check`: photos, one line each."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from classicselfie.cli.options import Code, Commands, add_command, add_shared, make_detector, stdin
from classicselfie.console import VOLUME, detail, paint, say_json, write
from classicselfie.names import printable, text_of

if TYPE_CHECKING:
    from classicselfie.detector import SelfieDetector
    from classicselfie.verdict import Verdict

_COLOURS = {"selfie": 32, "maybe": 33, "not_selfie": 36, "unknown": 31}


def add_to(commands: Commands) -> None:
    """Add the command."""
    check = add_command(
        commands,
        "check",
        "judge photos, one line each",
        "Judge photos, one line each, with what speaks for the answer.",
        run=_run,
        examples={
            "classicselfie check photo.jpg more/*.jpg": "one readable line each",
            "classicselfie check --json - < photo.jpg": "the same as JSON, of what comes on stdin",
            "classicselfie check --threshold sensitive photo.jpg": "find more, with more errors",
            "classicselfie check --quiet photo.jpg": "tell by the exit code alone",
        },
        codes={
            Code.DONE: "every photo was judged and none looks like a selfie",
            Code.SELFIE: "at least one photo looks like a selfie",
            Code.UNKNOWN: "no photo looks like a selfie, but at least one could not be judged",
        },
    )
    check.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or - for stdin")
    check.add_argument("--json", action="store_true", help="print JSON Lines, one object a photo")
    add_shared(check, "detector", "threshold", "weights")


def _run(arguments: argparse.Namespace) -> int:
    detector = make_detector(arguments)
    labels = set()
    for path in arguments.photos:
        if os.path.isdir(path):  # noqa: PTH112  Path.is_dir raises where it may not look
            verdict = _refuse_folder(detector, path)
        else:
            verdict = detector.check(stdin() if path == "-" else path)
        labels.add(verdict.label)
        if arguments.json:
            say_json(verdict.to_dict() | {"path": text_of(path)})
        elif not VOLUME.quiet:
            write(f"{printable(path)}: {_coloured(verdict)}\n")
        times = ", ".join(f"{stage} {ms:.1f}" for stage, ms in verdict.timings_ms.items())
        detail(f"{path}: answered by the {verdict.stage}, milliseconds: {times}")
    if "selfie" in labels:
        return Code.SELFIE
    return Code.UNKNOWN if "unknown" in labels else Code.DONE


def _refuse_folder(detector: SelfieDetector, path: str) -> Verdict:
    """Answer for a folder with the command that judges what is in it."""
    import shlex

    from classicselfie.verdict import Verdict

    told = f"it is a folder; to judge what is in it, run: classicselfie scan {shlex.quote(path)}"
    return Verdict.unknown(detector.model.name, told, path=path)


def _coloured(verdict: Verdict) -> str:
    """Paint what the verdict begins with, which tells its pile."""
    summary = printable(str(verdict))
    end = next(place for place, sign in enumerate(summary) if sign in "(,:.")
    head = summary[:end].rstrip()
    return paint(head, _COLOURS[verdict.pile]) + summary[len(head) :]
