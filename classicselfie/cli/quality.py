"""`classicselfie quality` and `train-ratings`: how a photo of people was made."""

from __future__ import annotations

import argparse
from pathlib import Path

from classicselfie.cli.options import Code, Commands, add_command, add_force, stdin
from classicselfie.console import say, say_json
from classicselfie.errors import ClassicSelfieError
from classicselfie.names import text_of


def add_to(commands: Commands) -> None:
    """Add the commands."""
    _add_quality(commands)
    _add_ratings(commands)


def _add_quality(commands: Commands) -> None:
    quality = add_command(
        commands,
        "quality",
        "score photos of people, with advice",
        "Score photos of people from 0 to 10 by what a photographer can change (light, sharpness, "
        "noise, framing), one line each with the advice that would gain most.",
        run=_quality,
        examples={
            "classicselfie quality photo.jpg more/*.jpg": "one line each",
            "classicselfie quality --json photo.jpg": "every measure, as JSON",
        },
        codes={
            Code.DONE: "every photo was scored",
            Code.UNKNOWN: "at least one photo could not be read or shows no face",
        },
    )
    quality.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or - for stdin")
    quality.add_argument("--json", action="store_true", help="print JSON Lines, one object a photo")
    quality.add_argument(
        "--weights", type=Path, metavar="FILE", help="weights that train-ratings has written"
    )


def _quality(arguments: argparse.Namespace) -> int:
    from classicselfie.errors import NoFaceError, PhotoError
    from classicselfie.quality.score import DEFAULT_SCORER, load_scorer, score_quality

    scorer = load_scorer(arguments.weights) if arguments.weights else DEFAULT_SCORER
    code = Code.DONE
    for path in arguments.photos:
        try:
            scored = score_quality(stdin() if path == "-" else path, scorer)
        except (NoFaceError, PhotoError) as error:
            code = Code.UNKNOWN
            answer, line = {"score": None, "error": str(error)}, f"cannot be scored: {error}"
        else:
            answer, line = scored.to_dict(), str(scored)
        if arguments.json:
            say_json({"path": text_of(path)} | answer)
        else:
            say(f"{path}: {line}")
    return code


def _add_ratings(commands: Commands) -> None:
    ratings = add_command(
        commands,
        "train-ratings",
        "learn the score from your ratings",
        "Fit a linear score of the quality features to your own ratings, and measure it on "
        "groups of photos that were left out. Needs the extra 'ratings'.",
        run=_ratings,
        examples={
            "classicselfie train-ratings ratings.csv -o mine.json": "learn",
            "classicselfie quality --weights mine.json photo.jpg": "and use what was learnt",
        },
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
        "--balanced", action="store_true", help="let rare ratings count as much as frequent ones"
    )
    add_force(ratings)


def _ratings(arguments: argparse.Namespace) -> int:
    from classicselfie.quality.ratings import train_ratings

    if arguments.output.suffix.lower() != ".json":
        raise ClassicSelfieError(f"the weights {arguments.output} must end in .json")
    train_ratings(
        arguments.ratings,
        output=arguments.output,
        loss=arguments.loss,
        balanced=arguments.balanced,
        force=arguments.force,
    )
    return Code.DONE
