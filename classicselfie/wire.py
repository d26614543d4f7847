"""Photos and verdicts as messages for worker processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeAlias, cast, get_args

import numpy as np

from classicselfie.faces import Bbox, Face
from classicselfie.images import BgrImage
from classicselfie.verdict import Confidence, Label, Reason, Stage, Verdict
from classicselfie.workers.messages import Message

Portable: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BgrImage"
"""What of a `PhotoSource` can be sent to another process."""


def pack_photo(photo: object) -> Message:
    """Write a photo as a message; raises `TypeError` where processes cannot share it.

    A path is made absolute: it means what it means here and now.
    """
    if isinstance(photo, (str, os.PathLike)):
        path = os.fspath(photo)
        with suppress(OSError):  # the working folder is gone; so is the photo
            path = os.path.abspath(path)  # noqa: PTH100  keeps a str
        return Message({"path": path})
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return Message({}, bytes(photo))
    if isinstance(photo, np.ndarray):
        if photo.dtype != np.uint8:
            raise TypeError(f"an array must be of dtype uint8, not {photo.dtype}")
        return Message({"shape": photo.shape}, photo.tobytes())
    raise TypeError(
        f"several processes take paths, bytes and arrays, not {type(photo).__name__}; "
        "read it first, or use n_jobs=1"
    )


def unpack_photo(message: Message) -> Portable:
    """Undo `pack_photo`."""
    if "path" in message.head:
        return cast(str, message.head["path"])
    if "shape" in message.head:
        return np.frombuffer(message.tail, np.uint8).reshape(message.head["shape"])
    return message.tail


def pack_verdict(verdict: Verdict) -> Message:
    """Write a verdict as a message, every number in full."""
    return Message(asdict(verdict))


def unpack_verdict(message: Message) -> Verdict:
    """Undo `pack_verdict`; reads what `Verdict.to_dict` gives as well.

    Raises
    ------
    Exception
        Of many kinds, if it is no verdict: who wrote it may have been taken over by a photo.
    """
    values: dict[str, Any] = dict(message.head)
    values.pop("summary", None)  # made of all the rest
    values["reasons"] = tuple(Reason(**reason) for reason in values["reasons"])
    values["faces"] = tuple(
        Face(
            bbox=cast(Bbox, _numbers(face["bbox"], 4)),
            landmarks=tuple(cast("tuple[float, float]", _numbers(p, 2)) for p in face["landmarks"]),
            score=float(face["score"]),
        )
        for face in values["faces"]
    )
    values["timings_ms"] = {str(name): float(ms) for name, ms in values["timings_ms"].items()}
    if values["size"] is not None:
        width, height = values["size"]
        values["size"] = int(width), int(height)
    for name in ("probability", "threshold"):
        if values[name] is not None:
            values[name] = float(values[name])
    texts = [values["model"], *(text for r in values["reasons"] for text in (r.signal, r.sentence))]
    texts += [values[name] for name in ("path", "detail") if values[name] is not None]
    if (
        values["label"] not in get_args(Label)
        or values["confidence"] not in (*get_args(Confidence), None)
        or values["stage"] not in get_args(Stage)
        or values["front_camera"] not in (True, False, None)
        or not all(isinstance(text, str) for text in texts)
        or not all(isinstance(reason.contribution, float) for reason in values["reasons"])
    ):
        raise ValueError("it is no verdict")
    return Verdict(**values)


def _numbers(values: Sequence[Any], count: int) -> tuple[float, ...]:
    if len(values) != count:
        raise ValueError(f"there are not {count} numbers")
    return tuple(map(float, values))
