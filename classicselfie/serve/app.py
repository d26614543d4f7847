"""The web application: routes, limits and headers around a pool of workers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classicselfie import __version__
from classicselfie.detector import SelfieDetector
from classicselfie.serve.body import BodyReader
from classicselfie.serve.limits import Limits
from classicselfie.serve.metrics import Metrics
from classicselfie.serve.pool import BusyError, WorkerPool
from classicselfie.serve.schema import (
    CHECK_RESPONSES,
    HealthSchema,
    ModelSchema,
    add_examples,
    check_request,
)

_RETRY_AFTER_SECONDS = 1
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
    pool = WorkerPool(detector, limits, workers or _cores())
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
    app.add_middleware(_Frame, metrics=metrics)

    @app.exception_handler(BusyError)
    async def _busy(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse(
            {"detail": "there is no room for more photos now; try again in a moment"},
            503,
            {"Retry-After": str(_RETRY_AFTER_SECONDS)},
        )

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
        with reader.read(request) as body:
            uploads = await body.uploads()
            verdicts = await pool.check([upload.content for upload in uploads])
        answers = [
            verdict.to_dict() | {"path": upload.name}
            for verdict, upload in zip(verdicts, uploads, strict=True)
        ]
        metrics.count_check(verdicts, perf_counter() - start)
        # Plain ASCII: a file's name may hold what UTF-8 cannot.
        text = json.dumps(answers[0] if len(answers) == 1 else answers)
        return Response(text, media_type="application/json")

    @app.get("/healthz", summary="Tell that the service runs")
    async def health() -> HealthSchema:
        return HealthSchema(status="ok")

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

    app.mount("/static", StaticFiles(directory=static))
    return app


def _cores() -> int:
    """Count the cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def _describe(detector: SelfieDetector, limits: Limits) -> dict[str, Any]:
    model = detector.model
    left_out = model.card.get("figures", {}).get("leave_one_group_out")
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
        "limits": asdict(limits),
    }


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        description = super().openapi()
        add_examples(description)
        return description


class _Frame:
    """Around every answer: headers that keep a browser careful, and a count."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SECURITY_HEADERS)
                self._metrics.count_request(message["status"])
            await send(message)

        await self._app(scope, receive, framed)
