"""Options from a file: `classicselfie.toml`, or `[tool.classicselfie]` of a `pyproject.toml`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from classicselfie.cli.options import SHARED, common
from classicselfie.errors import ConfigError, MissingExtraError

_EVERYWHERE = (*SHARED, "quiet", "verbose")
_NOT_HERE = ("config", "no-config", "help")


class Config:
    """The options of a file.

    Parameters
    ----------
    path : Path
        Its top level holds what is meant for all commands that have such a common option; a
        table of a command's name holds what is meant for that one, and counts more.
    commands : collection of str
        The names that tables may have.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a name in it does not exist.
    MissingExtraError
        Before Python 3.11, if the package that reads such files is not installed.
    """

    def __init__(self, path: Path, commands: Collection[str]) -> None:
        self.path = path
        self._values = _read(path)
        for key, value in self._values.items():
            known = commands if isinstance(value, dict) else _EVERYWHERE
            if key not in known:
                what = "command" if isinstance(value, dict) else "common option"
                raise ConfigError(f"{path}: {key} is not a {what}{_guess(key, known)}")

    def prepare(self, command: str, parser: argparse.ArgumentParser) -> _Filler:
        """Check a command's options; its parser leaves them to the file. Raises `ConfigError`."""
        options = {
            name.removeprefix("--"): action
            for action in parser._actions
            for name in action.option_strings
            if name.startswith("--") and name.removeprefix("--") not in _NOT_HERE
        }
        shared = common(parser)._group_actions
        found: dict[argparse.Action, Any] = {}
        for key, value in self._values.items():
            if not isinstance(value, dict) and options.get(key) in shared:
                found[options[key]] = self._fit(options[key], key, value)
        for key, value in self._values.get(command, {}).items():
            name = key.replace("_", "-")
            where = f"[{command}] {key}"
            if name not in options:
                guess = _guess(name, options)
                raise ConfigError(f"{self.path}: {where} is not an option of {command}{guess}")
            found[options[name]] = self._fit(options[name], where, value)
        return _Filler(self.path, parser, found)

    def _fit(self, action: argparse.Action, where: str, value: Any) -> Any:
        """Read a value as the command line would, and raise `ConfigError` if it does not fit."""
        try:
            if action.nargs == 0:
                if not isinstance(value, bool):
                    raise TypeError("it must be true or false")
                return action.const if value else not action.const
            if action.nargs is None and not isinstance(action, argparse._AppendAction):
                return self._fit_one(action, value)
            if not (isinstance(value, list) and value):
                raise TypeError("it must be a list")
            if isinstance(action.nargs, int) and len(value) != action.nargs:
                raise TypeError(f"it must be a list of {action.nargs}")
            return [self._fit_one(action, each) for each in value]
        except (TypeError, ValueError, argparse.ArgumentTypeError) as error:
            raise ConfigError(f"{self.path}: {where}: {error}") from error

    def _fit_one(self, action: argparse.Action, value: Any) -> Any:
        is_text = action.type in (None, Path)
        if isinstance(value, bool) or not isinstance(value, str if is_text else (str, int, float)):
            raise TypeError(f"it must be a {'text in quotes' if is_text else 'number or a text'}")
        if action.choices is not None and value not in action.choices:
            raise ValueError(f"{value!r} is none of {', '.join(action.choices)}")
        if action.type is Path:
            return self.path.parent / str(value)
        return action.type(str(value)) if callable(action.type) else value


class _Filler:
    """Puts a file's options where the command line has said nothing."""

    def __init__(
        self, path: Path, parser: argparse.ArgumentParser, found: dict[argparse.Action, Any]
    ) -> None:
        self._path, self._parser, self._found = path, parser, found
        self._defaults = {action.dest: action.default for action in found}
        for action in found:
            action.default, action.required = None, False
            if action.nargs == 0:
                name = action.option_strings[-1].removeprefix("--")
                undo = f"--{name.removeprefix('no-')}" if name[:3] == "no-" else f"--no-{name}"
                kind = "store_false" if action.const else "store_true"
                parser.add_argument(
                    undo, action=kind, dest=action.dest, default=None, help=argparse.SUPPRESS
                )

    def fill(self, arguments: argparse.Namespace) -> None:
        """Fill what the command line gave: it counts more, also over what it excludes."""
        left = {a: value for a, value in self._found.items() if getattr(arguments, a.dest) is None}
        for group in self._parser._mutually_exclusive_groups:
            members = group._group_actions
            asked = [a for a in members if a in left and left[a] is not False]
            if len(asked) > 1:
                names = " and ".join(a.option_strings[-1].removeprefix("--") for a in asked)
                raise ConfigError(f"{self._path}: {names} exclude each other")
            if any(a not in left and getattr(arguments, a.dest) for a in members):
                left.update((a, self._defaults[a.dest]) for a in asked)
        for action, value in left.items():
            setattr(arguments, action.dest, value)


def _read(path: Path) -> dict[str, Any]:
    MissingExtraError.unless_installed("config")
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if path.name == "pyproject.toml":
        values = values.get("tool", {}).get("classicselfie", {})
    return values


def _guess(name: str, known: Collection[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"
