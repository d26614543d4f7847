"""A scan on a Dask cluster: a real scheduler and real worker processes on this machine."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from conftest import encode
from test_scan import COMMAND, many, rows_of, run

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.errors import ScanError
from classicselfie.scan.cluster import Cluster
from classicselfie.scan.judge import Task
from classicselfie.scan.sources import Item

pytest.importorskip("distributed", reason="the extra dask is not installed")


@contextmanager
def started(pattern: str, module: str, *arguments: object) -> Iterator[tuple[int, str]]:
    """Run a module until the end of the context; gives its process id and what its log tells."""
    command = [sys.executable, "-m", module, "--host", "127.0.0.1", "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (
        tempfile.NamedTemporaryFile("r", encoding="utf-8") as log,
        open(log.name, "a", encoding="utf-8") as end,
        subprocess.Popen(
            [*command, *map(str, arguments)], stdout=end, stderr=end, env=environment
        ) as process,
    ):
        try:
            told = ""
            while not (found := re.search(pattern, told)):
                assert process.poll() is None, told
                time.sleep(0.05)
                told += log.read()
            yield process.pid, found[0]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with started(r"tcp://\S+", "distributed.cli.dask_scheduler", "--port", "0") as (_, address):
        yield address


@contextmanager
def worker(scheduler: str) -> Iterator[int]:
    """Start a worker without a nanny, so that a kill is the end of it; gives its process id."""
    arguments = (scheduler, "--no-nanny", "--nthreads", "1", "--death-timeout", "20")
    with started("Registered to", "distributed.cli.dask_worker", *arguments) as (process_id, _):
        yield process_id


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    return [encode(draw_person(240, 320), ".jpg"), encode(draw_scene(320, 240), ".jpg")]


def test_a_worker_killed_in_mid_run_costs_nothing(
    scheduler: str, pictures: list[bytes], tmp_path: Path
) -> None:
    folder, output = many(tmp_path / "many", 300, *pictures), tmp_path / "r.sqlite"
    command = [*COMMAND, folder, "--to", output, "--backend", "dask", "--scheduler", scheduler]
    with worker(scheduler) as victim, worker(scheduler):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as scan:
            while scan.poll() is None and not written(output):
                time.sleep(0.02)
            os.kill(victim, signal.SIGKILL)
            at_kill = written(output)
            _, errors = scan.communicate(timeout=120)
        assert scan.returncode == 0, errors
        rows = rows_of(output)
        assert 0 < at_kill < len(rows) == 300
        assert {row["label"] for row in rows.values()} == {"not_selfie"}

        # The same photos by their URLs: other names, the same answers.
        url = run(folder.as_uri(), "--backend", "dask", "--scheduler", scheduler).splitlines()
        assert len(url) == 300
        assert folder.as_uri() in url[0]


def written(output: Path) -> int:
    try:
        return len(rows_of(output))
    except sqlite3.OperationalError:  # not made yet
        return 0


def test_a_url_needs_no_cluster(pictures: list[bytes], tmp_path: Path) -> None:
    folder = many(tmp_path / "many", 3, *pictures)
    out = tmp_path / "out"
    assert len(run(folder.as_uri(), "--copy-to", out).splitlines()) == 3
    assert len(list(out.rglob("*.jpg"))) == 3
    error = run("nosuch://bucket", code=2)
    assert error.startswith("classicselfie: nosuch://bucket cannot be listed: ")


def test_no_cluster_is_one_line(tmp_path: Path, scheduler: str) -> None:
    from classicselfie.scan import cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "_WORKERS_SECONDS", 1)
        runner = Cluster(SelfieDetector(), scheduler, 5.0)
        with pytest.raises(ScanError, match="has no workers"):
            list(runner.run(iter([Task(Item("a", "a", "a"))])))


def test_a_wrong_address_is_never_waited_for(
    monkeypatch: pytest.MonkeyPatch, detector: SelfieDetector
) -> None:
    def connect(*_: object, **__: object) -> None:
        raise AssertionError("Dask's client tries for a minute")

    monkeypatch.setattr("distributed.Client", connect)
    monkeypatch.setattr("classicselfie.scan.cluster._CONNECT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as other:  # takes connections and says nothing
        for address in (
            "tcp://127.0.0.1:9",
            "127.0.0.1:9",
            "tcp://127.0.0.1:99999",
            "tcp://127.0.0.1",
            "tcp://nobody.invalid:8786",
            "http://127.0.0.1:8787/status",
            "nonsense",
            f"tcp://127.0.0.1:{other.getsockname()[1]}",
        ):
            with pytest.raises(ScanError, match=f"^there is no Dask scheduler at {address}: .+$"):
                list(Cluster(detector, address, 5.0).run(iter([Task(Item("a", "a", "a"))])))


def test_a_photo_that_hangs_or_kills_workers_is_one_row(
    scheduler: str, pictures: list[bytes], tmp_path: Path
) -> None:
    from faulty_detectors import CRASHES, HANGS, FaultyDetector

    from classicselfie.scan import scan

    folder, output = many(tmp_path / "many", 20, *pictures), tmp_path / "r.sqlite"
    (folder / "hangs.jpg").write_bytes(pictures[0] + HANGS)
    with worker(scheduler):
        scan([folder], to=output, detector=FaultyDetector(), scheduler=scheduler, timeout=3)
    rows = rows_of(output)
    assert len(rows) == 21
    assert [name for name, row in rows.items() if row["label"] == "unknown"] == [
        str(folder / "hangs.jpg")
    ]
    (folder / "crashes.jpg").write_bytes(pictures[0] + CRASHES)
    with ExitStack() as workers:
        for _ in range(5):  # Dask tries it on four
            workers.enter_context(worker(scheduler))
        scan(
            [folder],
            to=output,
            resume=True,
            detector=FaultyDetector(),
            scheduler=scheduler,
            timeout=3,
        )
    assert rows_of(output)[str(folder / "crashes.jpg")]["label"] == "unknown"
