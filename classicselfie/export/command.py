"""`classicselfie export`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classicselfie import __version__
from classicselfie.console import say
from classicselfie.detector import SelfieDetector
from classicselfie.errors import TargetError
from classicselfie.export.golden import measure
from classicselfie.export.network import read_network
from classicselfie.faces import FIRST_LOOK
from classicselfie.features import FEATURE_VERSION, GROUPS
from classicselfie.files import write_files
from classicselfie.images import BgrImage
from classicselfie.model import BUNDLED
from classicselfie.photo import WORKING_SIZE, load_photo
from classicselfie.resources import resource
from classicselfie.yunet import CHANNELS, MAPS

FORMAT = 1
"""Of the files; raised where an older port could not read them."""


def export(folder: Path, pictures: Mapping[str, BgrImage], *, force: bool = False) -> None:
    """Write what a port needs.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    pictures : mapping of str to ndarray of uint8, shape (height, width, 3)
        What to write golden values of, BGR, by name; what an app carries needs none.
    force : bool
        Whether files that exist may be replaced.

    Raises
    ------
    TargetError
        If a file exists already, or the folder cannot be written to.
    MissingExtraError
        If the extra "export" is not installed.
    """
    detector = SelfieDetector()
    layers, numbers = read_network()
    head = {
        "format": FORMAT,
        "version": __version__,
        "feature_version": FEATURE_VERSION,
        "model": detector.model.name,
        "working_size": WORKING_SIZE,
        "first_look": FIRST_LOOK,
        "maps": [{"name": each.name, "stride": each.stride} for each in MAPS],
        "map_channels": CHANNELS,
        "layers": layers,
    }
    documented = {
        group.name: {"needs_face": group.needs_face, "parts": dict(group.documentation)}
        for group in GROUPS
    }
    files = {
        folder / "weights.json": resource("models", BUNDLED["yunet"]).read_bytes(),
        folder / "yunet.bin": numbers,
        folder / "port.json": _json(head, indent=1),
    }
    if pictures:
        files[folder / "schema.json"] = _json({"features": documented}, indent=1)
        for name, picture in pictures.items():
            image = load_photo(picture).image
            place = folder / "golden" / name.replace(" ", "_").replace("'", "")
            files[place.with_suffix(".rgb")] = image[..., ::-1].tobytes()
            files[place.with_suffix(".json")] = _json(measure(detector, image))
    try:
        for parent in {path.parent for path in files}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetError(f"{folder} cannot be made: {error.strerror or error}") from error
    write_files(files, force=force)
    total = sum(map(len, files.values()))
    say(f"{folder}: {len(files)} files, {total / 1e6:.1f} MB, of {detector.model.name}")


def _json(value: Any, indent: int | None = None) -> bytes:
    return (json.dumps(value, indent=indent) + "\n").encode()
