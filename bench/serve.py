"""The service under load, beside `check_many` on the same photos and cores.

    python bench/serve.py load FOLDER     # throughput, latency, and a queue that is too short
    python bench/serve.py memory FOLDER   # the whole process tree after 1,000 and 20,000 requests

FOLDER holds photos, searched recursively. Needs wrk (Debian: `apt-get install wrk`), Linux, and
the extras serve and scan. wrk and the service share the cores: what is told is what a machine
gives that does both.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2

from classicselfie import SelfieDetector

JOBS = 2
PHOTOS = 600
SECONDS = 30
LUA = Path(__file__).with_name("serve.lua")


def main() -> None:
    what, folder = sys.argv[1:]
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix in (".jpg", ".png"))
    paths = paths[:: max(1, len(paths) // PHOTOS)][:PHOTOS]
    with tempfile.NamedTemporaryFile("w") as listed:
        listed.write("".join(f"{path}\n" for path in paths))
        listed.flush()
        os.environ["PHOTOS"] = listed.name
        {"load": load, "memory": memory}[what](paths)


def load(paths: Sequence[Path]) -> None:
    cv2.setNumThreads(1)
    photos = [path.read_bytes() for path in paths]
    detector = SelfieDetector()
    list(detector.check_many(photos[:100], n_jobs=JOBS))
    alone = many_per_second(detector, photos[: PHOTOS // 2], n_jobs=1)
    before = many_per_second(detector, photos)
    with serving("--workers", JOBS) as (address, _):
        wrk(address, clients=8, seconds=3)
        runs = {clients: wrk(address, clients, SECONDS) for clients in (1, 8, 64)}
    after = many_per_second(detector, photos)
    reference = (before + after) / 2
    print(f"check_many(n_jobs=1): {alone:.1f} photos a second, 1 thread for OpenCV")
    print(f"check_many(n_jobs={JOBS}): {before:.1f} before, {after:.1f} after, photos a second")
    for clients, run in runs.items():
        # One client that waits for its answers keeps one worker busy.
        jobs, rate = (1, alone) if clients == 1 else (JOBS, reference)
        ratio = run["per_second"] / rate
        print(f"{clients} clients: {ratio:.3f} of check_many(n_jobs={jobs}); {run}")
    with serving("--workers", JOBS, "--queue", 8, "--max-parts", 8) as (address, _):
        print(f"64 clients, room for {8 + JOBS}: {wrk(address, 64, 10)}")


def many_per_second(detector: SelfieDetector, photos: Sequence[bytes], n_jobs: int = JOBS) -> float:
    start = time.perf_counter()
    rounds = 2
    for _ in range(rounds):
        count = sum(1 for _ in detector.check_many(photos, n_jobs=n_jobs))
    return rounds * count / (time.perf_counter() - start)


def memory(_: Sequence[Path]) -> None:
    with serving("--workers", JOBS) as (address, pid):
        total, base = 0, 0
        for goal in (1_000, 5_000, 10_000, 15_000, 20_000):
            while total < goal:
                total += wrk(address, 8, 4)["answered"]
            now = tree_mb(pid)
            base = base or now
            print(f"{total} requests: {now:.1f} MB, {now / base:.3f} of the first", flush=True)


def wrk(address: str, clients: int, seconds: int) -> dict[str, float]:
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s"]
    text = subprocess.run(
        [*command, "-s", str(LUA), address], capture_output=True, text=True, check=True
    ).stdout
    statuses: Counter[str] = Counter()
    for line in re.findall(r"^statuses(.*)$", text, re.MULTILINE):
        for status, count in re.findall(r"(\d+):(\d+)", line):
            statuses[status] += int(count)
    found = dict(re.findall(r"^(broken|p50_ms|p99_ms) (\S+)$", text, re.MULTILINE))
    took = re.search(r"requests in ([\d.]+)(m|s),", text)
    assert took is not None
    duration = float(took[1]) * (60 if took[2] == "m" else 1)
    return {
        "answered": statuses["200"],
        "busy": statuses["503"],
        "other": sum(statuses.values()) - statuses["200"] - statuses["503"],
        "per_second": round(statuses["200"] / duration, 1),
        **{name: round(float(value), 1) for name, value in found.items()},
    }


@contextmanager
def serving(*options: object) -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "classicselfie", "serve", "--port", "0", *map(str, options)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        yield process.stderr.readline().split()[3], process.pid
        process.terminate()


def tree_mb(pid: int) -> float:
    """Proportional memory of a process and all below it: shared pages count once."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    match = re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)
    assert match is not None
    children = " ".join(p.read_text() for p in Path(f"/proc/{pid}/task").glob("*/children"))
    return int(match[1]) / 1024 + sum(tree_mb(int(child)) for child in children.split())


if __name__ == "__main__":
    main()
