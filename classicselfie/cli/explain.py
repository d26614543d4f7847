"""`classicselfie explain`: every share of the sum, as a picture and a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from classicselfie.cli.options import (
    Code,
    Commands,
    add_command,
    add_force,
    add_shared,
    make_detector,
    refuse_photo_as_target,
    stdin,
)
from classicselfie.console import say, say_json
from classicselfie.errors import ClassicSelfieError, MissingExtraError
from classicselfie.files import refuse_targets, write_files
from classicselfie.names import printable, text_of


def add_to(commands: Commands) -> None:
    """Add the command."""
    explain = add_command(
        commands,
        "explain",
        "show why, as a picture and a page",
        "Judge a photo from its pixels and show every share of the sum: as one picture (.png) "
        "and as a page that needs no network (.html). Needs the extra 'explain'.",
        run=_run,
        examples={
            "classicselfie explain photo.jpg": "write photo.jpg.why.png and photo.jpg.why.html",
            "classicselfie explain photo.jpg -o why.html --force": "the page alone, once more",
        },
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
    add_force(explain)
    explain.add_argument("--json", action="store_true", help="print the shares as a JSON line")
    add_shared(explain, "detector", "weights")


def _run(arguments: argparse.Namespace) -> int:
    MissingExtraError.unless_installed("explain")
    from classicselfie.explain.figure import draw_figure
    from classicselfie.explain.page import write_page

    named = "stdin" if arguments.photo == "-" else arguments.photo
    outputs = arguments.output or [Path(f"{named}.why{suffix}") for suffix in (".png", ".html")]
    for output in outputs:
        if output.suffix.lower() not in (".png", ".html"):
            raise ClassicSelfieError(f"the explanation {output} must end in .png or .html")
    refuse_targets(outputs, force=arguments.force)
    refuse_photo_as_target(arguments.photo, outputs)
    explanation = make_detector(arguments).explain(
        stdin() if arguments.photo == "-" else arguments.photo
    )
    files = {
        output: draw_figure(explanation)
        if output.suffix.lower() == ".png"
        else write_page(explanation, printable(Path(named).name)).encode()
        for output in outputs
    }
    write_files(files, force=arguments.force)
    if arguments.json:
        say_json(explanation.to_dict() | {"path": text_of(arguments.photo)})
    else:
        told = " and ".join(map(str, outputs))
        say(f"{arguments.photo}: {explanation.verdict} See {told}")
    return Code.DONE
