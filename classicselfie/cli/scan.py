"""`classicselfie scan`: whole collections."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from classicselfie.cli.options import (
    Code,
    Commands,
    add_command,
    add_shared,
    make_detector,
    seconds,
    stdin,
)
from classicselfie.console import note
from classicselfie.errors import ClassicSelfieError

if TYPE_CHECKING:
    from classicselfie.scan.sorting import Way


def add_to(commands: Commands) -> None:
    """Add the command."""
    scan = add_command(
        commands,
        "scan",
        "judge whole collections, and sort them",
        "Judge collections of photos in several processes; what crashes or hangs costs one row, "
        "and an interrupted scan goes on with --resume. Prints JSON Lines, or writes --to a file. "
        "Needs the extra 'scan'.",
        run=_run,
        examples={
            "classicselfie scan photos/ --to results.csv": "a row a photo",
            "classicselfie scan photos/ --to results.sqlite --resume": "what is new since then",
            "classicselfie scan photos/ --only selfie --copy-to aside/": "sort into folders",
            "classicselfie scan --watch uploads/ --to results.sqlite": "and whatever comes later",
        },
        codes={Code.DONE: "all is done; what could not be judged is in the results, as unknown"},
    )
    scan.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a folder, a photo, a .zip or .tar archive, a pattern, an fsspec URL, or - for a "
        "list of paths on stdin",
    )
    scan.add_argument("-0", "--null", action="store_true", help="paths on stdin end with NUL")
    scan.add_argument(
        "--to", type=Path, metavar="FILE", help="results: .sqlite, .csv, .jsonl or .parquet"
    )
    scan.add_argument(
        "--resume", action="store_true", help="skip what FILE has, by content, weights, threshold"
    )
    scan.add_argument(
        "--watch",
        action="store_true",
        help="go on with what comes into the folders, until Ctrl-C; needs the extra 'watch'",
    )
    scan.add_argument(
        "--only",
        choices=("selfie", "maybe", "not_selfie", "unknown"),
        help="write and sort the photos of this label only, or those that may be selfies",
    )
    scan.add_argument(
        "--corrections",
        type=Path,
        metavar="FILE",
        help="a CSV with path and label (selfie or other): what people said, kept over the "
        "detector's answer",
    )
    sort = scan.add_mutually_exclusive_group()
    for way, words in (("copy", "copy"), ("move", "move"), ("link", "make symbolic links of")):
        sort.add_argument(
            f"--{way}-to",
            type=Path,
            metavar="DIR",
            help=f"{words} photos to DIR/LABEL/ or DIR/maybe/",
        )
    scan.add_argument(
        "--leave-companions",
        action="store_true",
        help="leave videos, sidecars and raw files of a moved photo where they are",
    )
    scan.add_argument(
        "--dry-run",
        action="store_true",
        help="judge, and print as JSON Lines what would be sorted where; write nothing",
    )
    scan.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="pass over what has such a name, or such a path below PATH; may be repeated",
    )
    add_shared(scan, "detector", "threshold", "weights", "jobs")
    scan.add_argument(
        "--timeout",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="give a photo up after this time (default: 60)",
    )
    scan.add_argument(
        "--backend",
        choices=("processes", "dask"),
        default="processes",
        help="where photos are judged (default: %(default)s, on this machine)",
    )
    scan.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="of the Dask cluster")


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.scan import scan

    if (arguments.backend == "dask") != (arguments.scheduler is not None):
        raise ClassicSelfieError("--backend dask and --scheduler ADDRESS need each other")
    ways: tuple[Way, ...] = ("copy", "move", "link")
    way: Way = next((way for way in ways if getattr(arguments, f"{way}_to")), "copy")
    if arguments.leave_companions and way != "move":
        raise ClassicSelfieError("--leave-companions needs --move-to DIR")
    if arguments.watch:  # a service is ended so, and keeps its results too
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    summary = scan(
        arguments.paths,
        to=arguments.to,
        resume=arguments.resume,
        only=arguments.only,
        corrections=arguments.corrections,
        sort_to=getattr(arguments, f"{way}_to"),
        way=way,
        companions=not arguments.leave_companions,
        dry_run=arguments.dry_run,
        exclude=arguments.exclude,
        detector=make_detector(arguments),
        n_jobs=arguments.jobs,
        timeout=arguments.timeout,
        scheduler=arguments.scheduler,
        stdin=stdin() if "-" in arguments.paths else None,
        null=arguments.null,
        watch=arguments.watch,
    )
    note(*str(summary).splitlines())
    return Code.DONE
