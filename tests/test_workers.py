"""Processes that crash, hang, lie or are killed, and those who ask them."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import encode

from classicselfie.benchmark.drawing import draw_person
from classicselfie.errors import WorkersError
from classicselfie.workers.messages import Message
from classicselfie.workers.pool import WorkerPool
from classicselfie.workers.process import Handler
from classicselfie.workers.worker import CrashError, FailedError, SlowError

if not sys.platform.startswith("linux"):
    pytest.skip("the tests look at processes as Linux shows them", allow_module_level=True)


# Handlers; the processes import this module.


def prepare_sum() -> Handler:
    return lambda request: Message(sum(request.head), request.tail)


def prepare_failing() -> Handler:
    raise RuntimeError("no weights\nhere")


def prepare_dying() -> Handler:
    os._exit(3)


def prepare_raising() -> Handler:
    def answer(_: Message) -> Message:
        raise KeyError("what")

    return answer


class Bomb:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path(self.marker),)


def prepare_taken_over(said: bytes) -> Handler:
    """Make what says anything at all through the connection, as a decoder that was taken over."""
    import gc

    (connection,) = [each for each in gc.get_objects() if isinstance(each, socket.socket)]

    def answer(_: Message) -> Message:
        connection.sendall(said)
        time.sleep(3600)
        raise AssertionError

    return answer


def whole(answer: Message) -> Any:
    return answer.head


def ask(prepare: Callable[[], Handler], timeout: float | None = None) -> Any:
    with WorkerPool(prepare, whole, 1, timeout) as pool:
        return pool.submit(Message([1, 2])).result(60)


def test_answers_come_back_to_who_asked() -> None:
    with WorkerPool(prepare_sum, lambda answer: (answer.head, answer.tail), 2) as pool:
        jobs = [(number, Message([number, 1], b"%d" % number)) for number in range(100)]
        in_order = [(key, answer.result()) for key, answer in pool.in_order(iter(jobs))]
        assert in_order == [(n, (n + 1, b"%d" % n)) for n in range(100)]
        arrived = [(key, answer.result()) for key, answer in pool.as_done(iter(jobs))]
        assert sorted(arrived) == in_order
        large = bytes(range(256)) * 2**15
        assert pool.submit(Message([], large)).result() == (0, large)


@pytest.mark.parametrize(
    "size", ["head", "tail"], ids=["a pickle in place of JSON", "more than anybody would say"]
)
def test_a_process_that_was_taken_over_does_not_own_its_parent(size: str, tmp_path: Path) -> None:
    bomb = pickle.dumps(Bomb(str(tmp_path / "owned")))
    lengths = (len(bomb), 0) if size == "head" else (2, 2**40)
    said = lengths[0].to_bytes(4, "big") + lengths[1].to_bytes(8, "big") + bomb
    # As multiprocessing would write it, too.
    for words in (said, len(bomb).to_bytes(4, "big") + bomb):
        with pytest.raises((CrashError, SlowError)):
            ask(partial(prepare_taken_over, words), timeout=5)
    assert not (tmp_path / "owned").exists()


def test_half_an_answer_is_not_waited_for() -> None:
    with pytest.raises(SlowError):
        ask(partial(prepare_taken_over, b"\0\0"), timeout=0.5)


def test_a_request_that_is_never_read_is_not_waited_for() -> None:
    with WorkerPool(prepare_sum, whole, 1, timeout=1) as pool:
        assert pool.submit(Message([1])).result() == 1
        (worker,) = workers_of(os.getpid())
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(SlowError):
            pool.submit(Message([1], bytes(2**24))).result(60)
        assert pool.submit(Message([2])).result(60) == 2


def test_an_error_of_a_handler_is_told() -> None:
    with pytest.raises(FailedError, match=r"^KeyError: 'what'$"):
        ask(prepare_raising)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [(prepare_failing, "RuntimeError: no weights here"), (prepare_dying, "they end at once")],
)
def test_processes_that_do_not_start_are_one_line(
    prepare: Callable[[], Handler], words: str
) -> None:
    with pytest.raises(WorkersError, match=f"^the worker processes do not start: {words}$"):
        ask(prepare)


# Where they are started from


def workers_of(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "classicselfie.workers" in " ".join(child.cmdline())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(24):
        face = 0.2 + 0.02 * number
        (folder / f"{number}.jpg").write_bytes(encode(draw_person(face=face), ".jpg"))
    return folder


USES = {
    "check_many": "print(len(list(SelfieDetector().check_many(paths, n_jobs=2))))",
    "scan": "from classicselfie.scan import scan; print(scan([folder], to=out, n_jobs=2).photos)",
    "explore": "from classicselfie.explore.command import explore; "
    "explore(folder, out.with_suffix(''), n_jobs=2); print(24)",
    "train": "from classicselfie.training.dataset import extract_dataset; "
    "from classicselfie.training.manifest import Row, read_folders; "
    "print(len(extract_dataset(read_folders(folder, folder)[:24], 'yunet', 2).rows))",
}
HEAD = """
import sys
from pathlib import Path
from classicselfie import SelfieDetector
folder, out = Path(sys.argv[1]), Path(sys.argv[2])
paths = sorted(folder.iterdir())
"""
DAEMON = """
import multiprocessing
def use():
    {use}
if __name__ == "__main__":
    daemon = multiprocessing.get_context("fork").Process(target=use, daemon=True)
    daemon.start()
    daemon.join()
    sys.exit(daemon.exitcode)
"""


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("place", ["without a main guard", "from stdin", "in a daemon process"])
def test_processes_start_from_anywhere(use: str, place: str, folder: Path, tmp_path: Path) -> None:
    code = HEAD + (DAEMON.format(use=USES[use]) if "daemon" in place else USES[use])
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-" if "stdin" in place else str(script)]
    done = subprocess.run(
        [*command, str(folder), str(tmp_path / "r.sqlite")],
        input=code if "stdin" in place else "",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "24"
    assert "Traceback" not in done.stderr


# A fork of the program that outlives it holds its connections open.
FORK = """
import os, threading, time, psutil
def fork():
    while len(psutil.Process().children()) < 2:
        time.sleep(0.05)
    os.fork() or time.sleep(60)
threading.Thread(target=fork, daemon=True).start()
"""


@pytest.mark.parametrize("use", USES)
def test_a_killed_program_leaves_no_process(use: str, folder: Path, tmp_path: Path) -> None:
    code = FORK + HEAD + "paths = list(paths) * 1000\n" + USES[use]
    many = tmp_path / "many"
    many.mkdir()
    for number in range(600):
        os.link(folder / f"{number % 24}.jpg", many / f"{number}.jpg")
    command = [sys.executable, "-W", "ignore", "-c", code.replace("[:24]", ""), str(many)]
    with subprocess.Popen(
        [*command, str(tmp_path / "r.sqlite")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as program:
        try:
            until = time.monotonic() + 60
            while len(workers_of(program.pid)) < 2 or not forked(program.pid):
                assert program.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            workers = workers_of(program.pid)
            program.kill()
            assert not psutil.wait_procs(workers, timeout=30)[1]
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def forked(pid: int) -> bool:
    """Tell whether a copy of a program runs."""
    own = psutil.Process(pid)
    return any(child.cmdline() == own.cmdline() for child in own.children())
