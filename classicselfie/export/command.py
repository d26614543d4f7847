"""`classicselfie export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from classicselfie.console import say
from classicselfie.detector import SelfieDetector
from classicselfie.errors import TargetError
from classicselfie.export.carried import carried, to_json
from classicselfie.export.golden import measure
from classicselfie.features import GROUPS
from classicselfie.files import write_files
from classicselfie.images import BgrImage
from classicselfie.photo import load_photo


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
    documented = {
        group.name: {"needs_face": group.needs_face, "parts": dict(group.documentation)}
        for group in GROUPS
    }
    files = {folder / name: content for name, content in carried(detector).items()}
    if pictures:
        files[folder / "schema.json"] = to_json({"features": documented})
        for name, picture in pictures.items():
            image = load_photo(picture).image
            place = folder / "golden" / name.replace(" ", "_").replace("'", "")
            files[place.with_suffix(".rgb")] = image[..., ::-1].tobytes()
            files[place.with_suffix(".json")] = to_json(measure(detector, image), indent=None)
    try:
        for parent in {path.parent for path in files}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetError(f"{folder} cannot be made: {error.strerror or error}") from error
    write_files(files, force=force)
    total = sum(map(len, files.values()))
    say(f"{folder}: {len(files)} files, {total / 1e6:.1f} MB, of {detector.model.name}")
