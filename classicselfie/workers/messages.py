"""What is said between a process and its workers: JSON, and bytes as they are.

A worker decodes what strangers made, and may be taken over by it. So its answers are read as data
and never unpickled, and never in full where they are larger than any honest answer.
"""

from __future__ import annotations

import json
import socket
import struct
from time import monotonic
from typing import Any, NamedTuple

_SIZES = struct.Struct("!IQ")
_BLOCK = 2**20


class Message(NamedTuple):
    """One request or answer."""

    head: Any  # whatever JSON can say
    tail: bytes = b""  # what JSON cannot: a photo, an array


def send(connection: socket.socket, message: Message, until: float | None = None) -> None:
    """Send a message.

    Parameters
    ----------
    connection : socket.socket
        A stream.
    message : Message
    until : float, optional
        The time, as `time.monotonic` tells it, at which to give up.

    Raises
    ------
    TimeoutError
        If the other end does not take it in time.
    OSError
        If the other end is gone.
    """
    head = json.dumps(message.head).encode()
    _limit(connection, until)
    connection.sendall(_SIZES.pack(len(head), len(message.tail)) + head)
    if message.tail:
        _limit(connection, until)
        connection.sendall(message.tail)


def receive(
    connection: socket.socket, until: float | None = None, max_bytes: int | None = None
) -> Message:
    """Receive a message.

    Parameters
    ----------
    connection : socket.socket
        A stream.
    until : float, optional
        The time, as `time.monotonic` tells it, at which to give up.
    max_bytes : int, optional
        More are not read.

    Raises
    ------
    TimeoutError
        If it has not come in full in time.
    OSError, EOFError
        If the other end is gone.
    ValueError, RecursionError
        If it is no message, or too large.
    """
    head_size, tail_size = _SIZES.unpack(_read(connection, _SIZES.size, until))
    if max_bytes is not None and head_size + tail_size > max_bytes:
        raise ValueError("the message is too large")
    head = json.loads(_read(connection, head_size, until))
    return Message(head, _read(connection, tail_size, until))


def _read(connection: socket.socket, size: int, until: float | None) -> bytes:
    blocks = []
    while size:
        _limit(connection, until)
        block = connection.recv(min(size, _BLOCK))
        if not block:
            raise EOFError
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def _limit(connection: socket.socket, until: float | None) -> None:
    # Not 0, which would mean: without waiting.
    connection.settimeout(None if until is None else max(1e-3, until - monotonic()))
