"""Files that belong to a photo: Live Photos' videos, edits, sidecars, the raw file of a JPEG."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from classicselfie.names import path_of, text_of
from classicselfie.photo import SUFFIXES
from classicselfie.scan.sources import Item

_ATTACHED = (
    *(".mov", ".mp4", ".m4v", ".mp", ".3gp", ".avi"),  # motion
    *(".aae", ".xmp", ".json", ".pp3", ".dop", ".txt"),  # edits, ratings, captions
    *(".thm", ".wav", ".m4a"),  # cameras' previews and voice memos
)
_RAW = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".gpr", ".iiq", ".kdc"),
    *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf"),
    *(".srw", ".x3f"),
)
COMPANION_ENDINGS = (*_ATTACHED, *_RAW)
_ENDINGS = tuple(way(ending) for ending in SUFFIXES for way in (str.lower, str.upper))
_FOLDERS = 16  # whose names are kept; photos come folder by folder
# Google writes IMG_1.jpg(1).json beside IMG_1(1).jpg.
_GOOGLE = re.compile(
    rf"(.+)({'|'.join(map(re.escape, SUFFIXES))})([^()]*)(\(\d+\))(\.json)", re.IGNORECASE
)


def is_photo(name: str) -> bool:
    """Tell by a name's end whether somebody takes the file for a photo."""
    return name.lower().endswith(SUFFIXES)


def belongs_to(name: str, photo: str) -> bool:
    """Tell by their names whether a file is the companion of a photo in the same folder.

    Parameters
    ----------
    name, photo : str
        Names without folders.

    Examples
    --------
    >>> belongs_to("IMG_1.MOV", "IMG_1.HEIC"), belongs_to("IMG_1.jpg.xmp", "IMG_1.JPG")
    (True, True)
    >>> belongs_to("IMG_1.jpg(1).json", "IMG_1(1).jpg"), belongs_to("IMG_10.MOV", "IMG_1.JPG")
    (True, False)
    """
    stem, suffix = Path(photo).stem, Path(photo).suffix.lower()
    plain = _plain(name)
    if not plain.startswith(f"{stem}.") or not plain.lower().endswith(COMPANION_ENDINGS):
        return False
    first, *others = plain[len(stem) + 1 :].lower().split(".")
    return not others or f".{first}" in (suffix, *COMPANION_ENDINGS)


def renamed(name: str, photo: str, becomes: str) -> str:
    """Name a companion of a photo that gets another name."""
    if photo == becomes:
        return name
    return Path(becomes).stem + _plain(name)[len(Path(photo).stem) :]


class Companions:
    """The companions that lie beside photos.

    Parameters
    ----------
    passes_over : callable
        Tells of a name, its path below the folder that was given, and its absolute path,
        whether the scan leaves the file alone.
    """

    def __init__(self, passes_over: Callable[[str, str, str], bool]) -> None:
        self._passes_over = passes_over
        self._names = lru_cache(maxsize=_FOLDERS)(_names_by_stem)

    def of(self, item: Item) -> list[Item]:
        """List the companions of what was found, by name; what is no file of its own has none."""
        path = Path(item.path)
        if not item.is_file or path.name.lower().endswith(_ATTACHED):
            return []
        found = []
        for name in self._names(path.parent).get(path.stem, ()):
            beside = path.with_name(name)
            if beside == path or not belongs_to(name, path.name) or not _is_file(beside):
                continue
            place = item.place.removesuffix(path.name) + name
            if not self._passes_over(name, place, str(beside)):
                called = text_of(str(Path(path_of(item.name)).with_name(name)))
                found.append(Item(called, str(beside), place))
        return found

    def is_one(self, item: Item) -> bool:
        """Tell whether a file belongs to a photo that still lies beside it."""
        path = Path(item.path)
        if not item.is_file or not path.name.lower().endswith(COMPANION_ENDINGS):
            return False
        photos = (stem + ending for stem in _stems(path.name) for ending in _ENDINGS)
        return any(
            belongs_to(path.name, photo) and _is_file(path.with_name(photo)) for photo in photos
        )


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  Path.is_file raises where it may not look


def _plain(name: str) -> str:
    match = _GOOGLE.fullmatch(name)
    if match is None:
        return name
    stem, ending, middle, number, last = match.groups()
    return stem + number + ending + middle + last


def _names_by_stem(folder: Path) -> dict[str, list[str]]:
    """List what may be companions in a folder under each stem that their photo may have."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                entry.name
                for entry in entries
                if entry.name.lower().endswith(COMPANION_ENDINGS)
                and entry.is_file(follow_symlinks=False)
            )
    except OSError:  # the photos in it tell
        return {}
    for name in found:
        for stem in _stems(name):
            names[stem].append(name)
    return dict(names)


def _stems(name: str) -> list[str]:
    """List what the photo of a companion may be called, without its ending."""
    plain = _plain(name)
    return [plain[:place] for place, letter in enumerate(plain) if letter == "." and place]
