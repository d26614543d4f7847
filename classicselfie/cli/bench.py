"""`classicselfie bench`: the speed on this device."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from classicselfie.cli.options import add_detector, add_force, count, megapixels

if TYPE_CHECKING:
    from classicselfie.cli.options import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    bench = commands.add_parser("bench", help="measure the speed on this device")
    bench.description = (
        "Draw photos as a phone makes them, and measure how long a check takes, stage by stage, "
        "beside yardsticks that are measured in the same run. Needs no network and no files."
    )
    add_detector(bench)
    bench.add_argument(
        "--sizes",
        type=megapixels,
        nargs="+",
        default=[12.0, 48.0],
        metavar="MEGAPIXELS",
        help="sizes of the photos (default: 12 48)",
    )
    bench.add_argument(
        "--repetitions", type=count, default=15, help="rounds that count (default: %(default)s)"
    )
    bench.add_argument(
        "--mobilenet", type=Path, metavar="FILE.tflite", help="MobileNetV2 as one more yardstick"
    )
    files = bench.add_mutually_exclusive_group()
    files.add_argument("--json", type=Path, metavar="FILE", help="write all figures here as well")
    files.add_argument(
        "--compare",
        type=Path,
        nargs=2,
        metavar=("A.json", "B.json"),
        help="measure nothing; print the figures of B divided by those of A",
    )
    add_force(bench)
    bench.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.benchmark.command import bench, bench_compare

    if arguments.compare:
        bench_compare(*arguments.compare)
    else:
        bench(
            detector=arguments.detector,
            sizes=arguments.sizes,
            repetitions=arguments.repetitions,
            mobilenet=arguments.mobilenet,
            output=arguments.json,
            force=arguments.force,
        )
    return 0
