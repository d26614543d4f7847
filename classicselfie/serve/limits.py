"""How much the service takes on before it says no."""

from __future__ import annotations

import math
from dataclasses import dataclass

from classicselfie.errors import ServeError

# Bodies that are being sent or wait for their turn, all together, in units of the largest one.
PENDING_BODIES = 8


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may ask for.

    Attributes
    ----------
    max_bytes : int
        Of one request's body; more is answered 413.
    max_pixels : int
        Of one photo; a larger one is "unknown". The formats' own limits hold as well.
    max_parts : int
        Photos in one request, and other form fields; more are answered 400.
    queue : int
        Photos that may wait for a free worker; when they would be more, the answer is 503.
    timeout : float
        Seconds to send the request (else 408), to wait for a worker (else 503), and to judge
        one photo (else "unknown"): each of the three.

    Raises
    ------
    ServeError
        If a limit makes no sense.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = 256_000_000
    max_parts: int = 16
    queue: int = 64
    timeout: float = 60.0

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels", "max_parts", "queue"):
            if getattr(self, name) < 1:
                raise ServeError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.timeout < math.inf:
            raise ServeError(f"timeout must be above 0 seconds, not {self.timeout}")
        if self.max_parts > self.queue:
            raise ServeError(
                f"max_parts ({self.max_parts}) must not be more than queue ({self.queue}), "
                "or such a request would never fit"
            )
