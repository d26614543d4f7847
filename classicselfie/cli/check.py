"""`classicselfie check`: photos, one line each."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from classicselfie.cli.options import add_detector, add_threshold, add_weights, exit_codes, stdin
from classicselfie.console import say
from classicselfie.names import text_of

if TYPE_CHECKING:
    from classicselfie.cli.options import Commands


EXIT_CODES = {
    0: "every photo was judged and none looks like a selfie",
    1: "at least one photo looks like a selfie",
    3: "no photo looks like a selfie, but at least one could not be judged",
}


def add_to(commands: Commands) -> None:
    """Add the command."""
    check = commands.add_parser(
        "check",
        help="judge photos, one line each",
        description="Judge photos, one line each, with what speaks for the answer.",
        epilog=exit_codes("check", EXIT_CODES),
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
            say(json.dumps(verdict.to_dict() | {"path": text_of(path)}))
        else:
            say(f"{path}: {verdict}")
    if "selfie" in labels:
        return 1
    return 3 if "unknown" in labels else 0
