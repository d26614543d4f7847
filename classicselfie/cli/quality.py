"""`classicselfie quality` and `train-ratings`: how a photo of people was made."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from classicselfie.cli.options import add_force, exit_codes, stdin
from classicselfie.console import say
from classicselfie.errors import ClassicSelfieError
from classicselfie.names import text_of

if TYPE_CHECKING:
    from classicselfie.cli.options import Commands


EXIT_CODES = {
    0: "every photo was scored",
    3: "at least one photo could not be read or shows no face",
}


def add_to(commands: Commands) -> None:
    """Add the commands."""
    _add_quality(commands.add_parser("quality", help="score photos of people, with advice"))
    _add_ratings(commands.add_parser("train-ratings", help="learn the score from your ratings"))


def _add_quality(quality: argparse.ArgumentParser) -> None:
    quality.description = (
        "Score photos of people from 0 to 10 by what a photographer can change (light, sharpness, "
        "noise, framing), one line each with the advice that would gain most."
    )
    quality.epilog = exit_codes("quality", EXIT_CODES)
    quality.formatter_class = argparse.RawDescriptionHelpFormatter
    quality.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or - for stdin")
    quality.add_argument("--json", action="store_true", help="print JSON Lines, one object a photo")
    quality.add_argument("--weights", type=Path, help="weights that train-ratings has written")
    quality.set_defaults(run=_quality)


def _quality(arguments: argparse.Namespace) -> int:
    from classicselfie.errors import NoFaceError, PhotoError
    from classicselfie.quality.score import DEFAULT_SCORER, load_scorer, score_quality

    scorer = load_scorer(arguments.weights) if arguments.weights else DEFAULT_SCORER
    code = 0
    for path in arguments.photos:
        try:
            scored = score_quality(stdin() if path == "-" else path, scorer)
        except (NoFaceError, PhotoError) as error:
            code = 3
            answer, line = {"score": None, "error": str(error)}, f"cannot be scored: {error}"
        else:
            answer, line = scored.to_dict(), str(scored)
        say(json.dumps({"path": text_of(path)} | answer) if arguments.json else f"{path}: {line}")
    return code


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
    add_force(ratings)
    ratings.set_defaults(run=_ratings)


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
    return 0
