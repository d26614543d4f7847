"""Photos judged by the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Iterator
from concurrent import futures
from queue import Empty, SimpleQueue
from typing import Any

from classicselfie.detector import SelfieDetector
from classicselfie.errors import LostScanError, MissingExtraError, ScanError
from classicselfie.scan.judge import Result, Task, examine, unknown

_CONNECT_SECONDS = 5.0
_WORKERS_SECONDS = 30.0
# So many lie ready per thread of the cluster that none waits for the network.
_TASKS_PER_THREAD = 3
_LOOK_SECONDS = 5.0


class Cluster:
    """Judge photos on an existing Dask cluster.

    Parameters
    ----------
    detector : SelfieDetector
        Its weights travel with it; the workers' own installation does the rest.
    scheduler : str
        Address of the scheduler.
    timeout : float
        Seconds after which a photo is given up. What hangs keeps a thread of its worker.
    """

    def __init__(self, detector: SelfieDetector, scheduler: str, timeout: float) -> None:
        MissingExtraError.unless_installed("dask")
        self._model = detector.model.name
        self._weights = detector.model.digest
        self._pickled = pickle.dumps(detector)
        self._scheduler = scheduler
        self._timeout = timeout

    def run(self, tasks: Iterator[Task | None]) -> Iterator[tuple[Task, Result]]:
        """Judge photos, in order of arrival.

        Dask gives the photos of a worker that died to another one, up to `allowed-failures`
        times.

        Raises
        ------
        ScanError
            If there is no such cluster, it has no workers or is lost, or its workers cannot
            check photos or have other weights.
        """
        from distributed import Client

        _refuse_unreachable(self._scheduler)
        try:
            connect: Any = Client
            client = connect(self._scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise _no_scheduler(self._scheduler, error) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
            except TimeoutError as error:
                raise ScanError(f"the scheduler {self._scheduler} has no workers") from error
            yield from self._gather(client, tasks)

    def _gather(self, client: Any, tasks: Iterator[Task | None]) -> Iterator[tuple[Task, Result]]:
        done: SimpleQueue[Any] = SimpleQueue()
        under_way: dict[str, tuple[Task, Any]] = {}
        more = True
        # A task of its own, so that it is sent once a worker, and made again if that is lost.
        detector = client.submit(bytes, self._pickled, pure=False)
        while more or under_way:
            while more and len(under_way) < _room(client):
                if (task := next(tasks, None)) is None:
                    more = False
                    break
                future = client.submit(_examine_within, self._timeout, detector, task, pure=False)
                under_way[future.key] = task, future
                future.add_done_callback(done.put)
            if not under_way:
                return
            try:
                future = done.get(timeout=_LOOK_SECONDS)
            except Empty:
                if client.status != "running":
                    told = f"the scheduler {self._scheduler} was lost"
                    raise LostScanError(told) from None
                continue
            task, _ = under_way.pop(future.key)
            yield task, self._result(future)

    def _result(self, future: Any) -> Result:
        from distributed import KilledWorker

        error = future.exception() if future.status == "error" else None
        if isinstance(error, futures.TimeoutError):
            return Result(unknown(self._model, f"it took longer than {self._timeout:g} s"))
        if isinstance(error, KilledWorker):
            return Result(unknown(self._model, "every worker that read it crashed"))
        if future.status != "finished":
            what = " ".join(str(error or future.status).split())[:160]
            raise LostScanError(f"the workers of {self._scheduler} cannot check photos: {what}")
        result: Result = future.result()
        if result.weights != self._weights:
            raise ScanError(
                f"the workers of {self._scheduler} have other weights; install the same version "
                "of classicselfie there"
            )
        return result


def _no_scheduler(address: str, error: Exception) -> ScanError:
    why = " ".join(str(error).split())[:160] or "nobody answers as one"
    return ScanError(f"there is no Dask scheduler at {address}: {why}")


def _refuse_unreachable(address: str) -> None:
    """Look whether a Dask process listens there: a client tries again and again for a minute."""
    # In a thread of its own, for an event loop may run in this one.
    with futures.ThreadPoolExecutor(1) as helper:
        try:
            helper.submit(asyncio.run, _shake_hands(address)).result()
        except (OSError, ValueError, OverflowError, asyncio.TimeoutError) as error:
            raise _no_scheduler(address, error) from error


async def _shake_hands(address: str) -> None:
    from distributed import comm, security

    dask: Any = comm
    make_security: Any = security.Security
    scheme, _ = dask.parse_address(address)
    if scheme in ("tcp", "tls", "ws", "wss"):
        # The plain socket first: that nobody listens, Dask too finds out late.
        host, port = dask.get_address_host_port(address, strict=True)
        opening = asyncio.open_connection(host, port)
        _, writer = await asyncio.wait_for(opening, _CONNECT_SECONDS)
        writer.close()
    arguments = make_security().get_connection_args("client")
    connecting = dask.connect(address, timeout=_CONNECT_SECONDS, **arguments)
    (await asyncio.wait_for(connecting, _CONNECT_SECONDS)).abort()


def _room(client: Any) -> int:
    """How many photos may be under way; workers come and go."""
    info = client.scheduler_info(n_workers=-1)
    threads: int = sum(worker["nthreads"] for worker in info["workers"].values())
    return _TASKS_PER_THREAD * max(1, threads)


_thread = threading.local()


def _examine_within(timeout: float, pickled: bytes, task: Task) -> Result:
    """Judge a photo in a thread that can be left behind: a cluster's worker is not ours to kill."""
    from distributed import threadpoolexecutor  # its threads hold up no exit

    # The same one from photo to photo: the detector's networks belong to a thread.
    make: Any = threadpoolexecutor.ThreadPoolExecutor
    helper = getattr(_thread, "helper", None) or make(1)
    _thread.helper = None
    result: Result = helper.submit(examine, pickled, task).result(timeout)
    _thread.helper = helper
    return result
