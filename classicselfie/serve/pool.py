"""Photos of requests in, verdicts out; only so many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from classicselfie.detector import SelfieDetector
from classicselfie.errors import WorkersError
from classicselfie.serve.limits import Limits
from classicselfie.serve.worker import prepare
from classicselfie.verdict import Verdict
from classicselfie.wire import unpack_verdict
from classicselfie.workers.messages import Message
from classicselfie.workers.pool import WorkerPool
from classicselfie.workers.worker import CrashError, FailedError, SlowError


class BusyError(Exception):
    """There is no room, or no time, for more photos now."""


class PhotoPool:
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
    """

    def __init__(self, detector: SelfieDetector, limits: Limits, workers: int) -> None:
        self.pending = 0
        self._detector = detector
        self._limits = limits
        self._count = workers
        self._capacity = workers + limits.queue
        self._pool: WorkerPool[Verdict] | None = None

    @property
    def waiting(self) -> int:
        """Photos that wait for a free worker."""
        return max(0, self.pending - self._count)

    @property
    def losses(self) -> int:
        """Photos that cost a worker, by crashes or by hanging; it was replaced."""
        return self._pool.losses if self._pool else 0

    def start(self) -> None:
        """Start the workers and wait until they are ready.

        Raises
        ------
        WorkersError
            If they do not start.
        """
        self._pool = self._pool or WorkerPool(
            partial(prepare, self._detector, self._limits.max_pixels),
            unpack_verdict,
            self._count,
            self._limits.timeout,
        )
        problem = self._pool.heal()
        if problem:
            raise WorkersError(problem)

    def heal(self) -> str | None:
        """Replace workers that are gone; tell why that cannot be done, where it cannot."""
        return self._pool.heal() if self._pool else "the workers have not been started"

    def close(self) -> None:
        """Finish what was accepted, then end the workers."""
        if self._pool:
            self._pool.close(finish=True)
            self._pool = None

    async def check(self, photos: Sequence[bytes]) -> list[Verdict]:
        """Judge photos, in order.

        Raises
        ------
        BusyError
            If the queue has no room for all of them, or they waited for too long.
        WorkersError
            If there is no worker, and none can be started.
        """
        if self._pool is None:
            raise WorkersError("the workers have not been started")
        if self.pending + len(photos) > self._capacity:
            raise BusyError
        self.pending += len(photos)
        jobs: list[Future[Verdict]] = []
        try:
            jobs += [self._pool.submit(Message(None, photo)) for photo in photos]
            await asyncio.wait(map(asyncio.wrap_future, jobs), timeout=self._limits.timeout)
            # Photos that still wait for a worker are given up; the others end by themselves.
            if any(job.cancel() for job in jobs):
                raise BusyError
            return [await self._answer(job) for job in jobs]
        finally:
            for job in jobs:
                job.cancel()
            self.pending -= len(photos)

    async def _answer(self, job: Future[Verdict]) -> Verdict:
        try:
            return await asyncio.wrap_future(job)
        except SlowError:
            why = f"judging it took longer than {self._limits.timeout:g} seconds"
        except (CrashError, FailedError):
            why = "its decoder broke down"
        return Verdict.unknown(self._detector.model.name, why)
