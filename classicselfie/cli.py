"""The command line: `classicselfie check`, `train`, `evaluate`, `bench` and `explore`."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from classicselfie import __version__
from classicselfie.errors import ClassicSelfieError

if TYPE_CHECKING:
    from classicselfie.training.manifest import Row

EXIT_CODES = """\
exit codes of check:
  0  every photo was judged and none looks like a selfie
  1  at least one photo looks like a selfie
  2  wrong usage, or the weights or an extra are missing
  3  no photo looks like a selfie, but at least one could not be judged
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        Exit code, see `EXIT_CODES`.
    """
    arguments = _parser().parse_args(argv)
    warnings.filterwarnings("ignore", module="PIL")  # damaged metadata; the verdict tells
    # OpenCV 5 warns of its own engine whenever YuNet is loaded; read when cv2 is imported.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may be any bytes
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except ClassicSelfieError as error:
        print(f"classicselfie: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep Python from failing again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classicselfie",
        description="Tell whether photos look like selfies: offline, with reasons.",
    )
    parser.add_argument("--version", action="version", version=f"classicselfie {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser(
        "check",
        help="judge photos, one line each",
        description="Judge photos, one line each with the strongest reasons.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or - for stdin")
    check.add_argument("--json", action="store_true", help="print JSON Lines, one object a photo")
    check.add_argument(
        "--detector", choices=("yunet", "haar"), default="yunet", help="default: %(default)s"
    )
    check.add_argument(
        "--threshold",
        type=_threshold,
        default="strict",
        metavar="strict|sensitive|NUMBER",
        help="from which probability a photo is called a selfie (default: %(default)s)",
    )
    check.add_argument("--weights", type=Path, help="weights file (default: the bundled ones)")
    check.set_defaults(run=_check)

    train = commands.add_parser(
        "train",
        help="train weights on labelled photos",
        description="Train weights on the photos of a manifest or of two folders, choosing C and "
        "the feature groups by folds grouped by source; measure them with every group of selfies "
        "left out in turn; write the weights, their card and a report.",
    )
    _add_photos(train)
    train.add_argument("-o", "--output", type=Path, required=True, help="weights file to write")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser(
        "evaluate",
        help="write a report on labelled photos",
        description="Judge the photos of a manifest or of two folders and write a report: one "
        "HTML file, and the same figures as JSON. Without --weights every photo is judged by "
        "weights that are trained without its group; with it, by those weights as they are.",
    )
    _add_photos(evaluate)
    evaluate.add_argument(
        "-o", "--output", type=Path, required=True, help="report to write, an .html file"
    )
    evaluate.add_argument("--weights", type=Path, help="weights that have not seen the photos")
    evaluate.set_defaults(run=_evaluate)
    _add_bench(commands.add_parser("bench", help="measure the speed on this device"))
    _add_explore(commands.add_parser("explore", help="write a gallery of a folder of photos"))
    return parser


def _add_bench(bench: argparse.ArgumentParser) -> None:
    bench.description = (
        "Draw photos as a phone makes them, and measure how long a check takes, stage by stage, "
        "beside yardsticks that are measured in the same run. Needs no network and no files."
    )
    bench.add_argument(
        "--detector", choices=("yunet", "haar"), default="yunet", help="default: %(default)s"
    )
    bench.add_argument(
        "--sizes",
        type=_megapixels,
        nargs="+",
        default=[12.0, 48.0],
        metavar="MEGAPIXELS",
        help="sizes of the photos (default: 12 48)",
    )
    bench.add_argument(
        "--repetitions", type=_count, default=15, help="rounds that count (default: %(default)s)"
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
    bench.set_defaults(run=_bench)


def _add_explore(explore: argparse.ArgumentParser) -> None:
    explore.description = (
        "Judge the photos of a folder and of the folders in it, and write a gallery that opens "
        "from disk: from most to least selfie-like, on a map, and in clusters, with reasons. "
        "A photo that cannot be read is listed and left out."
    )
    explore.add_argument("folder", type=Path, metavar="DIR", help="folder of photos")
    explore.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="GALLERY",
        help="folder to write: new, empty, or an older gallery, which is replaced",
    )
    explore.add_argument("--png", action="store_true", help="write each view as a PNG too")
    explore.add_argument(
        "--detector", choices=("yunet", "haar"), default="yunet", help="default: %(default)s"
    )
    explore.add_argument(
        "--threshold",
        type=_threshold,
        default="strict",
        metavar="strict|sensitive|NUMBER",
        help="from which probability a photo is called a selfie (default: %(default)s)",
    )
    explore.add_argument("--weights", type=Path, help="weights file (default: the bundled ones)")
    explore.add_argument("--jobs", type=_jobs, default=-1, help="processes (default: one per core)")
    explore.set_defaults(run=_explore)


def _add_photos(command: argparse.ArgumentParser) -> None:
    """Add what `train` and `evaluate` share."""
    command.add_argument(
        "photos",
        type=Path,
        nargs="+",
        metavar="MANIFEST | SELFIES OTHERS",
        help="a CSV with path, label, group, source, kind ..., or two folders, in which each "
        "folder is a source",
    )
    command.add_argument(
        "--detector", choices=("yunet", "haar"), help="default: that of --weights, or yunet"
    )
    command.add_argument("--jobs", type=_jobs, default=-1, help="processes (default: one per core)")
    command.add_argument("--cache", type=Path, help="folder that keeps extracted features")


def _jobs(text: str) -> int:
    if text.removeprefix("-").isdigit() and int(text) != 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of processes (-1: one per core)")


def _threshold(text: str) -> str | float:
    if text in ("strict", "sensitive"):
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither strict, sensitive nor a number from 0 to 1"
        )
    return value


def _megapixels(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.3 < value <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0.3 and up to 100")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _check(arguments: argparse.Namespace) -> int:
    from classicselfie.detector import SelfieDetector

    detector = SelfieDetector(
        arguments.weights, detector=arguments.detector, threshold=arguments.threshold
    )
    labels = set()
    for path in arguments.photos:
        verdict = detector.check(_stdin() if path == "-" else path)
        labels.add(verdict.label)
        if arguments.json:
            print(json.dumps(verdict.to_dict() | {"path": path}), flush=True)
        else:
            print(f"{path}: {verdict}", flush=True)
    if "selfie" in labels:
        return 1
    return 3 if "unknown" in labels else 0


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise ClassicSelfieError("there is no standard input to read a photo from")
    return sys.stdin.buffer


def _train(arguments: argparse.Namespace) -> int:
    from classicselfie.training.command import train

    if arguments.output.suffix.lower() != ".json":
        raise ClassicSelfieError(f"the weights {arguments.output} must end in .json")
    train(
        _labelled(arguments.photos),
        detector=arguments.detector or "yunet",
        output=arguments.output,
        n_jobs=arguments.jobs,
        cache=arguments.cache,
    )
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from classicselfie.training.command import evaluate

    if arguments.output.suffix.lower() not in (".html", ".htm"):
        raise ClassicSelfieError(f"the report {arguments.output} must end in .html")
    evaluate(
        _labelled(arguments.photos),
        weights=arguments.weights,
        detector=arguments.detector,
        output=arguments.output,
        n_jobs=arguments.jobs,
        cache=arguments.cache,
    )
    return 0


def _bench(arguments: argparse.Namespace) -> int:
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
        )
    return 0


def _explore(arguments: argparse.Namespace) -> int:
    from classicselfie.explore.command import explore

    explore(
        arguments.folder,
        arguments.output,
        weights=arguments.weights,
        detector=arguments.detector,
        threshold=arguments.threshold,
        n_jobs=arguments.jobs,
        png=arguments.png,
    )
    return 0


def _labelled(photos: Sequence[Path]) -> list[Row]:
    """Read a manifest or two folders."""
    from classicselfie.training.manifest import read_folders, read_manifest

    if len(photos) == 1:
        return read_manifest(photos[0])
    if len(photos) == 2:
        return read_folders(*photos)
    raise ClassicSelfieError("give one manifest, or a folder of selfies and one of others")
