"""`classicselfie crop`: the best part of a photo."""

from __future__ import annotations

import argparse
from pathlib import Path

from classicselfie.cli.options import (
    Code,
    Commands,
    add_command,
    add_force,
    refuse_photo_as_target,
    stdin,
)
from classicselfie.console import say, say_json
from classicselfie.errors import ClassicSelfieError
from classicselfie.files import refuse_targets, write_files
from classicselfie.names import text_of


def add_to(commands: Commands) -> None:
    """Add the command."""
    crop = add_command(
        commands,
        "crop",
        "cut the best part out of a photo of people",
        "Search all crops of a photo of people for the best quality score with the main faces "
        "whole, and cut it from the full-resolution pixels. The photo itself is never changed.",
        run=_run,
        examples={
            "classicselfie crop photo.jpg -o crop.jpg": "the best part, of any shape",
            "classicselfie crop photo.jpg -o crop.jpg --aspect 4:5 --sheet sheet.jpg": "a shape "
            "of your choice, and before and after side by side",
        },
        codes={Code.UNKNOWN: "the photo could not be read or shows no face"},
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
    add_force(crop)
    crop.add_argument("--json", action="store_true", help="print a JSON line")


def _run(arguments: argparse.Namespace) -> int:
    from classicselfie.crop.search import check_suffix, encode, find_crop
    from classicselfie.crop.sheet import draw_sheet

    outputs = [arguments.output] + ([arguments.sheet] if arguments.sheet else [])
    for output in outputs:
        check_suffix(output.suffix)
    if len(set(outputs)) < len(outputs):
        raise ClassicSelfieError(f"{arguments.output} cannot be both the crop and the sheet")
    refuse_targets(outputs, force=arguments.force)
    refuse_photo_as_target(arguments.photo, outputs)
    photo = stdin().read() if arguments.photo == "-" else arguments.photo
    crop = find_crop(photo, arguments.aspect)
    files = {arguments.output: encode(crop.image, arguments.output.suffix)}
    if arguments.sheet:
        files[arguments.sheet] = encode(draw_sheet(photo, crop), arguments.sheet.suffix)
    write_files(files, force=arguments.force)
    if arguments.json:
        names = {"path": text_of(arguments.photo), "output": text_of(str(arguments.output))}
        say_json(names | crop.to_dict())
    else:
        say(f"{arguments.photo}: {arguments.output}, {crop}")
    return Code.DONE
