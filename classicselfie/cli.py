"""The command line: `classicselfie check`, `scan`, `serve`, `train`, `evaluate` and `bench`."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from classicselfie import __version__
from classicselfie.errors import ClassicSelfieError, MissingExtraError

if TYPE_CHECKING:
    from classicselfie.scan.sorting import Way
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
    _add_serve(commands.add_parser("serve", help="answer over HTTP, with a page to try it"))
    _add_scan(commands.add_parser("scan", help="judge whole collections, and sort them"))
    return parser


def _add_scan(scan: argparse.ArgumentParser) -> None:
    scan.description = (
        "Judge collections of photos in several processes; what crashes or hangs costs one row, "
        "and an interrupted scan goes on with --resume. Prints JSON Lines, or writes --to a file."
    )
    scan.epilog = "exit codes: 0 all photos are done, 2 wrong usage or no way on, 130 interrupted"
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
        "--only",
        choices=("selfie", "not_selfie", "unknown"),
        help="write and sort the photos of this label only",
    )
    sort = scan.add_mutually_exclusive_group()
    for way, words in (("copy", "copy"), ("move", "move"), ("link", "make symbolic links of")):
        sort.add_argument(
            f"--{way}-to", type=Path, metavar="DIR", help=f"{words} photos to DIR/LABEL/"
        )
    scan.add_argument(
        "--detector", choices=("yunet", "haar"), default="yunet", help="default: %(default)s"
    )
    scan.add_argument(
        "--threshold",
        type=_threshold,
        default="strict",
        metavar="strict|sensitive|NUMBER",
        help="from which probability a photo is called a selfie (default: %(default)s)",
    )
    scan.add_argument("--weights", type=Path, help="weights file (default: the bundled ones)")
    scan.add_argument("--jobs", type=_jobs, default=-1, help="processes (default: one per core)")
    scan.add_argument(
        "--timeout",
        type=_seconds,
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
    scan.set_defaults(run=_scan)


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


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.description = (
        "Answer POST /v1/check with verdicts as JSON, and show a page at / on which photos can be "
        "dropped. Takes bytes only, keeps nothing, and talks to this machine alone unless --host "
        "says otherwise. SIGTERM finishes what was accepted."
    )
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument(
        "--port", type=_port, default=8000, help="0 takes a free one (default: %(default)s)"
    )
    serve.add_argument("--workers", type=_count, help="processes (default: one per core)")
    serve.add_argument(
        "--queue",
        type=_count,
        default=64,
        help="photos that may wait for a worker; more get 503 (default: %(default)s)",
    )
    serve.add_argument(
        "--max-bytes",
        type=_count,
        default=32 * 2**20,
        help="of a request's body (default: %(default)s)",
    )
    serve.add_argument(
        "--max-pixels", type=_count, default=256_000_000, help="of a photo (default: %(default)s)"
    )
    serve.add_argument(
        "--max-parts", type=_count, default=16, help="photos in a request (default: %(default)s)"
    )
    serve.add_argument(
        "--timeout",
        type=_seconds,
        default=60.0,
        metavar="SECONDS",
        help="to send a request, to wait for a worker, and to judge a photo: for each of the "
        "three (default: %(default)g)",
    )
    serve.add_argument(
        "--detector", choices=("yunet", "haar"), default="yunet", help="default: %(default)s"
    )
    serve.add_argument(
        "--threshold",
        type=_threshold,
        default="strict",
        metavar="strict|sensitive|NUMBER",
        help="from which probability a photo is called a selfie (default: %(default)s)",
    )
    serve.add_argument("--weights", type=Path, help="weights file (default: the bundled ones)")
    serve.set_defaults(run=_serve)


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


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 86_400.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0, up to a day")
    return value


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
        raise ClassicSelfieError("there is no standard input to read from")
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


def _serve(arguments: argparse.Namespace) -> int:
    for package in ("fastapi", "httptools", "prometheus_client", "python_multipart", "uvicorn"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "serve")
    from classicselfie.detector import SelfieDetector
    from classicselfie.serve.command import serve
    from classicselfie.serve.limits import Limits

    limits = Limits(
        max_bytes=arguments.max_bytes,
        max_pixels=arguments.max_pixels,
        max_parts=arguments.max_parts,
        queue=arguments.queue,
        timeout=arguments.timeout,
    )
    detector = SelfieDetector(
        arguments.weights, detector=arguments.detector, threshold=arguments.threshold
    )
    serve(detector, limits, host=arguments.host, port=arguments.port, workers=arguments.workers)
    return 0


def _scan(arguments: argparse.Namespace) -> int:
    from classicselfie.detector import SelfieDetector
    from classicselfie.scan import scan

    if (arguments.backend == "dask") != (arguments.scheduler is not None):
        raise ClassicSelfieError("--backend dask and --scheduler ADDRESS need each other")
    sorts: list[tuple[Way, Path | None]] = [
        ("copy", arguments.copy_to),
        ("move", arguments.move_to),
        ("link", arguments.link_to),
    ]
    way, folder = next((sort for sort in sorts if sort[1]), sorts[0])
    weights = arguments.weights and arguments.weights.absolute()  # a cluster works elsewhere
    summary = scan(
        arguments.paths,
        to=arguments.to,
        resume=arguments.resume,
        only=arguments.only,
        sort_to=folder,
        way=way,
        detector=SelfieDetector(
            weights, detector=arguments.detector, threshold=arguments.threshold
        ),
        n_jobs=arguments.jobs,
        timeout=arguments.timeout,
        scheduler=arguments.scheduler,
        stdin=_stdin() if "-" in arguments.paths else None,
        null=arguments.null,
    )
    print(summary, file=sys.stderr)
    return 0


def _labelled(photos: Sequence[Path]) -> list[Row]:
    """Read a manifest or two folders."""
    from classicselfie.training.manifest import read_folders, read_manifest

    if len(photos) == 1:
        return read_manifest(photos[0])
    if len(photos) == 2:
        return read_folders(*photos)
    raise ClassicSelfieError("give one manifest, or a folder of selfies and one of others")
