"""The web application: routes, limits and headers around a pool of workers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classicselfie import __version__
from classicselfie.detector import SelfieDetector
from classicselfie.errors import WorkersError
from classicselfie.export.carried import can_be_carried, carried
from classicselfie.resources import resource
from classicselfie.serve.body import BodyReader
from classicselfie.serve.limits import Limits
from classicselfie.serve.metrics import Metrics
from classicselfie.serve.pool import BusyError, PhotoPool
from classicselfie.serve.schema import (
    CHECK_RESPONSES,
    HealthSchema,
    ModelSchema,
    UnhealthySchema,
    add_examples,
    check_request,
)
from classicselfie.web import CORRECTIONS

_BUSY = "there is no room for more photos now; try again in a moment"
_BROKEN = "no photo can be judged now; /healthz tells why"
_RETRY_AFTER_SECONDS = 1
# How much of a body is read on behind an answer that did not wait for it.
_LINGER_SECONDS = 30.0
_LINGER_IDLE_SECONDS = 5.0
_LINGER_BYTES = 64 * 2**20
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A page that is kept would outlive the service that it belongs to, and a verdict its photo.
    "Cache-Control": "no-cache",
}


def create_app(
    detector: SelfieDetector | None = None,
    limits: Limits | None = None,
    *,
    workers: int | None = None,
) -> FastAPI:
    """Make the service.

    Parameters
    ----------
    detector : SelfieDetector, optional
        What judges; by default with the bundled weights and the strict threshold.
    limits : Limits, optional
    workers : int, optional
        Processes that judge; by default one per core.

    Returns
    -------
    FastAPI
        Its workers start and end with its lifespan.
    """
    detector = detector or SelfieDetector()
    limits = limits or Limits()
    pool = PhotoPool(detector, limits, workers or _cores())
    reader = BodyReader(limits)
    metrics = Metrics(pool, lambda: reader.held)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(pool.start)
        yield
        await asyncio.to_thread(pool.close)

    app = _Application(
        title="classicselfie",
        version=__version__,
        summary="Does this photo look like a selfie?",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.pool = pool
    app.add_middleware(_Frame, metrics=metrics, seconds=min(_LINGER_SECONDS, limits.timeout))

    @app.exception_handler(BusyError)
    @app.exception_handler(WorkersError)
    async def _later(_: Request, error: Exception) -> JSONResponse:
        why = _BUSY if isinstance(error, BusyError) else _BROKEN
        return JSONResponse({"detail": why}, 503, {"Retry-After": str(_RETRY_AFTER_SECONDS)})

    @app.exception_handler(ClientDisconnect)
    async def _gone(_: Request, __: Exception) -> Response:
        return Response(status_code=400)  # nobody reads it, but it is no fault of the service

    @app.post(
        "/v1/check",
        summary="Check one or several photos",
        responses=CHECK_RESPONSES,
        openapi_extra=check_request(limits),
    )
    async def check(request: Request) -> Response:
        """Tell whether photos look like selfies. One that cannot be read is `unknown`."""
        start = perf_counter()
        as_list = _asks_for_list(request)
        with reader.read(request) as body:
            uploads = await body.uploads()
            verdicts = await pool.check([upload.content for upload in uploads])
        answers = [
            verdict.to_dict() | {"path": upload.name}
            for verdict, upload in zip(verdicts, uploads, strict=True)
        ]
        metrics.count_check(verdicts, perf_counter() - start)
        # Plain ASCII: a file's name may hold what UTF-8 cannot.
        text = json.dumps(answers if as_list or len(answers) > 1 else answers[0])
        return Response(text, media_type="application/json")

    @app.get(
        "/healthz",
        summary="Tell whether photos can be judged",
        response_model=HealthSchema,
        responses={503: {"model": UnhealthySchema, "description": "A worker cannot be started."}},
    )
    async def health() -> Any:
        """Replace workers that were lost, and tell why where that fails."""
        problem = await asyncio.to_thread(pool.heal)
        if problem is None:
            return HealthSchema(status="ok")
        return JSONResponse({"status": "unavailable", "detail": problem}, 503)

    @app.get(
        "/v1/model",
        summary="Tell what judges, how good it is, and the limits",
        response_model=ModelSchema,
    )
    async def model() -> dict[str, Any]:
        return _describe(detector, limits)

    @app.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def prometheus() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    static = Path(__file__).with_name("static")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(static / "index.html")

    @app.get("/static/corrections.js", include_in_schema=False)
    async def corrections() -> FileResponse:
        return FileResponse(CORRECTIONS)

    if can_be_carried(detector):
        _offer_port(app, detector)
    app.mount("/static", StaticFiles(directory=static))
    return app


def _offer_port(app: FastAPI, detector: SelfieDetector) -> None:
    """Hand out what judges in the browser as the service does, its code and its weights."""
    files = lru_cache(maxsize=1)(partial(carried, detector))  # made when a page first asks

    @app.get("/static/port/data/{name}", include_in_schema=False)
    def data(name: str) -> Response:
        if name not in files():
            raise HTTPException(404)
        kind = "application/json" if name.endswith(".json") else "application/octet-stream"
        return Response(files()[name], media_type=kind)

    code = resource("ports/javascript/src", "index.js").parent
    app.mount("/static/port/src", StaticFiles(directory=code))


def _asks_for_list(request: Request) -> bool:
    """Tell whether one photo shall be answered with a list too."""
    value = request.query_params.get("list", "false")
    if value not in ("true", "false"):
        raise HTTPException(422, "list must be true or false")
    return value == "true"


def _cores() -> int:
    """Count the cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def _describe(detector: SelfieDetector, limits: Limits) -> dict[str, Any]:
    model = detector.model
    left_out = model.card.get("figures", {}).get("left_out")
    return {
        "name": model.name,
        "detector": model.detector,
        "threshold": detector.threshold,
        "thresholds": dict(model.thresholds),
        "figures": left_out
        and {
            "mean_auc": left_out["mean_auc"],
            "mean_recall_at_1_percent_false_alarms": left_out["mean_tpr_at_1_percent_fpr"],
        },
        "on_device": can_be_carried(detector),
        "limits": asdict(limits),
    }


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        description = super().openapi()
        add_examples(description)
        return description


