"""`classicselfie export`: what a port to another language needs."""

from __future__ import annotations

import argparse
from pathlib import Path

from classicselfie.cli.options import Code, Commands, add_command, add_force


def add_to(commands: Commands) -> None:
    """Add the command."""
    export = add_command(
        commands,
        "export",
        "write what a port to another language needs",
        "Write the weights, YuNet's tensors as plain numbers, and golden values of every stage: "
        "all that a port to JavaScript, Kotlin or Swift needs.",
        run=_run,
        examples={
            "classicselfie export port/": "everything, with values to test a port with",
            "classicselfie export app/ --no-golden": "only what an app carries",
        },
    )
    export.add_argument("folder", type=Path, metavar="DIR", help="where to write; made if missing")
    export.add_argument(
        "--no-golden",
        dest="golden",
        action="store_false",
        help="only what an app carries, without the values to test it with",
    )
    add_force(export)


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.benchmark.drawing import port_pictures
    from classicselfie.export.command import export

    pictures = port_pictures() if arguments.golden else {}
    export(arguments.folder, pictures, force=arguments.force)
    return Code.DONE
