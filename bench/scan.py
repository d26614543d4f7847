"""Compare `classicselfie scan` with `SelfieDetector.check_many` on the same photos, in turns.

    python bench/scan.py FOLDER --jobs 2 --rounds 3

Both start their processes in every round; figures of one run are compared only with one another.
"""

from __future__ import annotations

import argparse
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
        rates = {}
        for name in ("check_many", "scan"):
            begun = perf_counter()
            count = (check_many if name == "check_many" else scan_all)(paths, arguments)
            assert count == len(paths)
            rates[name] = count / (perf_counter() - begun)
        ratio = rates["scan"] / rates["check_many"]
        counted = "" if number else "  (does not count)"
        print(
            f"check_many {rates['check_many']:6.1f} photos/s, scan {rates['scan']:6.1f} photos/s, "
            f"ratio {ratio:.3f}{counted}",
            flush=True,
        )
        if number:
            ratios.append(ratio)
    print(f"median ratio scan / check_many: {statistics.median(ratios):.3f}, {len(paths)} photos")


def check_many(paths: list[Path], arguments: argparse.Namespace) -> int:
    from joblib.externals.loky import get_reusable_executor

    count = sum(1 for _ in SelfieDetector().check_many(paths, n_jobs=arguments.jobs))
    get_reusable_executor().shutdown(wait=True)  # the next round starts processes as scan does
    return count


def scan_all(paths: list[Path], arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "results.sqlite"
        return scan([arguments.folder], to=output, n_jobs=arguments.jobs).photos


if __name__ == "__main__":
    main()
