"""One worker process, as seen by who asks it."""

from __future__ import annotations

import multiprocessing.spawn
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

from classicselfie.errors import WorkersError
from classicselfie.workers.messages import Message, receive, send
from classicselfie.workers.process import DONE, FAILED, READY

T = TypeVar("T")

_START_SECONDS = 120.0
_STARTS = 5
_END_SECONDS = 5.0
_MAX_ANSWER_BYTES = 2**24
# An empty __main__: the caller's is not run again, so that it needs no guard, and may be no file.
_BODY = (
    "import sys; place, *sys.path = sys.argv[1:]; import socket; "
    "from classicselfie.workers.process import main; "
)
_CONNECT = "main(socket.socket(fileno=int(place)), {parent})"
_CONNECT_WINDOWS = "main(socket.fromshare(sys.stdin.buffer.read()))"
_FLAGS = {
    "dont_write_bytecode": ("-B",),
    "ignore_environment": ("-E",),
    "isolated": ("-I",),
    "no_user_site": ("-s",),
    "utf8_mode": ("-X", "utf8"),
}


class SlowError(Exception):
    """A request took too long; its process was ended."""


class CrashError(Exception):
    """A request at which two processes died, or gave no honest answer."""


class FailedError(Exception):
    """A request at which the handler raised an error; the text tells which."""


class Worker(Generic[T]):
    """A process that answers requests, and a new one where the last was lost.

    Parameters
    ----------
    prepare : bytes
        A pickled `Prepare`.
    decode : callable
        Reads an answer; whatever it raises means that the answer is none.
    timeout : float, optional
        Seconds after which a request is given up.

    Attributes
    ----------
    problem : str or None
        Why there is no process, where the last start failed.
    """

    def __init__(
        self, prepare: bytes, decode: Callable[[Message], T], timeout: float | None
    ) -> None:
        self.problem: str | None = None
        self._prepare = prepare
        self._decode = decode
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._in_use = threading.Lock()
        self._starting = threading.Lock()
        self._retired = False

    def ask(self, request: Message) -> T:
        """Answer a request; one at which the process died is tried once more.

        It may have died of something else, such as a lack of memory.

        Raises
        ------
        SlowError
            If it takes too long.
        CrashError
            If the process died twice.
        FailedError
            If its handler raised an error.
        WorkersError
            If the process does not start.
        """
        with self._in_use:
            try:
                return self._ask(request)
            except CrashError:
                try:
                    return self._ask(request)
                except WorkersError as error:
                    # That there is no process is told to the next request, which is no suspect.
                    raise CrashError from error

    def heal(self) -> None:
        """Start a missing process, or raise `WorkersError`; while it is in use, nothing is done."""
        if self._in_use.acquire(blocking=False):
            try:
                self._ensure(starts=1)
            finally:
                self._in_use.release()

    def retire(self) -> None:
        """End the process at once, from whichever thread; there will be no other."""
        with self._starting:
            self._retired = True
            self._end()

    def _ask(self, request: Message) -> T:
        connection = self._ensure(_STARTS)
        until = None if self._timeout is None else monotonic() + self._timeout
        try:
            send(connection, request, until)
            answer = receive(connection, until, _MAX_ANSWER_BYTES)
            kind, head = answer.head
            if kind == DONE:
                return self._decode(Message(head, answer.tail))
            failure = str(head)
        except TimeoutError as error:
            self._end()
            raise SlowError from error
        except Exception as error:
            # Dead, or not itself any more: what it says cannot be read.
            self._end()
            raise CrashError from error
        raise FailedError(failure)

    def _ensure(self, starts: int) -> socket.socket:
        """Return the connection to a process that is ready."""
        alive = self._process is not None and self._process.poll() is None
        if alive and self._connection is not None:
            return self._connection
        for left in reversed(range(starts)):
            self._end()
            try:
                connection = self._start()
                self.problem = None
                return connection
            except WorkersError as error:
                self._end()
                self.problem = str(error)
                raise
            except (OSError, EOFError, ValueError, RecursionError) as error:
                self._end()
                if not left:
                    self.problem = f"the worker processes do not start: {_why(error)}"
                    raise WorkersError(self.problem) from error
        raise AssertionError("at least one start is tried")

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs, self._starting:
            self._connection = ours
            if self._retired:
                raise WorkersError("the worker processes have ended")
            with _signals_later():
                self._process = _spawn(theirs)
        until = monotonic() + _START_SECONDS
        send(ours, Message(None, self._prepare), until)
        kind, why = receive(ours, until, _MAX_ANSWER_BYTES).head
        if kind == FAILED:
            raise WorkersError(f"the worker processes do not start: {why}")
        if kind != READY:
            raise ValueError("it said something else than that it is ready")
        return ours

    def _end(self) -> None:
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if process is not None:
            process.kill()
            with suppress(subprocess.TimeoutExpired):  # it waits for a disk that is gone
                process.wait(_END_SECONDS)
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes who waits there
            connection.close()


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"they are not ready after {_START_SECONDS:g} s"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ConnectionError):
        return error.strerror
    return "they end at once"


def _spawn(theirs: socket.socket) -> subprocess.Popen[bytes]:
    executable = multiprocessing.spawn.get_executable()
    if not executable:
        raise WorkersError("the worker processes do not start: there is no sys.executable")
    options = [o for flag, given in _FLAGS.items() if getattr(sys.flags, flag) for o in given]
    if sys.platform == "win32":
        process = subprocess.Popen(
            [executable, *options, "-c", _BODY + _CONNECT_WINDOWS, "-", *_path()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(theirs.share(process.pid))
        return process
    place = theirs.fileno()
    connect = _CONNECT.format(parent=os.getpid())
    return subprocess.Popen(
        [executable, *options, "-c", _BODY + connect, str(place), *_path()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # decoders tell things there
        pass_fds=[place],
    )


def _path() -> list[str]:
    """Where modules are found now, whatever the working folder may be later."""
    found = [entry for entry in sys.path if os.path.isabs(entry)]  # noqa: PTH117  a str
    if len(found) < len(sys.path):  # "" is the working folder, which may be deleted
        with suppress(OSError):
            found = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100
    home = str(Path(__file__).parents[2])
    return found if home in found else [*found, home]


@contextmanager
def _signals_later() -> Iterator[None]:
    """Start a process that signals to the whole group do not reach before it ignores them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
