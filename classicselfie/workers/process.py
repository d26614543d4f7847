"""The body of a worker process."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from queue import SimpleQueue
from typing import TypeAlias

from classicselfie.errors import describe
from classicselfie.workers.messages import Message, receive, send

Handler: TypeAlias = Callable[[Message], Message]
"""Answers one request."""
Prepare: TypeAlias = Callable[[], Handler]
"""Makes a handler, once a process."""

READY, DONE, FAILED = "ready", "done", "failed"
_LOOK_SECONDS = 1.0


def main(connection: socket.socket, parent: int | None = None) -> None:
    """Answer requests until the other end of the connection is gone, or the parent.

    The first message holds a pickled `Prepare`; it comes from who started this process.
    """
    # Who started it decides when it ends; a signal to the whole group (Ctrl-C, systemd) must not
    # end it before its work is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    warnings.simplefilter("ignore")  # damaged metadata; the verdict tells
    requests: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_read, args=(connection, requests), daemon=True).start()
    die_with_parent(parent)
    try:
        import cv2

        cv2.setNumThreads(1)  # the processes already fill the cores
        prepare: Prepare = pickle.loads(requests.get().tail)
        handler = prepare()
    except Exception as error:  # whatever it is, it is told in a line
        send(connection, Message([FAILED, describe(error)]))
        return
    send(connection, Message([READY, None]))
    while True:
        request = requests.get()
        try:
            answer = handler(request)
            told = Message([DONE, answer.head], answer.tail)
        except Exception as error:  # one request must not end the process
            told = Message([FAILED, describe(error)])
        del request
        send(connection, told)


def _read(connection: socket.socket, requests: SimpleQueue[Message]) -> None:
    """Read ahead, and end the process with the connection: the work may never come to an end."""
    try:
        while True:
            requests.put(receive(connection))
    finally:
        os._exit(0)


@lru_cache(maxsize=1)
def die_with_parent(parent: int | None = None) -> None:
    """Leave no process behind, not even a hanging one, when the parent is killed.

    Parameters
    ----------
    parent : int, optional
        Its process id; by default that of whoever is the parent now, when the one who started
        this process may be dead already.
    """
    expected = parent or os.getppid()

    def look() -> None:
        # A pipe's end tells too, but not while a fork of the parent holds it open.
        while os.getppid() == expected:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
