"""Is this photo a selfie? Offline, in milliseconds, with a reason a person can read.

>>> from classicselfie import SelfieDetector
>>> verdict = SelfieDetector().check("photo.jpg")
>>> verdict.label, verdict.front_camera
('selfie', True)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from classicselfie.detector import SelfieDetector, check
    from classicselfie.errors import (
        ClassicSelfieError,
        MissingExtraError,
        ModelError,
        PhotoError,
    )
    from classicselfie.faces import Face
    from classicselfie.verdict import Reason, Verdict

__all__ = [
    "ClassicSelfieError",
    "Face",
    "MissingExtraError",
    "ModelError",
    "PhotoError",
    "Reason",
    "SelfieDetector",
    "Verdict",
    "__version__",
    "check",
]

_HOMES = {
    "ClassicSelfieError": "errors",
    "Face": "faces",
    "MissingExtraError": "errors",
    "ModelError": "errors",
    "PhotoError": "errors",
    "Reason": "verdict",
    "SelfieDetector": "detector",
    "Verdict": "verdict",
    "check": "detector",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `--version` needs no OpenCV."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
