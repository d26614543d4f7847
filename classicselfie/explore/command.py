"""`classicselfie explore`: a folder of photos to a gallery that opens from disk."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from classicselfie.console import note, say
from classicselfie.detector import SelfieDetector
from classicselfie.errors import GalleryError, MissingExtraError
from classicselfie.explore.data import Row, link, page_data
from classicselfie.explore.folder import copy_page, refuse_foreign, replacing
from classicselfie.explore.layout import lay_out
from classicselfie.explore.photos import TILE, Seen, find_photos, see_photos
from classicselfie.explore.png import find_browser, write_pngs
from classicselfie.explore.tiles import (
    MAP_SIDE,
    MAP_TILE,
    SHEET_SIDE,
    TileStore,
    shrink_for_map,
    write_sheet,
)
from classicselfie.names import printable
from classicselfie.progress import progress_bar


def explore(
    folder: Path,
    output: Path,
    *,
    weights: Path | None = None,
    detector: str = "yunet",
    threshold: str | float = "strict",
    n_jobs: int = -1,
    png: bool = False,
    force: bool = False,
) -> None:
    """Write a gallery of the photos in a folder.

    Parameters
    ----------
    folder : Path
        Looked through with the folders in it.
    output : Path
        The gallery's folder: new or empty; with `force` also an older gallery.
    weights, detector, threshold
        As for `SelfieDetector`.
    n_jobs : int
        Processes; -1 for one per core.
    png : bool
        Write each view as a PNG too; needs a Chromium.
    force : bool
        Whether an older gallery may be replaced.

    Raises
    ------
    GalleryError
        If there is no photo to show, no browser for the PNGs, or the output must not be written.
    OutputError
        If the gallery cannot be written.
    MissingExtraError
        If the extra "explore" is not installed, or for PNGs the extra "png".
    ModelError
        If the weights cannot be used.
    """
    MissingExtraError.unless_installed("explore")
    if not folder.is_dir():
        raise GalleryError(f"there is no folder {folder}")
    refuse_foreign(output, force=force)
    browser = find_browser() if png else None
    judge = SelfieDetector(weights, detector=detector, threshold=threshold)
    photos = find_photos(folder, leave_out=output)
    with (
        replacing(output, force=force) as target,
        tempfile.TemporaryFile(dir=target.parent) as stream,
    ):
        store = TileStore(stream)
        seen, unreadable = _see(photos, judge, n_jobs, store)
        for path, why in unreadable:
            note(f"left out {path}: {why}")
        if not seen:
            raise GalleryError(f"there is no readable photo in {folder}")
        order = np.argsort([-photo.decision_value for _, photo in seen], kind="stable")
        _tell_stage(f"placing {len(seen)} photos on the map")
        layout = lay_out(np.array([seen[i][1].features for i in order]), judge.model.feature_names)
        _tell_stage("writing the pictures")
        sizes = _write_tiles(store, order.tolist(), target)
        rows: list[Row] = [
            seen[i][1].row
            | {
                "name": printable(str(seen[i][0].relative_to(folder))),
                "url": link(seen[i][0].resolve(), output.resolve()),
                "tile": size,
            }
            for i, size in zip(order, sizes, strict=True)
        ]
        data = page_data(
            rows,
            layout,
            [(printable(str(path.relative_to(folder))), why) for path, why in unreadable],
            folder=printable(folder.resolve().name),
            model=judge.model.name,
        )
        (target / "data.js").write_text(data, encoding="ascii")
        copy_page(target)
        if browser is not None:
            _tell_stage("drawing the PNGs")
            write_pngs(target, target / "png", browser)
    selfies, maybe = (sum(row["pile"] == pile for row in rows) for pile in ("selfie", "maybe"))
    say(
        f"wrote {output / 'index.html'}: {len(rows)} photos, {selfies} look like selfies, "
        f"{maybe} may be ones; "
        f"{len(unreadable)} could not be read"
    )


def _see(
    photos: Sequence[Path], judge: SelfieDetector, n_jobs: int, store: TileStore
) -> tuple[list[tuple[Path, Seen]], list[tuple[Path, str]]]:
    """Judge all photos; put their tiles into the store, in the order of the first list."""
    seen: list[tuple[Path, Seen]] = []
    unreadable: list[tuple[Path, str]] = []
    with progress_bar(total=len(photos), unit="photo") as progress:
        for path, found in see_photos(photos, judge, n_jobs):
            if isinstance(found, str):
                unreadable.append((path, found))
            else:
                store.add(found.tile)
                seen.append((path, replace(found, tile=b"")))  # the disk holds it
            progress.update()
    return seen, unreadable


def _write_tiles(store: TileStore, order: Sequence[int], target: Path) -> list[tuple[int, int]]:
    """Write the sprite sheets of the grid and of the map, photos in this order."""
    sizes = []
    for name in ("tiles", "map"):
        (target / name).mkdir()
    grid, small = SHEET_SIDE**2, MAP_SIDE**2
    for start in range(0, len(order), grid):
        tiles = [store.read(i) for i in order[start : start + grid]]
        sizes += [(tile.shape[1], tile.shape[0]) for tile in tiles]
        write_sheet(tiles, target / "tiles" / f"{start // grid}.jpg", SHEET_SIDE, TILE)
    for start in range(0, len(order), small):
        tiles = [shrink_for_map(store.read(i)) for i in order[start : start + small]]
        write_sheet(tiles, target / "map" / f"{start // small}.jpg", MAP_SIDE, MAP_TILE)
    return sizes


def _tell_stage(line: str) -> None:
    """Like a progress bar: for somebody who watches."""
    if sys.stderr.isatty():
        note(line)
