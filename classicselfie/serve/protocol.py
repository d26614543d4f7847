"""HTTP on the wire, where uvicorn trusts its clients more than a public service may."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 2**10


class GuardedProtocol(HttpToolsProtocol):
    """Ends connections whose request lines and headers never end.

    uvicorn bounds neither the time nor the size of what comes before a request's body.

    Attributes
    ----------
    head_seconds : float
        Time for what comes before a request's body.
    """

    head_seconds = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a client that connects has something to say."""
        super().connection_made(transport)
        # Head and body of an answer are two writes; asyncio sets this on sockets of its own only.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        super().connection_lost(exc)
        self._stop_clock()

    def data_received(self, data: bytes) -> None:
        """Count what comes outside of a request that is being answered."""
        super().data_received(data)
        if self.transport.is_closing() or not (self.cycle is None or self.cycle.response_complete):
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self.transport.close()
        elif self._clock is None:
            self._start_clock()

    def on_headers_complete(self) -> None:
        """Stop the clock; from here on the application's own limits hold."""
        self._stop_clock()
        self._head_bytes = 0
        super().on_headers_complete()

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(self.head_seconds, self.transport.close)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
