"""Photos judged in processes of this machine, of which each may crash or hang."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from functools import partial

from classicselfie.detector import SelfieDetector
from classicselfie.errors import LostScanError, WorkersError
from classicselfie.scan.judge import (
    Result,
    Task,
    pack_task,
    prepare_examiner,
    unknown,
    unpack_result,
)
from classicselfie.workers.pool import WorkerPool
from classicselfie.workers.worker import CrashError, FailedError, SlowError


class Workers:
    """Judge photos in `n_jobs` processes of this machine; each is given up after `timeout` s."""

    def __init__(self, detector: SelfieDetector, n_jobs: int, timeout: float) -> None:
        self._model = detector.model.name
        self._pickled = pickle.dumps(detector)
        self._n_jobs = n_jobs
        self._timeout = timeout

    def run(self, tasks: Iterator[Task | None]) -> Iterator[tuple[Task, Result]]:
        """Judge photos, in order of arrival.

        A photo at which its worker died is tried once more.

        Raises
        ------
        LostScanError
            If the processes do not start.
        """
        jobs = (None if task is None else (task, pack_task(task)) for task in tasks)
        prepare = partial(prepare_examiner, self._pickled)
        with WorkerPool(prepare, unpack_result, self._n_jobs, self._timeout) as pool:
            for task, answer in pool.as_done(jobs):
                try:
                    result = answer.result()
                except SlowError:
                    result = self._unknown(f"it took longer than {self._timeout:g} s")
                except CrashError:
                    result = self._unknown("the process that read it crashed, twice")
                except FailedError as error:
                    result = self._unknown("the check failed", str(error))
                except WorkersError as error:
                    raise LostScanError(str(error)) from error
                yield task, result

    def _unknown(self, why: str, detail: str | None = None) -> Result:
        return Result(unknown(self._model, why, detail))
