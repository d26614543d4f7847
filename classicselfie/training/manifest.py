"""The list of labelled photos that training reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classicselfie.errors import ManifestError
from classicselfie.names import path_of, printable
from classicselfie.photo import SUFFIXES
from classicselfie.tables import TableRow, read_table


@dataclass(frozen=True)
class Row:
    """One labelled photo.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        Its path as the manifest gives it.
    selfie : bool
        The label.
    source : str
        The collection it comes from.
    group : str
        What is left out together; sources that share pictures share a group.
    subject : str
        Who is on it, where known: one person's photos stay in one fold.
    kind : str
        What sort of selfie or other photo it is, for reports.
    size : tuple of int or None
        Width and height of the original.
    split : str
        "valid" marks photos on which nothing was chosen; they are also reported apart.
    """

    path: Path
    name: str
    selfie: bool
    source: str
    group: str
    subject: str
    kind: str
    size: tuple[int, int] | None
    split: str = ""

    @property
    def label(self) -> str:
        """The label as the manifest gives it."""
        return "selfie" if self.selfie else "other"


def read_manifest(manifest: Path) -> list[Row]:
    """Read a CSV manifest; paths in it count from its own folder.

    Parameters
    ----------
    manifest : Path
        With the columns ``path`` (a file:// URL where it is no UTF-8) and ``label`` (selfie or
        other), and optionally ``source``, ``group``, ``subject``, ``kind``, ``width``, ``height``
        and ``split``; encodings and separators are those of `read_table`.

    Returns
    -------
    list of Row

    Raises
    ------
    ManifestError
        If the file or a row cannot be used; names the row.
    """
    rows = [_row(manifest, found) for found in read_table(manifest, ("path", "label"))]
    if len({row.selfie for row in rows}) < 2:
        raise ManifestError(f"{manifest} must hold both selfies and others")
    return rows


def read_folders(selfies: Path, others: Path) -> list[Row]:
    """List the photos of two folders and all folders below them.

    Parameters
    ----------
    selfies, others : Path
        Every folder directly below one of them is a source, and folders of one name in both
        are the same source; hidden files and folders and files without a photo's ending are
        passed over.

    Returns
    -------
    list of Row

    Raises
    ------
    ManifestError
        If a folder is missing or holds no photo.
    """
    rows = []
    for folder, selfie in ((selfies, True), (others, False)):
        if not folder.is_dir():
            raise ManifestError(f"{folder} is no folder")
        found = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in SUFFIXES
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        )
        if not found:
            raise ManifestError(f"{folder} holds no photo ({', '.join(SUFFIXES)})")
        for path in found:
            inner = path.relative_to(folder)
            source = printable(inner.parts[0] if len(inner.parts) > 1 else folder.name)
            label = "selfie" if selfie else "other"
            name = printable(f"{label}/{inner.as_posix()}")
            rows.append(Row(path, name, selfie, source, source, "", label, None))
    return rows


def without_groups(rows: Sequence[Row], groups: Sequence[str]) -> list[Row]:
    """Leave whole groups out.

    Raises
    ------
    ManifestError
        If there is no such group, or if no selfie or no other photo is left.
    """
    known = {row.group for row in rows}
    unknown = [group for group in groups if group not in known]
    if unknown:
        raise ManifestError(
            f"there is no group {unknown[0]!r} to leave out; there are: {', '.join(sorted(known))}"
        )
    left = [row for row in rows if row.group not in groups]
    if len({row.selfie for row in left}) < 2:
        raise ManifestError(f"without {', '.join(groups)} there are not both selfies and others")
    return left


def _row(manifest: Path, found: TableRow) -> Row:
    name, label = found["path"], found["label"]
    if not name:
        raise ManifestError(f"{manifest} line {found.line}: the path is empty")
    if label not in ("selfie", "other"):
        raise ManifestError(
            f"{manifest} line {found.line}: label {label!r} is neither selfie nor other"
        )
    source = found["source"] or "all"
    width, height = found["width"], found["height"]
    size = (int(width), int(height)) if width.isdigit() and height.isdigit() else None
    return Row(
        path=manifest.parent / path_of(name),
        name=name,
        selfie=label == "selfie",
        source=source,
        group=found["group"] or source,
        subject=found["subject"],
        kind=found["kind"] or label,
        size=size,
        split=found["split"],
    )


def data_hash(rows: Sequence[Row]) -> str:
    """SHA-256 over every photo's name, label and content, whatever the order."""
    lines = sorted(
        f"{row.name}\t{row.selfie}\t{hashlib.sha256(row.path.read_bytes()).hexdigest()}"
        for row in rows
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
