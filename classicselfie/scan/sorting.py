"""Photos into folders by pile: nothing is ever lost or overwritten."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal

from classicselfie.errors import LostScanError, PhotoError, ScanError
from classicselfie.files import settle, sha256_of
from classicselfie.names import text_of
from classicselfie.scan.companions import renamed
from classicselfie.scan.sources import Item, open_item

Way = Literal["copy", "move", "link"]
_BLOCK = 2**20


class Sorter:
    """Put photos into FOLDER/<pile>/<their place below the folder that was given>.

    Parameters
    ----------
    folder : Path
        Made if need be.
    way : {"copy", "move", "link"}
        A link is a symbolic one.
    dry : bool
        Only plan: nothing is made.
    """

    def __init__(self, folder: Path, way: Way, dry: bool = False) -> None:
        self.way = way
        self._promised: set[str] = set()
        self.folder = folder.absolute()
        if dry:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScanError(f"the folder {folder} cannot be made: {error.strerror}") from error

    def takes(self, item: Item) -> bool:
        """Tell whether an item can be sorted: a member of an archive can only be copied."""
        if "\0" in item.place:  # of a damaged list or a hostile archive
            return False
        if self.way == "copy":
            return not item.problem
        # Moving a link would leave the photo, and break the link if it is a relative one.
        # Path.is_symlink raises where it may not look.
        return item.is_file and not os.path.islink(item.path)  # noqa: PTH114

    def plan(
        self,
        item: Item,
        pile: str,
        sha256: str | None,
        planned: str | None,
        companions: Sequence[tuple[Item, str | None]] = (),
    ) -> list[Path]:
        """Choose where a photo goes, so that it can be written down before it goes there.

        Parameters
        ----------
        item : Item
        pile : str
            "maybe" where the confidence says so, else the label.
        sha256 : str or None
            Of the photo, where known.
        planned : str or None
            Where an earlier run wanted it to go.
        companions : sequence of (Item, str or None)
            What goes with it, and where an earlier run wanted that to go.

        Returns
        -------
        list of Path
            Names that are free, or at which these very files lie already: of the photo, and of
            each companion.
        """
        for place in _numbered(self.folder / pile / item.place):
            whole = [(item, place, sha256, planned)]
            for companion, wanted in companions:
                name = renamed(Path(companion.path).name, Path(item.path).name, place.name)
                whole.append((companion, place.with_name(name), None, wanted))
            if all(itertools.starmap(self._is_for, whole)):
                places = [part[1] for part in whole]
                self._promised.update(map(str, places))
                return places
        raise AssertionError  # the numbers do not end

    def _is_for(self, item: Item, place: Path, sha256: str | None, planned: str | None) -> bool:
        if str(place) in self._promised:
            return False
        return not os.path.lexists(place) or self._is_there(item, place, sha256, planned)

    def place(self, item: Item, place: Path, sha256: str | None) -> bool:
        """Put a photo where it was planned.

        Returns
        -------
        bool
            False where that cannot be: the photo is gone, it has changed since it was judged, or
            its folder cannot be written, so that a moved photo would be at two places.

        Raises
        ------
        FileExistsError
            If something else has come to lie there meanwhile.
        LostScanError
            If the folder cannot be written.
        """
        self._promised.discard(str(place))
        # Path.exists raises for a listed name that is too long or lies where nobody may look.
        if item.is_file and not os.path.exists(item.path):  # noqa: PTH110
            # It may have gone there just before an interruption.
            return self.way == "move" and os.path.lexists(place)
        try:
            self._make_folder(place.parent)
            is_taken = os.path.lexists(place)
            if is_taken and not self._is_there(item, place, sha256, text_of(str(place))):
                raise FileExistsError(place)
            if self.way == "move":
                return _move(item, place, sha256)
            if self.way == "copy":
                return is_taken or _copy(item, place, sha256)
            if not is_taken:
                place.symlink_to(item.path)
            return True
        except FileExistsError:
            raise
        except PhotoError:
            return False
        except OSError as error:
            # Of this photo alone: its name is too long here, or a folder's name is a file's.
            if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR):
                return False
            raise LostScanError(f"{item.name} cannot be put at {place}: {error}") from error

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:  # a file: no other name within it would do
            if folder.parent == self.folder:
                told = f"the folder {folder} cannot be made: it is a file"
                raise LostScanError(told) from error
            raise NotADirectoryError(errno.ENOTDIR, "it is a file", str(folder)) from error

    def _is_there(self, item: Item, place: Path, sha256: str | None, planned: str | None) -> bool:
        """Tell whether what lies at `place` is this photo, put there before."""
        if self.way == "link":
            return place.is_symlink() and str(place.readlink()) == item.path
        if place.is_symlink() or not place.is_file():
            return False
        # Another photo of the same content is moved too, beside the first: files are not merged.
        if self.way == "move" and text_of(str(place)) != planned:
            return False
        try:
            with open_item(item) as ours, place.open("rb") as theirs:
                return _same(ours, theirs)
        except PhotoError:
            return False


def _numbered(place: Path) -> Iterator[Path]:
    yield place
    for number in itertools.count(2):
        yield place.with_name(f"{place.stem} ({number}){place.suffix}")


def _same(a: BinaryIO, b: BinaryIO) -> bool:
    if a.seek(0, os.SEEK_END) != b.seek(0, os.SEEK_END):
        return False
    a.seek(0)
    b.seek(0)
    while block := a.read(_BLOCK):
        if block != b.read(_BLOCK):
            return False
    return True


def _move(item: Item, place: Path, sha256: str | None) -> bool:
    source = Path(item.path)
    if _is_one(source, place):
        return True  # a mount shows one folder under two names: it is there already
    if not os.access(source.parent, os.W_OK | os.X_OK):
        place.unlink(missing_ok=True)  # the copy of a run that was cut off
        return False
    if not place.exists():
        try:
            os.link(source, place)  # unlike a rename, it never replaces
        except FileExistsError:
            raise
        except OSError:  # another file system, or one without links
            if not _copy(item, place, sha256, verify=True):
                return False
        _sync_folder(place.parent)
    try:
        source.unlink()
    except FileNotFoundError:  # somebody else has removed it: what lies here is the only one
        return True
    except OSError:
        if not os.path.lexists(source):  # a drive that has gone
            raise
        place.unlink()
        return False
    return True


def _is_one(source: Path, place: Path) -> bool:
    """Tell whether two paths are one entry of one folder: removing it would lose the file."""
    if not place.exists() or not place.samefile(source):
        return False
    in_one_folder = source.name == place.name and source.parent.samefile(place.parent)
    return in_one_folder or place.stat().st_nlink < 2


def _copy(item: Item, place: Path, sha256: str | None, verify: bool = False) -> bool:
    """Copy by way of a temporary file: what lies at `place` is whole."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=place.parent)
    part = Path(name)
    try:
        digest = hashlib.sha256()
        with open_item(item) as source, os.fdopen(handle, "wb") as target:
            while block := source.read(_BLOCK):
                digest.update(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        if sha256 not in (None, digest.hexdigest()):
            return False  # it changed since it was judged
        if verify:
            with part.open("rb") as copy:
                if sha256_of(copy) != digest.hexdigest():
                    raise OSError("the copy is not what was written")
        if item.is_file:
            shutil.copystat(item.path, part)
        else:
            part.chmod(0o644)
        settle(part, place)
        return True
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
