"""`classicselfie doctor`: whether all is in order here."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from classicselfie.cli.options import Code, Commands, add_command, find_config
from classicselfie.console import say, say_json

if TYPE_CHECKING:
    from classicselfie.doctor import Pictures


def add_to(commands: Commands) -> None:
    """Add the command."""
    doctor = add_command(
        commands,
        "doctor",
        "look whether all is in order here",
        "Tell the versions, the OpenCV, the extras, the weights and the config file that are in "
        "use, and judge a drawn picture with each face detector. To be pasted into a report: it "
        "holds nothing of any photo.",
        run=_run,
        examples={
            "classicselfie doctor": "a page of plain text",
            "classicselfie doctor --json > doctor.json": "the same for programs",
            "classicselfie doctor --quiet": "tell by the exit code alone",
        },
        codes={Code.DONE: "all is in order", Code.FAILED: "something is not in order"},
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.doctor import examine, in_words

    found = examine(lambda: _check_config(arguments), _draw)
    if arguments.json:
        say_json(found)
    else:
        say(*in_words(found))
    return Code.FAILED if found["problems"] else Code.DONE


def _draw() -> Pictures:
    from classicselfie.benchmark.drawing import draw_person, draw_scene

    return draw_person(600, 800), draw_scene(600, 800)


def _check_config(arguments: argparse.Namespace) -> str | None:
    """Read what the config file says of every command; return its name."""
    from classicselfie.cli import COMMANDS, make_parser
    from classicselfie.cli.config import Config

    named = [] if arguments.config is None else ["--config", str(arguments.config)]
    path = None if arguments.no_config else find_config(named)
    if path is None:
        return None
    config, parsers = Config(path, COMMANDS), make_parser().commands.choices
    for command in COMMANDS:
        config.prepare(command, parsers[command])
    return str(path)
