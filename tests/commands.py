"""The command line, called in the tests' own process: the same, but for a new interpreter."""

from __future__ import annotations

import io
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from classicselfie.cli import main


def call(
    *arguments: object, stdin: bytes = b"", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with standard streams and a working folder of its own.

    An interpreter with OpenCV takes longer to start than a few drawn photos to judge. Processes of
    their own are for what a test does to them: signals, closed streams, full disks, terminals.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    command = list(map(str, arguments))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        patch.chdir(cwd or Path.cwd())
        try:
            code = main(command)
        except SystemExit as end:  # argparse's way
            code = int(end.code or 0)
    told = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(command, code, *told)
