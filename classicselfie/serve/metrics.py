"""What an operator wants to see: Prometheus metrics, and no word of any photo."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from classicselfie.serve.pool import PhotoPool
from classicselfie.verdict import Verdict

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one service; several may live in one process."""

    def __init__(self, pool: PhotoPool, held_bytes: Callable[[], float]) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._requests = Counter(
            "classicselfie_requests", "Requests by status.", ["status"], registry=registry
        )
        self._verdicts = Counter(
            "classicselfie_verdicts",
            "Verdicts by label, and by what answered.",
            ["label", "stage"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "classicselfie_request_seconds",
            "Answering a request to /v1/check, its body included.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._check_seconds = Histogram(
            "classicselfie_check_seconds",
            "Judging one photo, without waiting.",
            buckets=_SECONDS,
            registry=registry,
        )
        for name, text, value in (
            ("queue_depth", "Photos that wait for a worker.", lambda: pool.waiting),
            ("pending_photos", "Photos accepted and not yet answered.", lambda: pool.pending),
            ("held_bytes", "Bytes of all bodies in memory.", held_bytes),
            ("lost_workers", "Photos that cost a worker: crashes, hangs.", lambda: pool.losses),
        ):
            Gauge(f"classicselfie_{name}", text, registry=registry).set_function(value)

    def count_request(self, status: int) -> None:
        """Count an answer."""
        self._requests.labels(str(status)).inc()

    def count_check(self, verdicts: list[Verdict], seconds: float) -> None:
        """Count the verdicts of one request."""
        self._request_seconds.observe(seconds)
        for verdict in verdicts:
            self._verdicts.labels(verdict.label, verdict.stage).inc()
            self._check_seconds.observe(sum(verdict.timings_ms.values()) / 1e3)

    def text(self) -> bytes:
        """Write the metrics as Prometheus reads them."""
        return generate_latest(self._registry)
