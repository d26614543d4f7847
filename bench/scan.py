"""Compare `classicselfie scan` with `SelfieDetector.check_many` on the same photos, in turns.

    python bench/scan.py FOLDER --jobs 2 --rounds 3

Both start their processes in every round; figures of one run are compared only with one another.
On a machine that others use too, the processors' time says more than the clock's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

from classicselfie import SelfieDetector
from classicselfie.scan import scan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*") if path.is_file())
    ratios = []
    for number in range(arguments.rounds + 1):
        rates, costs = [], []
        for work in (check_many, scan_all):
            begun, spent = perf_counter(), processor_time()
            count = work(paths, arguments)
            assert count == len(paths)
            rates.append(count / (perf_counter() - begun))
            costs.append((processor_time() - spent) / count * 1e3)
        ratio = rates[1] / rates[0], costs[1] / costs[0]
        print(
            f"check_many {rates[0]:6.1f} photos/s, {costs[0]:5.2f} ms of processor a photo; "
            f"scan {rates[1]:6.1f} photos/s, {costs[1]:5.2f} ms; "
            f"ratios {ratio[0]:.3f} and {ratio[1]:.3f}" + ("" if number else " (does not count)"),
            flush=True,
        )
        if number:
            ratios.append(ratio)
    rate, cost = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"{len(paths)} photos, medians of scan / check_many: rate {rate:.3f}, cost {cost:.3f}")


def processor_time() -> float:
    """Seconds of this process and of its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def check_many(paths: list[Path], arguments: argparse.Namespace) -> int:
    return sum(1 for _ in SelfieDetector().check_many(paths, n_jobs=arguments.jobs))


def scan_all(paths: list[Path], arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "results.sqlite"
        return scan([arguments.folder], to=output, n_jobs=arguments.jobs).photos


if __name__ == "__main__":
    main()
