"""A real service in a process of its own, for the tests."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass
class Service:
    """A running service; `log` is complete when its process has ended."""

    process: subprocess.Popen[str]
    port: int
    log: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def check(self, photo: bytes) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/check", content=photo, headers=RAW, timeout=60)

    def metrics(self) -> dict[str, float]:
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    @property
    def workers(self) -> list[int]:
        """The processes that judge; Linux only."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [int(pid) for task in tasks for pid in task.read_text().split()]
        command = "from classicselfie.workers"
        return [pid for pid in children if command in Path(f"/proc/{pid}/cmdline").read_text()]

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


RAW = {"Content-Type": "application/octet-stream"}


@contextmanager
def serving(*options: object, through: Sequence[str] = ()) -> Iterator[Service]:
    """Run `classicselfie serve` on a free port, in a group of its own, until the block ends."""
    command = [*through, sys.executable, "-m", "classicselfie", "serve", "--port", "0"]
    command += map(str, options)
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        match = re.fullmatch(
            r"classicselfie: listening on http://127\.0\.0\.1:(\d+) \(Ctrl-C ends\)\n", first
        )
        if match is None:
            process.kill()
            raise AssertionError(first + process.stderr.read())
        log: list[str] = []
        reader = threading.Thread(target=lambda: log.extend(process.stderr or ()))
        reader.start()
        try:
            yield Service(process, int(match[1]), log)
        finally:
            process.kill()
            reader.join()
