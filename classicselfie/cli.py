"""The command line: `classicselfie check` and all other commands."""

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
QUALITY_EXIT_CODES = """\
exit codes of quality:
  0  every photo was scored
  2  wrong usage, or the weights are missing
  3  at least one photo could not be read or shows no face
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
    _add_explain(commands.add_parser("explain", help="show why, as a picture and a page"))
    _add_quality(commands.add_parser("quality", help="score photos of people, with advice"))
    _add_ratings(commands.add_parser("train-ratings", help="learn the score from your ratings"))
    _add_crop(commands.add_parser("crop", help="cut the best part out of a photo of people"))
    _add_explore(commands.add_parser("explore", help="write a gallery of a folder of photos"))
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


def _add_explain(explain: argparse.ArgumentParser) -> None:
    explain.description = (
        "Judge a photo from its pixels and show every share of the sum: as one picture (.png) "
        "and as a page that needs no network (.html). Needs the extra 'explain'."
    )
    explain.add_argument("photo", metavar="PHOTO", help="a file, or - for stdin")
    explain.add_argument(
        "-o",
        "--output",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="what to write, .png or .html or both (default: PHOTO.why.png and PHOTO.why.html)",
    )
    explain.add_argument("--json", action="store_true", help="print the shares as a JSON line")
    explain.add_argument(
        "--detector", choices=("yunet", "haar"), default="yunet", help="default: %(default)s"
    )
    explain.add_argument("--weights", type=Path, help="weights file (default: the bundled ones)")
    explain.set_defaults(run=_explain)


def _add_quality(quality: argparse.ArgumentParser) -> None:
    quality.description = (
        "Score photos of people from 0 to 10 by what a photographer can change (light, sharpness, "
        "noise, framing), one line each with the advice that would gain most."
    )
    quality.epilog = QUALITY_EXIT_CODES
    quality.formatter_class = argparse.RawDescriptionHelpFormatter
    quality.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or - for stdin")
    quality.add_argument("--json", action="store_true", help="print JSON Lines, one object a photo")
    quality.add_argument("--weights", type=Path, help="weights that train-ratings has written")
    quality.set_defaults(run=_quality)


def _add_ratings(ratings: argparse.ArgumentParser) -> None:
    ratings.description = (
        "Fit a linear score of the quality features to your own ratings, and measure it on "
        "groups of photos that were left out. Needs the extra 'ratings'."
    )
    ratings.add_argument(
        "ratings", type=Path, help="a CSV with the columns path, rating and, where known, group"
    )
    ratings.add_argument("-o", "--output", type=Path, required=True, help="weights file to write")
    ratings.add_argument(
        "--loss",
        choices=("squared", "huber"),
        default="squared",
        help="huber trusts single odd ratings less (default: %(default)s)",
    )
    ratings.add_argument(
        "--balanced",
        action="store_true",
        help="let rare ratings count as much as frequent ones",
    )
    ratings.set_defaults(run=_ratings)


def _add_crop(crop: argparse.ArgumentParser) -> None:
    crop.description = (
        "Search all crops of a photo of people for the best quality score with the main faces "
        "whole, and cut it from the full-resolution pixels. The photo itself is never changed."
    )
    crop.add_argument("photo", metavar="PHOTO", help="a file, or - for stdin")
    crop.add_argument(
        "-o", "--output", type=Path, required=True, help="crop to write: .jpg, .png or .webp"
    )
    crop.add_argument(
        "--aspect",
        choices=("1:1", "4:5", "3:4", "16:9", "free"),
        default="free",
        help="width to height (default: %(default)s)",
    )
    crop.add_argument("--sheet", type=Path, help="draw before and after into this file as well")
    crop.add_argument("--json", action="store_true", help="print a JSON line")
    crop.set_defaults(run=_crop)


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


def _explain(arguments: argparse.Namespace) -> int:
    from classicselfie.errors import MissingExtraError

    try:
        from classicselfie.explain.figure import draw_figure
        from classicselfie.explain.page import write_page
    except ImportError as error:
        raise MissingExtraError(error.name or "matplotlib", "explain") from error
    from classicselfie.detector import SelfieDetector

    named = "stdin" if arguments.photo == "-" else arguments.photo
    outputs = arguments.output or [Path(f"{named}.why{suffix}") for suffix in (".png", ".html")]
    for output in outputs:
        if output.suffix.lower() not in (".png", ".html"):
            raise ClassicSelfieError(f"the explanation {output} must end in .png or .html")
        _refuse_existing(output)
    detector = SelfieDetector(arguments.weights, detector=arguments.detector)
    explanation = detector.explain(_stdin() if arguments.photo == "-" else arguments.photo)
    for output in outputs:
        if output.suffix.lower() == ".png":
            _write_new(output, draw_figure(explanation))
        else:
            _write_new(output, write_page(explanation, Path(named).name).encode())
    if arguments.json:
        print(json.dumps(explanation.to_dict() | {"path": arguments.photo}))
    else:
        files = " and ".join(map(str, outputs))
        print(f"{arguments.photo}: {explanation.verdict}; see {files}")
    return 0


def _quality(arguments: argparse.Namespace) -> int:
    from classicselfie.errors import NoFaceError, PhotoError
    from classicselfie.quality.score import DEFAULT_SCORER, load_scorer, score_quality

    scorer = load_scorer(arguments.weights) if arguments.weights else DEFAULT_SCORER
    code = 0
    for path in arguments.photos:
        try:
            scored = score_quality(_stdin() if path == "-" else path, scorer)
        except (NoFaceError, PhotoError) as error:
            code = 3
            line = {"path": path, "score": None, "error": str(error)}
            print(json.dumps(line) if arguments.json else f"{path}: cannot be scored: {error}")
        else:
            print(
                json.dumps({"path": path} | scored.to_dict())
                if arguments.json
                else f"{path}: {scored}",
                flush=True,
            )
    return code


def _ratings(arguments: argparse.Namespace) -> int:
    from classicselfie.quality.ratings import train_ratings

    if arguments.output.suffix.lower() != ".json":
        raise ClassicSelfieError(f"the weights {arguments.output} must end in .json")
    train_ratings(
        arguments.ratings,
        output=arguments.output,
        loss=arguments.loss,
        balanced=arguments.balanced,
    )
    return 0


def _crop(arguments: argparse.Namespace) -> int:
    from classicselfie.crop.search import encode, find_crop
    from classicselfie.crop.sheet import draw_sheet

    outputs = [arguments.output] + ([arguments.sheet] if arguments.sheet else [])
    for output in outputs:
        _refuse_existing(output)
    photo = _stdin().read() if arguments.photo == "-" else arguments.photo
    crop = find_crop(photo, arguments.aspect)
    _write_new(arguments.output, encode(crop.image, arguments.output.suffix))
    if arguments.sheet:
        _write_new(arguments.sheet, encode(draw_sheet(photo, crop), arguments.sheet.suffix))
    if arguments.json:
        print(
            json.dumps({"path": arguments.photo, "output": str(arguments.output)} | crop.to_dict())
        )
    else:
        print(f"{arguments.photo}: {arguments.output}, {crop}")
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


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise ClassicSelfieError(f"{path} exists already; choose another name")


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet: it may be somebody's photo."""
    try:
        with path.open("xb") as stream:
            stream.write(data)
    except OSError as error:
        raise ClassicSelfieError(f"{path} cannot be written: {error.strerror}") from error


def _labelled(photos: Sequence[Path]) -> list[Row]:
    """Read a manifest or two folders."""
    from classicselfie.training.manifest import read_folders, read_manifest

    if len(photos) == 1:
        return read_manifest(photos[0])
    if len(photos) == 2:
        return read_folders(*photos)
    raise ClassicSelfieError("give one manifest, or a folder of selfies and one of others")
