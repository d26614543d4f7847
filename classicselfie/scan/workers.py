"""Worker processes of which each may crash or hang without harm to the run.

joblib's workers are not used here: if one of them dies the whole run ends, and none can be given
up for being slow. Here each process has a pipe of its own, so that a death or a delay tells for
certain which photo it was, and no lock is shared that a dead process could keep.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import signal
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import cast

from classicselfie.detector import SelfieDetector
from classicselfie.errors import ScanError
from classicselfie.scan.judge import Result, Task, examine, load_detector, unknown

# Another photo lies ready, so that no worker waits for the results to be written.
_TASKS_PER_WORKER = 2
_MAX_FAILED_STARTS = 5


class Workers:
    """Judge photos in processes of this machine.

    Parameters
    ----------
    detector : SelfieDetector
    n_jobs : int
        Processes.
    timeout : float
        Seconds after which a photo is given up.
    """

    def __init__(self, detector: SelfieDetector, n_jobs: int, timeout: float) -> None:
        self._model = detector.model.name
        self._pickled = pickle.dumps(detector)
        self._n_jobs = n_jobs
        self._timeout = timeout

    def run(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Result]]:
        """Judge photos, in order of arrival.

        A photo at which its worker died is tried once more: it may have died of something
        else, such as a lack of memory.

        Raises
        ------
        ScanError
            If the processes do not start.
        """
        workers = [_Worker(self._pickled) for _ in range(self._n_jobs)]
        again: deque[Task] = deque()
        suspects: set[str] = set()
        upcoming: Task | None = None
        failed_starts = 0
        try:
            while True:
                while upcoming := upcoming or (again.popleft() if again else next(tasks, None)):
                    worker = min(workers, key=lambda worker: len(worker.tasks))
                    if not worker.has_room(upcoming):
                        break
                    worker.give(upcoming, self._timeout)
                    upcoming = None
                if not any(worker.tasks for worker in workers):
                    return
                ready = _wait(workers)
                for place, worker in enumerate(workers):
                    if worker.connection in ready:
                        try:
                            result = worker.receive(self._timeout)
                        except (EOFError, OSError, pickle.UnpicklingError):
                            failed_starts += not worker.ready
                            if failed_starts > _MAX_FAILED_STARTS:
                                raise ScanError("the worker processes do not start") from None
                            reason = "the process that read it crashed, twice"
                        else:
                            if result is not None:
                                yield result
                            continue
                    elif worker.tasks and monotonic() > worker.deadline:
                        reason = f"it took longer than {self._timeout:g} s"
                    else:
                        continue
                    worker.stop()
                    workers[place] = _Worker(self._pickled)
                    # Before it was ready it had not even begun.
                    suspect = worker.tasks.popleft() if worker.tasks and worker.ready else None
                    again.extendleft(reversed(worker.tasks))
                    if suspect is None:
                        continue
                    if worker.connection in ready and suspect.item.name not in suspects:
                        suspects.add(suspect.item.name)
                        again.appendleft(suspect)
                        continue
                    suspects.discard(suspect.item.name)
                    yield suspect, Result(unknown(self._model, reason))
        finally:
            for worker in workers:
                worker.stop()


class _Worker:
    """One process and what it was given."""

    def __init__(self, pickled: bytes) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks
        self.connection, theirs = context.Pipe()
        self.tasks: deque[Task] = deque()
        self.ready = False
        self.deadline = math.inf
        self._process = context.Process(target=_work, args=(theirs, pickled), daemon=True)
        with _interrupts_later():
            self._process.start()
        theirs.close()  # so that its death ends the pipe

    def has_room(self, task: Task) -> bool:
        # A large message would be waited for, with a worker that may never read it.
        return len(self.tasks) < (_TASKS_PER_WORKER if task.item.data is None else 1)

    def give(self, task: Task, timeout: float) -> None:
        if self.ready and not self.tasks:
            self.deadline = monotonic() + timeout
        self.tasks.append(task)
        with suppress(OSError):  # it has died; receiving tells
            self.connection.send(task)

    def receive(self, timeout: float) -> tuple[Task, Result] | None:
        """Receive a result; None for the message that the worker is ready."""
        result: Result | None = self.connection.recv()
        self.ready = True
        self.deadline = monotonic() + timeout
        return None if result is None else (self.tasks.popleft(), result)

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self.connection.close()


def _wait(workers: list[_Worker]) -> list[Connection]:
    """Wait until a worker has something to tell or has used up its time."""
    deadline = min(worker.deadline if worker.tasks else math.inf for worker in workers)
    left = None if deadline == math.inf else max(0.0, deadline - monotonic())
    return cast(list[Connection], wait([worker.connection for worker in workers], left))


def _work(connection: Connection, pickled: bytes) -> None:
    """Judge what comes through the pipe; the body of a worker process."""
    warnings.filterwarnings("ignore", module="PIL")  # damaged metadata; the verdict tells
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with suppress(EOFError, ConnectionError):  # the scan has ended
        load_detector(pickled)
        # Decoders warn of damaged files there, through the progress bar; the row tells.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        connection.send(None)
        while True:
            connection.send(examine(pickled, connection.recv()))


def _die_with_parent() -> None:
    """Leave no worker behind, not even a hanging one, when the scan is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach; the scan ends them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
