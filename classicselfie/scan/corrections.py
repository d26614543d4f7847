"""What people said about photos, which counts more than what the machine says."""

from __future__ import annotations

import os
from pathlib import Path

from classicselfie.errors import ScanError
from classicselfie.names import is_url, path_of
from classicselfie.tables import read_table
from classicselfie.verdict import Label

# Manifests call the other photos "other", results "not_selfie".
_LABELS: dict[str, Label] = {"selfie": "selfie", "other": "not_selfie", "not_selfie": "not_selfie"}


class Corrections:
    """The labels that people gave to photos, by where these lie.

    Parameters
    ----------
    file : Path
        A manifest as `classicselfie.training.manifest.read_manifest` takes it: a CSV with the
        columns ``path``, which counts from the file's own folder, and ``label``.

    Raises
    ------
    ManifestError
        If the file cannot be read, or a column is missing.
    ScanError
        If a line has no path or another label, or two lines contradict each other.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._labels: dict[str, Label] = {}
        for row in read_table(file, ("path", "label")):
            where = f"{file} line {row.line}"
            name, label = row["path"], _LABELS.get(row["label"])
            if not name or "\0" in path_of(name):
                raise ScanError(f"{where}: the path is empty or holds a NUL character")
            if label is None:
                raise ScanError(f"{where}: label {row['label']!r} is neither selfie nor other")
            if self._labels.setdefault(_place(name, file.parent), label) != label:
                raise ScanError(f"{where}: an earlier line gives {name!r} the other label")
        self._unmet = set(self._labels)

    def label_of(self, name: str) -> Label | None:
        """Look up what was said about a photo by its `Item.name`; None where nothing was."""
        place = _place(name, Path())
        self._unmet.discard(place)
        return self._labels.get(place)

    @property
    def unmet(self) -> int:
        """How many photos were not asked for yet."""
        return len(self._unmet)


def _place(name: str, folder: Path) -> str:
    """Spell a photo's place the same way, whoever wrote it: links and dots resolved."""
    if is_url(name) and not name.startswith("file://"):
        return name
    return os.path.realpath(folder / path_of(name))
