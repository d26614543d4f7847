"""A fresh process that checks one photo and prints its peak memory; run by the benchmark.

python -m classicselfie.benchmark.memory PHOTO DETECTOR
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def peak_memory_bytes() -> int:
    """Peak resident memory of this process so far; psutil tells it on Windows alone."""
    if sys.platform == "win32":
        import psutil

        peak: int = psutil.Process().memory_info().peak_wset
        return peak
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        return peak
    # Linux starts a process's ru_maxrss at what its parent held when it was started.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    own = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return 1024 * (int(own[1]) if own else peak)


def main() -> None:
    """Print the peaks after the imports alone and after one check, as JSON."""
    import cv2  # noqa: F401
    import numpy as np  # noqa: F401
    import PIL.Image  # noqa: F401

    imports = peak_memory_bytes()
    from classicselfie.detector import SelfieDetector

    SelfieDetector(detector=sys.argv[2]).check(sys.argv[1])
    sys.stdout.write(f"{json.dumps([imports, peak_memory_bytes()])}\n")


if __name__ == "__main__":
    main()
