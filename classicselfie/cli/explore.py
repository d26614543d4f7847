"""`classicselfie explore`: a gallery of a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from classicselfie.cli.options import Code, Commands, add_command, add_force, add_shared


def add_to(commands: Commands) -> None:
    """Add the command."""
    explore = add_command(
        commands,
        "explore",
        "write a gallery of a folder of photos",
        "Judge the photos of a folder and of the folders in it, and write a gallery that opens "
        "from disk: from most to least selfie-like, on a map, and in clusters, with reasons. "
        "A photo that cannot be read is listed and left out. Needs the extra 'explore'.",
        run=_run,
        examples={
            "classicselfie explore photos/ -o gallery": "then open gallery/index.html",
            "classicselfie explore photos/ -o gallery --force --png": "once more, as pictures too",
        },
    )
    explore.add_argument("folder", type=Path, metavar="DIR", help="folder of photos")
    explore.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="GALLERY",
        help="folder to write: new or empty; with --force also an older gallery",
    )
    explore.add_argument("--png", action="store_true", help="write each view as a PNG too")
    add_shared(explore, "detector", "threshold", "weights", "jobs")
    add_force(explore)


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.explore.command import explore

    explore(
        arguments.folder,
        arguments.output,
        weights=arguments.weights,
        detector=arguments.detector,
        threshold=arguments.threshold,
        n_jobs=arguments.jobs,
        png=arguments.png,
        force=arguments.force,
    )
    return Code.DONE
