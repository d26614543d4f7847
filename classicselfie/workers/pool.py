"""Requests in, answers out, from several worker processes at once."""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Generic, TypeVar

from classicselfie.errors import MissingExtraError, WorkersError
from classicselfie.workers.messages import Message
from classicselfie.workers.process import Prepare
from classicselfie.workers.worker import CrashError, SlowError, Worker

T = TypeVar("T")
Key = TypeVar("Key")
_Job = tuple[Future[T], Message]

# Another request lies ready, so that no process waits for who reads the answers.
_PER_PROCESS = 2
# The same where answers are wanted in order: one that takes long holds up who reads, not the rest.
_PER_PROCESS_IN_ORDER = 8


def count_processes(n_jobs: int) -> int:
    """Count processes.

    Parameters
    ----------
    n_jobs : int
        As for scikit-learn: below 0 it counts back from the number of cores, so that -1 is one
        process per core. Needs joblib then, which knows containers' limits.

    Raises
    ------
    ValueError
        If it is 0.
    MissingExtraError
        If joblib is needed and not installed.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs must not be 0; -1 is one process per core")
    if n_jobs > 0:
        return n_jobs
    try:
        from joblib import cpu_count
    except ImportError as error:
        raise MissingExtraError("joblib", "scan") from error
    return max(1, int(cpu_count()) + 1 + n_jobs)


class WorkerPool(Generic[T]):
    """Worker processes, each with a connection and a thread of its own.

    So one that crashes or hangs in a decoder costs that one request its answer: no lock and no
    pipe is shared that it could take with it. They end with this process, however it ends.

    Parameters
    ----------
    prepare : Prepare
        Makes, in each process, what answers there. Is pickled.
    decode : callable
        Reads an answer; called in a thread. Whatever it raises counts as a crash, for the answer
        may come from a process that was taken over.
    count : int
        Number of processes; they start with the first requests.
    timeout : float, optional
        Seconds after which a request is given up and its process ended.

    Attributes
    ----------
    losses : int
        Requests given up because their processes crashed or hung.
    """

    def __init__(
        self,
        prepare: Prepare,
        decode: Callable[[Message], T],
        count: int,
        timeout: float | None = None,
    ) -> None:
        self.losses = 0
        pickled = pickle.dumps(prepare)
        self._jobs: SimpleQueue[_Job[T] | None] = SimpleQueue()
        self._workers = [Worker(pickled, decode, timeout) for _ in range(count)]
        self._threads = [
            # An interpreter that ends must not wait for a request that hangs.
            threading.Thread(target=self._work, args=(worker,), daemon=True)
            for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> WorkerPool[T]:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes at once."""
        self.close()

    @property
    def problem(self) -> str | None:
        """Why a process could not be started lately; None where all is well."""
        return next((worker.problem for worker in self._workers if worker.problem), None)

    def submit(self, request: Message) -> Future[T]:
        """Have a request answered.

        Returns
        -------
        Future
            Its answer. It may be cancelled while it waits; it may raise `SlowError`,
            `CrashError`, `FailedError` and `WorkersError`.
        """
        future: Future[T] = Future()
        self._jobs.put((future, request))
        return future

    def as_done(
        self, jobs: Iterable[tuple[Key, Message] | None]
    ) -> Iterator[tuple[Key, Future[T]]]:
        """Have many requests answered, in order of arrival; few are taken ahead.

        Parameters
        ----------
        jobs : iterable of (key, Message) or None
            Read as the processes get on. At None nothing is begun, and what is done is yielded.

        Yields
        ------
        key
        answer : Future
            It is done.
        """
        done: SimpleQueue[tuple[Key, Future[T]]] = SimpleQueue()
        under_way = 0
        for job in jobs:
            if job is not None:
                key, request = job
                self.submit(request).add_done_callback(partial(_arrive, done, key))
                under_way += 1
            while under_way >= _PER_PROCESS * len(self._workers) or not done.empty():
                yield done.get()
                under_way -= 1
        for _ in range(under_way):
            yield done.get()

    def in_order(self, jobs: Iterable[tuple[Key, Message]]) -> Iterator[tuple[Key, Future[T]]]:
        """Have many requests answered, in their order; few are taken ahead.

        The same as `as_done` otherwise, but the answers may have to be waited for.
        """
        under_way: deque[tuple[Key, Future[T]]] = deque()
        for key, request in jobs:
            under_way.append((key, self.submit(request)))
            if len(under_way) >= _PER_PROCESS_IN_ORDER * len(self._workers):
                yield under_way.popleft()
        yield from under_way

    def heal(self) -> str | None:
        """Start processes that are missing and not in use; tell why one could not be, of late."""
        threads = [threading.Thread(target=_heal, args=(worker,)) for worker in self._workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.problem

    def close(self, *, finish: bool = False) -> None:
        """End the processes; with `finish`, what was submitted is answered first."""
        for _ in self._threads:
            self._jobs.put(None)
        if finish:
            for thread in self._threads:
                thread.join()
        for worker in self._workers:
            worker.retire()
        for thread in self._threads:
            thread.join()

    def _work(self, worker: Worker[T]) -> None:
        while (job := self._jobs.get()) is not None:
            future, request = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(worker.ask(request))
            except Exception as error:
                self.losses += isinstance(error, (SlowError, CrashError))
                future.set_exception(error)
            del job, future, request  # a photo is large


def _arrive(done: SimpleQueue[tuple[Key, Future[T]]], key: Key, answer: Future[T]) -> None:
    done.put((key, answer))


def _heal(worker: Worker[T]) -> None:
    with suppress(WorkersError):  # the worker remembers why
        worker.heal()
