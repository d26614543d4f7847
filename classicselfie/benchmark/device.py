"""What the system tells about the device; None for whatever it does not tell."""

from __future__ import annotations

import os
import platform
import re
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import __version__ as pillow_version
from PIL import features

from classicselfie import __version__

# https://www.raspberrypi.com/documentation/computers/os.html, get_throttled
THROTTLING = {
    0: "under-voltage now",
    1: "frequency capped now",
    2: "throttled now",
    3: "soft temperature limit now",
    16: "under-voltage has occurred",
    17: "frequency capping has occurred",
    18: "throttling has occurred",
    19: "soft temperature limit has occurred",
}
_FREQUENCIES = "sys/devices/system/cpu/cpu0/cpufreq"


def describe_device(root: Path = Path("/")) -> dict[str, Any]:
    """Tell what does not change during a run.

    Parameters
    ----------
    root : Path
        Where `proc` and `sys` are.

    Returns
    -------
    dict
        From a name for people to text or a number, or None.
    """
    frequencies = root / _FREQUENCIES
    return {
        "model": _model(root),
        "cores": os.cpu_count(),
        "architecture": platform.machine() or None,
        "bits of this Python": 8 * struct.calcsize("P"),
        "system": platform.platform(),
        "memory (MB)": _meminfo_mb(root, "MemTotal"),
        "governor": _text(frequencies / "scaling_governor"),
        "lowest frequency (MHz)": _number(frequencies / "scaling_min_freq", 1000),
        "highest frequency (MHz)": _number(frequencies / "scaling_max_freq", 1000),
        "classicselfie": __version__,
        "Python": platform.python_version(),
        "OpenCV": cv2.__version__,
        "OpenCV threads by default": cv2.getNumThreads(),
        "numpy": np.__version__,
        "Pillow": pillow_version,
        "Pillow's libjpeg-turbo": features.version_feature("libjpeg_turbo"),
    }


def describe_moment(root: Path = Path("/")) -> dict[str, Any]:
    """Tell what changes during a run, to be asked before and after it.

    Parameters
    ----------
    root : Path
        Where `proc` and `sys` are.

    Returns
    -------
    dict
        From a name for people to text or a number, or None.
    """
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    temperatures = {
        f"{zone.name} {_text(zone / 'type') or ''}".strip(): _number(zone / "temp", 1000)
        for zone in zones
    }
    return {
        "frequency (MHz)": _number(root / _FREQUENCIES / "scaling_cur_freq", 1000),
        **{f"temperature (°C), {zone}": value for zone, value in temperatures.items()},
        **({} if temperatures else {"temperature (°C)": None}),
        "throttling": _throttling(),
        "load of the last minute": round(os.getloadavg()[0], 2)
        if hasattr(os, "getloadavg")
        else None,
        "free memory (MB)": free_memory_mb(root),
    }


def free_memory_mb(root: Path = Path("/")) -> int | None:
    """Memory that a program can have without swapping."""
    return _meminfo_mb(root, "MemAvailable")


def told(facts: Mapping[str, Any]) -> list[str]:
    """One line per fact, "not told" where the system is silent."""
    width = max(map(len, facts))
    return [
        f"  {name:{width}}  {'not told' if value is None else value}"
        for name, value in facts.items()
    ]


def explain_throttling(answer: str) -> str | None:
    """Put the bits of `vcgencmd get_throttled` into words.

    Parameters
    ----------
    answer : str
        Such as "throttled=0x50005".

    Returns
    -------
    str or None
        None if the answer is no such thing.
    """
    match = re.fullmatch(r"throttled=(0x[0-9a-fA-F]+)", answer.strip())
    if not match:
        return None
    bits = int(match[1], 16)
    words = [word for bit, word in THROTTLING.items() if bits >> bit & 1]
    return f"{match[1]}: {', '.join(words) or 'none since the start'}"


def _throttling() -> str | None:
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "get_throttled"], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return explain_throttling(done.stdout)


def _model(root: Path) -> str | None:
    told_by_firmware = _text(root / "proc/device-tree/model")
    if told_by_firmware:
        return told_by_firmware
    for line in (_text(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Hardware") and value.strip():
            return value.strip()
    return platform.processor() or None


def _meminfo_mb(root: Path, key: str) -> int | None:
    match = re.search(rf"^{key}:\s+(\d+) kB", _text(root / "proc/meminfo") or "", re.MULTILINE)
    return round(int(match[1]) * 1024 / 1e6) if match else None


def _number(path: Path, divisor: int) -> float | None:
    text = _text(path)
    try:
        return round(int(text) / divisor, 1) if text else None
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        # The device tree ends its strings with NUL.
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n") or None
    except OSError:
        return None
