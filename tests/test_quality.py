"""The type checker, the linter and the documents are part of the tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command", [["mypy"], ["ruff", "check", "."], ["ruff", "format", "--check", "."]]
)
def test_tools_find_nothing(command: list[str]) -> None:
    pytest.importorskip(command[0], reason="the extra dev is not installed")
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_imports_point_one_way() -> None:
    order = [
        "errors",
        "resources",
        "images",
        "quiet",
        "photo",
        "faces",
        "metadata",
        "skin",
        "features",
        "model",
        "verdict",
        "reasons",
        "explain",
        "detector",
        "cli",
    ]
    for place, module in enumerate(order):
        file = ROOT / "classicselfie" / f"{module}.py"
        for path in [file] if file.exists() else sorted(file.with_suffix("").glob("*.py")):
            text = path.read_text(encoding="utf-8")
            imported = re.findall(r"^from classicselfie\.(\w+)[\w.]* import", text, re.MULTILINE)
            assert set(imported) <= {*order[:place], module if path != file else ""}, path


def test_the_documented_help_is_the_real_one() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "classicselfie", "check", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
    )
    codes = run.stdout[run.stdout.index("exit codes of check:") :].strip()
    assert codes in readme
    for option in re.findall(r"--[a-z]+", run.stdout):
        assert option in readme or option == "--help"


def test_the_readme_shows_the_measured_figures() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "readme_figures.py")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
    )
    assert "mean of left-out groups" in run.stdout
    assert run.stdout in (ROOT / "README.md").read_text(encoding="utf-8")
