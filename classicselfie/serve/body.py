"""Request to photos: a body is read in memory, within limits, and never touches the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from classicselfie.serve.limits import PENDING_BODIES, Limits
from classicselfie.serve.pool import BusyError

_CLOSE = {"Connection": "close"}
_LINGER_SECONDS = 2.0


@dataclass(frozen=True)
class Upload:
    """A photo as it was sent: its bytes, and the name that the client gave it."""

    content: bytes
    name: str | None = None


class BodyReader:
    """Reads the photos of requests.

    What all requests together hold in memory is bounded too, so that many clients cannot do
    what one cannot.
    """

    def __init__(self, limits: Limits) -> None:
        self.held = 0
        self._limits = limits

    @contextmanager
    def read(self, request: Request) -> Iterator[_Body]:
        """Open a request's body; its bytes count as held until the end of the `with` block."""
        body = _Body(request, self._limits, self)
        try:
            yield body
        finally:
            self.held -= body.size


class _Body:
    def __init__(self, request: Request, limits: Limits, reader: BodyReader) -> None:
        self.size = 0
        self._request = request
        self._limits = limits
        self._reader = reader

    async def uploads(self) -> list[Upload]:
        """Read all photos.

        Raises
        ------
        HTTPException
            With 400, 408, 413, 415 or 422 where the request is at fault.
        BusyError
            If all requests together hold too much.
        """
        try:
            return await asyncio.wait_for(self._parse(), self._limits.timeout)
        except asyncio.TimeoutError as error:
            why = f"the request took longer than {self._limits.timeout:g} seconds to arrive"
            raise HTTPException(408, why, _CLOSE) from error

    async def _parse(self) -> list[Upload]:
        kind = self._request.headers.get("content-type", "application/octet-stream")
        kind = kind.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            uploads = await self._parse_form()
        elif kind == "application/octet-stream" or kind.startswith("image/"):
            content = b"".join([chunk async for chunk in self._chunks()])
            uploads = [Upload(content)] if content else []
        else:
            raise HTTPException(
                415,
                "send multipart/form-data, or a photo's bytes as application/octet-stream or "
                "image/*",
                _CLOSE,
            )
        if not uploads:
            raise HTTPException(422, "there is no photo in the request")
        return uploads

    async def _parse_form(self) -> list[Upload]:
        parser = _InMemoryParser(
            self._request.headers,
            self._chunks(),
            max_files=self._limits.max_parts,
            max_fields=self._limits.max_parts,
        )
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise HTTPException(400, error.message, _CLOSE) from error
        except UnicodeError as error:  # of codecs such as punycode, which the client may name
            raise HTTPException(400, "the form's charset does not fit it", _CLOSE) from error
        if parser.begun > len(form.multi_items()):
            raise HTTPException(400, "The form ends in the middle of a part.", _CLOSE)
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        # A file field that was left empty is sent without a name and without content.
        return [
            Upload(file.file.read(), file.filename) for file in files if file.filename or file.size
        ]

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives; what Content-Length promises is not believed."""
        stream = self._request.stream()
        async for chunk in stream:
            if self.size + len(chunk) > self._limits.max_bytes:
                await self._discard(stream)
                raise HTTPException(
                    413, f"the body is larger than {self._limits.max_bytes} bytes", _CLOSE
                )
            if self._reader.held + len(chunk) > PENDING_BODIES * self._limits.max_bytes:
                await self._discard(stream)
                raise BusyError
            self.size += len(chunk)
            self._reader.held += len(chunk)
            yield chunk

    async def _discard(self, stream: AsyncGenerator[bytes, None]) -> None:
        """Read on a little: most clients look for an answer only when they have sent all."""
        left, until = self._limits.max_bytes, time.monotonic() + _LINGER_SECONDS
        async for chunk in stream:
            left -= len(chunk)
            if left < 0 or time.monotonic() > until:
                return


class _InMemoryParser(MultiPartParser):
    spool_max_size = 0  # never to disk; `_Body._chunks` bounds the memory
    begun = 0

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self.begun += 1
