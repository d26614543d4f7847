"""`classicselfie export`: what a port to another language needs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from classicselfie.cli.options import add_force

if TYPE_CHECKING:
    from classicselfie.cli.options import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    export = commands.add_parser("export", help="write what a port to another language needs")
    export.description = (
        "Write the weights, YuNet's tensors as plain numbers, and golden values of every stage: "
        "all that a port to JavaScript, Kotlin or Swift needs. docs/port.md tells the files."
    )
    export.add_argument("folder", type=Path, metavar="DIR", help="where to write; made if missing")
    export.add_argument(
        "--no-golden",
        dest="golden",
        action="store_false",
        help="only what an app carries, without the values to test it with",
    )
    add_force(export)
    export.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.benchmark.drawing import port_pictures
    from classicselfie.export.command import export

    pictures = port_pictures() if arguments.golden else {}
    export(arguments.folder, pictures, force=arguments.force)
    return 0
