"""`classicselfie explain`: every share of the sum, as a picture and a page."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from classicselfie.cli.options import add_detector, add_weights, refuse_existing, stdin, write_new
from classicselfie.errors import ClassicSelfieError

if TYPE_CHECKING:
    from classicselfie.cli.options import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    explain = commands.add_parser("explain", help="show why, as a picture and a page")
    explain.description = (
        "Judge a photo from its pixels and show every share of the sum: as one picture (.png) "
        "and as a page that needs no network (.html). Needs the extra 'explain'."
    )
    explain.add_argument("photo", metavar="PHOTO", help="a file, or - for stdin")
    explain.add_argument(
        "-o",
        "--output",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="what to write, .png or .html or both (default: PHOTO.why.png and PHOTO.why.html)",
    )
    explain.add_argument("--json", action="store_true", help="print the shares as a JSON line")
    add_detector(explain)
    add_weights(explain)
    explain.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.errors import MissingExtraError

    try:
        from classicselfie.explain.figure import draw_figure
        from classicselfie.explain.page import write_page
    except ImportError as error:
        raise MissingExtraError(error.name or "matplotlib", "explain") from error
    from classicselfie.detector import SelfieDetector

    named = "stdin" if arguments.photo == "-" else arguments.photo
    outputs = arguments.output or [Path(f"{named}.why{suffix}") for suffix in (".png", ".html")]
    for output in outputs:
        if output.suffix.lower() not in (".png", ".html"):
            raise ClassicSelfieError(f"the explanation {output} must end in .png or .html")
        refuse_existing(output)
    detector = SelfieDetector(arguments.weights, detector=arguments.detector)
    explanation = detector.explain(stdin() if arguments.photo == "-" else arguments.photo)
    for output in outputs:
        if output.suffix.lower() == ".png":
            write_new(output, draw_figure(explanation))
        else:
            write_new(output, write_page(explanation, _shown(named)).encode())
    if arguments.json:
        print(json.dumps(explanation.to_dict() | {"path": arguments.photo}))
    else:
        files = " and ".join(map(str, outputs))
        print(f"{arguments.photo}: {explanation.verdict}; see {files}")
    return 0


def _shown(path: str) -> str:
    """Return a file's name as it can be shown: names may be any bytes."""
    return os.fsencode(Path(path).name).decode("utf-8", "backslashreplace")
