"""What py-cpuinfo, psutil and `platform` tell about the device; None for what they do not."""

from __future__ import annotations

import platform
from typing import Any

import cpuinfo
import cv2
import numpy as np
import psutil
from PIL import __version__ as pillow_version
from PIL import features

from classicselfie import __version__


def describe_device() -> dict[str, Any]:
    """Tell what does not change during a run.

    Returns
    -------
    dict
        From a name for people to text or a number, or None.
    """
    frequency = _ask("cpu_freq")
    return {
        "processor": cpuinfo.get_cpu_info().get("brand_raw"),
        "cores": psutil.cpu_count(),
        "highest frequency (MHz)": round(frequency.max) or None if frequency else None,
        "system": platform.platform(),
        "memory (MB)": round(psutil.virtual_memory().total / 1e6),
        "classicselfie": __version__,
        "Python": f"{platform.python_version()}, {platform.architecture()[0]}",
        "OpenCV": cv2.__version__,
        "OpenCV threads by default": cv2.getNumThreads(),
        "numpy": np.__version__,
        "Pillow": pillow_version,
        "Pillow's libjpeg-turbo": features.version_feature("libjpeg_turbo"),
    }


def describe_moment() -> dict[str, Any]:
    """Tell what changes during a run, to be asked before and after it.

    Returns
    -------
    dict
        From a name for people to text or a number, or None.
    """
    frequency, load = _ask("cpu_freq"), _ask("getloadavg")
    sensors = [sensor for chip in (_ask("sensors_temperatures") or {}).values() for sensor in chip]
    return {
        "frequency (MHz)": round(frequency.current) or None if frequency else None,
        "highest temperature (°C)": max((sensor.current for sensor in sensors), default=None),
        "load of the last minute": round(load[0], 2) if load else None,
        "free memory (MB)": free_memory_mb(),
    }


def free_memory_mb() -> int:
    """Memory that a program can have without swapping."""
    return int(psutil.virtual_memory().available / 1e6)


def _ask(question: str) -> Any:
    """Ask psutil what not every system tells: it lacks the function, raises or returns None."""
    try:
        return getattr(psutil, question)()
    except (AttributeError, OSError, RuntimeError):  # NotImplementedError is one of the last
        return None