class _Frame:
    """Around every answer: headers that keep a browser careful, a count, and a calm end.

    HEAD is GET without the body, wherever GET is.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, seconds: float) -> None:
        self._app = app
        self._metrics = metrics
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        body = _Unread(scope, receive)

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_SECURITY_HEADERS)
                if body.is_left:
                    headers["Connection"] = "close"
                self._metrics.count_request(message["status"])
            elif is_head:
                message = {**message, "body": b""}
            if message["type"] != "http.response.body" or message.get("more_body"):
                await send(message)
            elif body.is_left:
                # A connection that is closed while the client still sends takes the answer away.
                await send({**message, "more_body": True})
                await body.discard(self._seconds)
                await send({"type": "http.response.body", "body": b""})
            else:
                await send(message)

        inner = {**scope, "method": "GET"} if is_head else scope
        await self._app(inner, body.receive, framed)


class _Unread:
    """What has not been read of a request's body."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        self.is_left = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self._receive = receive

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            self.is_left = False
        return message

    async def discard(self, seconds: float) -> None:
        """Read on for a while: most clients look for an answer only when they have sent all."""
        left, until = _LINGER_BYTES, monotonic() + seconds
        while self.is_left and left > 0:
            patience = min(_LINGER_IDLE_SECONDS, until - monotonic())
            try:
                message = await asyncio.wait_for(self.receive(), patience)
            except asyncio.TimeoutError:
                return
            left -= len(message.get("body", b""))
