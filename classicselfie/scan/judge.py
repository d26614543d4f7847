"""What happens to one photo of a scan, in whichever process."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from types import NoneType
from typing import Any, BinaryIO, Protocol

import cv2

from classicselfie.detector import SelfieDetector
from classicselfie.errors import PhotoError, describe
from classicselfie.files import sha256_of
from classicselfie.photo import MAX_BYTES
from classicselfie.scan.sources import Item, open_item
from classicselfie.verdict import Verdict
from classicselfie.wire import unpack_verdict
from classicselfie.workers.messages import Message
from classicselfie.workers.process import Handler


@dataclass(frozen=True)
class Task:
    """A photo to judge."""

    item: Item
    # SHA-256 of the content that was judged before by the same weights and threshold.
    known: str | None = None


@dataclass(frozen=True)
class Result:
    """What was found out about one photo."""

    answer: dict[str, Any] | None  # `Verdict.to_dict`; None where the content is the known one
    weights: str = ""  # SHA-256 of those that answered; empty where none did
    sha256: str | None = None  # of the content; None where that could not be read to its end
    bytes: int | None = None  # size of the file
    mtime_ns: int | None = None  # when the file was last changed, as the file system tells


class Runner(Protocol):
    """What judges a stream of photos."""

    def run(self, tasks: Iterator[Task | None]) -> Iterator[tuple[Task, Result]]:
        """Judge photos in order of arrival, with a bounded number under way.

        A task that is None only lets answers be taken that have come meanwhile.
        """


def unknown(model: str, sentence: str, detail: str | None = None) -> dict[str, Any]:
    """Write the answer for a photo that could not be judged."""
    return Verdict.unknown(model, sentence, detail=detail).to_dict()


@lru_cache(maxsize=4)
def load_detector(pickled: bytes) -> tuple[SelfieDetector, str]:
    """Load a detector once a process, and the digest of its weights."""
    cv2.setNumThreads(1)  # the processes already fill the cores
    detector: SelfieDetector = pickle.loads(pickled)
    return detector, detector.model.digest


def examine(pickled: bytes, task: Task) -> Result:
    """Hash and judge one photo by a pickled `SelfieDetector`."""
    detector, weights = load_detector(pickled)
    model = detector.model.name
    if task.item.problem:
        return Result(unknown(model, task.item.problem), weights)
    try:
        with open_item(task.item) as stream:
            size, mtime_ns = _facts(stream)
            digest = sha256_of(stream) if size <= MAX_BYTES else None
            stream.seek(0)
            known = digest is not None and digest == task.known
            answer = None if known else detector.check(stream).to_dict()
        return Result(answer, weights, digest, size, mtime_ns)
    except PhotoError as error:
        return Result(unknown(model, str(error), error.detail), weights)
    except Exception as error:  # one photo must not end the run: a disk's error, a lack of memory
        return Result(unknown(model, "the check failed", describe(error)), weights)


def prepare_examiner(pickled: bytes) -> Handler:
    """Make what answers in a worker process."""
    load_detector(pickled)
    return lambda request: _pack_result(examine(pickled, _unpack_task(request)))


def pack_task(task: Task) -> Message:
    """Write a task as a message."""
    data = task.item.data
    item = asdict(replace(task.item, data=None))
    return Message({"item": item, "known": task.known, "holds": data is not None}, data or b"")


def _unpack_task(message: Message) -> Task:
    data = message.tail if message.head["holds"] else None
    return Task(Item(**message.head["item"] | {"data": data}), message.head["known"])


def _pack_result(result: Result) -> Message:
    return Message(asdict(result))


def unpack_result(message: Message) -> Result:
    """Read the answer of a worker process; raises errors of many kinds if it is none."""
    values = dict(message.head)
    if values["answer"] is not None:
        values["answer"] = unpack_verdict(Message(values["answer"])).to_dict()
    for name, kind in (("weights", str), ("sha256", str), ("bytes", int), ("mtime_ns", int)):
        if not isinstance(values[name], (kind, NoneType)):
            raise TypeError(f"{name} is no {kind.__name__}")
    return Result(**values)


def _facts(stream: BinaryIO) -> tuple[int, int | None]:
    """Size, and time of the last change of a file of its own."""
    try:
        facts = os.fstat(stream.fileno())
    except OSError:  # in memory
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        return size, None
    return facts.st_size, facts.st_mtime_ns
