"""`classicselfie check`: photos, one line each."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from classicselfie.cli.options import add_detector, add_threshold, add_weights, stdin

if TYPE_CHECKING:
    from classicselfie.cli.options import Commands


EXIT_CODES = """\
exit codes of check:
  0  every photo was judged and none looks like a selfie
  1  at least one photo looks like a selfie
  2  wrong usage, or the weights or an extra are missing
  3  no photo looks like a selfie, but at least one could not be judged
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    check = commands.add_parser(
        "check",
        help="judge photos, one line each",
        description="Judge photos, one line each with the strongest reasons.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or - for stdin")
    check.add_argument("--json", action="store_true", help="print JSON Lines, one object a photo")
    add_detector(check)
    add_threshold(check)
    add_weights(check)
    check.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.detector import SelfieDetector

    detector = SelfieDetector(
        arguments.weights, detector=arguments.detector, threshold=arguments.threshold
    )
    labels = set()
    for path in arguments.photos:
        verdict = detector.check(stdin() if path == "-" else path)
        labels.add(verdict.label)
        if arguments.json:
            print(json.dumps(verdict.to_dict() | {"path": path}), flush=True)
        else:
            print(f"{path}: {verdict}", flush=True)
    if "selfie" in labels:
        return 1
    return 3 if "unknown" in labels else 0
