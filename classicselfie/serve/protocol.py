"""HTTP on the wire, where uvicorn trusts its clients more than a public service may."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 2**10
_LINGER_SECONDS = 2.0


class GuardedProtocol(HttpToolsProtocol):
    """Ends connections whose request lines and headers never end.

    uvicorn bounds neither the time nor the size of what comes before a request's body. It also
    loses the body of a request that offers another protocol, as clients of HTTP/2 do at their
    first try (`Upgrade: h2c`); such an offer is passed over here.

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
        self._is_refused = False
        self._offer: bytes | None = None  # the head of a request with one, without it
        self.parser = _Parser(self)  # type: ignore[assignment]

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
        if not self._is_refused:
            super().data_received(data)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self._is_refused or self.transport.is_closing() or is_answering:
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self.transport.close()
        elif self._clock is None:
            self._start_clock()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and read on a little, or the answer would be lost."""
        self._is_refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what it would still say has no place any more
            self.cycle.message_event.set()
        head = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
        head += f"content-length: {len(msg)}\r\nconnection: close\r\n\r\n"
        self.transport.write((head + msg).encode("ascii"))
        self.transport.write_eof()
        self._stop_clock()
        self._clock = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def on_headers_complete(self) -> None:
        """Stop the clock; from here on the application's own limits hold."""
        self._stop_clock()
        self._head_bytes = 0
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._offer = self._head_without_offer()
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Pass over the end of a head whose request is still to be read."""
        if self._offer is None:
            super().on_message_complete()

    def take_offer(self) -> bytes | None:
        """Take the head to read in place of one with an offer; None where there was no offer."""
        head, self._offer = self._offer, None
        return head

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                tokens = (token.strip() for token in value.split(b","))
                value = b", ".join(t for t in tokens if t.lower() not in _OFFERS)  # noqa: PLW2901
            if name not in _OFFERS:
                lines.append(b"%s: %s" % (name, value))
        return b"\r\n".join([*lines, b"", b""])

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(self.head_seconds, self.transport.close)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


_OFFERS = (b"upgrade", b"http2-settings")


class _Parser:
    """uvicorn's parser, and a new one where it would stop reading HTTP."""

    def __init__(self, protocol: GuardedProtocol) -> None:
        self._protocol = protocol
        self._inner = self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def feed_data(self, data: bytes) -> None:
        while True:
            try:
                self._inner.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                head = self._protocol.take_offer()
                if head is None:
                    raise
                self._inner = self._make()
                data = head + data[upgrade.args[0] :]

    def _make(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self._protocol)
        # As uvicorn sets it: a client may send on after it asked to close.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser
