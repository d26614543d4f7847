"""Write docs/commands/*.md, a page for each command, from the parsers themselves.

python bench/command_pages.py

A test compares, so that no command, option or exit code is missing in the documents.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from generated import ROOT, write

from classicselfie.cli import COMMANDS

# The guide that tells the story behind each command.
GUIDES = {
    "doctor": ("When something seems wrong", "../command-line.md#when-something-seems-wrong"),
    "check": ("The command line", "../command-line.md"),
    "scan": ("Whole collections", "../scan.md"),
    "explain": ("Why: reading an explanation", "../explain.md"),
    "quality": ("Quality: what a photographer can change", "../quality.md"),
    "train-ratings": ("Ratings of your own", "../quality.md#ratings-of-your-own"),
    "crop": ("Crops", "../quality.md#crops"),
    "explore": ("The selfie explorer", "../explore.md"),
    "serve": ("The service and the page", "../serve.md"),
    "train": ("Weights of your own", "../training.md"),
    "evaluate": ("Weights of your own", "../training.md"),
    "bench": ("Speed on this device", "../../bench/README.md#speed-on-this-device"),
    "export": ("Ports", "../port.md"),
}


def documents() -> dict[Path, str]:
    folder = ROOT / "docs" / "commands"
    return {folder / f"{name}.md": page(name, parser) for name, parser in parsers().items()}


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Make the parser of each command."""
    commands = argparse.ArgumentParser(prog="classicselfie").add_subparsers()
    for module in dict.fromkeys(COMMANDS.values()):
        import_module(f"classicselfie.cli.{module}").add_to(commands)
    return {name: commands.choices[name] for name in COMMANDS}


def page(name: str, parser: argparse.ArgumentParser) -> str:
    arguments, options = [], []
    for action in parser._actions:  # argparse has no public way
        (options if action.option_strings else arguments).append(action)
    lines = [f"# classicselfie {name}", "", parser.description or "", ""]
    lines += ["<!-- not run: the form of the command, not a command -->", "```"]
    lines += [" ".join([parser.prog, "[OPTIONS]", *map(named, arguments)]), "```", ""]
    for title, actions in (("argument", arguments), ("option", options)):
        if actions:
            lines += [f"| {title} | what it does |", "|---|---|", *rows(actions, parser), ""]
    if parser.epilog:
        lines += ["<!-- not run: the end of the command's help, as it is -->", "```"]
        lines += [parser.epilog.strip(), "```", ""]
    if guide := GUIDES.get(name):
        lines += ["Read more: [{}]({})".format(*guide), ""]
    lines += ["<!-- Written by bench/command_pages.py. -->", ""]
    return "\n".join(lines)


def rows(actions: list[argparse.Action], parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = argparse.HelpFormatter(parser.prog)
    for action in actions:
        # The same words as in the help, with the defaults filled in.
        told = formatter._expand_help(action) if action.help else ""
        # A bar would end the cell.
        yield "| {} | {} |".format(*(cell.replace("|", r"\|") for cell in (code(action), told)))


def code(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{named(action)}`"
    value = "" if action.nargs == 0 else f" {metavar(action)}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def named(action: argparse.Action) -> str:
    """Write an argument with the number of values it takes."""
    one = metavar(action)
    return {"+": f"{one} …", "*": f"[{one} …]", "?": f"[{one}]"}.get(str(action.nargs), one)


def metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest if not action.option_strings else action.dest.upper().replace("_", "-")


if __name__ == "__main__":
    write(documents())
