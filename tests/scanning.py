"""What the tests of `classicselfie scan` share: commands, kills, results, folders."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
from commands import call

COMMAND = [sys.executable, "-m", "classicselfie", "scan"]
MAKE_SELFIES = ("--threshold", "0")  # every drawn person is called a selfie then, no scene is


def run(*arguments: object, stdin: bytes = b"", cwd: Path | None = None, code: int = 0) -> str:
    """Run the command; returns what it printed, and its errors where it failed."""
    done = call("scan", "--jobs", "1", *arguments, stdin=stdin, cwd=cwd)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if code else done.stdout


def rows_of(database: Path) -> dict[str, sqlite3.Row]:
    with sqlite3.connect(database, timeout=60) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute("SELECT * FROM photos").fetchall()
    connection.close()
    rows = {row["path"]: row for row in found}
    assert len(rows) == len(found)
    return rows


def contents(folder: Path) -> Counter[bytes]:
    return Counter(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def many(folder: Path, count: int, *contents: bytes) -> Path:
    folder.mkdir()
    for number in range(count):
        content = contents[number % len(contents)] + b"%d" % number
        (folder / f"{number:04}.jpg").write_bytes(content)
    return folder


class running:  # noqa: N801  reads as a function
    """A scan in the background, in a group of its own; nothing of it is left at the end."""

    def __init__(self, *arguments: object, jobs: int = 2) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--jobs", str(jobs), *map(str, arguments)],
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def wait_for(process: subprocess.Popen[bytes], journal: Path, rows: int) -> None:
    """Wait until so many rows are safely written."""
    while process.poll() is None:
        with suppress(sqlite3.OperationalError):  # not made yet
            if len(rows_of(journal)) >= rows:
                return
        time.sleep(0.02)


def kill_when(process: subprocess.Popen[bytes], journal: Path, rows: int) -> None:
    wait_for(process, journal, rows)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive  # no worker is left behind
