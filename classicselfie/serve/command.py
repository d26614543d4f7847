"""`classicselfie serve`: the application on a socket, until it is told to end."""

from __future__ import annotations

import logging
import signal
import socket
import sys

import uvicorn

from classicselfie.console import note
from classicselfie.detector import SelfieDetector
from classicselfie.errors import ServeError, WorkersError
from classicselfie.serve.app import create_app
from classicselfie.serve.limits import Limits
from classicselfie.serve.protocol import GuardedProtocol


def serve(
    detector: SelfieDetector, limits: Limits, *, host: str, port: int, workers: int | None
) -> None:
    """Serve until SIGTERM or Ctrl-C; then finish what was accepted.

    Raises
    ------
    ServeError
        If the address cannot be used.
    """
    app = create_app(detector, limits, workers=workers)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise ServeError(f"cannot listen on {host} port {port}: {error}") from error
    try:
        app.state.pool.start()  # here, where a failure is a line and no log
    except WorkersError as error:
        raise ServeError(str(error)) from error
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}"

    class Protocol(GuardedProtocol):
        head_seconds = min(GuardedProtocol.head_seconds, limits.timeout)

    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        access_log=False,  # no word of who asked for what
        log_level="warning",
        server_header=False,
    )
    # The parser would tell what it stumbles over in a body.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL + 1)
    # uvicorn ends in good order at SIGTERM and then raises the signal once more for whoever
    # listened before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            note(f"classicselfie: listening on {address} (Ctrl-C ends)")

    Server(config).run(sockets=[listener])
