"""A bounded pool of worker processes that outlives every photo.

Each worker has a pipe of its own and a thread that waits for it. So a worker that crashes or
hangs in a decoder costs that one photo its verdict: no lock and no pipe is shared that it
could take with it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.process import BaseProcess

from classicselfie.detector import SelfieDetector
from classicselfie.serve.limits import Limits
from classicselfie.serve.worker import run_worker
from classicselfie.verdict import Verdict


class BusyError(Exception):
    """There is no room, or no time, for more photos now."""


class WorkerPool:
    """Worker processes that judge photos; used from one event loop.

    Parameters
    ----------
    detector : SelfieDetector
        What every worker judges with.
    limits : Limits
    workers : int
        Number of processes.

    Attributes
    ----------
    pending : int
        Photos accepted and not yet answered.
    losses : int
        Photos that cost a worker, by crashes or by hanging; it was replaced.
    """

    def __init__(self, detector: SelfieDetector, limits: Limits, workers: int) -> None:
        self.pending = 0
        self.losses = 0
        self._model = detector.model.name
        self._limits = limits
        self._free = [_Worker(detector, limits) for _ in range(workers)]
        self._lock = threading.Lock()
        self._capacity = workers + limits.queue
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="classicselfie-worker")

    @property
    def waiting(self) -> int:
        """Photos that wait for a free worker."""
        return max(0, self.pending - (self._capacity - self._limits.queue))

    def start(self) -> None:
        """Start the workers and wait until they are ready."""
        for worker in self._free:
            worker.start()
        for worker in self._free:
            worker.wait_until_ready()

    def close(self) -> None:
        """Finish what was accepted, then end the workers."""
        self._threads.shutdown(wait=True)
        for worker in self._free:
            worker.stop()

    async def check(self, photos: Sequence[bytes]) -> list[Verdict]:
        """Judge photos, in order.

        Raises
        ------
        BusyError
            If the queue has no room for all of them, or they waited for too long.
        """
        if self.pending + len(photos) > self._capacity:
            raise BusyError
        self.pending += len(photos)
        jobs: list[Future[Verdict]] = []
        try:
            jobs += [self._threads.submit(self._check, photo) for photo in photos]
            answers = [asyncio.wrap_future(job) for job in jobs]
            await asyncio.wait(answers, timeout=self._limits.timeout)
            # Photos that still wait for a worker are given up; the others end by themselves.
            if any(job.cancel() for job in jobs):
                raise BusyError
            return [await answer for answer in answers]
        finally:
            for job in jobs:
                job.cancel()
            self.pending -= len(photos)

    def _check(self, photo: bytes) -> Verdict:
        with self._lock:
            worker = self._free.pop()  # as many as threads: there is one
        try:
            return worker.check(photo)
        except _SlowError:
            why = f"judging it took longer than {self._limits.timeout:g} seconds"
        except (OSError, EOFError):
            why = "its decoder broke down"
        finally:
            with self._lock:
                self._free.append(worker)
        self.losses += 1
        return Verdict.unknown(self._model, why)


class _SlowError(Exception):
    """A worker takes too long."""


class _Worker:
    """One process and the pipe to it; a new process where the last one was lost."""

    # Not forked: threads and locks of this process must not be copied in mid-flight.
    _context = multiprocessing.get_context("spawn")

    def __init__(self, detector: SelfieDetector, limits: Limits) -> None:
        self._detector = detector
        self._limits = limits
        self._process: BaseProcess | None = None

    def start(self) -> None:
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=run_worker,
            args=(theirs, self._detector, self._limits.max_pixels),
            name="classicselfie-worker",
            daemon=True,
        )
        self._process.start()
        theirs.close()  # the end of the process is then the end of the pipe

    def wait_until_ready(self) -> None:
        self._connection.recv()

    def check(self, photo: bytes) -> Verdict:
        try:
            return self._ask(photo)
        except (OSError, EOFError):
            # The process may have been ended from outside: once more, with a new one.
            return self._ask(photo)

    def _ask(self, photo: bytes) -> Verdict:
        if self._process is None or not self._process.is_alive():
            self.stop()
            self.start()
            self.wait_until_ready()
        try:
            self._connection.send_bytes(photo)
            if not self._connection.poll(self._limits.timeout):
                raise _SlowError
            verdict: Verdict = self._connection.recv()
        except (_SlowError, OSError, EOFError):
            self.stop()
            raise
        return verdict

    def stop(self) -> None:
        """End the process at once; it is only called when no verdict is wanted any more."""
        if self._process is not None:
            self._connection.close()
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None
