"""`classicselfie bench`: the speed on this device."""

from __future__ import annotations

import argparse
from pathlib import Path

from classicselfie.cli.options import (
    Code,
    Commands,
    add_command,
    add_force,
    add_shared,
    count,
    megapixels,
)
from classicselfie.errors import MissingExtraError
from classicselfie.files import refuse_targets


def add_to(commands: Commands) -> None:
    """Add the command."""
    bench = add_command(
        commands,
        "bench",
        "measure the speed on this device",
        "Draw photos as a phone makes them, and measure how long a check takes, stage by stage, "
        "beside yardsticks that are measured in the same run. Ends with a summary in a few "
        "sentences. Needs no network and no files, only the extra 'bench'.",
        run=_run,
        examples={
            "classicselfie bench": "a photo of 12 megapixels",
            "classicselfie bench --sizes 3 12 48 --json today.json": "three sizes, kept in a file",
            "classicselfie bench --compare before.json today.json": "compare two runs",
        },
    )
    add_shared(bench, "detector")
    bench.add_argument(
        "--sizes",
        type=megapixels,
        nargs="+",
        default=[12.0],
        metavar="MEGAPIXELS",
        help="sizes of the photos (default: 12)",
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


def _run(arguments: argparse.Namespace) -> int:
    if arguments.compare:
        from classicselfie.benchmark.comparison import bench_compare

        bench_compare(*arguments.compare)
        return Code.DONE
    if arguments.json:
        refuse_targets([arguments.json], force=arguments.force)
    MissingExtraError.unless_installed("bench")
    from classicselfie.benchmark.command import bench

    bench(
        detector=arguments.detector,
        sizes=arguments.sizes,
        repetitions=arguments.repetitions,
        mobilenet=arguments.mobilenet,
        output=arguments.json,
        force=arguments.force,
    )
    return Code.DONE
