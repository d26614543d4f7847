"""Whoever watches sees how far something is, at a terminal and in a notebook; nobody else does."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("tqdm", reason="the extra scan is not installed")

# What older and newer versions of tqdm look for; without ipywidgets, the bar is a line of text.
NOTEBOOK = """
import sys
from types import SimpleNamespace

kernel = SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"] = SimpleNamespace(get_ipython=lambda: kernel)
sys.modules["ipykernel.zmqshell"] = SimpleNamespace()
sys.modules["ipywidgets"] = None
"""
COUNT = """
from classicselfie.progress import progress_bar

assert list(progress_bar(range(3), unit="photo")) == [0, 1, 2]
with progress_bar(total=3) as bar:
    bar.update(3)
"""


@pytest.mark.parametrize(("place", "shown"), [("", 0), (NOTEBOOK, 2)])
def test_a_notebook_shows_progress_and_a_log_does_not(place: str, shown: int) -> None:
    # tqdm advises to install the widgets.
    command = [sys.executable, "-W", "ignore", "-c", place + COUNT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr.count("3/3") == shown
    assert bool(done.stderr) == bool(shown)
