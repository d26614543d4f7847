"""`classicselfie train` and `evaluate`: weights and reports from labelled photos."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from classicselfie.cli.options import Code, Commands, add_command, add_force, add_shared
from classicselfie.errors import ClassicSelfieError

if TYPE_CHECKING:
    from classicselfie.training.manifest import Row


def add_to(commands: Commands) -> None:
    """Add the commands."""
    train = add_command(
        commands,
        "train",
        "train weights on labelled photos",
        "Train weights on the photos of a manifest or of two folders, choosing C by "
        "folds of whole sources; measure them with every source left out in turn; write the "
        "weights, their card and a report. Needs the extra 'train'.",
        run=_train,
        examples={
            "classicselfie train SELFIES OTHERS -o mine.json --cache features": "two folders",
            "classicselfie train manifest.csv -o mine.json --detector haar": "a manifest",
            "classicselfie train corrections.csv --with-bundled -o mine.json": "a few corrections",
            "classicselfie check --weights mine.json photo.jpg": "then use the weights",
        },
    )
    _add_photos(train)
    train.add_argument("-o", "--output", type=Path, required=True, help="weights file to write")
    train.add_argument(
        "--with-bundled",
        action="store_true",
        help="start from the bundled weights and move them no farther than the photos ask for, "
        "which may be few; the report tells whether that is better",
    )

    evaluate = add_command(
        commands,
        "evaluate",
        "write a report on labelled photos",
        "Judge the photos of a manifest or of two folders and write a report: one "
        "HTML file, and the same figures as JSON. Without --weights every photo is judged by "
        "weights that are trained without its source; with it, by those weights as they are. "
        "Needs the extra 'train'.",
        run=_evaluate,
        examples={
            "classicselfie evaluate SELFIES OTHERS -o report.html": "each source left out in turn",
            "classicselfie evaluate manifest.csv -o report.html --weights mine.json": "weights of "
            "your own, on photos that they have not seen",
        },
    )
    _add_photos(evaluate)
    evaluate.add_argument(
        "-o", "--output", type=Path, required=True, help="report to write, an .html file"
    )
    judges = evaluate.add_mutually_exclusive_group()
    judges.add_argument(
        "--weights", type=Path, metavar="FILE", help="weights that have not seen the photos"
    )
    judges.add_argument(
        "--retrain",
        action="store_true",
        help="train again without each family of feature groups as well, to tell what it is worth",
    )


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
    command.add_argument(
        "--without",
        metavar="GROUP",
        action="append",
        default=[],
        help="leave a group of the photos out of everything (may be given several times)",
    )
    add_shared(command, "jobs")
    command.add_argument("--cache", type=Path, help="folder that keeps extracted features")
    add_force(command)


def _train(arguments: argparse.Namespace) -> int:
    from classicselfie.training.command import train

    if arguments.output.suffix.lower() != ".json":
        raise ClassicSelfieError(f"the weights {arguments.output} must end in .json")
    train(
        _labelled(arguments.photos),
        detector=arguments.detector or "yunet",
        output=arguments.output,
        without=arguments.without,
        with_bundled=arguments.with_bundled,
        n_jobs=arguments.jobs,
        cache=arguments.cache,
        force=arguments.force,
    )
    return Code.DONE


def _evaluate(arguments: argparse.Namespace) -> int:
    from classicselfie.training.command import evaluate

    if arguments.output.suffix.lower() not in (".html", ".htm"):
        raise ClassicSelfieError(f"the report {arguments.output} must end in .html")
    evaluate(
        _labelled(arguments.photos),
        weights=arguments.weights,
        detector=arguments.detector,
        output=arguments.output,
        without=arguments.without,
        retrain=arguments.retrain,
        n_jobs=arguments.jobs,
        cache=arguments.cache,
        force=arguments.force,
    )
    return Code.DONE


def _labelled(photos: Sequence[Path]) -> list[Row]:
    """Read a manifest or two folders."""
    from classicselfie.training.manifest import read_folders, read_manifest

    if len(photos) == 1:
        return read_manifest(photos[0])
    if len(photos) == 2:
        return read_folders(*photos)
    raise ClassicSelfieError("give one manifest, or a folder of selfies and one of others")
