"""Request to photos: a body is read in memory, within limits, and never touches the disk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from fastapi import HTTPException, Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from classicselfie.serve.limits import PENDING_BODIES, Limits
from classicselfie.serve.pool import BusyError

_CLOSE = {"Connection": "close"}
_EXTENDED = re.compile(rb";\s*filename\*\s*=\s*\"?([\w.-]+)'[^';\"]*'([^;\"\s]*)", re.IGNORECASE)


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
        packed = self._request.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("identity", ""):
            # What it unpacks to would have to be bounded anew; photos gain nothing by it.
            raise HTTPException(
                415,
                f"send the body as it is, without Content-Encoding: {packed[:40]}",
                _CLOSE | {"Accept-Encoding": "identity"},
            )
        kind = self._request.headers.get("content-type", "application/octet-stream")
        kind = kind.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            uploads = await self._parse_form()
        elif _is_photo(kind):
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
        async for chunk in self._request.stream():
            if self.size + len(chunk) > self._limits.max_bytes:
                raise HTTPException(
                    413, f"the body is larger than {self._limits.max_bytes} bytes", _CLOSE
                )
            if self._reader.held + len(chunk) > PENDING_BODIES * self._limits.max_bytes:
                raise BusyError
            self.size += len(chunk)
            self._reader.held += len(chunk)
            yield chunk


class _InMemoryParser(MultiPartParser):
    spool_max_size = 0  # never to disk; `_Body._chunks` bounds the memory
    begun = 0

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self.begun += 1

    def on_headers_finished(self) -> None:
        """Take for a file what is one, whichever way its name is written, if at all."""
        part = self._current_part
        _, options = parse_options_header(part.content_disposition)
        kind = dict(part.item_headers).get(b"content-type", b"").decode("latin-1")
        extended = _extended_name(part.content_disposition)
        is_file = extended is not None or _is_photo(kind.partition(";")[0].strip().lower())
        if b"filename" in options or not is_file:
            super().on_headers_finished()
            return
        part.content_disposition = (part.content_disposition or b"") + b'; filename=""'
        super().on_headers_finished()
        if part.file is not None:
            part.file.filename = extended


def _is_photo(kind: str) -> bool:
    """Tell by its media type whether something is meant as a photo's bytes."""
    return kind == "application/octet-stream" or kind.startswith("image/")


def _extended_name(disposition: bytes | None) -> str | None:
    """Read a `filename*` of RFC 8187; None where there is none, or of no known charset."""
    found = _EXTENDED.search(disposition or b"")
    if found is None:
        return None
    charset, value = found[1].decode("latin-1"), unquote_to_bytes(found[2])
    try:
        return value.decode(charset)
    except (LookupError, ValueError):
        return value.decode("latin-1")
